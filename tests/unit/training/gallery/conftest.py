"""A photographer and a face model that know each other, so that galleries are built in milliseconds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from deployments.faces.alignment import ARCFACE_TEMPLATE
from deployments.faces.types import Face, FaceQuery, FaceSet, Pose, Quality
from deployments.imaging import encode
from registry.manifest import ModelVersion
from registry.store import FolderStore
from tests import versions
from training.gallery.analysis import Memory
from training.gallery.build import Embedder

SPACE = "test-space"
DIMENSIONS = 32


def unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class StandInFaces:
    """Finds in a picture exactly the faces that the studio put there; ``asked`` counts the pictures it looked at."""

    known: dict[str, tuple[Face, ...]] = field(default_factory=dict)
    space: str | None = SPACE
    asked: int = 0

    def warm_up(self) -> None:
        pass

    def run(self, batch: Sequence[FaceQuery]) -> list[FaceSet]:
        self.asked += len(batch)
        return [FaceSet(self.known.get(query.photo.digest, ()), self.space) for query in batch]

    def close(self) -> None:
        pass


class Studio:
    """Takes pictures of people, each a vector of their own, and tells the face model what is in them."""

    def __init__(self, engine: StandInFaces) -> None:
        self.engine = engine

    def person(self, name: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
        return unit(np.random.default_rng(seed).standard_normal(DIMENSIONS))

    def face(self, name: str, seed: int = 0, **changes: object) -> Face:
        noise = np.random.default_rng(seed).standard_normal(DIMENSIONS) * 0.1
        face = Face(
            box=(20.0, 20.0, 132.0, 132.0),
            score=0.95,
            landmarks=ARCFACE_TEMPLATE + 20,
            dense=None,
            pose=Pose(0.0, 0.0, 0.0),
            quality=Quality(size=112.0, blur=0.1, score=0.8),
            embedding=unit(self.person(name) + noise),
            age=None,
        )
        return replace(face, **changes)

    def pixels(self, seed: int) -> np.ndarray:
        """No two seeds look alike; one seed always looks the same."""
        cells = np.random.default_rng(seed).integers(256, size=(12, 12, 3), dtype=np.uint8)
        return cv2.resize(cells, (152, 152), interpolation=cv2.INTER_CUBIC)

    def take(self, path: Path, *faces: Face, seed: int, quality: int = 95) -> Path:
        data = encode(self.pixels(seed), quality=quality)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.engine.known[hashlib.sha256(data).hexdigest()] = faces
        return path

    def portrait(self, folder: Path, name: str, seed: int, **changes: object) -> Path:
        """One usable picture of somebody in the folder of that name."""
        path = folder / name.replace(" ", "_") / f"{seed}.jpg"
        return self.take(path, self.face(name, seed, **changes), seed=seed)


@pytest.fixture
def engine() -> StandInFaces:
    return StandInFaces()


@pytest.fixture
def studio(engine: StandInFaces) -> Studio:
    return Studio(engine)


@pytest.fixture
def embedder(engine: StandInFaces, tmp_path: Path) -> Embedder:
    manifest = versions.manifest_of({}, model="stand-in-faces", task="face-analysis", embedding_space=SPACE)
    return Embedder(ModelVersion(manifest, tmp_path), engine)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "models")


@pytest.fixture
def memory(tmp_path: Path):
    with Memory(tmp_path / "memory.sqlite") as opened:
        yield opened
