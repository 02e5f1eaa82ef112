"""Bringing swapped faces back into a 1,920 px picture, against insightface's own code."""

from __future__ import annotations

from benchmarks.faces.swap_paste import measure
from benchmarks.figures import Figure
from benchmarks.research import research_data


def run() -> list[Figure]:
    """Three faces, the same stand-in network on both sides."""
    faster, difference = measure(research_data())
    return [
        Figure("paste-back of three faces: times as fast as insightface", faster, 5, "x"),
        Figure("mean difference inside both masks, of 255", difference, 1, higher_is_better=False),
    ]
