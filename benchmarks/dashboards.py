"""Draws the dashboards with the data of a run: ``python -m benchmarks.dashboards --prometheus http://127.0.0.1:9090``.

The same panels and the same queries as ``deploy/grafana/*.json``, asked of a Prometheus that scraped the run, as a
picture for the documentation. Not a screenshot of Grafana.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.axes import Axes

from serve_app.telemetry.dashboards import DASHBOARDS, Dashboard, Panel, Query

STEP_S = 5
INTERVAL = "1m"
COLOURS = ("#a3213a", "#1f6f5c", "#c28a1c", "#34569b", "#7b3f8f", "#6b7a72", "#d2691e", "#2a9fb8")
WALL, INK, SOFT, LINE = "#f3f5f0", "#17211c", "#52605a", "#c6cfc7"


def ask(prometheus: str, query: Query, minutes: float) -> list[tuple[str, list[float], list[float]]]:
    """The query's lines over the last ``minutes``: legend, minutes since the first moment, and values."""
    end = time.time()
    parameters = {
        "query": query.expr.replace("$__rate_interval", INTERVAL),
        "start": end - minutes * 60,
        "end": end,
        "step": STEP_S,
    }
    with urllib.request.urlopen(f"{prometheus}/api/v1/query_range?{urllib.parse.urlencode(parameters)}") as response:
        result = json.load(response)["data"]["result"]
    lines = []
    for series in result:
        legend = query.legend
        for label, value in series["metric"].items():
            legend = legend.replace(f"{{{{{label}}}}}", value)
        moments = [minutes + (float(moment) - end) / 60 for moment, _ in series["values"]]
        lines.append((legend, moments, [float(value) for _, value in series["values"]]))
    return sorted(lines)


def draw(axes: Axes, panel: Panel, prometheus: str, minutes: float) -> None:
    """One panel."""
    lines = [line for query in panel.queries for line in ask(prometheus, query, minutes)]
    axes.set_title(panel.title, loc="left", fontsize=11, color=INK)
    if panel.stacked and lines:
        moments = sorted({moment for _, times, _ in lines for moment in times})
        heights = [
            [dict(zip(times, seen, strict=True)).get(moment, 0.0) for moment in moments] for _, times, seen in lines
        ]
        axes.stackplot(
            moments,
            [[0.0 if math.isnan(v) else v for v in row] for row in heights],
            labels=[name for name, *_ in lines],
            colors=COLOURS,
            alpha=0.85,
        )
    for number, (legend, moments, values) in enumerate([] if panel.stacked else lines):
        axes.plot(moments, values, label=legend, color=COLOURS[number % len(COLOURS)], linewidth=1.6)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(
        {"percentunit": ticker.PercentFormatter(1.0, decimals=None)}.get(panel.unit, ticker.ScalarFormatter())
    )
    axes.set_ylabel({"reqps": "per second", "s": "seconds"}.get(panel.unit, ""), fontsize=8, color=SOFT)
    axes.set_xlim(0, minutes)
    axes.set_xlabel("minutes", fontsize=8, color=SOFT)
    axes.grid(visible=True, axis="y", color=LINE, linewidth=0.6)
    axes.tick_params(labelsize=8, colors=SOFT, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if lines:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=8, frameon=False, labelcolor=INK)
    else:
        axes.text(
            0.5,
            0.5,
            "no data: nothing of this kind happened",
            transform=axes.transAxes,
            ha="center",
            color=SOFT,
            fontsize=9,
        )
        axes.set_yticks([])
        axes.set_xticks([])


def picture(dashboard: Dashboard, prometheus: str, minutes: float, path: Path) -> None:
    """All panels of a dashboard as one PNG."""
    rows = math.ceil(len(dashboard.panels) / 2)
    figure, grid = plt.subplots(rows, 2, figsize=(15, 2.9 * rows), facecolor=WALL)
    for axes, panel in zip(grid.flat, dashboard.panels, strict=False):
        axes.set_facecolor("white")
        draw(axes, panel, prometheus, minutes)
    for axes in grid.flat[len(dashboard.panels) :]:
        axes.set_visible(False)
    figure.suptitle(dashboard.title, x=0.02, ha="left", fontsize=15, color=INK)
    figure.tight_layout(rect=(0, 0, 1, 0.98), h_pad=2.2, w_pad=2.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.dashboards",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--prometheus", default="http://127.0.0.1:9090", help="who scraped the run (default: %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how far back (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("docs/pictures"), help="folder for the pictures (default: %(default)s)"
    )
    given: Any = parser.parse_args()
    mpl.use("Agg")
    for dashboard in DASHBOARDS:
        path = given.out / f"dashboard-{dashboard.uid}.png"
        picture(dashboard, given.prometheus, given.minutes, path)
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
