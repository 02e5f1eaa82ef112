"""Bars a version has to clear before it is promoted, and the figures it brings for them.

Figures come from two places of a version: the ``metrics`` of its manifest, and a ``report.json`` among its files as
``masquerade eval`` writes it, whose figures carry their own bars. A version nobody measured is held back only where the
one it replaces was measured: other people's models come without figures.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from registry.errors import BrokenVersion, UnknownModelVersion
from registry.manifest import Manifest, Task
from registry.store import Store

REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit for every metric whose name fits ``metric``, in which ``*`` stands for anything.

    ``reported`` is what a report calls the figure, where ``masquerade eval`` writes one of it.
    """

    metric: str
    at_least: float = -math.inf
    at_most: float = math.inf
    reported: str | None = None

    def missed(self, value: float) -> str | None:
        """In words how ``value`` misses the bar. What is not a number misses every bar."""
        if self.at_least <= value <= self.at_most:
            return None
        over = value > self.at_most or self.at_least == -math.inf
        limit = f"at most {self.at_most:g}" if over else f"at least {self.at_least:g}"
        return f"{value:g}, and {limit} is the bar"


BARS: Mapping[Task, tuple[Bar, ...]] = {
    # Relative distances by VGG-19 (docs/models/style.md).
    "style": (Bar("*.style", at_most=0.08), Bar("*.content", at_most=1.6)),
    "style-predictor": (Bar("held_out.style", at_most=0.6), Bar("held_out.of_nearest", at_most=1.0)),
    "authenticity": (
        Bar("balanced_accuracy", at_least=0.8, reported="balanced accuracy, held out"),
        Bar("photographs_accused", at_most=0.05, reported="photographs called machine-made, held out"),
    ),
    "face-analysis": (Bar("lfw_accuracy", at_least=0.97),),
}

# A gallery's report.json tells which pictures were left out of it and why: no figures, no bars.
_UNBARRED: frozenset[Task] = frozenset({"face-gallery"})


def shortfalls(store: Store, ref: str, stable: str | None) -> list[str]:
    """Why ``ref`` should not take the place of ``stable`` (``name@version``, or None): a sentence part each.

    Raises what the store raises for ``ref``, and nothing for a ``stable`` that is gone or damaged.
    """
    manifest = store.manifest(ref)
    bars = BARS.get(manifest.task, ())
    figures, found = _reported(store, manifest)
    measured = [*manifest.metrics.items(), *_under_metrics(bars, figures)]
    found += [
        f"{name} is {missed}"
        for bar in bars
        for name, value in measured
        if fnmatch.fnmatchcase(name, bar.metric) and (missed := bar.missed(value)) is not None
    ]
    if stable is not None:
        names = {name for name, _ in measured}
        known = _known(store, stable)
        found += [
            f"it has no figure for {bar.metric}, which {stable} has"
            for bar in bars
            if fnmatch.filter(known, bar.metric) and not fnmatch.filter(names, bar.metric)
        ]
    return found


def _known(store: Store, stable: str) -> set[str]:
    """The metrics that are known of a version; none of one that is gone or damaged."""
    try:
        manifest = store.manifest(stable)
        figures, _ = _reported(store, manifest)
    except (UnknownModelVersion, BrokenVersion):
        return set()
    return {*manifest.metrics, *(name for name, _ in _under_metrics(BARS.get(manifest.task, ()), figures))}


def _under_metrics(bars: Iterable[Bar], figures: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """The figures of a report that bars are for, as metrics."""
    return ((bar.metric, figures[name]) for bar in bars if (name := bar.reported) is not None and name in figures)


def _reported(store: Store, manifest: Manifest) -> tuple[dict[str, float], list[str]]:
    """The figures of the version's report, where it has one, and which of them miss the bars that they bring."""
    if manifest.task in _UNBARRED or all(entry.name != REPORT for entry in manifest.files):
        return {}, []
    figures: dict[str, float] = {}
    found = []
    try:
        document: Any = json.loads(store.get(manifest.ref).path(REPORT).read_bytes())
        for figure in document["figures"]:
            low, high = figure.get("at_least"), figure.get("at_most")
            bar = Bar("", -math.inf if low is None else float(low), math.inf if high is None else float(high))
            # JSON has no word for what is not a number; reports write it as null.
            value = figures[str(figure["name"])] = math.nan if figure["value"] is None else float(figure["value"])
            if (missed := bar.missed(value)) is not None and bar != Bar(""):
                found.append(f"{figure['name']} is {missed} ({REPORT})")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        found.append(f"its {REPORT} cannot be read")
    return figures, found
