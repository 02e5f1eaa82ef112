"""Faults come in the shares asked for and are the same for the same seed."""

from __future__ import annotations

from collections import Counter

from bot.playground.faults import Faults, Injector


def test_shares_are_as_asked_for() -> None:
    injector = Injector(Faults(seed=1, too_many_requests=0.05, server_error=0.02, cut_before=0.01, cut_after=0.01))
    outcomes = Counter(injector.next_outcome() for _ in range(20_000))
    assert 0.045 < outcomes["too_many_requests"] / 20_000 < 0.055
    assert 0.016 < outcomes["server_error"] / 20_000 < 0.024
    assert injector.counts["too_many_requests"] == outcomes["too_many_requests"]
    assert outcomes["proceed"] == 20_000 - sum(injector.counts.values())


def test_the_same_seed_makes_the_same_decisions() -> None:
    first, second = (Injector(Faults(seed=7, server_error=0.5, deliveries=3)) for _ in range(2))
    assert [first.next_outcome() for _ in range(50)] == [second.next_outcome() for _ in range(50)]
    assert [first.repeats(number) for number in range(50)] == [second.repeats(number) for number in range(50)]


def test_an_update_is_delivered_at_most_so_many_times() -> None:
    injector = Injector(Faults(deliveries=3, redelivery_spread=2))
    repeats = [injector.repeats(number) for number in range(200)]
    assert {len(again) for again in repeats} == {0, 1, 2}
    assert all(0 <= delay <= 2 for again in repeats for delay in again)


def test_by_default_nothing_goes_wrong() -> None:
    injector = Injector(Faults())
    assert {injector.next_outcome() for _ in range(100)} == {"proceed"}
    assert injector.repeats(1) == []
    assert injector.next_delay() == 0


def test_delays_lie_in_their_range() -> None:
    injector = Injector(Faults(latency=(0.1, 0.2)))
    assert all(0.1 <= injector.next_delay() <= 0.2 for _ in range(50))
