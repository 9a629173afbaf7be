"""docker/prometheus.yml, alerts.yml and the dashboard, judged by the real promtool: rules that parse, fire when they should and are silent else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from gateway_bench import Desk
from prometheus_tools import DOCKER, ROOT, configuration, expressions, metrics_used, rules, run, tool
from test_docker import COMPOSE
from test_engine_metrics import found  # noqa: F401 - a fixture

from config.settings import Settings
from telephony.gateway import create_app
from telephony.metrics import Metrics

Series = dict[str, str]
G = 'instance="g:8080"'
PAGE = (ROOT / "docs" / "metrics.md").read_text("utf-8")


def histogram(name: str, le: int, over: int) -> Series:
    """All observations between `le` and `over`: one a second."""
    return {
        f'firstword_{name}_bucket{{{G},le="{le}"}}': "0x120",
        f'firstword_{name}_bucket{{{G},le="{over}"}}': "0+15x120",
        f'firstword_{name}_bucket{{{G},le="+Inf"}}': "0+15x120",
    }


def rising(name: str, labels: str, by: float) -> Series:
    """A counter that goes up `by` every 15 s."""
    return {f"firstword_{name}_total{{{G},{labels}}}": f"0+{by}x120"}


def level(name: str, value: float, labels: str = "") -> Series:
    return {f"firstword_{name}{{{G}{labels}}}": f"{value}x120"}


CORES = level("cores", 2)
FIRING: dict[str, Series] = {
    "FirstWordSlow": histogram("ttfw_latency_ms", 500, 1000),
    "FirstWordVerySlow": histogram("ttfw_latency_ms", 2000, 3000),
    "ReplySlow": histogram("reply_made_latency_ms", 1200, 1300),
    "RecognitionSlow": histogram("asr_latency_ms", 300, 350),
    "LanguageModelSlow": histogram("llm_latency_ms", 400, 500),
    "VoiceSlow": histogram("tts_latency_ms", 300, 350),
    "GreetingSlow": histogram("greeting_latency_ms", 300, 350),
    "BargeInSlow": histogram("barge_in_latency_ms", 250, 300),
    "EventLoopLate": histogram("event_loop_lag_ms", 50, 100),
    "GatewayDown": {f'up{{{G},job="firstword"}}': "0x120"},
    "CallersTurnedAway": rising("refused_requests", 'reason="full"', 1),
    "CoresBusy": {**CORES, **rising("stage_core_seconds", 'stage="asr",priority="bet"', 28)},
    "JobsDropped": rising("jobs_dropped", 'priority="bet"', 1),
    "JobsPileUp": level("jobs_queued", 20, ',priority="bet"'),
    "PartialsStarved": {f"firstword_partials_dropped_total{{{G}}}": "0+15x120"},
    "KvCacheFull": {**level("llm_cells", 15_000), **level("llm_cells_capacity", 16_384)},
    "BetsWasteCores": {**CORES, **rising("bet_core_seconds", 'outcome="lost"', 12)},
    "CallsFail": rising("calls_ended", 'reason="failed"', 1),
    "ReaderSlow": level("outbox_messages", 100),
    "SpansLost": rising("spans", 'outcome="failed"', 1),
}
HEALTHY: Series = {
    **histogram("ttfw_latency_ms", 400, 500),
    **histogram("reply_made_latency_ms", 900, 1200),
    **histogram("asr_latency_ms", 250, 300),
    **histogram("llm_latency_ms", 300, 400),
    **histogram("tts_latency_ms", 250, 300),
    **histogram("greeting_latency_ms", 250, 300),
    **histogram("barge_in_latency_ms", 200, 250),
    **histogram("event_loop_lag_ms", 20, 50),
    f'up{{{G},job="firstword"}}': "1x120",
    **CORES,
    **rising("refused_requests", 'reason="token"', 1),
    **rising("stage_core_seconds", 'stage="asr",priority="bet"', 20),
    **rising("jobs_dropped", 'priority="partial"', 1),
    **level("jobs_queued", 3, ',priority="bet"'),
    **level("llm_cells", 9000),
    **level("llm_cells_capacity", 16_384),
    **rising("bet_core_seconds", 'outcome="lost"', 3),
    **rising("calls_ended", 'reason="hung_up"', 1),
    **level("outbox_messages", 2),
    **rising("spans", 'outcome="exported"', 20),
}


def case(alert: str, series: Series, *, fires: bool) -> dict[str, Any]:
    """One of promtool's tests: what an alert says after 25 minutes of these series."""
    labels = next(rule["labels"] for rule in rules() if rule.get("alert") == alert)
    own = {"instance": "g:8080"} | {"CallsFail": {"reason": "failed"}, "GatewayDown": {"job": "firstword"}}.get(alert, {})
    expected = [{"exp_labels": {**labels, **own}}] if fires else []
    return {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"alertname": alert, "eval_time": "25m", "exp_alerts": expected}],
    }


def judged(folder: Path, cases: list[dict[str, Any]]) -> tuple[int, str]:
    """promtool's verdict."""
    plain = yaml.safe_load((DOCKER / "alerts.yml").read_text("utf-8"))
    for group in plain["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)  # their words are not what is judged here
            rule.setdefault("labels", {})
    (folder / "rules.yml").write_text(yaml.safe_dump(plain))
    (folder / "cases.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": cases}))
    return run(tool("promtool"), "test", "rules", str(folder / "cases.yml"))


def test_promtool_takes_rules_and_configuration(tmp_path: Path) -> None:
    assert run(tool("promtool"), "check", "rules", str(DOCKER / "alerts.yml"))[0] == 0
    status, said = run(tool("promtool"), "check", "config", str(configuration(tmp_path, "127.0.0.1:1")))
    assert status == 0, said


def test_every_alert_fires_when_it_should(tmp_path: Path) -> None:
    assert set(FIRING) == {rule["alert"] for rule in rules() if "alert" in rule}
    status, said = judged(tmp_path, [case(alert, series, fires=True) for alert, series in FIRING.items()])
    assert status == 0, said


def test_none_fires_on_a_good_day(tmp_path: Path) -> None:
    status, said = judged(tmp_path, [case(alert, HEALTHY, fires=False) for alert in FIRING])
    assert status == 0, said


def test_a_wrong_expectation_is_seen(tmp_path: Path) -> None:
    assert judged(tmp_path, [case("FirstWordSlow", HEALTHY, fires=True)])[0] != 0
    assert judged(tmp_path, [case("CallsFail", FIRING["CallsFail"], fires=False)])[0] != 0


@pytest.fixture(scope="module")
def families(found: dict[tuple[str, ...], float]) -> set[str]:  # noqa: F811
    """Of all metrics of a gateway, as `# TYPE` has them: counters with `_total`."""
    metrics = Metrics()
    create_app(Settings(), Desk(), metrics)
    names = set(re.findall(r"^# TYPE (\w+)", metrics.exposition().decode(), re.MULTILINE))
    names |= {f"firstword_{re.sub('_(bucket|sum|count)$', '', key[0])}" for key in found if key[0].partition("_")[0] != "process"}
    names |= {f"firstword_{name}" for name in re.findall(r'watch\("(\w+)"', (ROOT / "telephony/switchboard.py").read_text("utf-8"))}
    return {name for name in names if not name.endswith("_created")}


def test_every_metric_of_rules_and_dashboard_is_one_of_ours(families: set[str]) -> None:
    used = {re.sub("_(bucket|sum|count)$", "", name) for name in metrics_used()}
    assert used - families == set()
    assert len(used) > 30


def test_every_recorded_figure_is_used_as_it_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert {name for text in expressions() for name in re.findall(r"\bfirstword:[\w:]+", text)} <= recorded


def test_each_metric_and_each_alert_has_a_line_in_the_docs(families: set[str]) -> None:
    ours = {name for name in families if name.startswith("firstword_")}
    assert {name for name in ours if not re.search(rf"`{name}[`{{]", PAGE)} == set()
    assert {rule["alert"] for rule in rules() if "alert" in rule and f"`{rule['alert']}`" not in PAGE} == set()


def test_each_metric_is_on_the_dashboard(families: set[str]) -> None:
    dashboard = (DOCKER / "grafana" / "firstword.json").read_text("utf-8")
    assert {name for name in families if name.startswith("firstword_") and name not in dashboard} == set()


def test_the_dashboard_is_provisioned_where_compose_mounts_it() -> None:
    services: Any = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    mounted = {}
    for name in ("prometheus", "grafana"):
        assert services[name]["profiles"] == ["metrics"], "only when asked for"
        assert all(port.startswith("127.0.0.1:") for port in services[name]["ports"])
        for volume in services[name]["volumes"]:
            source, _, target = volume.partition(":")
            if source.startswith("."):
                assert (DOCKER / source).exists(), source
                mounted[target.removesuffix(":ro")] = DOCKER / source
    config = yaml.safe_load((DOCKER / "prometheus.yml").read_text("utf-8"))
    assert mounted[config["rule_files"][0]] == DOCKER / "alerts.yml"
    assert config["scrape_configs"][0]["static_configs"][0]["targets"] == ["firstword:8080"]
    assert (
        config["scrape_configs"][0]["authorization"]["credentials_file"] == f"/run/secrets/{services['prometheus']['secrets'][0]}"
    )
    folder = DOCKER / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards" / "firstword.yml").read_text("utf-8"))["providers"]
    dashboard = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(dashboard).parent == Path(provider["options"]["path"])
    assert mounted[dashboard] == DOCKER / "grafana" / "firstword.json"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text("utf-8"))["datasources"]
    panels = json.loads((DOCKER / "grafana" / "firstword.json").read_text("utf-8"))["panels"]
    assert {panel["datasource"]["uid"] for panel in panels if "datasource" in panel} == {source["uid"]}
    assert len({panel["id"] for panel in panels}) == len(panels)
