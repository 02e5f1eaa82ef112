"""Small pictures for reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from deployments.errors import MasqueradeError
from deployments.imaging import Photo, Pixels
from training.evaluation.report import Report

SIDE: Final = 240


def thumbnail(path: Path) -> Pixels | None:
    """The picture small; None when it is gone or damaged by now."""
    try:
        return Photo.open(path.read_bytes()).pixels(SIDE)
    except (OSError, MasqueradeError):
        return None


def side_by_side(one: Path, other: Path) -> Pixels | None:
    """Two pictures at one height; None when either is gone or damaged."""
    left, right = thumbnail(one), thumbnail(other)
    if left is None or right is None:
        return None
    height = min(len(left), len(right))
    return np.ascontiguousarray(np.hstack([left[:height], right[:height]]))


def add_thumbnails(report: Report, title: str, pictures: Iterable[tuple[Path, str]]) -> None:
    """A row of the pictures that can still be read, with their captions; nothing where there is none."""
    shown = [(pixels, caption) for path, caption in pictures if (pixels := thumbnail(path)) is not None]
    if shown:
        report.pictures(title, shown)
