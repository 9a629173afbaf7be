"""What the gateway under load says of itself: one value of its `/metrics`."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families


def counter(url: str, name: str) -> float:
    """The gateway's count of `name` (without `firstword_`), or 0 where its metrics are not for us. `url`: its http address. Blocking."""
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/metrics", timeout=10) as answer:  # noqa: S310  (the callers have used it already)
            families = text_string_to_metric_families(answer.read().decode())
    except OSError:
        return 0.0
    samples = (sample for family in families for sample in family.samples)
    return next((sample.value for sample in samples if sample.name == f"firstword_{name}"), 0.0)
