"""The report: who comes and stays, what works, what it earns, who waits."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from bot.accounts.days import start_of
from bot.accounts.events import EventKind
from bot.accounts.payments import Status
from bot.accounts.tables import Activity, Event, Payment, User
from bot.reporting.stats import Active, Cohort, Revenue, Timing, report
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

MONDAY = date(2025, 6, 16)
NOON = start_of(MONDAY) + 43_200
DAY = timedelta(days=1)


def job(state, kind="style", created=NOON, started=None, finished=None, delivered=None, error=None, channel="telegram"):
    return Job(
        id=uuid.uuid4().hex, kind=kind, channel=channel, owner="tg:1", state=state, turn=1, request={}, inputs={},
        attempts=0, created=created, started=started, finished=finished, delivered=delivered, error=error,
    )  # fmt: skip


def payment(charge, paid, stars=50, refunded=None):
    status = Status.CREDITED if refunded is None else Status.REFUNDED
    return Payment(
        charge_id=charge, user_id=1, payload="p", product="small", stars=stars, credits=10, status=status,
        repeated=False, recurring=False, expires=None, paid=paid, refunded=refunded,
    )  # fmt: skip


@pytest.fixture
def counted(sessions):
    async def counted(*rows, **options):
        async with sessions.begin() as session:
            session.add_all(rows)
        async with sessions() as session:
            return await report(session, MONDAY, **options)

    return counted


def visits(user_id, *days):
    return [Activity(user_id=user_id, day=day) for day in days]


async def test_an_empty_house_has_a_report(counted) -> None:
    seen = await counted(days=2)
    assert seen.active == (Active(MONDAY - DAY, 0, 0, 0), Active(MONDAY, 0, 0, 0))
    assert seen.active[-1].stickiness == 0
    assert (seen.cohorts, seen.features, seen.refusals, seen.subscribers) == ((), (), {}, 0)
    assert seen.total == Timing(0, 0.0, 0.0)


async def test_people_are_counted_once_a_day_a_week_and_a_month(counted) -> None:
    seen = await counted(
        *visits(1, MONDAY, MONDAY - DAY, MONDAY - 6 * DAY),
        *visits(2, MONDAY - 6 * DAY),
        *visits(3, MONDAY - 7 * DAY),
        *visits(4, MONDAY - 29 * DAY),
        *visits(5, MONDAY - 30 * DAY),
        *visits(6, MONDAY + DAY),
        days=2,
    )
    assert seen.active[-1] == Active(MONDAY, 1, 2, 4)
    assert seen.active[-1].stickiness == 0.5
    assert seen.active[0] == Active(MONDAY - DAY, 1, 3, 5)


async def test_cohorts_are_people_by_their_first_week(counted) -> None:
    first = MONDAY - 21 * DAY
    seen = await counted(
        # Came every week; came twice and went; paused for a week and returned; came last week.
        *visits(1, first, first + 7 * DAY, first + 15 * DAY),
        *visits(2, first + 6 * DAY, first + 7 * DAY),
        *visits(3, first + DAY, first + 20 * DAY),
        *visits(4, first + 14 * DAY, MONDAY),
    )
    assert seen.cohorts == (
        Cohort(first, 3, (1.0, 2 / 3, 2 / 3), (0.0, 0.0, 1 / 3)),
        Cohort(first + 14 * DAY, 1, (1.0,), (0.0,)),
    )


async def test_somebody_known_for_longer_is_in_no_cohort(counted) -> None:
    seen = await counted(*visits(1, MONDAY - 100 * DAY, MONDAY - 8 * DAY))
    assert seen.cohorts == ()


async def test_jobs_and_failures_by_feature(counted) -> None:
    seen = await counted(
        job(State.DELIVERED),
        job(State.DELIVERED),
        job(State.QUEUED),
        job(State.FAILED, error={"slug": "refused"}),
        job(State.FAILED, error={"slug": "refused"}),
        job(State.FAILED, error={"slug": "no-face"}, kind="swap"),
        job(State.CANCELLED, kind="swap"),
        job(State.DELIVERED, channel="http"),
        job(State.DELIVERED, created=NOON - 86_400 * 28),
        days=28,
    )
    style, swap = seen.features
    assert (style.kind, style.jobs, style.delivered, style.failed, style.cancelled) == ("style", 5, 2, 2, 0)
    assert style.failures == {"refused": 2}
    assert (swap.kind, swap.jobs, swap.failed, swap.cancelled, swap.failures) == ("swap", 2, 1, 1, {"no-face": 1})


async def test_waiting_is_measured_from_order_to_delivery(counted) -> None:
    rows = [
        job(State.DELIVERED, started=NOON + n, finished=NOON + n + 2, delivered=NOON + n + 2.5) for n in range(1, 101)
    ]
    seen = await counted(*rows, job(State.FAILED, started=NOON + 900, finished=NOON + 901))
    assert seen.queue == Timing(100, 50.0, 95.0)
    assert (seen.work.p50, seen.work.p95) == (2.0, 2.0)
    assert (seen.delivery.p50, seen.total.p95) == (0.5, 97.5)


async def test_revenue_is_counted_on_the_day_it_came_and_went(counted) -> None:
    seen = await counted(
        payment("c1", NOON),
        payment("c2", NOON - 86_400, 200),
        payment("c3", NOON - 86_400 * 5, 100, refunded=NOON),
        days=2,
    )
    assert seen.revenue == (Revenue(MONDAY - DAY, 200, 0, 1), Revenue(MONDAY, 50, 100, 1))


async def test_subscribers_and_messages_turned_away(counted) -> None:
    def person(number, until):
        return User(
            id=number, language="en", banned=False, strength=1.0, as_file=False, keep_history=False,
            plus_until=until, created=NOON,
        )  # fmt: skip

    def refusal(slug, created=NOON):
        return Event(user_id=1, kind=EventKind.REFUSED, detail=slug, created=created)

    seen = await counted(
        person(1, NOON + 86_400 * 3),
        person(2, NOON),
        person(3, None),
        refusal("too-large"),
        refusal("too-large"),
        refusal("flood"),
        refusal("flood", NOON - 86_400 * 40),
        Event(user_id=1, kind=EventKind.UNREACHABLE, detail="", created=NOON),
    )
    assert seen.subscribers == 1
    assert seen.refusals == {"too-large": 2, "flood": 1}
