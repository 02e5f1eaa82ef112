"""What the bench found, drawn: ``python -m benchmarks.speed.plot reports/bench.json docs/pictures/speed.png``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS: Final = "#7a1f3d"
THEIRS: Final = "#c9bfae"
RATE: Final = ": pictures a second, "


def draw(report: dict[str, Any], path: Path) -> None:
    """Pictures a second of every contender, a panel for each size of picture. Raises ``ValueError`` when none was measured."""
    sizes: dict[str, dict[str, float]] = {}
    for figures in report["parts"].values():
        for figure in figures:
            name, rate, size = figure["name"].partition(RATE)
            if rate:
                sizes.setdefault(size, {})[name] = figure["value"]
    if not sizes:
        raise ValueError("the report has no part 'serving'")
    shares = [len(rates) for rates in sizes.values()]
    drawing, panels = plt.subplots(
        len(sizes), 1, figsize=(8, 0.8 + 0.5 * sum(shares)), height_ratios=shares, squeeze=False, layout="constrained"
    )
    for panel, (size, rates) in zip(panels[:, 0], sizes.items(), strict=True):
        names = sorted(rates, key=lambda name: rates[name])
        bars = panel.barh(names, [rates[name] for name in names], color=[_colour(name) for name in names], height=0.65)
        panel.bar_label(bars, fmt="%.1f", padding=4)
        panel.set_title(f"Pictures a second, {size}", loc="left", fontsize=11)
        panel.spines[["top", "right", "bottom"]].set_visible(False)
        panel.tick_params(left=False, bottom=False, labelbottom=False)
        panel.margins(x=0.12)
    drawing.savefig(path, dpi=150)
    plt.close(drawing)


def _colour(name: str) -> str:
    return OURS if name == "studio" else THEIRS


def run() -> None:
    """Draw the report that the command line names."""
    arguments = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.plot", description="Draw what the bench found."
    )
    arguments.add_argument("report", type=Path, help="what `make bench` wrote: reports/bench.json")
    arguments.add_argument("picture", type=Path, help="where to, such as speed.png")
    options = arguments.parse_args()
    try:
        draw(json.loads(options.report.read_text()), options.picture)
    except (OSError, ValueError) as error:
        arguments.error(f"{options.report} could not be drawn: {error}")


if __name__ == "__main__":
    run()
