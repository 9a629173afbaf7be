"""Where all is put together: loads the engines, warms them, and holds a conversation with each call that comes in."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import structlog

from config.bot import Bot
from config.errors import ModelError
from config.settings import Settings
from pipeline.asr import AsrRequest
from pipeline.call import KEYS, PARDON, Call, CallSettings
from pipeline.dialogue import Dialogue
from pipeline.engines import Engines
from pipeline.jobs import Priority, Work
from pipeline.leg import CallLeg
from pipeline.llama import MAX_ROWS, LlamaError
from pipeline.llm import LlamaLlm
from pipeline.reader import ReadRequest
from pipeline.recorder import Recorder
from pipeline.scheduler import Engine, JobDroppedError, Scheduler, SchedulerClosedError, Usage
from pipeline.smart_turn import TurnRequest
from pipeline.speaker import PhraseCache, PhraseShelf, PhraseSpeaker, WireFormat
from pipeline.text_conversation import TextConversation
from pipeline.trace import TurnTrace
from pipeline.tts import TtsRequest
from pipeline.wording import phrases_of
from telephony.call_log import CallLog
from telephony.engine_metrics import EngineMetrics
from telephony.g711 import encode
from telephony.loading import LoadedEngines, load, model_files, turn_taking, voice_of
from telephony.metrics import Metrics
from telephony.recording.files import Ending, Head
from telephony.recording.writer import Recording, RecordingWriter
from telephony.tracing import Tracing, open_tracing
from telephony.transfer import AfterCall, Dial, HangUp, Record

log = structlog.get_logger()

TELEPHONE_HZ = 8000
TELEPHONE = WireFormat("mulaw", TELEPHONE_HZ, encode)
# Beside the models: the owner's own phrases as audio.
PHRASES = ".phrases"
# Each word costs the decoder a token or two of prompt.
MAX_EXPECTED = 25
WARM_S = 10
LISTENED_S = 0.5
"""So much of a reply is still to be heard where a phrase is made meanwhile, for a later one."""


class Observer:
    """A call's counts and traces to the metrics, its turns to the tracing."""

    def __init__(self, metrics: Metrics, call: str, usage: Usage, tracing: Tracing) -> None:
        self._metrics = metrics
        self._call = call
        self._usage = usage
        self._tracing = tracing
        self._silenced_ms: float | None = None

    def turn_over(self, trace: TurnTrace) -> None:
        """See `CallObserver`."""
        self._metrics.observe_turn(trace)
        self._tracing.turn_over(self._call, trace)

    def counted(self, name: str) -> None:
        """See `CallObserver`."""
        match name:
            case "bet_won":
                self._metrics.count_bet("won")
                self._usage.bets.decided(self._call, "won", time.monotonic_ns())
            case "bet_lost" | "commit_undone":
                self._metrics.count_bet("lost")
                self._usage.bets.decided(self._call, "lost", time.monotonic_ns())
            case "partial_dropped":
                self._metrics.count_partial_dropped()
            case "barge_in_resumed":
                self._metrics.observe_barge_in("resumed", self._silence())
            case "barge_in_cancelled":
                self._metrics.observe_barge_in("cancelled", self._silence())

    def silenced(self, outcome_ms: float) -> None:
        """See `CallObserver`."""
        self._silenced_ms = outcome_ms

    def _silence(self) -> float | None:
        """Told once: what comes of the next barge-in is not counted with the time of this one."""
        silenced_ms, self._silenced_ms = self._silenced_ms, None
        return silenced_ms


class Switchboard:
    """`async with Switchboard(...)`, then `await warm()`; the gateway's `Reception`."""

    def __init__(self, settings: Settings, bot: Bot, metrics: Metrics) -> None:
        self.calls = CallLog(settings.calls_kept)
        self._settings = settings
        self._bot = bot
        self._metrics = metrics
        self._tracing = open_tracing(settings.tracing, metrics, words=settings.log_words)
        self._files = model_files(settings)
        self._state: str | None = "loading models"
        self._loaded: LoadedEngines | None = None
        self._engines: Engines | None = None
        self._dialogue: Dialogue | None = None
        self._call_settings: CallSettings | None = None
        self._held: set[Call] = set()
        self._preparing: asyncio.Task[None] | None = None
        self._writer: RecordingWriter | None = None
        self._bot_text = ""
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        folder = self._settings.recording.folder
        if folder is not None and self._bot.record:
            self._bot_text = self._settings.bot.read_text("utf-8")
            self._writer = RecordingWriter(folder)
            self._writer.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._state = "shutting down"
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])
        await self._stack.aclose()
        await asyncio.get_running_loop().run_in_executor(None, self._tracing.close)
        if self._writer is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._writer.close)
        if self._loaded is not None:
            self._loaded.close()

    # the gateway's Reception

    def ready(self) -> str | None:
        """None when calls can be answered, else why not."""
        return self._state

    def admit(self) -> bool:
        """Whether there is room for one more call."""
        if self._state is not None or self._loaded is None:
            return False
        return len(self._held) < min(self._settings.max_calls, self._loaded.llama.max_sequences - 1)

    def after_call(self, call_sid: str) -> AfterCall:
        """What the bot file says follows a call."""
        del call_sid
        match self._bot.after_call.action:
            case "dial":
                return Dial(self._bot.after_call.number or "")
            case "record":
                return Record("")
            case _:
                return HangUp()

    async def converse(self, leg: CallLeg) -> None:
        """Hold one call until it is over."""
        recording = self._begin_recording(leg)
        call = self.call(leg, recording.recorder if recording else None)
        self._held.add(call)
        self._metrics.active_calls.set(len(self._held))
        self.calls.begin(call.trace)
        leg.subscribe(call.receive)
        try:
            await call.run()
        finally:
            self._held.discard(call)
            self._metrics.active_calls.set(len(self._held))
            self.calls.end(leg.call)
            self._tracing.call_over(call.trace)
            if recording is not None:
                recording.end(Ending(call.trace.end_reason, call.trace.counters), time.monotonic_ns())

    def _begin_recording(self, leg: CallLeg) -> Recording | None:
        if self._writer is None or self._call_settings is None:
            return None
        head = Head(leg.call, self._bot.name, self._bot_text, leg.rate_hz, self._call_settings.turn, dt.datetime.now(dt.UTC))
        recording = self._writer.begin(head, time.monotonic_ns())
        leg.listen_in(recording.recorder.wire)
        return recording

    def call(self, leg: CallLeg, recorder: Recorder | None = None) -> Call:
        """A conversation on this leg. Warm first."""
        assert self._engines is not None
        assert self._dialogue is not None
        assert self._call_settings is not None
        return Call(
            leg,
            self._engines,
            self._dialogue.fork(self._bot.today(dt.datetime.now(dt.UTC))),
            self._call_settings,
            Observer(self._metrics, leg.call, self._engines.scheduler.usage, self._tracing),
            time.monotonic_ns,
            recorder,
        )

    def text_conversation(self, name: str) -> TextConversation:
        """The same dialogue and model without audio: for `check-bot --ask`."""
        assert self._engines is not None
        assert self._dialogue is not None
        return TextConversation(name, self._engines, self._dialogue, self._settings.llm.max_reply_tokens)

    # loading

    async def warm(self) -> None:
        """Load every model and run each once, prefill what all calls share, speak what never changes. Raises what the models raise."""
        began = time.monotonic()
        loop = asyncio.get_running_loop()

        def tell(name: str) -> None:
            self._state = f"loading {name}"

        loaded = await loop.run_in_executor(None, load, self._settings, self._bot, self._files, tell)
        self._loaded = loaded
        self._state = "warming up"
        engines: list[Engine[Any, Any]] = [loaded.asr, loaded.partial, loaded.turn, loaded.embed, loaded.llama, loaded.tts]
        if loaded.reader is not None:
            engines.append(loaded.reader)
        scheduler = await self._stack.enter_async_context(Scheduler(self._settings.threads, engines, time.monotonic_ns))
        llm = LlamaLlm(loaded.llama, scheduler, MAX_ROWS)
        phrases = PhraseCache()
        self._metrics.registry.register(EngineMetrics(scheduler, llm, phrases, self._settings.llm.n_ctx))
        self._metrics.watch("jobs_waiting", "Jobs that wait for a core", lambda: len(scheduler.jobs))
        self._metrics.watch("tasks", "Tasks of the event loop", lambda: len(asyncio.all_tasks(loop)))
        shelf = PhraseShelf(self._settings.models_dir / PHRASES, voice_of(self._settings, self._bot, self._files))
        speaker = PhraseSpeaker(loaded.tts, scheduler, phrases, shelf)
        self._engines = Engines(
            scheduler, loaded.asr, loaded.partial, loaded.turn, loaded.reader, loaded.embed, llm, loaded.vad, speaker
        )
        bot = self._bot
        dialogue = await loop.run_in_executor(
            None,
            lambda: Dialogue(
                bot.name,
                bot.greeting,
                bot.instructions,
                bot.unknown,
                bot.goodbye,
                loaded.embed.embed,
                as_written=self._settings.llm.as_written_words,
            ),
        )
        self._dialogue = dialogue
        if loaded.reader is not None:
            learning = loop.run_in_executor(None, loaded.reader.learn, bot.name, dialogue.statements)
            try:
                await asyncio.shield(learning)
            except asyncio.CancelledError:
                await asyncio.wait([learning])  # the model must not be freed under it
                raise
            except LlamaError as error:
                raise ModelError(str(error), "To check the models: firstword models verify") from error
        self._call_settings = CallSettings(
            bot=bot.name,
            greeting=bot.greeting,
            goodbye=bot.goodbye,
            reprompts=bot.reprompts,
            turn=turn_taking(self._settings, bot),
            bias=expected_words(bot, dialogue.vocabulary()),
            vad_threshold=self._settings.vad.threshold,
            barge_in_ms=self._settings.barge_in.min_speech_ms,
            echo_likeness=self._settings.barge_in.echo_correlation,
            max_reply_tokens=self._settings.llm.max_reply_tokens,
            speed=bot.speed or self._settings.tts.speed,
            log_words=self._settings.log_words,
            partials=self._settings.asr.partials,
        )
        await llm.share(dialogue.prefix)
        await self._warm_speech(scheduler, loaded, self._call_settings)
        self._state = None
        sayings = dialogue.sayings() if self._settings.tts.prepare else []
        self._preparing = asyncio.create_task(self._prepare_sayings(speaker, sayings, self._call_settings.speed), name="prepare")
        log.info("ready", bot=bot.name, after_s=round(time.monotonic() - began, 1))

    async def _warm_speech(self, scheduler: Scheduler, loaded: LoadedEngines, call: CallSettings) -> None:
        """The first run of a model allocates: no caller should wait for it. And what every call hears is made now."""
        assert self._engines is not None
        work = Work("warm", Priority.BET, ("warm", 0))
        # Also when all phrases are on disk. It is speech that the recognisers have to decode: every pool of theirs gets as large as a call makes it.
        greeting = (await scheduler.run(loaded.tts, work, TtsRequest(call.greeting, TELEPHONE_HZ))).value
        speech = np.resize(greeting.pcm, WARM_S * TELEPHONE_HZ)
        for asr in (loaded.asr, loaded.partial):
            heard = (scheduler.run(asr, work, AsrRequest(speech, TELEPHONE_HZ, call.bias)) for _ in range(asr.concurrency))
            await asyncio.gather(*heard)
        await scheduler.run(loaded.turn, work, TurnRequest(speech, TELEPHONE_HZ))
        if loaded.reader is not None:
            await scheduler.run(loaded.reader, work, ReadRequest("warm", call.greeting))
        cut = [phrase for text in (*call.reprompts, call.goodbye, self._bot.unknown, PARDON, KEYS) for phrase in phrases_of(text)]
        for text in (call.greeting, *cut):
            await self._engines.speaker.prepare(text, TELEPHONE, call.speed, Priority.BET)

    async def _prepare_sayings(self, speaker: PhraseSpeaker, sayings: Sequence[str], speed: float) -> None:
        """While nobody waits: the audio of what this bot says word for word whenever it is asked.

        A phrase takes both cores for a tenth of a second or three, and can't be interrupted: it is made while nobody is on the line, or all who are listen to the bot.
        """
        try:
            for text in (phrase for saying in sayings for phrase in phrases_of(saying)):
                while not await self._prepared(speaker, text, speed):
                    pass
        except SchedulerClosedError:
            return
        except Exception:
            log.exception("prepare_failed")

    async def _prepared(self, speaker: PhraseSpeaker, text: str, speed: float) -> bool:
        """Make one phrase as soon as nobody waits; False where somebody came in between."""
        # Looked at now and then: it changes with every frame, and only until all phrases are made.
        while not all(call.unheard_s >= LISTENED_S for call in self._held):  # noqa: ASYNC110
            await asyncio.sleep(LISTENED_S / 2)
        try:
            await speaker.prepare(text, TELEPHONE, speed, Priority.PARTIAL)
        except SchedulerClosedError:
            raise
        except JobDroppedError:
            return False
        return True


def expected_words(bot: Bot, words: Sequence[str]) -> str:
    """The bot's own words as Whisper likes to be given them: running text in the style that the transcript is to have.

    A bare list of words makes it write lists: lower case, commas, and a word more often than it was said.
    """
    chosen = list(dict.fromkeys((*bot.vocabulary, *words)))[:MAX_EXPECTED]
    return f"Hello, {bot.name}. I have a question about {', '.join(chosen)}." if chosen else f"Hello, {bot.name}."
