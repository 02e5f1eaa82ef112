"""A report as pictures. Matplotlib does not come with the bot itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.reporting.stats import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (8.0, 4.5)
DPI = 120
BLUE, ORANGE, RED, GREY = "#3b6ea5", "#e39b45", "#b5473c", "#9a9a9a"


class NoPlots(RuntimeError):
    """Matplotlib is not installed."""


def draw(report: Report, folder: Path) -> tuple[Path, ...]:
    """Write ``active.png``, ``retention.png``, ``churn.png``, ``features.png``, ``revenue.png`` and ``waiting.png``.

    Raises :class:`NoPlots` without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise NoPlots("drawing needs matplotlib: .venv/bin/pip install matplotlib") from None
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name, plot in PLOTS.items():
        # A Figure of its own rather than pyplot: no global state, no display.
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        plot(report, figure)
        path = folder / f"{name}.png"
        figure.savefig(path)
        paths.append(path)
    return tuple(paths)


def _active(report: Report, figure: Figure) -> None:
    axes = _axes(figure, "Active people", "people")
    days = np.array([active.day for active in report.active], dtype="datetime64[D]")
    for label, colour, counts in (
        ("monthly", GREY, [active.monthly for active in report.active]),
        ("weekly", ORANGE, [active.weekly for active in report.active]),
        ("daily", BLUE, [active.daily for active in report.active]),
    ):
        axes.plot(days, counts, color=colour, label=label, marker=".")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="upper left")
    figure.autofmt_xdate()


def _retention(report: Report, figure: Figure) -> None:
    _weeks(report, figure, "Retention: share of a week's newcomers active k weeks later", "Blues", "retention")


def _churn(report: Report, figure: Figure) -> None:
    _weeks(report, figure, "Churn: share of a week's newcomers gone by k weeks later", "Reds", "churn")


def _weeks(report: Report, figure: Figure, title: str, colours: str, field: str) -> None:
    axes = figure.add_subplot()
    axes.set_title(title)
    if not report.cohorts:
        _nothing(axes)
        return
    shares = [getattr(cohort, field) for cohort in report.cohorts]
    width = max(len(row) for row in shares)
    grid = [[*row, *[float("nan")] * (width - len(row))] for row in shares]
    axes.imshow(grid, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for y, row in enumerate(shares):
        for x, share in enumerate(row):
            axes.text(x, y, f"{share:.0%}", ha="center", va="center", color="white" if share > 0.6 else "black")
    axes.set_xticks(range(width))
    axes.set_xlabel("weeks since the first")
    axes.set_yticks(range(len(shares)), [f"{cohort.week:%d %b}  ({cohort.size})" for cohort in report.cohorts])


def _features(report: Report, figure: Figure) -> None:
    axes = _axes(figure, "Jobs by feature", "jobs")
    if not report.features:
        _nothing(axes)
        return
    names = [feature.kind for feature in report.features]
    delivered = [feature.delivered for feature in report.features]
    failed = [feature.failed for feature in report.features]
    rest = [feature.jobs - feature.delivered - feature.failed for feature in report.features]
    axes.bar(names, delivered, color=BLUE, label="delivered")
    axes.bar(names, failed, bottom=delivered, color=RED, label="failed")
    below = [good + bad for good, bad in zip(delivered, failed, strict=True)]
    axes.bar(names, rest, bottom=below, color=GREY, label="cancelled or under way")
    _legend(axes)


def _revenue(report: Report, figure: Figure) -> None:
    axes = _axes(figure, "Revenue", "Stars a day")
    days = np.array([revenue.day for revenue in report.revenue], dtype="datetime64[D]")
    axes.bar(days, [revenue.stars for revenue in report.revenue], color=BLUE, label="paid")
    axes.bar(days, [-revenue.refunded for revenue in report.revenue], color=RED, label="refunded")
    axes.axhline(0, color="black", linewidth=0.8)
    _legend(axes)
    figure.autofmt_xdate()


def _waiting(report: Report, figure: Figure) -> None:
    axes = _axes(figure, "How long people wait", "seconds")
    parts = {"queue": report.queue, "work": report.work, "delivery": report.delivery, "in all": report.total}
    places = range(len(parts))
    for offset, colour, label, values in (
        (-0.2, BLUE, "median", [timing.p50 for timing in parts.values()]),
        (0.2, ORANGE, "95th percentile", [timing.p95 for timing in parts.values()]),
    ):
        bars = axes.bar([place + offset for place in places], values, width=0.4, color=colour, label=label)
        axes.bar_label(bars, fmt="%.1f", fontsize=8)
    axes.set_xticks(list(places), list(parts))
    _legend(axes)


def _axes(figure: Figure, title: str, unit: str) -> Axes:
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.set_ylabel(unit)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _legend(axes: Axes) -> None:
    """Above the bars: looking for the best place among them takes seconds where there are many."""
    axes.margins(y=0.25)
    axes.legend(frameon=False, loc="upper right", ncols=3)


def _nothing(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "nothing to show yet", ha="center", va="center", color=GREY, transform=axes.transAxes)


PLOTS = {
    "active": _active,
    "retention": _retention,
    "churn": _churn,
    "features": _features,
    "revenue": _revenue,
    "waiting": _waiting,
}
