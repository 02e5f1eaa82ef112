"""What an operator wants to know, counted from the tables: who comes and stays, what works, what it earns, who waits.

Days and weeks are UTC. Active means: sent the bot anything that day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Date, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.accounts.accounts import CHANNEL
from bot.accounts.days import day_of, start_of, week_of
from bot.accounts.events import EventKind
from bot.accounts.payments import Status
from bot.accounts.tables import Activity, Event, Payment, User
from deployments.quantiles import quantile
from serve_app.database import opened
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.settings import Settings

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
COHORTS = 8


@dataclass(frozen=True, slots=True)
class Active:
    """People active on ``day``, in the seven days and in the thirty days that end with it."""

    day: date
    daily: int
    weekly: int
    monthly: int

    @property
    def stickiness(self) -> float:
        """DAU/WAU, 0..1: which share of a week's people comes on a given day."""
        return self.daily / self.weekly if self.weekly else 0.0


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people first seen in the week that begins with ``week`` (a Monday).

    ``retention[k]`` is the share active in the k-th week after that (0: the first itself); ``churn[k]`` the share that
    had left by then: not seen in week k, nor since. A person who pauses and returns has not churned, so the two need
    not add up to one. Weeks that are not over are not counted.
    """

    week: date
    size: int
    retention: tuple[float, ...]
    churn: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Feature:
    """Jobs of one kind ordered in the period; ``failures`` counts the failed ones by reason."""

    kind: str
    jobs: int
    delivered: int
    failed: int
    cancelled: int
    failures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Revenue:
    """Stars of one day; ``refunded`` are those given back that day, whenever they had come in."""

    day: date
    stars: int
    refunded: int
    payments: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: the median and the 95th percentile (nearest rank) of ``count`` jobs."""

    count: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class Report:
    """The period's ``days`` end with the report's day. ``refusals`` are messages turned away, by reason."""

    active: tuple[Active, ...]
    cohorts: tuple[Cohort, ...]
    features: tuple[Feature, ...]
    revenue: tuple[Revenue, ...]
    subscribers: int
    queue: Timing
    work: Timing
    delivery: Timing
    total: Timing
    refusals: Mapping[str, int]


async def read_report(studio: Settings, day: date, days: int) -> Report:
    """Count the ``days`` that end with ``day``, from the studio's database. Raises ``NoDatabase``."""
    async with opened(studio.sql_url) as sessions, sessions() as session:
        return await report(session, day, days=days)


async def report(session: AsyncSession, day: date, *, days: int = 28) -> Report:
    """Count the ``days`` that end with ``day``, and the cohorts of the eight weeks before that day's week."""
    period = tuple(day - DAY * back for back in range(days - 1, -1, -1))
    begin, end = start_of(period[0]), start_of(day + DAY)
    jobs = select(Job.kind, Job.state, Job.error, Job.created, Job.started, Job.finished, Job.delivered).where(
        Job.channel == CHANNEL, Job.created >= begin, Job.created < end
    )
    rows = [_Row(*row) async for row in await session.stream(jobs)]
    delivered = [row for row in rows if row.state == State.DELIVERED]
    refused = select(Event.detail, func.count()).where(
        Event.kind == EventKind.REFUSED, Event.created >= begin, Event.created < end
    )
    subscribers = select(func.count()).select_from(User).where(User.plus_until > end)
    return Report(
        active=await _active(session, period),
        cohorts=await _cohorts(session, day),
        features=_features(rows),
        revenue=await _revenue(session, period),
        subscribers=(await session.execute(subscribers)).scalar_one(),
        queue=timing(row.started - row.created for row in delivered if row.started is not None),
        work=timing(
            row.finished - row.started for row in delivered if row.finished is not None and row.started is not None
        ),
        delivery=timing(
            row.delivered - row.finished for row in delivered if row.delivered is not None and row.finished is not None
        ),
        total=timing(row.delivered - row.created for row in delivered if row.delivered is not None),
        refusals=dict((await session.execute(refused.group_by(Event.detail))).all()),
    )


def timing(durations: Iterable[float]) -> Timing:
    """Percentiles by nearest rank; zeros when there is nothing to measure."""
    found = list(durations)
    return Timing(len(found), quantile(found, 0.5), quantile(found, 0.95)) if found else Timing(0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    state: str
    error: Mapping[str, str] | None
    created: float
    started: float | None
    finished: float | None
    delivered: float | None


def _until_next() -> ColumnElement[date]:
    """The next day a person was active on: who is counted by the last of their days is counted once."""
    after: ColumnElement[date] = func.lead(Activity.day, type_=Date).over(
        partition_by=Activity.user_id, order_by=Activity.day
    )
    return after.label("next")


async def _active(session: AsyncSession, period: Sequence[date]) -> tuple[Active, ...]:
    days = select(Activity.day, _until_next()).where(Activity.day > period[0] - DAY * 30, Activity.day <= period[-1])
    seen = days.subquery()
    statement = select(seen.c.day, seen.c.next, func.count()).group_by(seen.c.day, seen.c.next)
    counts = (await session.execute(statement)).all()

    def within(last: date, days: int) -> int:
        first = last - DAY * (days - 1)
        return sum(people for day, after, people in counts if first <= day <= last and (after is None or after > last))

    return tuple(Active(day, within(day, 1), within(day, 7), within(day, 30)) for day in period)


async def _cohorts(session: AsyncSession, day: date) -> tuple[Cohort, ...]:
    this_week = week_of(day)
    first = select(Activity.user_id, func.min(Activity.day).label("first")).group_by(Activity.user_id).subquery()
    days = (
        select(first.c.first, Activity.day, _until_next())
        .join(first, first.c.user_id == Activity.user_id)
        .where(first.c.first >= this_week - COHORTS * WEEK, first.c.first < this_week, Activity.day <= day)
    ).subquery()
    statement = select(days.c.first, days.c.day, days.c.next, func.count()).group_by(*days.c)
    sizes: Counter[date] = Counter()
    active: dict[date, Counter[int]] = defaultdict(Counter)
    left: dict[date, Counter[int]] = defaultdict(Counter)
    for first_day, active_day, next_day, people in await session.execute(statement):
        week = week_of(first_day)
        number = (week_of(active_day) - week).days // 7
        if active_day == first_day:
            sizes[week] += people
        if next_day is None or week_of(next_day) != week_of(active_day):
            active[week][number] += people
        if next_day is None:
            left[week][number] += people
    return tuple(_cohort(week, sizes[week], active[week], left[week], this_week) for week in sorted(sizes))


def _cohort(week: date, size: int, active: Counter[int], left: Counter[int], this_week: date) -> Cohort:
    """How many were ``active`` in each week, and seen for the last time in it (``left``), by its number."""
    over = range((this_week - week).days // 7)
    return Cohort(
        week,
        size,
        tuple(active[k] / size for k in over),
        tuple(sum(left[earlier] for earlier in range(k)) / size for k in over),
    )


def _features(rows: Iterable[_Row]) -> tuple[Feature, ...]:
    by_kind: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    return tuple(
        Feature(
            kind,
            len(of_kind),
            sum(row.state == State.DELIVERED for row in of_kind),
            sum(row.state == State.FAILED for row in of_kind),
            sum(row.state == State.CANCELLED for row in of_kind),
            dict(Counter((row.error or {}).get("slug", "internal") for row in of_kind if row.state == State.FAILED)),
        )
        for kind, of_kind in sorted(by_kind.items())
    )


async def _revenue(session: AsyncSession, period: Sequence[date]) -> tuple[Revenue, ...]:
    begin, end = start_of(period[0]), start_of(period[-1] + DAY)
    came = select(Payment.paid, Payment.stars).where(Payment.paid >= begin, Payment.paid < end)
    went = select(Payment.refunded, Payment.stars).where(
        Payment.status == Status.REFUNDED, Payment.refunded >= begin, Payment.refunded < end
    )
    stars: Counter[date] = Counter()
    refunded: Counter[date] = Counter()
    payments: Counter[date] = Counter()
    for moment, amount in await session.execute(came):
        stars[day_of(moment)] += amount
        payments[day_of(moment)] += 1
    for moment_back, amount in await session.execute(went):
        refunded[day_of(moment_back or 0.0)] += amount
    return tuple(Revenue(day, stars[day], refunded[day], payments[day]) for day in period)
