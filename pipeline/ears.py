"""A call's ears: the caller's frames in, starts and pauses of speech out, the bot's own echo left out.

No clock and no I/O: `now` is passed in; the VAD model is the only thing that computes. Kept here too: the last half minute of both sides, and
the caller's timeline against ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.audibility import FRAME_MS, audible, audible_frames, last_audible, rms
from pipeline.audio import History
from pipeline.echo import likeness
from pipeline.leg import Pcm
from pipeline.vad import EnergyPause, SpeechDetector, SpeechEvent, SpeechPaused, SpeechStarted, VadStream

START_MS = 64
CALLER_S = 32.0
# Whole replies are given to the leg at once: what the ear hears now may lie this far back.
BOT_S = 40.0
# The bot's echo comes back within this time (bufferbloat included).
ECHO_WINDOW_MS = 1500
ECHO_PROBE_MS = 200
# A first sound is either speech by then or none: the VAD is sure 80 ms after the first audible frame (median of 543 sentences that go on), 140 at the 95th percentile.
DOUBT_FRAMES = 8
# So many chunks in a row must sound unlike the bot before somebody is taken to talk over its echo.
UNLIKE_CHUNKS = 2
# A voice is audible at most so many frames before and after the sample from which on the VAD calls it speech; so many of them in a row
# may be silent.
_ONSET_FRAMES = 12
_CLOSURE_FRAMES = 4
LEAST_PAUSE_MS = 40
"""So much of a noise that can be heard is taken for the pause, and no more: a weak last sound may lie before it."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Thresholds: P(speech); `pause_ms` of silence; `over_bot_ms` of speech while the bot talks; likeness that makes an echo."""

    threshold: float = 0.5
    pause_ms: int = 40
    over_bot_ms: int = 90
    echo: float = 0.5


class Ears:
    """`hear` for each 20 ms of the caller, `bot_speaks` for whatever is given to the leg."""

    def __init__(self, vad: VadStream, rate_hz: int, hearing: Hearing) -> None:
        self.caller = History(rate_hz, CALLER_S)
        self.over_bot = False  # whether the speech that began last began over the bot
        self._vad = vad
        self._rate_hz = rate_hz
        self._hearing = hearing
        self._detector = SpeechDetector(
            rate_hz, vad.chunk_samples, threshold=hearing.threshold, start_ms=START_MS, pause_ms=hearing.pause_ms
        )
        self._energy = EnergyPause(rate_hz, hearing.pause_ms)
        self._chunk: Pcm = np.zeros(0, np.int16)
        self._chunk_start = 0
        self._arrival = (0, 0)  # (end of the newest caller sample, when it came)
        self._bot = History(rate_hz, BOT_S)
        self._bot_until = -(10**9)  # caller sample until which the bot was audible
        self._ahead = 0
        self._echoing = False
        self._unlike = 0
        self._talking = False
        self._loud = 0  # frames in a row that no pause would have

    def bot_speaks(self, pcm: Pcm) -> None:
        """This is what the bot says next."""
        self._bot.append(self._bot.end, pcm)

    def hear(self, first_sample: int, pcm: Pcm, now: int, *, bot_audible: bool, ahead: int) -> list[SpeechEvent]:
        """The next 20 ms. `ahead`: samples given to the leg that the ear has not heard."""
        self.caller.append(first_sample, pcm)
        self._arrival = (first_sample + len(pcm), now)
        self._ahead = ahead
        if len(self._chunk) == 0:
            self._chunk_start = first_sample
        self._chunk = np.concatenate([self._chunk, pcm])
        if bot_audible:
            self._bot_until = first_sample + len(pcm)
        events: list[SpeechEvent] = []
        size = self._vad.chunk_samples
        while len(self._chunk) >= size:
            self._judge(self._chunk_start, self._chunk[:size], events, bot_audible=bot_audible)
            self._chunk = self._chunk[size:]
            self._chunk_start += size
        if not self._echoing:
            self._listen_for_the_pause(first_sample, pcm, events)
        self._loud = self._loud + 1 if self._energy.loud else 0
        return events

    def _judge(self, first_sample: int, chunk: Pcm, events: list[SpeechEvent], *, bot_audible: bool) -> None:
        self._detector.start_ms = self._hearing.over_bot_ms if bot_audible else START_MS
        probability = self._vad.probability(chunk)
        event = self._detector.feed(first_sample, probability)
        end = first_sample + len(chunk)
        match event:
            case SpeechStarted():
                self._unlike = 0
                self._echoing = self._echo_possible(first_sample) and self._sounds_like_the_bot(end)
                if not self._echoing:
                    self._start(event.sample, events, bot_audible=bot_audible)
            case SpeechPaused():
                if not self._echoing:
                    self._pause(event.sample, events)
                self._echoing = False
            case None:
                if self._echoing and probability >= self._hearing.threshold and audible(chunk):
                    self._unlike = 0 if self._sounds_like_the_bot(end) else self._unlike + 1
                    if self._unlike >= UNLIKE_CHUNKS:
                        self._echoing = False  # somebody talks over the echo
                        self._start(end - self._rate_hz * ECHO_PROBE_MS // 1000, events, bot_audible=bot_audible)

    def _listen_for_the_pause(self, first_sample: int, pcm: Pcm, events: list[SpeechEvent]) -> None:
        """The level falls before the VAD's probability does."""
        event = self._energy.feed(first_sample, rms(pcm), speech=self._detector.speaking)
        match event:
            case SpeechPaused():
                self._pause(event.sample, events)
            case SpeechStarted():
                self._start(event.sample, events, bot_audible=self.over_bot)
            case None:
                pass

    def _start(self, sample: int, events: list[SpeechEvent], *, bot_audible: bool) -> None:
        if not self._talking:
            self._talking = True
            self.over_bot = bot_audible
            events.append(SpeechStarted(sample))

    def _pause(self, sample: int, events: list[SpeechEvent]) -> None:
        if self._talking:
            self._talking = False
            events.append(SpeechPaused(sample))

    def utterance(self, start: int, end: int) -> Pcm:
        """What the caller said in [start, end), up to the middle of a pause, and 40 ms of silence behind the last sound.

        In 40 ms of a line's noise there tiny.en hears that somebody goes on, and in 20 ms of silence as well: the level may fall before the last sound is over, and its
        judges were taught with 40 ms (docs/turn-taking.md).
        """
        frame = self._rate_hz * FRAME_MS // 1000
        begin = max(0, end - self._rate_hz) // frame * frame
        last = last_audible(self.caller.between(begin, end), self._rate_hz)
        # A noise that can be heard itself hides where the word ends: as much as a pause has at least is none of it.
        least = self._rate_hz * min(self._hearing.pause_ms, LEAST_PAUSE_MS) // 1000
        silence = end - least if last is None or begin + last >= end else begin + last
        return np.concatenate([self.caller.between(start, max(start, silence)), np.zeros(least, np.int16)])

    # echo

    def _echo_possible(self, sample: int) -> bool:
        """Whether what comes in now may be what the bot said a moment ago."""
        return sample - self._bot_until < self._rate_hz * ECHO_WINDOW_MS // 1000

    def _sounds_like_the_bot(self, end: int) -> bool:
        probe = self._rate_hz * ECHO_PROBE_MS // 1000
        # What the ear hears now and a little more: the estimate of what it has heard may lag.
        sent = self._bot.end - max(0, self._ahead - probe)
        said = self._bot.between(max(0, sent - self._rate_hz * ECHO_WINDOW_MS // 1000), sent)
        return likeness(self.caller.between(end - probe, end), said) >= self._hearing.echo

    # the timeline

    @property
    def unsure(self) -> bool:
        """Whether what came in last may be the first sound of speech: then a silence is not known to be one.

        For so long as the VAD takes to be sure of speech; what is loud for longer and still no speech is noise.
        """
        first = self._detector.starting or 0 < self._loud <= DOUBT_FRAMES
        return first and not self._talking and not self._echoing

    @property
    def hushed(self) -> bool:
        """Whether a pause may have begun: no time to begin work that cannot be interrupted and that a pause makes worthless."""
        return self._energy.quiet

    @property
    def newest(self) -> int:
        """The end of what has been heard."""
        return self._arrival[0]

    def arrived(self, sample: int) -> int:
        """When a caller's sample came in, by the newest frame's arrival (monotonic ns)."""
        end, now = self._arrival
        return now - (end - sample) * 1_000_000_000 // self._rate_hz

    def first_audible(self, start: int) -> int:
        """The first sample of the first audible 20 ms frame of speech that the VAD dates to `start`, or `start` where noise hides it.

        The VAD may call an "s" noise, and the closure of the "t" behind it is silent.
        """
        frame = self._rate_hz * FRAME_MS // 1000
        begin = max(0, start // frame - _ONSET_FRAMES) * frame
        heard = audible_frames(self.caller.between(begin, begin + 2 * _ONSET_FRAMES * frame), self._rate_hz)
        loud = [int(at) for at in heard.nonzero()[0]]
        first = next((at for at in loud if begin + (at + 1) * frame > start), None)
        if first is None:
            return start
        for at in reversed(loud[: loud.index(first)]):
            if first - at > _CLOSURE_FRAMES + 1:
                break
            first = at
        return begin + first * frame if first > _CLOSURE_FRAMES or begin == 0 else start

    def last_audible(self, pause: int) -> int:
        """The end of the last audible 20 ms frame around a pause."""
        frame = self._rate_hz * FRAME_MS // 1000
        start = max(0, pause - self._rate_hz) // frame * frame
        last = last_audible(self.caller.between(start, (pause // frame + 3) * frame), self._rate_hz)
        return pause if last is None else start + last
