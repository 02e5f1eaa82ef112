"""Every part of the face benchmark with its bars: ``python -m benchmarks.faces --data ../shared/data [part ...]``.

Exits with 1 when a figure misses its bar.
"""

from __future__ import annotations

import importlib
import sys
from typing import Final

from benchmarks.faces.command import measure, parser

PARTS: Final = ("verification", "detection", "identification", "search", "swap")


def run() -> int:
    """Measure the parts asked for, name what missed its bar, and return the exit status."""
    arguments = parser("Face benchmarks")
    arguments.add_argument("parts", nargs="*", metavar="part", help=f"which of {', '.join(PARTS)} (default: all)")
    options = arguments.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        arguments.error(f"no such part: {', '.join(sorted(unknown))}")
    figures = []
    for part in options.parts or PARTS:
        module = importlib.import_module(f"benchmarks.faces.{part}")
        figures += measure(part.capitalize(), module.run, options.data)
    missed = [figure for figure in figures if not figure.passed]
    for figure in missed:
        print(f"under its bar: {figure.name}: {figure.value:.4g} {figure.unit}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(run())
