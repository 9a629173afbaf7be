"""Where traces go: the settings' table `[tracing]`."""

from __future__ import annotations

from pydantic import Field, field_validator

from config.base_url import base_url
from config.engines import EngineTable


class TracingSettings(EngineTable):
    """`endpoint`: base address of an OTLP/HTTP collector; none: OpenTelemetry's own variables name it, or nothing is traced.

    `queue`: spans that wait to be sent, a turn is 20 or so; what comes beyond that pushes the oldest out. `delay_ms`: how long they are collected.
    """

    enabled: bool = True
    endpoint: str | None = None
    queue: int = Field(default=2048, ge=16)
    delay_ms: int = Field(default=2000, ge=10)

    @field_validator("endpoint")
    @classmethod
    def _base_url(cls, url: str | None) -> str | None:
        return (
            None
            if url is None
            else base_url(url, "the address of a collector, such as http://127.0.0.1:4318").removesuffix("/v1/traces")
        )
