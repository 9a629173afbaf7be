"""One stage at a time on real input: with the profiler that its engine brings along."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from config.bot import Bot
from config.settings import Settings
from pipeline.asr import AsrRequest, WhisperEngine
from pipeline.jobs import Priority
from pipeline.llama import MAX_ROWS, LlamaEngine, LlamaModel
from pipeline.llm import LlamaLlm
from pipeline.llm_batch import Batch, BatchResult
from pipeline.scheduler import Scheduler
from pipeline.smart_turn import SmartTurnEngine, TurnRequest
from pipeline.tts import TtsRequest
from pipeline.vad import SileroModel
from telephony.loading import ModelFiles, model_files, tts_engine

from .material import RATE_HZ, phrases, prompts, shared, utterances
from .onnx import after_first_run, model_runs, operators, profiled_sessions
from .profile import Event, Profile, ProfileError, Row, Span, Table, events_of, rows_of, self_times, with_rest
from .spy import spying

MOST_RUNS = 500
"""Of an ONNX model: its profiler keeps a million events, and a chunk of the VAD has hundreds."""
OURS, SPY = 1, 2
"""Processes of the trace: our own spans and py-spy's view."""


class TimedWhisper(WhisperEngine):
    """Whisper with a span for each of its parts."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.spans: list[Span] = []

    def _mel(self, audio: Any) -> Any:
        return _timed(self.spans, "mel spectrogram", lambda: super(TimedWhisper, self)._mel(audio))

    def _encode(self, window: Any) -> Any:
        return _timed(self.spans, "encoder", lambda: super(TimedWhisper, self)._encode(window))

    def _generate(self, encoded: Any, prompt: list[int], limit: int, scores: bool) -> Any:
        return _timed(self.spans, "decoder", lambda: super(TimedWhisper, self)._generate(encoded, prompt, limit, scores))


class TimedLlama(LlamaEngine):
    """llama.cpp with a span for each decode and for what is left of its step."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.spans: list[Span] = []
        super().__init__(*args, **more)

    def run(self, request: Batch) -> BatchResult:
        """See `LlamaEngine.run`."""
        result = super().run(request)
        if request.rows:
            # The model is waited for when its logits are read, so this is a part of the step, not of Python.
            self.spans.append(Span("reading logits, argmax", self.spans[-1].end_ns, time.monotonic_ns()))
        return result

    def _decode(self, request: Batch) -> int:
        kind = "one row" if len(request.rows) == 1 else "several rows"
        if not request.rows:
            return super()._decode(request)
        return int(_timed(self.spans, f"llama_decode, {kind}", lambda: super(TimedLlama, self)._decode(request)))


def _timed(spans: list[Span], name: str, work: Callable[[], Any]) -> Any:
    start_ns = time.monotonic_ns()
    try:
        return work()
    finally:
        spans.append(Span(name, start_ns, time.monotonic_ns()))


def _repeat(runs: Sequence[Callable[[], object]], seconds: float, most: int | None = None) -> tuple[int, float]:
    """Run one after the other, over and over, for at least so long, but not more than `most`: how many ran, ms in all."""
    began, count = time.monotonic(), 0
    for run in itertools.islice(itertools.cycle(runs), most):
        run()
        count += 1
        if time.monotonic() - began >= seconds:
            break
    return count, (time.monotonic() - began) * 1000


# onnxruntime


def profile_onnx(stage: str, settings: Settings, bot: Bot, seconds: float) -> Profile:
    """`vad`, `turn` or `tts` by onnxruntime's own profiler. Raises `ProfileError`, and what loading the model raises."""
    files = model_files(settings)
    runs = _onnx_work(stage, settings, bot, files)
    runs[0]()
    plain, plain_ms = _repeat(runs, seconds / 4, MOST_RUNS)
    with profiled_sessions() as sessions:
        runs = _onnx_work(stage, settings, bot, files)
        runs[0]()  # allocates
        count, wall_ms = _repeat(runs, seconds, MOST_RUNS)
    events = _by_session(after_first_run(events) for events in sessions)
    times, model_ms = model_runs(events)
    if not times:
        raise ProfileError(f"stage {stage}: onnxruntime's profiler saw no run of a model")
    kernels = operators(events)
    found = Profile(stage)
    in_model = with_rest("operators of the model", kernels, model_ms, "between operators (and the profiler)")
    around = [Row("the model", times, model_ms), Row("around it: features, text, resampling", count, max(0.0, wall_ms - model_ms))]
    found.tables = [Table("the stage", tuple(around), wall_ms), in_model]
    found.events = events
    with_it, without = wall_ms / count, plain_ms / plain
    found.notes = [
        f"{count} runs of {with_it:.2f} ms each; {without:.2f} ms without the profiler, which costs a little for every operator"
    ]
    return found


def _onnx_work(stage: str, settings: Settings, bot: Bot, files: ModelFiles) -> list[Callable[[], object]]:
    """What is measured, run by run."""
    match stage:
        case "vad":
            if files.vad is None:
                raise ProfileError("stage vad: WebRTC's VAD is no ONNX model; set FIRSTWORD_VAD__ENGINE=silero")
            stream = SileroModel(files.vad).stream(RATE_HZ)
            size = stream.chunk_samples
            chunks = [said.pcm[at : at + size] for said in utterances() for at in range(0, len(said.pcm) - size, size)]
            runs: list[Callable[[], object]] = [partial(stream.probability, chunk) for chunk in chunks]
        case "turn":
            turn = SmartTurnEngine(files.turn, threads=settings.threads)
            runs = [partial(turn.run, TurnRequest(said.pcm, RATE_HZ)) for said in utterances()]
        case "tts":
            tts = tts_engine(settings, bot, files)
            runs = [partial(tts.run, TtsRequest(phrase, RATE_HZ)) for phrase in phrases(bot)]
        case _:
            raise ProfileError(f"stage {stage} is no ONNX model")
    return runs


def _by_session(sessions: Iterable[Sequence[Event]]) -> list[Event]:
    """Each session under a process number of its own: their clocks begin when they do."""
    return [{**event, "pid": number} for number, events in enumerate(sessions, 1) for event in events]


# CTranslate2


def profile_asr(settings: Settings, bot: Bot, seconds: float) -> Profile:
    """Whisper: its parts by our own clock, the Python around it by py-spy. Raises `ProfileError`."""
    asr = settings.asr
    files = model_files(settings)
    engine = TimedWhisper(
        files.asr,
        device=asr.device,
        compute_type=asr.compute_type,
        threads=settings.threads,
        window_s=asr.window_s,
        language=bot.language,
    )
    runs = [partial(engine.run, AsrRequest(said.pcm, RATE_HZ)) for said in utterances()]
    runs[0]()
    engine.spans.clear()
    with spying(os.getpid()) as spied:
        began_ns = time.monotonic_ns()
        count, wall_ms = _repeat(runs, seconds)
    main = spied.thread("MainThread")
    functions = self_times(spied.events).get(main or 0, {})
    found = Profile("asr")
    found.tables = [
        with_rest("parts of the recogniser", rows_of(engine.spans), wall_ms, "resampling, tokens, text"),
        _functions("Python functions, py-spy", functions, lambda name: "profiling/" not in name),
    ]
    shift_us = next((float(e["ts"]) for e in spied.events if "asr.py" in str(e.get("args", {}).get("filename"))), 0.0)
    spans = events_of(engine.spans, began_ns - int(shift_us * 1000), process="recogniser", pid=OURS)
    found.events = [*spans, *({**event, "pid": SPY} for event in spied.events)]
    found.notes = [
        f"{count} transcripts, {wall_ms / count:.0f} ms each; CTranslate2 has no profiler of its own: its threads are not seen"
    ]
    return found


def _functions(title: str, functions: dict[str, tuple[int, float]], wanted: Callable[[str], bool]) -> Table:
    rows = tuple(Row(name, calls, ms) for name, (calls, ms) in functions.items() if ms > 0 and wanted(name))
    return Table(title, rows, sum(row.ms for row in rows))


# llama.cpp


def profile_llm(settings: Settings, bot: Bot, seconds: float) -> Profile:
    """The language model by llama.cpp's own counters, and by our clock around its steps."""
    files = model_files(settings)
    model = LlamaModel(files.llm, settings.llm.device)
    engine = TimedLlama(model, n_ctx=2048, max_sequences=4, threads=settings.threads)
    try:
        began_ns, replies, wall_ms = asyncio.run(_replies(engine, settings, bot, seconds))
        counted = engine.timings()
    finally:
        engine.close()
        model.close()
    found = Profile("llm")
    rows = rows_of(engine.spans)
    rate = 1000 * counted.prompt_tokens / counted.prompt_ms if counted.prompt_ms else 0.0
    speed = 1000 * counted.decoded_tokens / counted.decoded_ms if counted.decoded_ms else 0.0
    prompt = Row(f"steps of several rows: {rate:.0f} rows/s", counted.prompt_tokens, counted.prompt_ms)
    decode = Row(f"steps of one row: {speed:.1f} tokens/s", counted.decoded_tokens, counted.decoded_ms)
    found.tables = [
        with_rest("parts of the replies", rows, wall_ms, "between steps: planning, tokens, threads"),
        Table("llama_perf_context", (prompt, decode), counted.prompt_ms + counted.decoded_ms),
    ]
    found.events = events_of(engine.spans, began_ns, process="llama.cpp", pid=OURS)
    found.notes = [f"{replies} replies, {wall_ms / replies:.0f} ms each; one row at a time is decoding, several are a prompt"]
    return found


def llm_speed(settings: Settings, bot: Bot, seconds: float) -> tuple[float, float, float]:
    """Prompt and reply tokens a second by llama.cpp's counters, and ms a reply."""
    files = model_files(settings)
    model = LlamaModel(files.llm, settings.llm.device)
    engine = TimedLlama(model, n_ctx=2048, max_sequences=4, threads=settings.threads)
    try:
        _, replies, wall_ms = asyncio.run(_replies(engine, settings, bot, seconds))
        counted = engine.timings()
    finally:
        engine.close()
        model.close()
    rate = 1000 * counted.prompt_tokens / counted.prompt_ms if counted.prompt_ms else 0.0
    speed = 1000 * counted.decoded_tokens / counted.decoded_ms if counted.decoded_ms else 0.0
    return rate, speed, wall_ms / replies


async def _replies(engine: TimedLlama, settings: Settings, bot: Bot, seconds: float) -> tuple[int, int, float]:
    async with Scheduler(settings.threads, [engine], time.monotonic_ns) as scheduler:
        llm = LlamaLlm(engine, scheduler, MAX_ROWS)
        await llm.share(shared(bot))
        engine.forget_timings()
        engine.spans.clear()
        session = llm.session("profile")
        began_ns, count = time.monotonic_ns(), 0
        for messages in itertools.cycle(prompts(bot)):
            count += 1
            tokens = session.generate(
                messages, count, priority=Priority.FIRST_PHRASE, max_tokens=settings.llm.max_reply_tokens, stop=("\n",)
            )
            async for _piece in tokens:
                pass
            if time.monotonic_ns() - began_ns >= seconds * 1e9:
                break
        wall_ms = (time.monotonic_ns() - began_ns) / 1e6
        session.close()
    return began_ns, count, wall_ms


def profile_stage(stage: str, settings: Settings, bot: Bot, seconds: float) -> Profile:
    """Any stage but `loop`."""
    match stage:
        case "vad" | "turn" | "tts":
            return profile_onnx(stage, settings, bot, seconds)
        case "asr":
            return profile_asr(settings, bot, seconds)
        case "llm":
            return profile_llm(settings, bot, seconds)
        case _:
            raise ProfileError(f"no stage {stage}")
