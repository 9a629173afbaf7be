// Callers for k6: recorded callers at real pace on the real Twilio stream, measured at the ear. `make load TOOL=k6` runs it. By hand:
//
//   k6 run -e URL=http://127.0.0.1:8080 -e CALLS=8 -e SECONDS=300 tests/load/stream.js
//
// Shares no code with telephony/caller: the play-out clock, the µ-law decoder and the measuring below are its own, so that the two can be
// held against each other. Only recorded calls in which the caller lets the bot finish can be played.

import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';
import { b64decode, b64encode } from 'k6/encoding';
import { WebSocket } from 'k6/experimental/websockets';
import { Counter, Trend } from 'k6/metrics';

const URL = __ENV.URL || 'http://127.0.0.1:8080';
const CALLS = Number(__ENV.CALLS || 1);
const SECONDS = Number(__ENV.SECONDS || 60);
const STAGGER_S = Number(__ENV.STAGGER_S || 1.7);
const FIXTURES = (__ENV.FIXTURES || 'default,noisy').split(',');

const FRAME_MS = 20;
const FRAME = 160; // samples at 8 kHz, one byte of µ-law each
const SAMPLES_PER_MS = 8;
const AUDIBLE_RMS = 200; // of 32768
const PART_FRAMES = 15; // 300 ms of quiet part two stretches of speech
const SETTLED_MS = 700; // an empty play-out for so long: the bot has finished, it does not merely breathe
const GAP_MS = 1000; // from the bot's last audible sample to the caller's next word
const LINGER_MS = 1500;
const PATIENCE_MS = 12000;

export const options = {
  scenarios: {
    callers: { executor: 'constant-vus', vus: CALLS, duration: `${SECONDS}s`, gracefulStop: '1s' },
  },
  summaryTrendStats: ['count', 'p(50)', 'p(95)', 'p(99)', 'max'],
};

const firstWord = new Trend('first_word', true);
const greeting = new Trend('greeting', true);
const lateFrame = new Trend('late_frame', true);
const calls = new Counter('calls');
const unanswered = new Counter('unanswered');
const refused = new Counter('refused');

// ITU-T G.711, µ-law: the square of each code's 16-bit value.
const SQUARES = new Float64Array(256).map((_, code) => {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4)) - 0x84;
  return magnitude * magnitude;
});

function energy(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 1) sum += SQUARES[bytes[i]];
  return sum;
}

const isAudible = (sumOfSquares) => sumOfSquares / FRAME > AUDIBLE_RMS * AUDIBLE_RMS;

// The bytes of a WAV's data chunk; µ-law (format tag 7) at 8 kHz mono only, which is what recorded calls are kept in.
function ulawOf(file) {
  const view = new DataView(file);
  let found = null;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const name = String.fromCharCode(...new Uint8Array(file, at, 4));
    const size = view.getUint32(at + 4, true);
    if (name === 'fmt ' && (view.getUint16(at + 8, true) !== 7 || view.getUint32(at + 12, true) !== 8000)) {
      throw new Error('recorded calls are 8 kHz µ-law WAV files');
    }
    if (name === 'data') found = new Uint8Array(file.slice(at + 8, at + 8 + size));
    at += 8 + size + (size % 2);
  }
  if (found === null) throw new Error('a WAV file without audio');
  return found;
}

// An utterance as frames ready for the wire, and where its last audible frame ends.
function utterance(path) {
  const bytes = ulawOf(open(path, 'b'));
  const frames = [];
  let ends = 0;
  for (let at = 0; at < bytes.length; at += FRAME) {
    const frame = new Uint8Array(FRAME).fill(0xff);
    frame.set(bytes.subarray(at, at + FRAME));
    frames.push(b64encode(frame.buffer));
    if (isAudible(energy(frame))) ends = frames.length;
  }
  return { frames, ends };
}

function recordedCall(name) {
  const folder = `../../fixtures/calls/${name}`;
  const script = open(`${folder}/call.toml`);
  const other = script.match(/^(press|wait_ms|hang_up|into_reply_ms|after_previous_ms|hum)\b/m);
  if (other) throw new Error(`${name}: a caller with ${other[1]} is none for k6`);
  return [...script.matchAll(/^say = ["'](.+)["']/gm)].map((found) => utterance(`${folder}/${found[1]}`));
}

const SCRIPTS = FIXTURES.map(recordedCall);
const SILENCE = b64encode(new Uint8Array(FRAME).fill(0xff).buffer);

// What Twilio lets through: plays 8000 samples a second of whatever has come, without a pause while there is some. A mark comes back when all
// audio before it has been played, `clear` drops the audio and brings back every mark.
class PlayOut {
  constructor(giveBack) {
    this.giveBack = giveBack;
    this.queue = []; // Uint8Array of audio, string for a mark
    this.head = 0; // sample of the call's timeline that is played next
    this.frames = []; // energy of each 20 ms of the timeline
    this.emptySince = 0;
  }

  media(bytes, now) {
    this.advance(now);
    if (!this.playing) this.head = Math.max(this.head, now);
    this.queue.push(bytes);
  }

  mark(name, now) {
    this.advance(now);
    this.queue.push(name);
    this.advance(now);
  }

  clear(now) {
    this.advance(now);
    const marks = this.queue.filter((item) => typeof item === 'string');
    this.queue = [];
    this.emptySince = now;
    marks.forEach(this.giveBack);
  }

  get playing() {
    return this.queue.some((item) => typeof item !== 'string');
  }

  // The sample at which the next mark is reached; null without one.
  get nextMark() {
    let at = this.head;
    for (const item of this.queue) {
      if (typeof item === 'string') return at;
      at += item.length;
    }
    return null;
  }

  advance(now) {
    while (this.queue.length) {
      const item = this.queue[0];
      if (typeof item === 'string') {
        if (this.head > now) return;
        this.queue.shift();
        this.giveBack(item);
        continue;
      }
      const count = Math.min(item.length, now - this.head);
      if (count <= 0) return;
      this.hear(item.subarray(0, count));
      if (count < item.length) {
        this.queue[0] = item.subarray(count);
        return;
      }
      this.queue.shift();
      this.emptySince = this.head;
    }
  }

  hear(bytes) {
    for (let at = 0; at < bytes.length; ) {
      const frame = Math.floor(this.head / FRAME);
      const part = bytes.subarray(at, at + FRAME - (this.head % FRAME));
      this.frames[frame] = (this.frames[frame] || 0) + energy(part);
      this.head += part.length;
      at += part.length;
    }
  }
}

// One call from `start` to its end.
class Call {
  constructor(socket, callSid, parameters, script) {
    this.socket = socket;
    this.callSid = callSid;
    this.streamSid = `MZ${callSid.slice(2)}`;
    this.parameters = parameters;
    this.script = script;
    this.sequence = 0;
    this.frame = 0; // the next one to be sent; it holds the sound of the 20 ms before it is sent
    this.next = 0; // utterance
    this.speaking = null; // { frames, at }
    this.askedUntil = null; // frame at which the caller fell silent; null while no answer is waited for
    this.listenFrom = 0;
    this.heardFrames = 0;
    this.lastAudible = -1;
    this.onset = null; // of what the bot says since `listenFrom`
    this.greeted = false;
    this.over = false;
    this.ear = new PlayOut((name) => this.send('mark', { name }));
  }

  begin() {
    this.origin = Date.now();
    this.socket.send(JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' }));
    this.send('start', {
      accountSid: 'AC00000000000000000000000000000001',
      streamSid: this.streamSid,
      callSid: this.callSid,
      tracks: ['inbound'],
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
      customParameters: this.parameters,
    });
    this.arm();
  }

  get now() {
    return (Date.now() - this.origin) * SAMPLES_PER_MS;
  }

  send(event, body) {
    if (this.over) return;
    this.sequence += 1;
    const message = { event, sequenceNumber: String(this.sequence), streamSid: this.streamSid };
    message[event] = body;
    this.socket.send(JSON.stringify(message));
  }

  take(text) {
    const message = JSON.parse(text);
    if (message.event === 'media') this.ear.media(new Uint8Array(b64decode(message.media.payload)), this.now);
    else if (message.event === 'mark') this.ear.mark(message.mark.name, this.now);
    else if (message.event === 'clear') this.ear.clear(this.now);
    this.armMark();
  }

  // A mark leaves when it is reached, not with the next frame.
  armMark() {
    const at = this.ear.nextMark;
    if (at === null || this.markTimer || this.over) return;
    this.markTimer = setTimeout(() => {
      this.markTimer = 0;
      this.ear.advance(this.now);
      this.armMark();
    }, Math.max(0, Math.ceil((at - this.now) / SAMPLES_PER_MS)));
  }

  arm() {
    setTimeout(() => this.tick(), Math.max(0, this.origin + (this.frame + 1) * FRAME_MS - Date.now()));
  }

  // On an absolute schedule: a frame that is late does not make the next one late.
  tick() {
    if (this.over) return;
    if (Date.now() > exec.scenario.startTime + SECONDS * 1000) {
      this.end(); // k6 would cut the call a moment later, and warn of it
      return;
    }
    lateFrame.add(Math.max(0, Date.now() - this.origin - (this.frame + 1) * FRAME_MS));
    this.ear.advance(this.now);
    this.listen();
    this.decide();
    if (this.over) return;
    let payload = SILENCE;
    if (this.speaking) {
      payload = this.speaking.frames[this.speaking.at];
      this.speaking.at += 1;
      if (this.speaking.at === this.speaking.frames.length) this.speaking = null;
    }
    const media = { track: 'inbound', chunk: String(this.frame + 1), timestamp: String(this.frame * FRAME_MS), payload };
    this.send('media', media);
    this.frame += 1;
    this.arm();
  }

  // Frames of the bot that are past.
  listen() {
    for (; this.heardFrames < this.frame; this.heardFrames += 1) {
      if (!isAudible(this.ear.frames[this.heardFrames] || 0)) continue;
      const begins = this.lastAudible < 0 || this.heardFrames - this.lastAudible > PART_FRAMES;
      this.lastAudible = this.heardFrames;
      if (!begins || this.heardFrames < this.listenFrom) continue;
      if (this.onset === null) this.onset = this.heardFrames;
      if (!this.greeted) {
        greeting.add(this.heardFrames * FRAME_MS);
        this.greeted = true;
      } else if (this.askedUntil !== null) {
        firstWord.add((this.heardFrames - this.askedUntil) * FRAME_MS);
        this.askedUntil = null;
      }
    }
  }

  decide() {
    if (this.speaking) return;
    const last = this.next === this.script.length;
    const patient = (this.frame - this.listenFrom) * FRAME_MS < PATIENCE_MS;
    if (this.onset === null ? patient : !this.isBotDone(last ? LINGER_MS : GAP_MS)) return;
    if (this.askedUntil !== null) unanswered.add(1);
    this.askedUntil = null;
    if (last) {
      this.send('stop', { accountSid: 'AC00000000000000000000000000000001', callSid: this.callSid });
      this.end();
      return;
    }
    const { frames, ends } = this.script[this.next];
    this.next += 1;
    this.speaking = { frames, at: 0 };
    this.askedUntil = this.frame + ends;
    this.listenFrom = this.askedUntil;
    this.onset = null;
    this.greeted = true; // a greeting that has not come by now never was one
  }

  isBotDone(gapMs) {
    if (this.ear.playing) return false;
    const emptyMs = (this.now - this.ear.emptySince) / SAMPLES_PER_MS;
    return emptyMs >= SETTLED_MS && (this.frame - this.lastAudible - 1) * FRAME_MS >= gapMs;
  }

  end() {
    if (this.over) return;
    this.over = true;
    if (this.markTimer) clearTimeout(this.markTimer);
    calls.add(1);
    this.socket.close();
  }
}

// POST /twilio/voice: the stream's address and its parameters; null when the call is not taken.
function answer(callSid) {
  const form = { CallSid: callSid, From: '+15550100001', To: '+15550100002', CallStatus: 'ringing', Direction: 'inbound' };
  const twiml = http.post(`${URL}/twilio/voice`, form);
  const stream = twiml.status === 200 && twiml.body.match(/<Stream url="([^"]+)"/);
  if (!stream) return null;
  const parameters = {};
  for (const found of twiml.body.matchAll(/<Parameter name="([^"]+)" value="([^"]*)"/g)) parameters[found[1]] = found[2];
  // A gateway on this machine has no TLS of its own, though its TwiML says wss: Twilio speaks nothing else.
  return { url: URL.startsWith('http://') ? stream[1].replace(/^wss:/, 'ws:') : stream[1], parameters };
}

function newCallSid() {
  let digits = '';
  while (digits.length < 32) digits += Math.floor(Math.random() * 16).toString(16);
  return `CA${digits}`;
}

export default function () {
  const number = exec.vu.idInTest - 1;
  const turn = exec.vu.iterationInScenario;
  sleep(turn === 0 ? number * STAGGER_S : 1);
  const callSid = newCallSid();
  const target = answer(callSid);
  if (target === null) {
    refused.add(1);
    sleep(1);
    return;
  }
  const socket = new WebSocket(target.url);
  const call = new Call(socket, callSid, target.parameters, SCRIPTS[(number + turn) % SCRIPTS.length]);
  socket.onopen = () => call.begin();
  socket.onmessage = (message) => call.take(message.data);
  socket.onclose = () => call.end();
  socket.onerror = (error) => {
    console.error(`${target.url}: ${error.error}`);
    if (!call.sequence) refused.add(1);
    call.end();
  };
}

// The keys of telephony/bench/load.py.
function percentiles(metric) {
  if (!metric) return { n: 0 };
  const values = metric.values;
  return { n: values.count, p50: Math.round(values['p(50)']), p95: Math.round(values['p(95)']), p99: Math.round(values['p(99)']) };
}

export function handleSummary(data) {
  const count = (name) => (data.metrics[name] ? data.metrics[name].values.count : 0);
  const found = {
    tool: 'k6',
    calls: count('calls'),
    first_word: percentiles(data.metrics.first_word),
    greeting: percentiles(data.metrics.greeting),
    unanswered: count('unanswered'),
    refused: count('refused'),
    worst_tick: data.metrics.late_frame ? data.metrics.late_frame.values.max : 0,
  };
  const text = JSON.stringify(found);
  return __ENV.REPORT ? { stdout: `${text}\n`, [__ENV.REPORT]: text } : { stdout: `${text}\n` };
}
