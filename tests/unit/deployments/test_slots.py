"""A slot swaps engines without a pause and keeps the old one until its last request ends."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from deployments.slots import ModelSet, NotLoaded, Pace, Plan, Second, Slot


class Echo:
    """Answers with its own name; can be held inside ``run`` to play a long request."""

    def __init__(self, name: str, broken: bool = False) -> None:
        self.name = name
        self.broken = broken
        self.warm_ups = 0
        self.closed = threading.Event()
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def warm_up(self) -> None:
        self.warm_ups += 1
        if self.broken:
            raise ValueError("answers NaN")

    def run(self, batch: Sequence[str]) -> list[str]:
        self.entered.set()
        assert self.go_on.wait(10)
        return [f"{self.name}:{query}" for query in batch]

    def close(self) -> None:
        self.closed.set()


def warm_up(_choice: ModelSet, engine: Echo, _active: Pace | None) -> float:
    engine.warm_up()
    return 0.0


@pytest.fixture
def engines() -> dict[str, Echo]:
    return {ref: Echo(ref, broken=ref.endswith("bad")) for ref in ("m@v1", "m@v2", "m@v3", "m@bad")}


@pytest.fixture
def slot(engines: dict[str, Echo]):
    slot: Slot[str, str] = Slot(lambda choice: engines[choice.model], warm_up)
    yield slot
    slot.close()


def test_a_slot_without_a_version_refuses_a_lease(slot: Slot[str, str]) -> None:
    with pytest.raises(NotLoaded), slot.lease():
        pass


def test_a_staged_version_answers_under_its_own_name(slot: Slot[str, str]) -> None:
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    with slot.lease() as lease:
        assert lease.model == "m@v1"
        assert lease.submit(["a", "b"]).result(10) == ["m@v1:a", "m@v1:b"]
    assert slot.status.active == ModelSet("m@v1")
    assert slot.status.error is None


def test_a_request_in_flight_ends_on_the_version_it_started_with(
    slot: Slot[str, str], engines: dict[str, Echo]
) -> None:
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    old = engines["m@v1"]
    old.go_on.clear()
    with slot.lease() as lease:
        pending = lease.submit(["slow"])
        assert old.entered.wait(10)
        slot.follow(Plan(ModelSet("m@v2"))).result(10)
        assert not old.closed.is_set(), "the old engine is in use and must stay open"
        with slot.lease() as newer:
            assert newer.submit(["x"]).result(10) == ["m@v2:x"]
        old.go_on.set()
        assert pending.result(10) == ["m@v1:slow"]
    assert old.closed.wait(10), "after the last lease the old engine is closed"


def test_a_version_that_fails_its_warm_up_leaves_the_old_one_serving(
    slot: Slot[str, str], engines: dict[str, Echo]
) -> None:
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    with pytest.raises(ValueError, match="NaN"):
        slot.follow(Plan(ModelSet("m@bad"))).result(10)
    assert slot.status.active == ModelSet("m@v1")
    assert slot.status.error == "m@bad: answers NaN"
    assert engines["m@bad"].closed.is_set(), "nothing of the failed version stays in memory"
    with slot.lease() as lease:
        assert lease.submit(["still"]).result(10) == ["m@v1:still"]


def test_a_version_that_cannot_be_found_leaves_the_old_one_serving(slot: Slot[str, str]) -> None:
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    with pytest.raises(KeyError):
        slot.follow(Plan(ModelSet("m@v9"))).result(10)
    assert slot.status.active == ModelSet("m@v1")


def test_an_error_is_forgotten_when_a_later_staging_succeeds(slot: Slot[str, str]) -> None:
    with pytest.raises(ValueError, match="NaN"):
        slot.follow(Plan(ModelSet("m@bad"))).result(10)
    slot.follow(Plan(ModelSet("m@v2"))).result(10)
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

    slot: Slot[str, str] = Slot(load, warm_up)
    first = slot.follow(Plan(ModelSet("m@v1")))
    assert loading.wait(10)
    second, third = slot.follow(Plan(ModelSet("m@bad"))), slot.follow(Plan(ModelSet("m@v2")))
    go_on.set()
    for staged in (first, second, third):
        staged.result(10)
    assert loaded == ["m@v1", "m@v2"]
    assert slot.status.active == ModelSet("m@v2")
    slot.close()


def test_what_becomes_of_a_wish_that_was_overtaken_is_no_news(engines: dict[str, Echo]) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def load(choice: ModelSet) -> Echo:
        if choice.model == "m@bad":
            loading.set()
            assert go_on.wait(10)
        return engines[choice.model]

    slot: Slot[str, str] = Slot(load, warm_up)
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    overtaken = slot.follow(Plan(ModelSet("m@bad")))
    assert loading.wait(10)
    assert slot.status.staging == ModelSet("m@bad")
    back = slot.follow(Plan(ModelSet("m@v1")))
    go_on.set()
    back.result(10)
    assert isinstance(overtaken.exception(10), ValueError)
    assert (slot.status.staging, slot.status.refused, slot.status.error) == (None, None, None)
    slot.close()


def test_a_failing_request_gives_its_lease_back(slot: Slot[str, str], engines: dict[str, Echo]) -> None:
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    with pytest.raises(RuntimeError), slot.lease():
        raise RuntimeError("the client went away")
    slot.follow(Plan(ModelSet("m@v2"))).result(10)
    assert engines["m@v1"].closed.wait(10)


def test_an_engine_has_one_batch_in_hand_at_a_time(slot: Slot[str, str], engines: dict[str, Echo]) -> None:
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    engine = engines["m@v1"]
    engine.go_on.clear()
    with slot.lease() as one, slot.lease() as other:
        first = one.submit(["a"])
        assert engine.entered.wait(10)
        second = other.submit(["b"])
        assert (first.running(), second.running()) == (True, False), "no engine is safe to use from two threads"
        engine.go_on.set()
        assert (first.result(10), second.result(10)) == (["m@v1:a"], ["m@v1:b"])


def test_closing_lets_go_of_the_engines(engines: dict[str, Echo]) -> None:
    slot: Slot[str, str] = Slot(lambda choice: engines[choice.model], warm_up)
    slot.follow(Plan(ModelSet("m@v1"), Second(ModelSet("m@v2"), "canary", 5))).result(10)
    with slot.lease():
        slot.close()
        assert engines["m@v2"].closed.wait(10)
        assert not engines["m@v1"].closed.is_set(), "a request is still on it"
    assert engines["m@v1"].closed.wait(10)
    with pytest.raises(NotLoaded), slot.lease():
        pass


def test_closing_waits_for_no_request_that_keeps_a_version_from_being_loaded(engines: dict[str, Echo]) -> None:
    slot: Slot[str, str] = Slot(lambda choice: engines[choice.model], warm_up)
    slot.follow(Plan(ModelSet("m@v1"))).result(10)
    with slot.lease():
        slot.follow(Plan(ModelSet("m@v2"))).result(10)
        waiting = slot.follow(Plan(ModelSet("m@v3")))
        slot.close()
        assert waiting.done()
    assert engines["m@v3"].warm_ups == 0


V1, V2, V3 = (ModelSet(f"m@v{number}") for number in (1, 2, 3))


def model_of(slot: Slot[str, str], *, canary: bool = False) -> str:
    with slot.lease(canary=canary) as lease:
        return lease.model


def test_a_staged_version_waits_until_it_is_told_to_take_over(slot: Slot[str, str], engines: dict[str, Echo]) -> None:
    slot.follow(Plan(V1, Second(V2))).result(10)
    assert slot.status.second == Second(V2)
    assert model_of(slot) == model_of(slot, canary=True) == "m@v1", "staged is not active, not even for canary users"
    slot.follow(Plan(V2))
    assert model_of(slot) == "m@v2", "what is loaded takes over before follow returns"
    assert engines["m@v2"].warm_ups == 1
    assert engines["m@v1"].closed.wait(10)


def test_a_canary_answers_only_those_it_was_meant_for(slot: Slot[str, str]) -> None:
    slot.follow(Plan(V1, Second(V2, "canary", 5))).result(10)
    assert (model_of(slot), model_of(slot, canary=True)) == ("m@v1", "m@v2")
    assert (slot.percent("canary"), slot.percent("shadow")) == (5, 0)
    with pytest.raises(NotLoaded), slot.lease_shadow():
        pass


def test_a_shadow_answers_nobody(slot: Slot[str, str]) -> None:
    slot.follow(Plan(V1, Second(V2, "shadow", 10))).result(10)
    assert model_of(slot) == model_of(slot, canary=True) == "m@v1"
    with slot.lease_shadow() as lease:
        assert lease.model == "m@v2"
    assert (slot.percent("canary"), slot.percent("shadow")) == (0, 10)


def test_going_back_to_a_version_that_is_still_loaded_needs_no_loading(
    slot: Slot[str, str], engines: dict[str, Echo]
) -> None:
    slot.follow(Plan(V1, Second(V2, "canary", 50))).result(10)
    slot.follow(Plan(V2, Second(V1, "canary", 50))).result(10)
    assert (model_of(slot), model_of(slot, canary=True)) == ("m@v2", "m@v1")
    slot.follow(Plan(V1)).result(10)
    assert model_of(slot) == "m@v1"
    assert engines["m@v1"].warm_ups == 1


def test_a_third_version_is_only_loaded_when_one_of_two_has_left(
    slot: Slot[str, str], engines: dict[str, Echo]
) -> None:
    slot.follow(Plan(V1)).result(10)
    with slot.lease():
        slot.follow(Plan(V2)).result(10)
        third = slot.follow(Plan(V3))
        assert slot.status.active == V2
        assert not engines["m@v1"].closed.is_set()
        assert engines["m@v3"].warm_ups == 0, "version 1 is in use and version 2 is active"
    third.result(10)
    assert engines["m@v1"].closed.is_set()
    assert model_of(slot) == "m@v3"


def test_two_engines_at_most_are_in_memory_whatever_is_wished() -> None:
    made: list[Echo] = []

    def load(choice: ModelSet) -> Echo:
        made.append(Echo(choice.model))
        assert sum(not engine.closed.is_set() for engine in made) <= 2
        return made[-1]

    slot: Slot[str, str] = Slot(load, warm_up)
    slot.follow(Plan(V1, Second(V2))).result(10)
    slot.follow(Plan(V3, Second(V2, "canary", 5))).result(10)
    assert (slot.status.active, slot.status.second) == (V3, Second(V2, "canary", 5))
    slot.close()


def test_a_staging_that_waits_for_room_can_be_called_off(slot: Slot[str, str], engines: dict[str, Echo]) -> None:
    slot.follow(Plan(V1)).result(10)
    with slot.lease():
        slot.follow(Plan(V2)).result(10)
        waiting = slot.follow(Plan(V3))
        back = slot.follow(Plan(V2))
        waiting.result(10)
        back.result(10)
    assert engines["m@v3"].warm_ups == 0
    assert model_of(slot) == "m@v2"


def test_a_refused_canary_leaves_stable_alone_and_is_named(slot: Slot[str, str], engines: dict[str, Echo]) -> None:
    slot.follow(Plan(V1)).result(10)
    bad = ModelSet("m@bad")
    with pytest.raises(ValueError, match="NaN"):
        slot.follow(Plan(V1, Second(bad, "canary", 5))).result(10)
    assert slot.status.refused == bad
    assert slot.status.second is None
    assert model_of(slot, canary=True) == "m@v1"


def test_each_version_is_told_the_pace_of_the_one_before(engines: dict[str, Echo]) -> None:
    told: list[tuple[float, bool] | None] = []

    def examine(choice: ModelSet, engine: Echo, pace: Pace | None) -> float:
        told.append(None if pace is None else (pace.seconds, 0 <= pace.again() < 10))
        return float(choice.model[-1])

    slot: Slot[str, str] = Slot(lambda choice: engines[choice.model], examine)
    for choice in (V1, V2, V3):
        slot.follow(Plan(choice)).result(10)
    slot.close()
    assert told == [None, (1.0, True), (2.0, True)]
    assert [engines[choice.model].warm_ups for choice in (V1, V2, V3)] == [1, 1, 0], "measured again on the one before"
