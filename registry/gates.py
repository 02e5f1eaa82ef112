"""Bars a version has to clear before it is promoted, and the figures it brings for them.

Figures come from two places of a version: the ``metrics`` of its manifest, and a ``report.json`` among its files as
``masquerade eval`` writes it, whose figures carry their own bars. A version nobody measured is held back only where the
one it replaces was measured: other people's models come without figures.
"""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from registry.errors import BrokenVersion, UnknownModelVersion
from registry.manifest import Manifest, Task
from registry.store import Store

REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit for every metric whose name fits ``metric``, in which ``*`` stands for anything."""

    metric: str
    at_least: float = -math.inf
    at_most: float = math.inf

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
    "authenticity": (Bar("balanced_accuracy", at_least=0.8), Bar("photographs_accused", at_most=0.05)),
    "face-analysis": (Bar("lfw_accuracy", at_least=0.97),),
}

# A gallery's report.json tells which pictures were left out of it and why: no figures, no bars.
_UNBARRED: frozenset[Task] = frozenset({"face-gallery"})


def shortfalls(store: Store, ref: str, stable: str | None) -> list[str]:
    """Why ``ref`` should not take the place of ``stable`` (``name@version``, or None): a sentence part each.

    Raises what the store raises for ``ref``, and nothing for a ``stable`` that is gone or damaged.
    """
    manifest = store.manifest(ref)
    found = [
        f"{name} is {missed}"
        for bar in BARS.get(manifest.task, ())
        for name, value in manifest.metrics.items()
        if fnmatch.fnmatchcase(name, bar.metric) and (missed := bar.missed(value)) is not None
    ]
    if stable is not None:
        found += _unmeasured(manifest, store, stable)
    if manifest.task not in _UNBARRED and any(entry.name == REPORT for entry in manifest.files):
        found += _reported(store.get(ref).path(REPORT).read_bytes())
    return found


def _unmeasured(manifest: Manifest, store: Store, stable: str) -> Iterator[str]:
    try:
        known = store.manifest(stable).metrics
    except (UnknownModelVersion, BrokenVersion):
        return
    for bar in BARS.get(manifest.task, ()):
        if fnmatch.filter(known, bar.metric) and not fnmatch.filter(manifest.metrics, bar.metric):
            yield f"it has no figure for {bar.metric}, which {stable} has"


def _reported(text: bytes) -> Iterator[str]:
    """The figures of a report under their own bars."""
    try:
        document: Any = json.loads(text)
        for figure in document["figures"]:
            limits = {"at_least": -math.inf, "at_most": math.inf}
            bar = Bar("", **{end: float(figure[end]) for end in limits if figure.get(end) is not None})
            # JSON has no word for what is not a number; reports write it as null.
            value = math.nan if figure["value"] is None else float(figure["value"])
            if (missed := bar.missed(value)) is not None and bar != Bar(""):
                yield f"{figure['name']} is {missed} ({REPORT})"
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        yield f"its {REPORT} cannot be read"
