"""Two phases: staged by all, then activated."""

from __future__ import annotations

from deployments.slots import ModelSet, Plan, Second, SlotStatus
from serve_app.versions.steps import Apply, Refuse, Wait, next_step

V1, V2, V3 = (ModelSet(f"m@v{number}") for number in (1, 2, 3))
STAGING = Plan(V1, Second(V2))

BARE = SlotStatus(V1, None, None)
READY = SlotStatus(V1, None, None, Second(V2))


def test_first_every_replica_is_asked_to_stage() -> None:
    assert next_step(Plan(V1), Plan(V2), [BARE, BARE], settled=True) == Apply(STAGING)


def test_one_replica_that_has_not_staged_holds_everybody_back() -> None:
    assert next_step(STAGING, Plan(V2), [READY, BARE], settled=True) == Wait(V2)


def test_a_replica_that_is_just_starting_is_waited_for() -> None:
    assert next_step(STAGING, Plan(V2), [READY, READY], settled=False) == Wait(V2)


def test_no_replica_at_all_is_no_proof() -> None:
    assert next_step(STAGING, Plan(V2), [], settled=True) == Wait(V2)


def test_when_all_have_staged_it_is_activated() -> None:
    assert next_step(STAGING, Plan(V2), [READY, READY], settled=True) == Apply(Plan(V2))


def test_a_replica_that_refuses_stops_it_for_all() -> None:
    refusing = SlotStatus(V1, None, "m@v2: NaN", None, V2)
    assert next_step(STAGING, Plan(V2), [READY, refusing], settled=True) == Refuse(V2, "m@v2: NaN")


def test_an_older_refusal_of_another_version_means_nothing() -> None:
    refusing = SlotStatus(V1, None, "m@v3: NaN", None, V3)
    assert next_step(STAGING, Plan(V2), [refusing], settled=True) == Wait(V2)


def test_a_canary_is_staged_before_anybody_meets_it() -> None:
    wanted = Plan(V1, Second(V2, "canary", 5))
    assert next_step(Plan(V1), wanted, [BARE], settled=True) == Apply(STAGING)
    assert next_step(STAGING, wanted, [READY], settled=True) == Apply(wanted)
    assert next_step(wanted, wanted, [SlotStatus(V1, None, None, Second(V2, "canary", 5))], settled=True) is None


def test_another_per_cent_and_the_end_of_a_trial_need_no_staging() -> None:
    five, ten = (Plan(V1, Second(V2, "canary", percent)) for percent in (5, 10))
    assert next_step(five, ten, [READY], settled=True) == Apply(ten)
    assert next_step(five, Plan(V1), [READY], settled=True) == Apply(Plan(V1))


def test_a_canary_that_is_promoted_is_loaded_already() -> None:
    canary = Plan(V1, Second(V2, "canary", 5))
    assert next_step(canary, Plan(V2), [READY, READY], settled=True) == Apply(Plan(V2))


def test_stable_comes_before_what_is_tried_beside_it() -> None:
    wanted = Plan(V2, Second(V3, "shadow", 10))
    assert next_step(Plan(V1), wanted, [BARE], settled=True) == Apply(STAGING)
    assert next_step(STAGING, wanted, [READY], settled=True) == Apply(Plan(V2))
    after = SlotStatus(V2, None, None)
    assert next_step(Plan(V2), wanted, [after], settled=True) == Apply(Plan(V2, Second(V3)))


def test_a_replica_that_starts_late_and_refuses_a_canary_ends_it() -> None:
    live = Plan(V1, Second(V2, "canary", 5))
    refusing = SlotStatus(V1, None, "m@v2: no memory", None, V2)
    assert next_step(live, live, [READY, refusing], settled=True) == Refuse(V2, "m@v2: no memory")
