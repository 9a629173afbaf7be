"""Delay that keeps order and can be repeated."""

from hypothesis import given
from hypothesis import strategies as st

from telephony.caller.network import Direction, FrameLoss, Network


@given(st.lists(st.integers(0, 50_000_000), max_size=60), st.floats(0, 150), st.floats(0, 150), st.integers(0, 9))
def test_order_is_kept_and_nothing_comes_early(gaps: list[int], delay_ms: float, jitter_ms: float, seed: int) -> None:
    way, now, last = Direction(Network(delay_ms, jitter_ms, seed), "up"), 1, 0
    for gap in gaps:
        now += gap
        arrival = way.arrival(now)
        assert arrival >= last
        assert arrival >= now + delay_ms * 1e6 - 1
        last = arrival


def test_a_seed_repeats_and_the_directions_differ() -> None:
    def arrivals(seed: int, name: str) -> list[int]:
        way = Direction(Network(50, 100, seed), name)
        return [way.arrival(n * 1_000_000_000) for n in range(20)]

    assert arrivals(1, "up") == arrivals(1, "up")
    assert arrivals(1, "up") != arrivals(1, "down")
    assert arrivals(1, "up") != arrivals(2, "up")


def test_a_stall_holds_everything_back_and_lets_it_go_at_once() -> None:
    way = Direction(Network(10, stall_at_ms=1000, stall_ms=2000), "up", origin_ns=5_000_000_000)
    sent = [5_000_000_000 + ms * 1_000_000 for ms in (0, 980, 990, 1500, 2989, 2991, 4000)]
    assert [(way.arrival(at) - 5_000_000_000) // 1_000_000 for at in sent] == [10, 990, 3000, 3000, 3000, 3001, 4010]


def test_frames_are_lost_and_doubled_as_often_as_it_says() -> None:
    frames = FrameLoss(Network(seed=3, loss=0.1, duplicates=0.05))
    copies = [frames.copies() for _ in range(10_000)]
    assert 800 < copies.count(0) < 1200
    assert 350 < copies.count(2) < 650
    assert {FrameLoss(Network()).copies() for _ in range(100)} == {1}


def test_a_direct_network_adds_nothing() -> None:
    assert Network().is_direct
    assert not Network(0, 1).is_direct
    assert not Network(stall_ms=1).is_direct
    assert Direction(Network(), "up").arrival(123) == 123
