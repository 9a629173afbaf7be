"""The LLM as a call sees it: a session that keeps its place in the cache from turn to turn.

Prompts are whole conversations, as for any chat server; how much of one is cached already is the session's business. So a server
that caches prefixes can stand behind the same interface. No token or sequence ids in it.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.jobs import Job, Priority, Work
from pipeline.llama import LlamaEngine
from pipeline.llm_batch import Batch, BatchPlanner, BatchResult, Sampled
from pipeline.prompts import Message
from pipeline.scheduler import JobDroppedError, Ran, Scheduler, SchedulerClosedError


class LlmFailedError(Exception):
    """The model could not go on with this reply. The session can be asked again."""


@dataclass(slots=True)
class Generation:
    """How a reply came about: prompt tokens computed after it was asked for and dropped before, tokens sampled, worker time.

    `bet`: how many of those computed were so before somebody waited for the reply; None where nobody came to wait for its first words.
    """

    prefilled: int = 0
    bet: int | None = None
    rolled_back: int = 0
    sampled: int = 0
    started_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Of decoding alone: from the first token to the last. 0.0 for a reply of one."""
        return (self.sampled - 1) * 1e9 / (self.last_ns - self.first_ns) if self.last_ns > self.first_ns else 0.0


class LlmSession(Protocol):
    """One call's conversation with the model."""

    last: Generation

    def prepare(self, messages: Sequence[Message], turn: int) -> None:
        """A hint: this is how the next prompt will probably begin (the last message may still grow). Returns at once."""
        ...

    def generate(
        self, messages: Sequence[Message], turn: int, *, priority: Priority, max_tokens: int, stop: Sequence[str] = ()
    ) -> AsyncIterator[str]:
        """The reply, piece by piece, up to the first of `stop`. Raises LlmFailedError. Close the iterator to cancel: nothing is computed after the running step."""
        ...

    def prioritise(self, priority: Priority) -> None:
        """The reply under way is more, or less, urgent than was thought."""
        ...

    def close(self) -> None:
        """The call is over."""
        ...


class Llm(Protocol):
    """A model server: local or remote."""

    async def share(self, messages: Sequence[Message]) -> None:
        """Prefill what every call of a bot begins with, once."""
        ...

    def session(self, call: str) -> LlmSession:
        """A conversation of its own."""
        ...


class ChatTemplate:
    """The model's own chat template (Jinja, from its GGUF file)."""

    def __init__(self, template: str, bos: str, eos: str) -> None:
        if not template:
            template = _CHATML
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _refuse
        self._template = environment.from_string(template)
        self._bos, self._eos = bos, eos

    def render(self, messages: Sequence[Message], *, reply: bool) -> str:
        """The prompt text; with `reply` it ends where the model is to go on."""
        return self._template.render(
            messages=[{"role": m.role, "content": m.content} for m in messages],
            add_generation_prompt=reply,
            bos_token="",  # tokenising adds it
            eos_token=self._eos,
        )

    def opened(self, messages: Sequence[Message]) -> str:
        """The prompt text up to the end of the last message's words: more may follow."""
        text = self.render(messages, reply=False)
        content = messages[-1].content.strip()
        end = text.rfind(content)
        return text[: end + len(content)] if content and end >= 0 else text


_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def _refuse(message: str) -> None:
    raise LlmFailedError(f"the model's chat template refuses this conversation: {message}")


class LlamaLlm:
    """llama.cpp behind the `Llm` interface: plans batches on the event loop, runs them through the scheduler one at a time."""

    def __init__(self, engine: LlamaEngine, scheduler: Scheduler, max_rows: int) -> None:
        self.engine = engine
        self.planner = BatchPlanner(engine.max_sequences, max_rows, engine.vocabulary.eog)
        self.template = ChatTemplate(engine.vocabulary.template, engine.vocabulary.bos, engine.vocabulary.eos)
        self._scheduler = scheduler
        self._step: Job | None = None
        self._running = False
        self._shared: list[tuple[str, list[int], int]] = []  # prefix text, its tokens, its sequence
        self._listeners: dict[int, Callable[[Sampled | LlmFailedError, Ran[BatchResult] | None], None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def share(self, messages: Sequence[Message]) -> None:
        """Prefill `messages` into a sequence that sessions fork from. Raises LlmFailedError when they do not fit."""
        text = self.template.render(messages, reply=False)
        tokens = self.engine.vocabulary.tokens(text)
        sequence = self.planner.open()
        prefilled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def listener(event: Sampled | LlmFailedError, _ran: Ran[BatchResult] | None) -> None:
            if prefilled.done():
                return
            if isinstance(event, LlmFailedError):
                prefilled.set_exception(event)
            else:
                prefilled.set_result(None)

        self.listen(sequence, listener)
        self.planner.generate(sequence, tokens, Priority.BET, 1)  # the one token says that all before it is there
        self.kick("share", 0)
        try:
            await prefilled
        except BaseException:
            self.planner.close(sequence)
            raise
        finally:
            self.listen(sequence, None)
        self._shared.append((text, tokens, sequence))

    @property
    def cells(self) -> int:
        """Cells of the cache in use: what a sequence has in common with a shared prefix is there once."""
        return self.planner.distinct_cells([sequence for _, _, sequence in self._shared])

    def session(self, call: str) -> LlamaSession:
        """Raises OutOfSequencesError when there are more calls than sequences."""
        return LlamaSession(self, call)

    def fork(self) -> int:
        """A sequence that holds the newest shared prefix."""
        return self.planner.open(self._shared[-1][2] if self._shared else None)

    def tokens(self, text: str) -> list[int]:
        """Tokens of a whole prompt; a shared prefix is not tokenised again."""
        for prefix, tokens, _ in self._shared:
            if text.startswith(prefix):
                return tokens + self.engine.vocabulary.tokens(text[len(prefix) :], first=False)
        return self.engine.vocabulary.tokens(text)

    def listen(self, sequence: int, listener: Callable[[Sampled | LlmFailedError, Ran[BatchResult] | None], None] | None) -> None:
        """Who gets the tokens of a sequence."""
        if listener is None:
            self._listeners.pop(sequence, None)
        else:
            self._listeners[sequence] = listener

    def kick(self, call: str, turn: int) -> None:
        """There may be something to do: queue a step, or move the waiting one up."""
        urgency = self.planner.urgency()
        if urgency is None:
            return
        if self._step is not None and not self._running:
            self._scheduler.reprioritise(self._step, urgency)
            return
        if self._step is None:
            task = asyncio.get_running_loop().create_task(self._run_step((call, turn)), name="llm-step")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run_step(self, turn: tuple[str, int] = ("", 0)) -> None:
        while self._step is None and (urgency := self.planner.urgency()) is not None:
            built: list[Batch] = []

            def build(built: list[Batch] = built) -> Batch | None:
                self._running = True
                batch = self.planner.next_batch()
                if batch is not None:
                    built.append(batch)
                return batch

            self._step, future = self._scheduler.submit(self.engine, Work("llm", urgency, turn), build)
            try:
                ran = await future
            except SchedulerClosedError as e:
                for listener in list(self._listeners.values()):
                    listener(LlmFailedError(str(e)), None)
                return
            except JobDroppedError:
                if self.planner.urgency() in (None, Priority.PARTIAL):
                    return  # a hint that nobody misses
                await asyncio.sleep(0.01)  # more urgent work came while this was being dropped, or too much waits
                continue
            except Exception as e:  # noqa: BLE001 - a native failure ends the replies of this step, not the process
                self._deliver(built[0], BatchResult(failed=str(e)), None)
                continue
            finally:
                self._step, self._running = None, False
            self._deliver(built[0], ran.value, ran)

    def _deliver(self, batch: Batch, result: BatchResult, ran: Ran[BatchResult] | None) -> None:
        for sampled in self.planner.done(batch, result):
            listener = self._listeners.get(sampled.sequence)
            if listener is not None:
                listener(sampled, ran)
        if result.failed:
            for sequence in {row.sequence for row in batch.rows}:
                self.planner.stop(sequence)
                listener = self._listeners.get(sequence)
                if listener is not None:
                    listener(LlmFailedError(result.failed), None)


def _begun(said: str, stops: Sequence[str]) -> int:
    """Characters at the end of `said` that may become a stop: held back until the next token says."""
    return max((n for stop in stops for n in range(1, len(stop)) if said.endswith(stop[:n])), default=0)


@dataclass(slots=True)
class _Reply:
    tokens: asyncio.Queue[Sampled | LlmFailedError]
    decoder: Any = field(default_factory=lambda: codecs.getincrementaldecoder("utf-8")("ignore"))


class LlamaSession:
    """One call's sequence."""

    def __init__(self, llm: LlamaLlm, call: str) -> None:
        self.last = Generation()
        self._llm = llm
        self._call = call
        self._sequence = llm.fork()
        self._open = True
        self._rolled_back = 0  # up to the reply before

    def prepare(self, messages: Sequence[Message], turn: int) -> None:
        """Prefill ahead; the last token stays out, because the words that follow may change it."""
        if self._open:
            self._llm.planner.want(self._sequence, self._llm.tokens(self._llm.template.opened(messages))[:-1], Priority.PARTIAL)
            self._llm.kick(self._call, turn)

    async def generate(
        self, messages: Sequence[Message], turn: int, *, priority: Priority, max_tokens: int, stop: Sequence[str] = ()
    ) -> AsyncIterator[str]:
        """See `LlmSession.generate`."""
        if not self._open:
            return
        reply = _Reply(asyncio.Queue(max_tokens + 1))
        said, given = "", 0
        self.last = generation = Generation(bet=0 if priority is Priority.FIRST_PHRASE else None)

        def listener(event: Sampled | LlmFailedError, ran: Ran[BatchResult] | None) -> None:
            if ran is not None:
                generation.started_ns = generation.started_ns or ran.started_ns
                generation.first_ns = generation.first_ns or ran.ended_ns
                generation.last_ns = ran.ended_ns
                generation.prefilled = self._llm.planner.prefilled(self._sequence)
                generation.rolled_back = self._llm.planner.rolled_back(self._sequence) - self._rolled_back
            reply.tokens.put_nowait(event)

        self._llm.listen(self._sequence, listener)
        self._llm.planner.generate(
            self._sequence, self._llm.tokens(self._llm.template.render(messages, reply=True)), priority, max_tokens
        )
        self._llm.kick(self._call, turn)
        try:
            while True:
                event = await reply.tokens.get()
                if isinstance(event, LlmFailedError):
                    raise event
                generation.sampled += 1
                said += reply.decoder.decode(self._llm.engine.vocabulary.piece(event.token), event.last)
                at = min((i for s in stop if (i := said.find(s)) >= 0), default=None)
                end = at if at is not None else len(said) - (0 if event.last else _begun(said, stop))
                if end > given:
                    yield said[given:end]
                    given = end
                if at is not None or event.last:
                    return
        finally:
            self._llm.listen(self._sequence, None)
            if self._open:
                self._rolled_back += generation.rolled_back
                self._llm.planner.stop(self._sequence)

    def prioritise(self, priority: Priority) -> None:
        """See `LlmSession.prioritise`."""
        if self._open:
            if priority is Priority.FIRST_PHRASE and self.last.bet is None:
                self.last.bet = self._llm.planner.prefilled(self._sequence)
            self._llm.planner.prioritise(self._sequence, priority)
            self._llm.kick(self._call, 0)

    def close(self) -> None:
        """Give the sequence back; its cells are freed with the next step."""
        if self._open:
            self._open = False
            self._llm.listen(self._sequence, None)
            self._llm.planner.close(self._sequence)
            self._llm.kick(self._call, 0)
