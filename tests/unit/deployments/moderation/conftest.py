"""Model versions small enough to be made on the spot, and the real one where it has been pulled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from registry.manifest import ModelVersion
from registry.store import FolderStore
from tests.versions import version_of

Scores = Mapping[str, float]


class FixedClassifier:
    """Gives the scores it was made with, and remembers what it was asked."""

    def __init__(self, scores: Sequence[Scores] | Scores, name: str = "fixed@v1") -> None:
        self.name = name
        self.given = scores
        self.asked: list[int] = []
        self.closed = False

    def scores(self, batch: Sequence[Photo]) -> list[Scores]:
        self.asked.append(len(batch))
        return [self.given] * len(batch) if isinstance(self.given, Mapping) else list(self.given)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="session")
def fixed() -> type[FixedClassifier]:
    return FixedClassifier


@pytest.fixture(scope="session")
def photo() -> Photo:
    return Photo.open(encode(np.full((60, 80, 3), (200, 120, 40), np.uint8), "image/png"))


@pytest.fixture(scope="session")
def refused() -> Photo:
    """Noise that open_nsfw takes for pornography: found by following its gradient, and showing nothing at all."""
    return Photo.open(Path(__file__).with_name("refused.png").read_bytes())


@pytest.fixture(scope="session")
def make_version() -> Callable[..., ModelVersion]:
    def make(folder: Path, backend: str, model: str = "stand-in", **fields) -> ModelVersion:
        told = {"format": "transformers" if backend == "transformers" else "onnx", "task": "moderation"} | fields
        return version_of(folder, backend=backend, model=model, **told)

    return make


@pytest.fixture(scope="session")
def open_nsfw_version(models_dir: Path) -> ModelVersion:
    return FolderStore(models_dir).get("open-nsfw")


@pytest.fixture(scope="session")
def runtime() -> Runtime:
    return Runtime(device="cpu", threads=1)
