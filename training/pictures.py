"""Picture files: which of a folder are taken for some, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from deployments.imaging import Pixels

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def pictures_below(folder: Path) -> list[Path]:
    """The JPEG, PNG and WebP files of a folder and below it, by their names, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def read_rgb(path: Path) -> Pixels | None:
    """Decode a picture to [H,W,3] RGB, orientation applied; ``None`` where it cannot be decoded."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except (OSError, cv2.error):
        return None
    return None if image is None else np.ascontiguousarray(image[:, :, ::-1], np.uint8)
