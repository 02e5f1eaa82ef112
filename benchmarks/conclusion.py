"""What a benchmark or a drill comes to: its figures against their bars, as a table, as JSON in ``reports/``, and as an exit status."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figure, table

REPORTS = Path("reports")


def conclude(
    name: str,
    parts: Mapping[str, Sequence[Figure]],
    *,
    seed: int,
    seconds: float,
    reports: Path = REPORTS,
    console: Console | None = None,
) -> int:
    """Print one table per part, write ``reports/<name>.json`` and name what fell short.

    Returns the exit status: 0, or 1 when a figure missed its bar or there is none at all. ``seed`` and ``seconds`` (how
    long it took) are recorded so that a run can be repeated and compared.
    """
    console = console or Console()
    for part, figures in parts.items():
        console.print(table(part, figures))
    missed = [(part, figure) for part, figures in parts.items() for figure in figures if not figure.passed]
    passed = any(parts.values()) and not missed
    reports.mkdir(parents=True, exist_ok=True)
    path = reports / f"{name}.json"
    document = {
        "name": name,
        "passed": passed,
        "seed": seed,
        "seconds": round(seconds, 1),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "parts": {part: [_plain(figure) for figure in figures] for part, figures in parts.items()},
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    for part, figure in missed:
        console.print(f"under its bar: {part}: {figure.name}: {figure.value:.4g} {figure.unit}".rstrip(), style="red")
    console.print(f"seed {seed}, {seconds:.0f} s, written to {path}", highlight=False)
    return 0 if passed else 1


def _plain(figure: Figure) -> dict[str, object]:
    # JSON knows no NaN and no infinity.
    value = figure.value if math.isfinite(figure.value) else None
    return asdict(figure) | {"value": value, "passed": figure.passed}
