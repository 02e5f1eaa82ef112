"""A slot swaps engines without a pause and keeps the old one until its last request ends."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from deployments.slots import ModelSet, Slot


class Echo:
    """Answers with its own name; can be held inside ``run`` to play a long request."""

    def __init__(self, name: str, broken: bool = False) -> None:
        self.name = name
        self.broken = broken
        self.closed = threading.Event()
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def warm_up(self) -> None:
        if self.broken:
            raise ValueError("answers NaN")

    def run(self, batch: Sequence[str]) -> list[str]:
        self.entered.set()
        assert self.go_on.wait(10)
        return [f"{self.name}:{query}" for query in batch]

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def engines() -> dict[str, Echo]:
    return {ref: Echo(ref, broken=ref.endswith("bad")) for ref in ("m@v1", "m@v2", "m@bad")}


@pytest.fixture
def slot(engines: dict[str, Echo]):
    slot: Slot[str, str] = Slot(lambda choice: engines[choice.model])
    yield slot
    slot.close()


def test_a_slot_without_a_version_refuses_a_lease(slot: Slot[str, str]) -> None:
    with pytest.raises(LookupError), slot.lease():
        pass


def test_a_staged_version_answers_under_its_own_name(slot: Slot[str, str]) -> None:
    slot.stage(ModelSet("m@v1")).result(10)
    with slot.lease() as lease:
        assert lease.model == "m@v1"
        assert lease.submit(["a", "b"]).result(10) == ["m@v1:a", "m@v1:b"]
    assert slot.status.active == ModelSet("m@v1")
    assert slot.status.error is None


def test_a_request_in_flight_ends_on_the_version_it_started_with(
    slot: Slot[str, str], engines: dict[str, Echo]
) -> None:
    slot.stage(ModelSet("m@v1")).result(10)
    old = engines["m@v1"]
    old.go_on.clear()
    with slot.lease() as lease:
        pending = lease.submit(["slow"])
        assert old.entered.wait(10)
        slot.stage(ModelSet("m@v2")).result(10)
        assert not old.closed.is_set(), "the old engine is in use and must stay open"
        with slot.lease() as newer:
            assert newer.submit(["x"]).result(10) == ["m@v2:x"]
        old.go_on.set()
        assert pending.result(10) == ["m@v1:slow"]
    assert old.closed.wait(10), "after the last lease the old engine is closed"


def test_a_version_that_fails_its_warm_up_leaves_the_old_one_serving(
    slot: Slot[str, str], engines: dict[str, Echo]
) -> None:
    slot.stage(ModelSet("m@v1")).result(10)
    with pytest.raises(ValueError, match="NaN"):
        slot.stage(ModelSet("m@bad")).result(10)
    assert slot.status.active == ModelSet("m@v1")
    assert slot.status.error == "m@bad: answers NaN"
    assert engines["m@bad"].closed.is_set(), "nothing of the failed version stays in memory"
    with slot.lease() as lease:
        assert lease.submit(["still"]).result(10) == ["m@v1:still"]


def test_a_version_that_cannot_be_found_leaves_the_old_one_serving(slot: Slot[str, str]) -> None:
    slot.stage(ModelSet("m@v1")).result(10)
    with pytest.raises(KeyError):
        slot.stage(ModelSet("m@v9")).result(10)
    assert slot.status.active == ModelSet("m@v1")


def test_an_error_is_forgotten_when_a_later_staging_succeeds(slot: Slot[str, str]) -> None:
    with pytest.raises(ValueError, match="NaN"):
        slot.stage(ModelSet("m@bad")).result(10)
    slot.stage(ModelSet("m@v2")).result(10)
    assert slot.status.error is None
    assert slot.status.active == ModelSet("m@v2")


def test_a_wish_that_was_overtaken_is_never_loaded(engines: dict[str, Echo]) -> None:
    loading, go_on = threading.Event(), threading.Event()
    loaded: list[str] = []

    def load(choice: ModelSet) -> Echo:
        loaded.append(choice.model)
        loading.set()
        assert go_on.wait(10)
        return engines[choice.model]

    slot: Slot[str, str] = Slot(load)
    first = slot.stage(ModelSet("m@v1"))
    assert loading.wait(10)
    second, third = slot.stage(ModelSet("m@bad")), slot.stage(ModelSet("m@v2"))
    go_on.set()
    for staged in (first, second, third):
        staged.result(10)
    assert loaded == ["m@v1", "m@v2"]
    assert slot.status.active == ModelSet("m@v2")
    slot.close()


def test_a_failing_request_gives_its_lease_back(slot: Slot[str, str], engines: dict[str, Echo]) -> None:
    slot.stage(ModelSet("m@v1")).result(10)
    with pytest.raises(RuntimeError), slot.lease():
        raise RuntimeError("the client went away")
    slot.stage(ModelSet("m@v2")).result(10)
    assert engines["m@v1"].closed.wait(10)


def test_closing_lets_go_of_the_engine(engines: dict[str, Echo]) -> None:
    slot: Slot[str, str] = Slot(lambda choice: engines[choice.model])
    slot.stage(ModelSet("m@v1")).result(10)
    slot.close()
    assert engines["m@v1"].closed.wait(10)
