"""An address that paths are put behind."""

from __future__ import annotations

from urllib.parse import urlsplit


def base_url(url: str, meaning: str) -> str:
    """`url` without a slash at its end. Raises `ValueError`, with what it must be, where it has no host or more than a path."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"must be {meaning}, without ? or #")
    return url.rstrip("/")
