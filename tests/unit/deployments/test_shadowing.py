"""A shadow computes beside the stable version: sampled, off the request path, dropped first."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from deployments.shadowing import BACKLOG, Shadowing
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
    slot: Slot[float, float] = Slot(lambda choice: engines[choice.model])
    slot.follow(Plan(STABLE, Second(SHADOW, "shadow", 50))).result(10)
    yield slot
    slot.close()


async def idle(shadowing: Shadowing[float, float]) -> None:
    assert shadowing._task is not None
    await shadowing._task


async def test_differences_are_recorded(slot: Slot[float, float]) -> None:
    shadowing = Shadowing(slot, draw=lambda: 0.0)
    for number in (1.0, 2.0):
        shadowing.offer(number, number, 0.01, busy=False)
    await idle(shadowing)
    summary = shadowing.summary
    assert summary is not None
    assert (summary.model, summary.compared, summary.delta) == ("m@v2", 2, 0.25)
    assert summary.stable_s == pytest.approx(0.02)


async def test_only_the_sample_is_computed(slot: Slot[float, float]) -> None:
    draws = iter([0.1, 0.49, 0.5, 0.9])
    shadowing = Shadowing(slot, draw=lambda: next(draws))
    for number in range(4):
        shadowing.offer(float(number), float(number), 0.01, busy=False)
    await idle(shadowing)
    assert shadowing.summary is not None
    assert shadowing.summary.compared == 2


async def test_a_busy_replica_drops_the_shadow_first(slot: Slot[float, float], engines: dict[str, Adder]) -> None:
    shadowing = Shadowing(slot, draw=lambda: 0.0)
    shadowing.offer(1.0, 1.0, 0.01, busy=True)
    engines["m@v2"].go_on.clear()
    for number in range(BACKLOG + 3):
        shadowing.offer(float(number), float(number), 0.01, busy=False)
    engines["m@v2"].go_on.set()
    await idle(shadowing)
    assert shadowing.summary is not None
    assert (shadowing.summary.compared, shadowing.summary.dropped) == (BACKLOG, 4)


async def test_a_failing_shadow_harms_nobody_and_is_counted(slot: Slot[float, float]) -> None:
    shadowing = Shadowing(slot, draw=lambda: 0.0)
    shadowing.offer(-1.0, -1.0, 0.01, busy=False)
    await idle(shadowing)
    assert shadowing.summary is not None
    assert (shadowing.summary.compared, shadowing.summary.failed) == (0, 1)


async def test_without_a_shadow_nothing_happens(slot: Slot[float, float]) -> None:
    slot.follow(Plan(STABLE)).result(10)
    shadowing = Shadowing(slot, draw=lambda: 0.0)
    shadowing.offer(1.0, 1.0, 0.01, busy=False)
    assert shadowing.summary is None
