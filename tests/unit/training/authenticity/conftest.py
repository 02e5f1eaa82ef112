"""A small world in which photographs are grainy and machine-made pictures are not, whatever happens to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from deployments.authenticity.fingerprint import LEAST_SIDE


def scene(seed: int, grain: float, side: int = LEAST_SIDE) -> np.ndarray:
    """[side,side,3]: soft coloured clouds, with grain where it is a photograph."""
    generator = np.random.default_rng(seed)
    clouds = cv2.resize(
        generator.uniform(40, 215, (5, 5, 3)).astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC
    )
    return np.clip(clouds + generator.normal(0, grain, clouds.shape), 0, 255).astype(np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels[:, :, ::-1])


@pytest.fixture(scope="session")
def make_world() -> Callable[[Path, int], Path]:
    """Two sources of each class, ``count`` pictures a source, in folders ``real/`` and ``ai/``."""

    def make(root: Path, count: int) -> Path:
        for index in range(count):
            name = f"{chr(97 + index % 26)}{index // 26}x.jpg"
            for offset, source in ((0, "street"), (1000, "studio")):
                save(root / "real" / source / f"photo-{name}", scene(offset + index, 12))
            for offset, source in ((2000, "first"), (3000, "second")):
                save(root / "ai" / source / f"made-{name}", scene(offset + index, 0.5))
        return root

    return make
