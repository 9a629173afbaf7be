"""Who may ask for what."""

from __future__ import annotations

import pytest

from telephony.access import FORWARDING_HEADERS, may_call, may_operate, straight_from_loopback

LOCAL = {"host": "127.0.0.1:8080"}


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:80"])
def test_this_machine(peer: str, host: str) -> None:
    assert straight_from_loopback(peer, {"host": host})


@pytest.mark.parametrize("peer", ["10.0.0.1", "8.8.8.8", "::2", "", None, "testclient", "127.0.0.1.example"])
def test_other_machines(peer: str | None) -> None:
    assert not straight_from_loopback(peer, LOCAL)


@pytest.mark.parametrize("name", FORWARDING_HEADERS)
def test_anything_forwarded_is_from_elsewhere(name: str) -> None:
    assert not straight_from_loopback("127.0.0.1", {**LOCAL, name: ""})


@pytest.mark.parametrize("host", ["bot.example.com", "127.0.0.1.example.com", "localhost.example.com:80", "", "[::2]"])
def test_a_name_that_only_resolves_here_is_from_elsewhere(host: str) -> None:
    assert not straight_from_loopback("127.0.0.1", {"host": host})


def test_calling() -> None:
    assert may_call("127.0.0.1", LOCAL, signed=False, insecure=False)
    assert not may_call("10.0.0.1", LOCAL, signed=False, insecure=False)
    assert may_call("10.0.0.1", LOCAL, signed=True, insecure=False)
    assert may_call("10.0.0.1", LOCAL, signed=False, insecure=True)


def test_operating() -> None:
    def ask(authorization: str, admin: str | None = "s3cret") -> str:
        return may_operate("10.0.0.1", {**LOCAL, "authorization": authorization}, admin)

    assert may_operate("127.0.0.1", LOCAL, None) == "granted"
    assert ask("Bearer s3cret") == "granted"
    assert ask("bearer  s3cret ") == "granted"
    assert [ask(a) for a in ("Bearer wrong", "Basic s3cret", "s3cret", "", "Bearer", "Bearer \udcff")] == ["unauthorized"] * 6
    assert ask("Bearer s3cret", admin=None) == "forbidden"
    assert ask("Bearer ", admin=None) == "forbidden"
