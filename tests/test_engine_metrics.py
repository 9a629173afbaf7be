"""What the engines are doing, as a scrape sees it."""

from __future__ import annotations

import asyncio

import pytest
from fake_leg import Mind

from pipeline.jobs import PastJob, Priority
from pipeline.llm import LlamaLlm
from pipeline.prompts import Message
from pipeline.scheduler import Scheduler
from pipeline.speaker import PhraseCache, PhraseKey
from telephony.engine_metrics import EngineMetrics
from telephony.metrics import Metrics

SHARED = [Message("system", "You are a bot."), Message("user", "Fact: We are open. Question: when"), Message("assistant", "Now.")]
ASKED = [*SHARED, Message("user", "Fact: Yes.")]


async def busy() -> dict[tuple[str, ...], float]:
    """A scrape of engines that have done something, by sample name and labels."""
    mind, metrics, phrases = Mind(), Metrics(), PhraseCache()
    async with Scheduler(2, [mind], lambda: 0) as scheduler:
        llm = LlamaLlm(mind, scheduler, 16)  # type: ignore[arg-type]
        await llm.share(SHARED)
        session = llm.session("CA1")
        assert [piece async for piece in session.generate(ASKED, 1, priority=Priority.BET, max_tokens=4)]
        scheduler.usage.add(PastJob("asr", ("CA1", 1), Priority.BET, 2, 0, 0, 1_500_000_000))
        scheduler.usage.bets.decided("CA1", "lost", 2_000_000_000)
        scheduler.jobs.dropped[Priority.PARTIAL] = 3
        phrases.get(PhraseKey("Hello.", 1.0, "mulaw", 8000))
        metrics.registry.register(EngineMetrics(scheduler, llm, phrases, 4096))
        return {
            (sample.name.removeprefix("firstword_"), *sample.labels.values()): sample.value
            for family in metrics.registry.collect()
            for sample in family.samples
        }


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, ...], float]:
    return asyncio.run(busy())


def test_work_is_counted_in_core_seconds_by_stage_and_by_who_waited(found: dict[tuple[str, ...], float]) -> None:
    assert found["stage_core_seconds_total", "asr", "bet"] == 3.0
    assert found["bet_core_seconds_total", "lost"] == 3.0
    assert found["jobs_run_total", "asr"] == 1
    assert found["jobs_run_total", "llm"] > 1


def test_queues_and_drops_by_priority(found: dict[tuple[str, ...], float]) -> None:
    priorities = {priority.name.lower() for priority in Priority}
    assert {key[1] for key in found if key[0] == "jobs_queued"} == priorities
    assert found["jobs_dropped_total", "partial"] == 3
    assert (found["cores",], found["cores_busy",]) == (2, 0)


def test_the_cache_is_counted_once_for_what_is_shared(found: dict[tuple[str, ...], float]) -> None:
    assert found["llm_sequences",] == 2
    assert found["llm_cells_capacity",] == 4096
    cached, computed = found["prompt_tokens_total", "cached"], found["prompt_tokens_total", "computed"]
    assert cached > 20, "the second prompt found the first one there"
    # What was computed for either prompt, and the reply: not the shared prefix twice.
    assert computed <= found["llm_cells",] <= computed + 4


def test_phrases_wanted_and_there(found: dict[tuple[str, ...], float]) -> None:
    assert (found["phrase_lookups_total", "hit"], found["phrase_lookups_total", "miss"]) == (0, 1)
