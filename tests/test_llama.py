"""What the engine relies on in llama.cpp, with the real model."""

from __future__ import annotations

from collections.abc import Iterator

import pipeline.threads  # noqa: F401 - before any OpenMP library is loaded

import llama_cpp.llama_cpp as lib  # isort: skip
import numpy as np
import pytest
from fixtures_models import llama, product_settings  # noqa: F401 - fixtures

from config.models import resolve
from config.settings import Settings
from pipeline.jobs import Priority
from pipeline.llama import MAX_ROWS, LlamaContext, LlamaEngine, LlamaError, LlamaModel
from pipeline.llm import ChatTemplate
from pipeline.llm_batch import Batch, BatchPlanner, Row
from pipeline.prompts import Message

pytestmark = pytest.mark.models

PERSONA = Message("system", "You answer the phone for a bicycle workshop. Answer in one short sentence.")


class Desk:
    """A planner and an engine, one step after the other."""

    def __init__(self, engine: LlamaEngine) -> None:
        self.engine = engine
        self.planner = BatchPlanner(engine.max_sequences, MAX_ROWS, engine.vocabulary.eog)
        vocabulary = engine.vocabulary
        self.template = ChatTemplate(vocabulary.template, vocabulary.bos, vocabulary.eos)
        self.failed: list[str] = []

    def tokens(self, *messages: Message, reply: bool = True) -> list[int]:
        return self.engine.vocabulary.tokens(self.template.render(messages, reply=reply))

    def asked(self, question: str) -> list[int]:
        return self.tokens(PERSONA, Message("user", question))

    def run(self) -> dict[int, str]:
        """Until there is nothing to do; what each sequence said."""
        said: dict[int, bytes] = {}
        while (batch := self.planner.next_batch()) is not None:
            result = self.engine.run(batch)
            for sampled in self.planner.done(batch, result):
                said[sampled.sequence] = said.get(sampled.sequence, b"") + self.engine.vocabulary.piece(sampled.token)
            if result.failed:
                self.failed.append(result.failed)
                for row in batch.rows:
                    self.planner.stop(row.sequence)
        return {number: words.decode().strip() for number, words in said.items()}

    def answer(self, sequence: int, prompt: list[int], max_tokens: int = 12) -> str:
        self.planner.generate(sequence, prompt, Priority.BET, max_tokens)
        return self.run()[sequence]

    def clear(self) -> None:
        for number in list(self.planner._sequences):
            self.planner.close(number)
        self.run()


@pytest.fixture
def desk(llama: LlamaEngine) -> Iterator[Desk]:  # noqa: F811
    desk = Desk(llama)
    yield desk
    desk.clear()


@pytest.fixture(scope="module")
def few_cells(product_settings: Settings) -> Iterator[LlamaEngine]:  # noqa: F811
    model = LlamaModel(resolve(product_settings.llm.model, product_settings.models_dir))
    engine = LlamaEngine(model, n_ctx=256, max_sequences=4, threads=product_settings.threads)
    yield engine
    engine.close()
    model.close()


@pytest.fixture
def small(few_cells: LlamaEngine) -> Iterator[Desk]:
    """A desk with 256 cells."""
    desk = Desk(few_cells)
    yield desk
    desk.clear()


def test_a_question_is_answered_and_the_same_one_is_answered_the_same(desk: Desk) -> None:
    first, second = desk.planner.open(), desk.planner.open()
    prompt = desk.asked("Say the word: bicycle")
    said = desk.answer(first, prompt)
    assert "bicycle" in said.lower()
    assert desk.answer(second, prompt) == said


def test_a_fork_answers_as_a_fresh_prompt_does_and_computes_only_what_is_its_own(desk: Desk) -> None:
    fresh, shared = desk.planner.open(), desk.planner.open()
    prefix = desk.tokens(PERSONA, reply=False)
    desk.planner.want(shared, prefix, Priority.BET)
    desk.run()
    prompt = desk.asked("What do you repair?")
    assert prompt[: len(prefix)] == prefix
    fork = desk.planner.open(shared)
    assert desk.answer(fork, prompt) == desk.answer(fresh, prompt)
    assert desk.planner.prefilled(fork) == len(prompt) - len(prefix)
    assert desk.planner.prefilled(fresh) == len(prompt)


def test_a_fork_outlives_its_source(desk: Desk) -> None:
    """Shared cells stay as long as one sequence has them."""
    shared, fresh = desk.planner.open(), desk.planner.open()
    prompt = desk.asked("What do you repair?")
    desk.planner.want(shared, prompt[:-4], Priority.BET)
    desk.run()
    fork = desk.planner.open(shared)
    desk.planner.want(fork, prompt[:-3], Priority.BET)
    desk.run()
    desk.planner.close(shared)
    desk.run()
    assert desk.answer(fork, prompt) == desk.answer(fresh, prompt)


def test_forks_share_cells_under_kv_unified(small: Desk) -> None:
    """256 cells hold four sequences of 100 tokens and more, almost all of them the same."""
    desk = small
    prefix = desk.engine.vocabulary.tokens("We mend wheels. " * 24)
    assert len(prefix) * 4 > 256 > len(prefix) + 4 * 12
    shared = desk.planner.open()
    desk.planner.want(shared, prefix, Priority.BET)
    forks = []
    desk.run()
    for tail in (" One", " Two", " Three"):
        forks.append(desk.planner.open(shared))
        desk.planner.generate(forks[-1], prefix + desk.engine.vocabulary.tokens(tail, first=False), Priority.BET, 8)
    said = desk.run()
    assert desk.failed == []
    assert set(said) == set(forks)


def test_after_a_rollback_another_continuation_is_answered_as_if_it_were_new(desk: Desk) -> None:
    used, fresh = desk.planner.open(), desk.planner.open()
    desk.answer(used, desk.asked("Do you sell helmets?"))
    prompt = desk.asked("Do you mend gears?")
    assert desk.answer(used, prompt) == desk.answer(fresh, prompt)
    assert desk.planner.prefilled(used) < len(prompt) / 2


def test_two_in_one_batch_answer_as_each_does_alone(desk: Desk) -> None:
    alone = desk.planner.open()
    prompts = [desk.asked("Say the word: bicycle"), desk.asked("Say the word: wheel")]
    expected = [desk.answer(alone, prompt) for prompt in prompts]
    together = [desk.planner.open(), desk.planner.open()]
    for number, prompt in zip(together, prompts, strict=True):
        desk.planner.generate(number, prompt, Priority.BET, 12)
    said = desk.run()
    assert [said[number] for number in together] == expected


def test_a_batch_over_the_bound_is_refused_before_llama_cpp_aborts(llama: LlamaEngine) -> None:  # noqa: F811
    rows = tuple(Row(0, position, 1) for position in range(MAX_ROWS + 1))
    with pytest.raises(ValueError, match=f"{MAX_ROWS + 1} rows"):
        llama.run(Batch(rows=rows))


def test_a_full_cache_is_told_and_the_sequence_can_be_used_again(small: Desk) -> None:
    number = small.planner.open()
    small.planner.generate(number, small.engine.vocabulary.tokens("one two three four " * 70), Priority.BET, 4)
    assert small.run() == {}
    assert len(small.failed) == 1
    assert "out of cache cells" in small.failed[0]
    assert small.planner.length(number) <= 256
    assert "bicycle" in small.answer(number, small.asked("Say the word: bicycle")).lower()


def test_what_is_closed_gives_its_cells_back(small: Desk) -> None:
    for _ in range(4):
        number = small.planner.open()
        small.planner.want(number, small.engine.vocabulary.tokens("one two three four " * 25), Priority.BET)
        small.run()
        small.planner.close(number)
    assert small.failed == []


def test_a_file_that_is_no_model_says_what_mends_it(product_settings: Settings) -> None:  # noqa: F811
    with pytest.raises(LlamaError, match="firstword models verify"):
        LlamaModel(resolve("whisper-base", product_settings.models_dir) / "config.json")


def test_pieces_give_back_the_text_that_tokens_came_from(desk: Desk) -> None:
    text = "Zoë pays £12.50 for 3 wheels — naïve, isn't it? 日本"
    assert b"".join(desk.engine.vocabulary.piece(t) for t in desk.engine.vocabulary.tokens(text)).decode() == text


def test_without_flash_attention_the_sums_are_the_same(product_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """It is off on a CPU because it is slower there for a few rows (docs/architecture.md), so it must be nothing but slower."""
    model = LlamaModel(resolve(product_settings.llm.model, product_settings.models_dir))
    tokens = model.vocabulary.tokens("A full service costs 90 pounds and takes three days. How much is a full", first=False)
    rows = tuple(Row(0, at, token, sample=at == len(tokens) - 1) for at, token in enumerate(tokens))
    asked, begin, found = [], lib.llama_init_from_model, []

    def watched(handle: object, params: lib.llama_context_params) -> object:
        asked.append(params.flash_attn_type)
        return begin(handle, params)

    monkeypatch.setattr(lib, "llama_init_from_model", watched)
    off = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    for kind in (off, lib.LLAMA_FLASH_ATTN_TYPE_ENABLED):
        monkeypatch.setattr(lib, "LLAMA_FLASH_ATTN_TYPE_DISABLED", kind)
        context = LlamaContext(model, n_ctx=256, max_sequences=1, max_rows=len(rows), threads=2)
        assert context.decode(Batch(rows=rows)) == 0
        found.append(np.array(context.logits(len(rows) - 1)))
        context.close()
    model.close()
    assert asked == [off, lib.LLAMA_FLASH_ATTN_TYPE_ENABLED]
    assert int(found[0].argmax()) == int(found[1].argmax())
    assert np.corrcoef(found[0], found[1])[0, 1] > 0.999
