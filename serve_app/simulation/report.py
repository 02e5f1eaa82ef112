"""A simulation's outcome for people: a table, and four plots."""

from __future__ import annotations

import statistics
from errno import EISDIR
from importlib.util import find_spec
from os import strerror
from pathlib import Path
from tempfile import TemporaryFile

from rich.table import Table

from deployments.quantiles import quantile
from serve_app.simulation.simulator import Outcome


class NoPlots(RuntimeError):
    """matplotlib is not installed."""


def latency_table(outcome: Outcome) -> Table:
    table = Table(title="Seconds from request to answer", title_justify="left")
    for name in ("feature", "requests", "half", "95 of 100", "99 of 100", "longest"):
        table.add_column(name, justify="left" if name == "feature" else "right")
    everything = [time for times in outcome.latencies.values() for time in times]
    for feature, times in [*outcome.latencies.items(), ("all", everything)]:
        marks = [f"{quantile(times, share):.2f}" if times else "–" for share in (0.5, 0.95, 0.99, 1.0)]
        table.add_row(feature, f"{len(times):,}", *marks)
    return table


def cost_table(outcome: Outcome) -> Table:
    table = Table(title="Machines", title_justify="left")
    for name in ("type", "mean", "most", "USD an hour", "USD a month"):
        table.add_column(name, justify="left" if name == "type" else "right")
    for kind, usd in outcome.usd.items():
        counts = [look.machines.get(kind, 1) for look in outcome.looks]
        hourly = usd / (outcome.seconds / 3600)
        table.add_row(
            kind, f"{statistics.fmean(counts):.1f}", str(max(counts)), f"{hourly:.2f}", f"{hourly * 730:,.0f}"
        )
    hourly = outcome.usd_per_hour
    table.add_row("all", "", "", f"{hourly:.2f}", f"{hourly * 730:,.0f}")
    return table


def replica_table(outcome: Outcome) -> Table:
    table = Table(title="Deployments", title_justify="left")
    for name in ("name", "replicas, mean", "most", "busy", "queries a batch"):
        table.add_column(name, justify="left" if name == "name" else "right")
    for deployment, busy in outcome.utilisation.items():
        counts = [look.replicas[deployment] for look in outcome.looks]
        table.add_row(
            deployment,
            f"{statistics.fmean(counts):.1f}",
            str(max(counts)),
            f"{busy:.0%}",
            f"{outcome.mean_batch[deployment]:.1f}",
        )
    return table


def check_plot(path: Path) -> None:
    """Whether a plot can be drawn into ``path``, before minutes are spent on what it is to show.

    Raises :class:`NoPlots` without matplotlib, and ``OSError``.
    """
    if find_spec("matplotlib") is None:
        raise NoPlots("drawing needs matplotlib: .venv/bin/pip install matplotlib")
    try:
        if path.is_dir():
            raise IsADirectoryError(EISDIR, strerror(EISDIR))
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def plot(outcome: Outcome, title: str, path: Path) -> None:
    """Load, latency, replicas and machines over the hours, as PNG, where :func:`check_plot` has nothing against it."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    hour_s = outcome.seconds / outcome.hours
    hours = [look.at / hour_s for look in outcome.looks]
    figure, panels = plt.subplots(4, 1, figsize=(9, 11), sharex=True, layout="constrained")
    figure.suptitle(title, fontsize=14)
    panels[0].fill_between(hours, [look.rate for look in outcome.looks], color="#9bb7d4")
    panels[0].set_ylabel("requests a second")
    middles = [hour + 0.5 for hour in range(outcome.hours)]
    for share, colour, name in (
        (0.5, "#2f6690", "half"),
        (0.95, "#d98324", "95 of 100"),
        (0.99, "#a4243b", "99 of 100"),
    ):
        marks = [quantile(times, share) for times in outcome.by_hour]
        panels[1].plot(middles, marks, marker="o", markersize=3, color=colour, label=f"{name} answered within")
    panels[1].set_ylabel("seconds")
    panels[1].set_ylim(bottom=0)
    for name in outcome.utilisation:
        panels[2].step(hours, [look.replicas[name] for look in outcome.looks], where="post", label=name)
    panels[2].set_ylabel("replicas")
    for kind in outcome.looks[0].machines:
        panels[3].step(hours, [look.machines[kind] for look in outcome.looks], where="post", label=kind)
    panels[3].set_ylabel("machines")
    panels[3].set_xlabel("hour")
    panels[3].set_xlim(0, outcome.hours)
    for panel in panels[1:]:
        panel.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    for panel in panels[2:]:
        panel.yaxis.get_major_locator().set_params(integer=True)
        panel.set_ylim(bottom=0)
    for panel in panels:
        panel.grid(visible=True, alpha=0.25)
    figure.savefig(path, dpi=110, format="png")
    plt.close(figure)
