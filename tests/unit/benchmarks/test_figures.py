from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from benchmarks.figures import Figure, never, table


@pytest.mark.parametrize(
    ("figure", "passed"),
    [
        (Figure("accuracy", 98.5, 98.5), True),
        (Figure("accuracy", 98.4, 98.5), False),
        (Figure("misses", 1.0, 1.0, higher_is_better=False), True),
        (Figure("misses", 1.1, 1.0, higher_is_better=False), False),
        (Figure("time", 1e9), True),
        (Figure("accuracy", math.nan, 98.5), False),
        (Figure("misses", math.nan, 1.0, higher_is_better=False), False),
        (never("results lost", 0), True),
        (never("results lost", 1), False),
    ],
)
def test_a_figure_passes_when_it_reaches_its_bar(figure: Figure, passed: bool) -> None:
    assert figure.passed is passed


def test_the_table_names_what_failed() -> None:
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(table("Verification", [Figure("accuracy", 97.1, 98.5, "%"), Figure("time", 12, unit="ms")]))
    text = console.export_text()
    assert "FAIL" in text
    assert ">= 98.5 %" in text
    assert "12 ms" in text
