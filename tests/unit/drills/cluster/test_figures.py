"""What the cluster drill makes of what it saw: who waited for which death, and how long a rush is felt."""

from __future__ import annotations

from benchmarks.load import Answered, Load
from drills.cluster.chaos import Kill, attributed
from drills.cluster.overload import recovered
from drills.cluster.scaling import BURST_S, Seen, figures
from drills.cluster.stage import PROXY, REPLICA


def answered(due: float, took_s: float, status: int = 200) -> Answered:
    return Answered(due, due + took_s, status)


def test_who_was_under_way_while_the_proxy_was_away_waited_for_it() -> None:
    kills = [Kill(10, PROXY), Kill(30, REPLICA)]
    before, through, during, after = (answered(due, took_s) for due, took_s in ((5, 4), (9, 4), (12, 3), (29, 2)))
    by_proxy, others = attributed([before, through, during, after], kills)
    assert by_proxy == [through, during]
    assert others == [before, after]


def test_a_rush_is_felt_until_nobody_is_refused_or_kept_waiting() -> None:
    later = Load([answered(100, 0.1), answered(103, 0.1, 429), answered(106, 2.0), answered(110, 0.1)])
    assert recovered(later, 100) == 6


def test_a_rush_that_nobody_feels_afterwards_is_over_at_once() -> None:
    assert recovered(Load([answered(100, 0.1)]), 100) == 0


def test_a_replica_that_never_came_took_for_ever() -> None:
    seen = Seen(asked=[(0, 1), (2, 2)], replicas=[(0, 1)], nodes=[(0, 1)], waits=[(BURST_S, 0.0)])
    found = {figure.name: figure for figure in figures(seen)}
    assert found["another replica is asked for"].passed
    assert not found["another replica serves"].passed
