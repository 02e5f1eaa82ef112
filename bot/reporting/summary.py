"""The operator's report as text."""

from __future__ import annotations

from bot.reporting.stats import Report, Timing


def summary(counted: Report) -> str:
    """A few dozen lines, 60 columns wide: people, features, money and waiting."""
    today = counted.active[-1]
    lines = [
        f"{today.day}: {today.daily} active, {today.weekly} in 7 days, {today.monthly} in 30",
        f"DAU/WAU {today.stickiness:.0%} · {counted.subscribers} subscribers",
        "",
        f"{'feature':<12}{'jobs':>7}{'done':>7}{'failed':>8}{'stopped':>9}",
    ]
    lines += [
        f"{feature.kind:<12}{feature.jobs:>7}{feature.delivered:>7}{feature.failed:>8}{feature.cancelled:>9}"
        for feature in counted.features
    ]
    failures = {
        f"{feature.kind}: {reason}": count for feature in counted.features for reason, count in feature.failures.items()
    }
    lines += ["", *(f"  {what:<40}{count:>6}" for what, count in failures.items())] if failures else []
    lines += ["", f"{'seconds':<12}{'count':>7}{'p50':>9}{'p95':>9}"]
    timings = {"queue": counted.queue, "work": counted.work, "delivery": counted.delivery, "in all": counted.total}
    lines += [_timing(name, timing) for name, timing in timings.items()]
    stars, refunded = (sum(day.stars for day in counted.revenue), sum(day.refunded for day in counted.revenue))
    payments = sum(day.payments for day in counted.revenue)
    lines += ["", f"{stars} Stars in {payments} payments, {refunded} refunded ({len(counted.revenue)} days)"]
    lines += ["", "cohort      size  share of it active in week 0, 1, …"]
    lines += [
        f"{cohort.week}{cohort.size:>6}  {' '.join(f'{share:>4.0%}' for share in cohort.retention)}"
        for cohort in counted.cohorts
    ]
    if counted.refusals:
        lines += ["", "turned away", *(f"  {reason:<40}{count:>6}" for reason, count in counted.refusals.items())]
    return "\n".join(lines)


def _timing(name: str, timing: Timing) -> str:
    return f"{name:<12}{timing.count:>7}{timing.p50:>9.2f}{timing.p95:>9.2f}"
