"""What stands beside the stable version is held against it: sampled, off the request path, dropped first."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from deployments.errors import UnknownStyle
from deployments.serving.trials import BACKLOG, WINDOW, Trial, TrialSummary, together
from deployments.slots import ModelSet, Plan, Second, Slot

STABLE, SHADOW = ModelSet("m@v1"), ModelSet("m@v2")


class Adder:
    def __init__(self, amount: float) -> None:
        self.amount = amount
        self.go_on = threading.Event()
        self.go_on.set()

    def warm_up(self) -> None:
        pass

    def run(self, batch: Sequence[float]) -> list[float]:
        assert self.go_on.wait(10)
        if any(number < 0 for number in batch):
            raise ValueError("negative")
        return [number + self.amount for number in batch]

    def close(self) -> None:
        pass


@pytest.fixture
def engines() -> dict[str, Adder]:
    return {"m@v1": Adder(0), "m@v2": Adder(0.25)}


@pytest.fixture
def slot(engines: dict[str, Adder]):
    slot: Slot[float, float] = Slot(lambda choice: engines[choice.model], lambda *_: 0.0)
    slot.follow(Plan(STABLE, Second(SHADOW, "shadow", 50))).result(10)
    yield slot
    slot.close()


async def idle(trial: Trial[float, float]) -> None:
    assert trial._working is not None
    await trial._working


async def test_differences_are_recorded(slot: Slot[float, float]) -> None:
    trial = Trial(slot, draw=lambda: 0.0)
    for number in (1.0, 2.0):
        trial.offer(number, number, 0.01, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    summary = trial.summary
    assert summary is not None
    assert (summary.model, summary.compared, summary.delta) == ("m@v2", 2, 0.25)
    assert summary.stable_s == pytest.approx(0.02)


async def test_only_the_sample_is_computed(slot: Slot[float, float]) -> None:
    draws = iter([0.1, 0.49, 0.5, 0.9])
    trial = Trial(slot, draw=lambda: next(draws))
    for number in range(4):
        trial.offer(float(number), float(number), 0.01, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    assert trial.summary is not None
    assert trial.summary.compared == 2


async def test_what_was_seen_is_summed_up_for_whoever_asks_and_for_no_request(
    slot: Slot[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def sum_up(*_: object) -> TrialSummary:
        raise AssertionError("500 comparisons were added up")

    trial = Trial(slot, draw=lambda: 0.0)
    with monkeypatch.context() as patch:
        patch.setattr("deployments.serving.trials._summed", sum_up)
        trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=False)
        await idle(trial)
    assert trial.summary is not None
    assert trial.summary.compared == 1


async def test_a_busy_replica_drops_the_shadow_first(slot: Slot[float, float], engines: dict[str, Adder]) -> None:
    trial = Trial(slot, draw=lambda: 0.0)
    trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=True)
    engines["m@v2"].go_on.clear()
    for number in range(BACKLOG + 3):
        trial.offer(float(number), float(number), 0.01, model="m@v1", by_canary=False, busy=False)
    engines["m@v2"].go_on.set()
    await idle(trial)
    assert trial.summary is not None
    assert (trial.summary.compared, trial.summary.dropped) == (BACKLOG, 4)


async def test_a_failing_shadow_harms_nobody_and_is_counted(slot: Slot[float, float]) -> None:
    trial = Trial(slot, draw=lambda: 0.0)
    trial.offer(-1.0, -1.0, 0.01, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    assert trial.summary is not None
    assert (trial.summary.compared, trial.summary.failed) == (0, 1)


@pytest.mark.parametrize("fault", [KeyError("logits"), IndexError("list index out of range")])
async def test_a_shadow_that_looks_for_what_is_not_there_fails_like_any_other(
    slot: Slot[float, float], engines: dict[str, Adder], monkeypatch: pytest.MonkeyPatch, fault: LookupError
) -> None:
    def run(batch: Sequence[float]) -> list[float]:
        raise fault

    monkeypatch.setattr(engines["m@v2"], "run", run)
    trial = Trial(slot, draw=lambda: 0.0)
    trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    assert trial.summary is not None
    assert (trial.summary.compared, trial.summary.failed) == (0, 1)


async def test_what_a_shadow_does_not_know_says_nothing_of_it(
    slot: Slot[float, float], engines: dict[str, Adder], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: Sequence[float]) -> list[float]:
        raise UnknownStyle("There is no style called 'mine'.")

    monkeypatch.setattr(engines["m@v2"], "run", run)
    trial = Trial(slot, draw=lambda: 0.0)
    trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    assert trial.summary is not None
    assert (trial.summary.compared, trial.summary.failed) == (0, 0)


async def test_without_a_shadow_nothing_happens(slot: Slot[float, float]) -> None:
    slot.follow(Plan(STABLE)).result(10)
    trial = Trial(slot, draw=lambda: 0.0)
    trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=False)
    assert trial.summary is None


@pytest.fixture
def canaried(engines: dict[str, Adder]):
    slot: Slot[float, float] = Slot(lambda choice: engines[choice.model], lambda *_: 0.0)
    slot.follow(Plan(STABLE, Second(SHADOW, "canary", 50))).result(10)
    yield slot
    slot.close()


async def test_what_a_canary_answered_the_stable_version_computes_too(canaried: Slot[float, float]) -> None:
    trial = Trial(canaried, canaries=True, draw=lambda: 0.0)
    trial.offer(1.0, 1.25, 0.5, model="m@v2", by_canary=True, busy=False)
    # The stable version's own answers have nothing to be compared with.
    trial.offer(1.0, 1.0, 0.5, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    summary = trial.summary
    assert summary is not None
    assert (summary.model, summary.role, summary.compared, summary.delta) == ("m@v2", "canary", 1, 0.25)
    assert summary.own_s == 0.5 > summary.stable_s


async def test_of_a_large_canary_a_sample_is_computed_twice(canaried: Slot[float, float]) -> None:
    draws = iter([0.49, 0.5, 0.9])
    trial = Trial(canaried, canaries=True, draw=lambda: next(draws))
    for number in range(3):
        # Half of all people see it, and a quarter of all requests is computed twice.
        trial.offer(float(number), float(number), 0.01, model="m@v2", by_canary=True, busy=False)
    await idle(trial)
    assert trial.summary is not None
    assert trial.summary.compared == 1


async def test_where_no_verdicts_are_given_a_canary_is_not_computed_twice(canaried: Slot[float, float]) -> None:
    trial = Trial(canaried, draw=lambda: 0.0)
    trial.offer(1.0, 1.25, 0.5, model="m@v2", by_canary=True, busy=False)
    assert trial.summary is None


async def test_only_the_last_requests_count(slot: Slot[float, float], engines: dict[str, Adder]) -> None:
    trial = Trial(slot, draw=lambda: 0.0)
    trial.offer(-1.0, -1.0, 0.01, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    for _ in range(WINDOW // BACKLOG):
        for _ in range(BACKLOG):
            trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=False)
        await idle(trial)
    assert trial.summary is not None
    assert (trial.summary.compared, trial.summary.failed) == (WINDOW, 0)


async def test_a_version_that_is_tried_again_is_not_judged_by_what_it_did_the_first_time(
    slot: Slot[float, float],
) -> None:
    trial = Trial(slot, draw=lambda: 0.0)
    trial.offer(-1.0, -1.0, 0.01, model="m@v1", by_canary=False, busy=False)
    await idle(trial)
    trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=True)
    assert trial.summary is not None
    assert (trial.summary.failed, trial.summary.dropped) == (1, 1)
    slot.follow(Plan(STABLE)).result(10)
    trial.follow()
    assert trial.summary is None
    slot.follow(Plan(STABLE, Second(SHADOW, "shadow", 50))).result(10)
    assert trial.summary == TrialSummary("m@v2", "shadow")


async def test_two_versions_of_what_goes_with_a_model_are_two_trials(slot: Slot[float, float]) -> None:
    trial = Trial(slot, draw=lambda: 0.0)
    for pack in ("pack@v1", "pack@v2"):
        slot.follow(Plan(STABLE, Second(ModelSet("m@v1", (pack,)), "shadow", 50))).result(10)
        assert trial.summary == TrialSummary("m@v1", "shadow")
        trial.offer(1.0, 1.0, 0.01, model="m@v1", by_canary=False, busy=False)
        await idle(trial)


def test_what_replicas_saw_adds_up() -> None:
    one = TrialSummary("m@v2", "canary", compared=1, disagreed=1, similarity=0.5, delta=2.0, own_s=1)
    other = TrialSummary("m@v2", "canary", compared=3, disagreed=0, similarity=0.9, delta=4.0, own_s=2)
    summed = together([None, one, TrialSummary("m@v2", "canary"), other, TrialSummary("m@v3", "canary", compared=9)])
    assert summed is not None
    assert (summed.model, summed.role) == ((one + other).model, (one + other).role) == ("m@v2", "canary")
    assert (summed.compared, summed.disagreed, summed.own_s) == (4, 1, 3)
    assert (summed.similarity, summed.delta) == (pytest.approx(0.8), 3.5)
    assert together([None]) is None
