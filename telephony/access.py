"""Who may ask for what: pure rules over the peer's address and the request's headers.

Without a Twilio auth token nobody can prove to be Twilio, so only requests that come straight from this machine are served. Calls and
metrics are the operator's: from elsewhere they need the admin token, whatever else is set.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from typing import Literal

# Any of them says that somebody else is behind the connection: RFC 7239, and what proxies and tunnels add.
FORWARDING_HEADERS = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-original-forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
)

Access = Literal["granted", "unauthorized", "forbidden"]


def straight_from_loopback(peer: str | None, headers: Mapping[str, str]) -> bool:
    """Whether the request was made on this machine, to this machine. `headers` are looked up in lower case.

    The Host must be this machine as well: a page in a local browser can be told to resolve its own name to 127.0.0.1.
    """
    return _is_loopback(peer or "") and not any(name in headers for name in FORWARDING_HEADERS) and _local_host(headers)


def may_call(peer: str | None, headers: Mapping[str, str], *, signed: bool, insecure: bool) -> bool:
    """The webhooks and the stream. `signed`: an auth token is set, and the signature decides instead."""
    return signed or insecure or straight_from_loopback(peer, headers)


def may_operate(peer: str | None, headers: Mapping[str, str], admin_token: str | None) -> Access:
    """`/metrics`, `/calls`: straight from loopback, or with `Authorization: Bearer <admin token>`."""
    if straight_from_loopback(peer, headers):
        return "granted"
    if admin_token is None:
        return "forbidden"
    scheme, _, given = headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "surrogatepass"), admin_token.encode())
    return "granted" if scheme.lower() == "bearer" and same else "unauthorized"


def _is_loopback(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


def _local_host(headers: Mapping[str, str]) -> bool:
    host = headers.get("host", "")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower() == "localhost" or _is_loopback(name)
