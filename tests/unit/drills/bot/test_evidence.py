"""The crash drill's books: what is lost, what is doubled, and which doubles a kill explains."""

from __future__ import annotations

from dataclasses import replace

from drills.bot.evidence import Arrival, Evidence, Promise

ANN, BOB = 101, 102
ONCE = {"reserve": 1, "settle": 1}


def promise(number: int, owner: int = ANN, **given: object) -> Promise:
    values = {"number": number, "owner": owner, "delivered": True, "repeats": 0, "charges": 1, "bookings": ONCE}
    return Promise(**(values | given))


GOOD = Evidence(
    owners={1: ANN, 2: ANN, 3: BOB},
    endowment=10,
    arrivals=[Arrival(1, ANN, 100.0), Arrival(2, ANN, 101.0), Arrival(3, BOB, 102.0)],
    promises=[promise(1), promise(2), promise(3, BOB)],
    balances={ANN: 8, BOB: 9},
)


def passed(evidence: Evidence) -> bool:
    return all(figure.passed for figure in evidence.verdict().figures())


def test_three_photos_three_results_three_charges() -> None:
    verdict = GOOD.verdict()
    assert (verdict.ordered, verdict.received, verdict.charged) == (3, 3, 3)
    assert passed(GOOD)


def test_a_result_that_never_came_is_lost() -> None:
    evidence = replace(GOOD, arrivals=GOOD.arrivals[:2])
    assert evidence.verdict().lost == [3]
    assert not passed(evidence)


def test_somebody_elses_result_is_astray() -> None:
    evidence = replace(GOOD, arrivals=[*GOOD.arrivals[:2], Arrival(3, ANN, 102.0)])
    assert evidence.verdict().astray == [3]
    assert not passed(evidence)


def test_a_double_after_a_kill_that_the_bot_knows_of_is_explained() -> None:
    twice = [*GOOD.arrivals, Arrival(1, ANN, 165.0)]
    evidence = replace(GOOD, arrivals=twice, promises=[promise(1, repeats=1), *GOOD.promises[1:]], kills=[100.1])
    assert evidence.verdict().doubled == [1]
    assert evidence.verdict().unexplained == []
    assert passed(evidence)


def test_a_double_without_a_kill_in_between_is_not() -> None:
    twice = [*GOOD.arrivals, Arrival(1, ANN, 165.0)]
    promises = [promise(1, repeats=1), *GOOD.promises[1:]]
    for kills in ([], [40.0], [166.0]):
        evidence = replace(GOOD, arrivals=twice, promises=promises, kills=kills)
        assert evidence.verdict().unexplained == [1]
        assert not passed(evidence)


def test_a_double_that_the_bot_does_not_know_of_is_not_explained_by_a_kill() -> None:
    evidence = replace(GOOD, arrivals=[*GOOD.arrivals, Arrival(1, ANN, 165.0)], kills=[100.1])
    assert evidence.verdict().unexplained == [1]


def test_every_repetition_needs_a_kill_of_its_own() -> None:
    thrice = [*GOOD.arrivals, Arrival(1, ANN, 165.0), Arrival(1, ANN, 230.0)]
    promises = [promise(1, repeats=2), *GOOD.promises[1:]]
    assert replace(GOOD, arrivals=thrice, promises=promises, kills=[100.1]).verdict().unexplained == [1]
    assert replace(GOOD, arrivals=thrice, promises=promises, kills=[100.1, 165.1]).verdict().unexplained == []


def test_a_job_that_nobody_ordered_fails_the_drill() -> None:
    evidence = replace(GOOD, promises=[*GOOD.promises, promise(1)])
    assert evidence.verdict().jobs == 4
    assert not passed(evidence)


def test_a_charge_is_one_reservation_and_one_settlement_of_one_credit() -> None:
    for wrong in (
        promise(1, charges=2),
        promise(1, charges=0),
        promise(1, bookings={"reserve": 1}),
        promise(1, bookings={"reserve": 1, "release": 1}),
        promise(1, bookings={"reserve": 2, "settle": 1}),
    ):
        evidence = replace(GOOD, promises=[wrong, *GOOD.promises[1:]])
        assert evidence.verdict().wrongly_charged == [1]
        assert not passed(evidence)


def test_balances_are_exact_to_the_credit() -> None:
    evidence = replace(GOOD, balances={ANN: 7, BOB: 9})
    assert evidence.verdict().wrong_balances == [ANN]
    assert not passed(evidence)
