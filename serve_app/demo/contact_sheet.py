"""The demo's contact sheet: one self-contained HTML page beside its pictures."""

from __future__ import annotations

from html import escape
from pathlib import Path
from statistics import median

from serve_app.demo.tour import EXTENSIONS, Stop
from serve_app.samples import Sample

STYLE = """
:root { color-scheme: light dark; --ink: #221d26; --paper: #faf7f2; --line: #ddd5ca; --soft: #6f6678; --card: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #f1ebe2; --paper: #17141a; --line: #3a3440; --soft: #a89fb0; --card: #211d25; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1320px; padding: 2.5rem 1.5rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 ui-serif, Georgia, "Times New Roman", serif; }
h1 { font-size: 2.2rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .8rem; padding-top: 1rem; border-top: 1px solid var(--line); }
p { margin: .3rem 0 0; color: var(--soft); }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); align-items: start; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
figure.wide { grid-column: span 2; }
img { display: block; width: 100%; height: auto; }
figcaption { padding: .5rem .75rem .6rem; font-size: .92rem; }
figcaption small, td, th { color: var(--soft); font: .8rem/1.45 ui-sans-serif, system-ui, sans-serif; }
figcaption small { display: block; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; }
td, th { text-align: left; padding: .45rem .8rem .45rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } td:nth-child(3) { text-align: right; font-variant-numeric: tabular-nums; }
"""


def write_contact_sheet(folder: Path, samples: tuple[Sample, ...], stops: list[Stop]) -> Path:
    """Write ``index.html`` and the original samples into ``folder``; returns the page's path."""
    for sample in samples:
        (folder / _original(sample)).write_bytes(sample.data)
    sections = "".join(_section(sample, stops) for sample in samples)
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Masquerade · contact sheet</title>'
        f"<style>{STYLE}</style></head><body><h1>Masquerade</h1>"
        "<p>Every picture below was made on this machine a moment ago.</p>"
        f"{_table(stops)}{sections}</body></html>"
    )
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def summary(stops: list[Stop]) -> list[tuple[str, str, float, str]]:
    """One row per capability: its name, what it gave, the median time in milliseconds, the model versions."""
    rows = []
    for capability in dict.fromkeys(stop.capability for stop in stops):
        mine = [stop for stop in stops if stop.capability == capability]
        pictures = sum(stop.picture is not None for stop in mine)
        words = ", ".join(dict.fromkeys(stop.words for stop in mine))
        gave = f"{pictures} picture{'' if pictures == 1 else 's'}" if pictures else words
        models = ", ".join(dict.fromkeys(model for stop in mine for model in stop.model.split(", ")))
        rows.append((capability, gave, median(stop.milliseconds for stop in mine), models))
    return rows


def _table(stops: list[Stop]) -> str:
    rows = "".join(
        f"<tr><td>{escape(capability)}</td><td>{escape(gave)}</td><td>{took:,.0f} ms</td><td>{escape(models)}</td></tr>"
        for capability, gave, took, models in summary(stops)
    )
    return f"<table><tr><th>Capability</th><th>Gave</th><th>Median</th><th>Model</th></tr>{rows}</table>"


def _section(sample: Sample, stops: list[Stop]) -> str:
    pictures = "".join(_figure(stop) for stop in stops if stop.sample == sample.name and stop.picture is not None)
    original = (
        f'<figure><img src="{escape(_original(sample))}" alt="{escape(sample.title)}"><figcaption>The photo'
        f"<small>{escape(sample.attribution)}</small></figcaption></figure>"
    )
    return f'<h2>{escape(sample.title)}</h2><div class="grid">{original}{pictures}</div>'


def _figure(stop: Stop) -> str:
    wide = ' class="wide"' if stop.capability in {"lookalike", "swap"} else ""
    return (
        f'<figure{wide}><img loading="lazy" src="{escape(stop.picture or "")}" alt="{escape(stop.title)}"><figcaption>'
        f"{escape(stop.title)}<small>{escape(stop.model)} · {stop.milliseconds:,.0f} ms</small></figcaption></figure>"
    )


def _original(sample: Sample) -> str:
    return f"{sample.name}-original{EXTENSIONS[sample.media_type]}"
