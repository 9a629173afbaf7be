"""What the engines do, as Prometheus sees it: read when somebody looks, so that no job and no token pays for it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.jobs import Priority
from pipeline.llm import LlamaLlm
from pipeline.scheduler import Scheduler
from pipeline.speaker import PhraseCache


class EngineMetrics(Collector):
    """Register it once the engines are there. Numbers only: it is asked on the event loop."""

    def __init__(self, scheduler: Scheduler, llm: LlamaLlm, phrases: PhraseCache, kv_cells: int) -> None:
        self._scheduler = scheduler
        self._llm = llm
        self._phrases = phrases
        self._kv_cells = kv_cells

    def collect(self) -> Iterator[Metric]:
        """All families, each time anew."""
        yield from self._jobs()
        yield from self._work()
        yield from self._caches()

    def _jobs(self) -> Iterator[Metric]:
        jobs = self._scheduler.jobs
        waiting = GaugeMetricFamily(
            "firstword_jobs_queued", "Jobs that wait for a core, by who waits for them", labels=["priority"]
        )
        dropped = CounterMetricFamily("firstword_jobs_dropped", "Jobs given up for more urgent ones", labels=["priority"])
        before = 0
        for priority in Priority:
            up_to = jobs.waiting(priority)
            waiting.add_metric([_name(priority)], up_to - before)
            dropped.add_metric([_name(priority)], jobs.dropped[priority])
            before = up_to
        yield waiting
        yield dropped
        yield GaugeMetricFamily("firstword_cores", "Cores that the engines may keep busy", jobs.cores)
        yield GaugeMetricFamily("firstword_cores_busy", "Cores that they keep busy now", jobs.busy_threads)

    def _work(self) -> Iterator[Metric]:
        usage = self._scheduler.usage
        work = CounterMetricFamily(
            "firstword_stage_core_seconds",
            "Core seconds of finished jobs: over cores and time, a stage's share",
            labels=["stage", "priority"],
        )
        for (stage, priority), seconds in list(usage.core_s.items()):
            work.add_metric([stage, _name(priority)], seconds)
        yield work
        runs = CounterMetricFamily("firstword_jobs_run", "Jobs that ran", labels=["stage"])
        for stage, count in list(usage.runs.items()):
            runs.add_metric([stage], count)
        yield runs
        bets = CounterMetricFamily("firstword_bet_core_seconds", "Core seconds of bets, by what came of them", labels=["outcome"])
        for outcome, seconds in usage.bets.core_s.items():
            bets.add_metric([outcome], seconds)
        yield bets

    def _caches(self) -> Iterator[Metric]:
        planner = self._llm.planner
        yield GaugeMetricFamily(
            "firstword_llm_sequences", "Sequences of the model's context in use, shared prefixes included", len(planner)
        )
        yield GaugeMetricFamily(
            "firstword_llm_cells", "Cells of the model's cache in use, shared ones counted once", self._llm.cells
        )
        yield GaugeMetricFamily("firstword_llm_cells_capacity", "Cells that the model's cache has", self._kv_cells)
        prompts = CounterMetricFamily(
            "firstword_prompt_tokens",
            "Tokens of prompts: in the cache when the reply was asked for, or computed for it",
            labels=["source"],
        )
        prompts.add_metric(["cached"], planner.reused_tokens)
        prompts.add_metric(["computed"], planner.computed_tokens)
        yield prompts
        yield CounterMetricFamily(
            "firstword_llm_rolled_back_tokens",
            "Tokens dropped from the cache because the words came out otherwise",
            planner.rolled_back_tokens,
        )
        lookups = CounterMetricFamily(
            "firstword_phrase_lookups", "Phrases wanted as audio: there already, or not", labels=["outcome"]
        )
        lookups.add_metric(["hit"], self._phrases.hits)
        lookups.add_metric(["miss"], self._phrases.misses)
        yield lookups


def _name(priority: Priority) -> str:
    return priority.name.lower()
