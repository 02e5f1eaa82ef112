"""Which files of a folder are taken for pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def pictures_below(folder: Path) -> list[Path]:
    """The JPEG, PNG and WebP files of a folder and below it, by their names, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
