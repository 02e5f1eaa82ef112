"""What the parts of the face benchmark have in common on the command line."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
from rich.console import Console

from benchmarks.figures import Figure, table
from benchmarks.research import research_data


def parser(description: str) -> argparse.ArgumentParser:
    """A parser that knows ``--data``, the folder of research data."""
    called = getattr(sys.modules["__main__"].__spec__, "name", "benchmarks.faces").removesuffix(".__main__")
    arguments = argparse.ArgumentParser(prog=f"python -m {called}", description=description)
    arguments.add_argument(
        "--data",
        type=Path,
        default=research_data(),
        help="folder with faces_lfw and face_models (default: MASQUERADE_DATA or ../shared/data)",
    )
    return arguments


def measure(title: str, run: Callable[[Path], list[Figure]], data: Path) -> list[Figure]:
    """Run one part on one core and print its table. Ends with a sentence where data or models are not there."""
    cv2.setNumThreads(1)
    try:
        figures = run(data)
    except FileNotFoundError as error:
        sys.exit(f"{error}; --data names the folder of the research data")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    Console().print(table(title, figures))
    return figures


def main(title: str, run: Callable[[Path], list[Figure]]) -> None:
    """Run one part by itself. Exits with 1 when a figure misses its bar."""
    figures = measure(title, run, parser(title).parse_args().data)
    sys.exit(0 if all(figure.passed for figure in figures) else 1)
