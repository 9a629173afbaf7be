"""The model of Twilio's player: a clock in samples, marks and clear."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from telephony.twilio_player import NS_PER_SAMPLE, Heard, Returned, TwilioPlayer

MS = 1_000_000


def test_a_mark_comes_back_when_its_audio_was_heard() -> None:
    player = TwilioPlayer()
    assert player.mark("idle", 5 * MS) == [Returned(5 * MS, "idle")]
    assert player.media(b"a" * 160, 10 * MS) == []
    assert player.mark("one", 11 * MS) == [Heard(10 * MS, b"a" * 8)]
    assert player.next_due() == 30 * MS
    assert player.played_until(20 * MS) == 80
    assert player.advance(29 * MS) == [Heard(11 * MS, b"a" * 144)]
    assert player.advance(40 * MS) == [Heard(29 * MS, b"a" * 8), Returned(30 * MS, "one")]
    assert (player.heard_samples, player.buffered_samples, player.next_due()) == (160, 0, None)


def test_clear_returns_all_marks_in_order_and_plays_no_more() -> None:
    player = TwilioPlayer()
    for name in ("one", "two"):
        player.media(b"a" * 160, 0)
        player.mark(name, 0)
    assert player.clear(25 * MS) == [
        Heard(0, b"a" * 160),
        Returned(20 * MS, "one"),
        Heard(20 * MS, b"a" * 40),
        Returned(25 * MS, "two", cleared=True),
    ]
    assert player.advance(100 * MS) == []
    assert player.played_until(100 * MS) == 200
    assert player.clear(100 * MS) == []


def test_audio_after_a_pause_starts_when_it_arrives() -> None:
    player = TwilioPlayer()
    player.media(b"a" * 80, 0)
    player.media(b"b" * 80, 50 * MS)
    assert player.advance(55 * MS) == [Heard(50 * MS, b"b" * 40)]


@given(
    steps=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from(["media", "mark", "clear", "wait"]), st.integers(1, 500)), max_size=40
    )
)
def test_what_is_heard_is_what_was_sent_and_not_cleared(steps: list[tuple[int, str, int]]) -> None:
    player = TwilioPlayer()
    now = sent = dropped = heard = 0
    names: list[str] = []
    back: list[str] = []
    for ticks, what, amount in steps:
        now += ticks * NS_PER_SAMPLE // 2
        expected = player.played_until(now)
        match what:
            case "media":
                events = player.media(bytes(amount), now)
                sent += amount
            case "mark":
                names.append(f"m{len(names)}")
                events = player.mark(names[-1], now)
            case "clear":
                before = player.buffered_samples
                events = player.clear(now)
                dropped += before - sum(len(e.payload) for e in events if isinstance(e, Heard))
            case _:
                events = player.advance(now)
        heard += sum(len(e.payload) for e in events if isinstance(e, Heard))
        back += [e.name for e in events if isinstance(e, Returned)]
        assert heard == player.heard_samples == expected
        assert heard + player.buffered_samples + dropped == sent
        assert all(e.at_ns <= now for e in events)
    player.advance(now)
    assert back == names[: len(back)]
