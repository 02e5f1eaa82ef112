"""A report as one HTML page: plots as SVG, pictures as JPEG, both inside it."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np

from deployments.imaging import Pixels, encode
from training.evaluation.report import Cell, Document, Figure, Gallery, Plot, Section, Table, Text

_THUMBNAIL: Final = 220

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #221d26; --paper: #faf7f2; --line: #ddd5ca; --soft: #6f6678; --card: #fff;
  --good: #2f7a45; --bad: #b02a2a; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1ebe2; --paper: #17141a; --line: #3a3440; --soft: #a89fb0;
  --card: #211d25; --good: #7cc58f; --bad: #f08a8a; } }
body { margin: 0 auto; max-width: 1100px; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 ui-sans-serif, system-ui, sans-serif; }
h1 { font: 2rem/1.2 ui-serif, Georgia, serif; margin: 0 0 .5rem; }
h2 { font: 1.25rem/1.3 ui-serif, Georgia, serif; margin: 2.2rem 0 .5rem; }
p { margin: .3rem 0; max-width: 75ch; } .note { color: var(--soft); font-size: .9rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; }
td, th { text-align: left; vertical-align: top; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); }
td.number { font-variant-numeric: tabular-nums; } .met { color: var(--good); } .missed { color: var(--bad); }
figure { margin: 0; } figure.plot { background: #fff; border: 1px solid var(--line); border-radius: 8px;
  max-width: 640px; padding: .5rem; } svg { display: block; width: 100%; height: auto; }
.row { display: flex; flex-wrap: wrap; gap: .8rem; } .row figure { width: 160px; } .row img { width: 160px;
  border-radius: 6px; display: block; } figcaption { color: var(--soft); font-size: .8rem; overflow-wrap: anywhere; }
"""


def html(document: Document, pictures: Mapping[int, Sequence[Pixels]] = MappingProxyType({})) -> str:
    """The page, without outside resources. ``pictures`` holds those of each :class:`Gallery`, by its place among the sections."""
    title = escape(document.title)
    body = "".join(_section(section, pictures.get(place, ())) for place, section in enumerate(document.sections))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{escape(document.summary)}</p>{_figures(document.figures)}{body}</body></html>\n"
    )


def number(value: Cell, unit: str = "") -> str:
    """A value as people read it: three digits after the point, shares of one in per cent, None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if unit == "%":
        return f"{100 * value:.1f} %"
    text = f"{value:,}" if isinstance(value, int) else f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{text} {unit}".rstrip()


def bar(figure: Figure) -> str:
    """The bar in words; empty where there is none."""
    bounds = (("at least", figure.at_least), ("at most", figure.at_most))
    return " and ".join(f"{words} {number(bound, figure.unit)}" for words, bound in bounds if bound is not None)


def interval(figure: Figure) -> str:
    """The interval in words; empty where there is none."""
    if figure.interval is None:
        return ""
    low, high = figure.interval
    return f"{number(low, figure.unit)} to {number(high, figure.unit)}"


def _figures(figures: Sequence[Figure]) -> str:
    if not figures:
        return ""
    rows = []
    for figure in figures:
        state = ("met" if figure.met else "missed") if figure.barred else ""
        verdict = f'<span class="{state}">{bar(figure)}: {state}</span>' if state else ""
        note = f'<div class="note">{escape(figure.note)}</div>' if figure.note else ""
        rows.append(
            f'<tr><td>{escape(figure.name)}{note}</td><td class="number">{number(figure.value, figure.unit)}</td>'
            f'<td class="number">{interval(figure)}</td><td>{verdict}</td></tr>'
        )
    head = "<tr><th>Figure</th><th>Value</th><th>95 % interval</th><th>Bar</th></tr>"
    return f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def _section(section: Section, pictures: Sequence[Pixels]) -> str:
    body = "".join(_body(section, pictures))
    note = f'<p class="note">{escape(section.note)}</p>' if not isinstance(section, Text) and section.note else ""
    return f"<section><h2>{escape(section.title)}</h2>{body}{note}</section>"


def _body(section: Section, pictures: Sequence[Pixels]) -> Iterator[str]:
    match section:
        case Text():
            yield f"<p>{escape(section.text)}</p>"
        case Table():
            head = "".join(f"<th>{escape(column)}</th>" for column in section.columns)
            rows = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in section.rows)
            yield f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
        case Plot():
            # matplotlib comes with an extra, and many a page has no plots.
            from training.evaluation.plots import draw

            yield f'<figure class="plot">{draw(section)}</figure>'
        case Gallery():
            shown = zip(pictures, section.captions, strict=True)
            yield f'<div class="row">{"".join(_thumbnail(pixels, caption) for pixels, caption in shown)}</div>'


def _cell(value: Cell) -> str:
    kind = "" if isinstance(value, str) else ' class="number"'
    return f"<td{kind}>{escape(number(value))}</td>"


def _thumbnail(pixels: Pixels, caption: str) -> str:
    scale = min(1.0, _THUMBNAIL / max(pixels.shape[:2]))
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    data = base64.b64encode(encode(small, "image/jpeg", 80)).decode()
    words = escape(caption)
    return f'<figure><img alt="{words}" src="data:image/jpeg;base64,{data}"><figcaption>{words}</figcaption></figure>'
