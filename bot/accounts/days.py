"""Days and weeks as the accounts count them: in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta


def day_of(moment: float) -> date:
    """The UTC day of a Unix time."""
    return datetime.fromtimestamp(moment, UTC).date()


def start_of(day: date) -> float:
    """The Unix time at which a UTC day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def week_of(day: date) -> date:
    """The Monday of the week a day lies in."""
    return day - timedelta(days=day.weekday())
