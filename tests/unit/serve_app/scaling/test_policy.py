"""Replicas follow the time people wait and the work there is, within seconds and without swinging."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve_app.scaling.policy import Memory, Observation, Rule, decide

RULE = Rule(min_replicas=1, max_replicas=20, service_s=0.1)
HEAVY = replace(RULE, min_replicas=0)


def run(rule: Rule, looks: list[tuple[float, float, float]], replicas: int = 1, every_s: float = 1.0) -> list[int]:
    """Replicas after each look at ``(busy, waiting, service_s)``, one look every second of a fake clock."""
    memory, counts = Memory(), []
    for step, (busy, waiting, service_s) in enumerate(looks):
        seen = Observation(step * every_s, replicas, busy, waiting, service_s or None)
        decision = decide(rule, seen, memory)
        replicas, memory = decision.replicas, decision.memory
        counts.append(replicas)
    return counts


def test_a_burst_is_answered_at_the_first_look() -> None:
    # 60 queries of 100 ms wait: six seconds of work that nobody should wait longer than one for.
    assert run(RULE, [(0.3, 0, 0.1), (1.0, 60, 0.1)]) == [1, 7]


def test_steady_work_gets_the_replicas_that_keep_it_under_the_utilisation() -> None:
    assert run(RULE, [(3.5, 0, 0.1)], replicas=4) == [5]


def test_the_same_number_of_requests_needs_more_replicas_when_each_is_more_work() -> None:
    light, heavy = (run(RULE, [(1.0, 20, service_s)])[0] for service_s in (0.01, 0.4))
    assert (light, heavy) == (2, 9)


def test_many_requests_in_few_full_batches_are_no_reason_to_scale() -> None:
    # 64 in hand, all of them in batches that leave the engine half idle.
    assert run(RULE, [(0.5, 0, 0.004)] * 5) == [1] * 5


def test_replicas_that_are_still_starting_are_not_asked_for_twice() -> None:
    assert run(RULE, [(1.0, 60, 0.1)] * 8) == [7] * 8


def test_a_short_lull_takes_nothing_away() -> None:
    looks = [(5.0, 0, 0.1)] * 10 + [(0.2, 0, 0.1)] * 60 + [(5.0, 0, 0.1)] * 10
    assert set(run(RULE, looks, replicas=8)) == {8}


def test_a_load_that_swings_faster_than_the_hold_does_not_make_replicas_swing() -> None:
    looks = [(4.0 + 2.0 * math.sin(step / 5), 0, 0.1) for step in range(600)]
    counts = run(RULE, looks, replicas=6)
    assert sum(a != b for a, b in pairwise(counts)) <= 2


def test_a_need_that_hovers_around_a_whole_number_changes_nothing() -> None:
    looks = [(2.1 + (0.05 if step % 2 else -0.05), 0, 0.1) for step in range(400)]
    counts = run(RULE, looks, replicas=3)
    assert sum(a != b for a, b in pairwise(counts)) <= 1


def test_when_work_is_over_replicas_go_after_the_hold() -> None:
    counts = run(RULE, [(5.0, 0, 0.1)] * 5 + [(0.0, 0, 0.1)] * 200, replicas=8)
    assert counts[5 + int(RULE.hold_s) - 2] == 8
    assert counts[-1] == 1


def test_a_heavy_deployment_rests_at_zero_and_wakes_for_one_request() -> None:
    counts = run(HEAVY, [(0.5, 0, 0.1)] + [(0.0, 0, 0)] * 500 + [(0.0, 1, 0)])
    assert counts[int(HEAVY.idle_s) - 1] == 1, "the model stays loaded for a while"
    assert counts[-2:] == [0, 1]


def test_before_anything_was_measured_the_declared_work_counts() -> None:
    assert run(replace(RULE, service_s=2.0), [(0.0, 4, 0)]) == [8]


def test_the_reason_says_whether_people_wait_or_there_is_work() -> None:
    assert decide(RULE, Observation(0, 1, 1.0, 60, 0.1), Memory()).reason == "queue"
    assert decide(RULE, Observation(0, 1, 3.0, 0, 0.1), Memory()).reason == "work"


@pytest.mark.parametrize(
    "wrong",
    [{"min_replicas": 3, "max_replicas": 2}, {"max_replicas": 0}, {"service_s": 0}, {"queue_s": -1}, {"utilisation": 1.5},
     {"hold_s": -1}],
)  # fmt: skip
def test_an_impossible_rule_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Rule(**({"min_replicas": 0, "max_replicas": 5, "service_s": 0.1} | wrong))


looks = st.lists(
    st.tuples(st.floats(0, 50, allow_nan=False), st.floats(0, 1e4, allow_nan=False), st.floats(0, 30, allow_nan=False)),
    min_size=1,
    max_size=60,
)


@given(looks, st.integers(0, 5), st.integers(0, 20))
def test_the_number_is_always_within_the_range(looks: list[tuple[float, float, float]], low: int, more: int) -> None:
    rule = Rule(low, max(1, low + more), 0.1)
    counts = run(rule, looks, replicas=low)
    assert all(rule.min_replicas <= count <= rule.max_replicas for count in counts)


@given(looks)
def test_nobody_loses_a_replica_that_was_needed_within_the_hold(looks: list[tuple[float, float, float]]) -> None:
    counts = run(RULE, looks)
    assert counts == sorted(counts), "sixty looks, a second apart, all lie within the hold"


@given(st.floats(0, 20), st.floats(0, 500), st.floats(0.001, 5), st.floats(0.1, 10), st.floats(0.1, 100))
def test_more_work_never_means_fewer_replicas(
    busy: float, waiting: float, service_s: float, more_busy: float, more_waiting: float
) -> None:
    (less,) = run(RULE, [(busy, waiting, service_s)])
    (more,) = run(RULE, [(busy + more_busy, waiting + more_waiting, service_s)])
    assert more >= less


@given(looks)
def test_the_memory_stays_small(looks: list[tuple[float, float, float]]) -> None:
    memory = Memory()
    for step, (busy, waiting, service_s) in enumerate(looks * 4):
        memory = decide(RULE, Observation(step, 1, busy, waiting, service_s or None), memory).memory
    assert len(memory.needs) <= RULE.max_replicas + 1
