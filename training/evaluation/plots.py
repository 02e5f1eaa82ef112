"""Plots of a report, drawn."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Final

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from training.evaluation.report import Plot, Series

_INK: Final = "#6f6678"
_COLOURS: Final = ("#b3563b", "#3b7ab3", "#5d8f4e", "#8a5fa8", "#c0922f", "#4d9a95")


def draw(plot: Plot) -> str:
    """A plot as an SVG element: equal plots give equal text."""
    with mpl.rc_context({"svg.hashsalt": plot.title, "font.size": 9, "svg.fonttype": "none"}):
        canvas = Canvas(figsize=(6.2, 4.2), layout="constrained")
        axes = canvas.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e8e2da", linewidth=0.6)
        axes.set_axisbelow(True)
        for low, high, label in plot.bands:
            axes.axvspan(low, high, color="#c9c2b8", alpha=0.35, label=label, linewidth=0)
        for index, series in enumerate(plot.series):
            _trace(axes, series, _INK if series.muted else _COLOURS[index % len(_COLOURS)])
        axes.set_xlabel(plot.x)
        axes.set_ylabel(plot.y)
        if plot.x_limits:
            axes.set_xlim(*plot.x_limits)
        if plot.y_limits:
            axes.set_ylim(*plot.y_limits)
        if len(plot.series) + len(plot.bands) > 1:
            axes.legend(frameon=False)
        buffer = io.StringIO()
        canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    # The XML prologue has no place inside a page, and ids of several plots must not meet.
    prefix = re.sub(r"\W+", "-", plot.title.lower())
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{prefix}-", svg[svg.index("<svg") :])
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(plot.title)}" ', 1)


def _trace(axes: mpl.axes.Axes, series: Series, colour: str) -> None:
    style = "--" if series.muted else "-"
    match series.shape:
        case "line":
            axes.plot(
                series.x, series.y, style, color=colour, label=series.name, linewidth=1.2 if series.muted else 1.8
            )
        case "points":
            axes.plot(series.x, series.y, "o", color=colour, label=series.name, markersize=5)
        case "bars":
            width = 0.8 * min((b - a for a, b in zip(series.x, series.x[1:], strict=False)), default=1.0)
            axes.bar(series.x, series.y, width=width, color=colour, label=series.name, alpha=0.8)
    if series.low and series.high:
        axes.vlines(series.x, series.low, series.high, color=colour, linewidth=1.2)
