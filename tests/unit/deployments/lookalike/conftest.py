"""Small galleries made by hand, so that engine and builder are tested apart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import faiss
import numpy as np
import pytest

from deployments.imaging import encode
from deployments.lookalike.files import (
    CALIBRATION,
    INDEX,
    PEOPLE,
    PORTRAITS,
    Person,
    write_people,
    write_portraits,
)
from registry.manifest import Description, Licence, ModelVersion
from registry.publish import describe

SPACE = "test-space"

MakeGallery = Callable[..., ModelVersion]


def colour(number: int) -> bytes:
    """A portrait in one colour of its own."""
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:] = (40 * number % 256, 90, 255 - 30 * number % 256)
    return encode(pixels)


def people_of(names: Sequence[str]) -> list[Person]:
    return [
        Person(
            name=name,
            role="somebody",
            links=("https://example.org/who",),
            attribution="A. Photographer",
            licence="CC BY 4.0",
            picture=f"{hashlib.sha256(colour(number)).hexdigest()[:32]}.jpg",
        )
        for number, name in enumerate(names)
    ]


@pytest.fixture
def make_gallery(tmp_path: Path) -> MakeGallery:
    """Writes a gallery version of vectors [N, D] of length 1 and people with these names."""

    def make(vectors: np.ndarray, names: Sequence[str], folder: Path = tmp_path / "gallery") -> ModelVersion:
        folder.mkdir()
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        faiss.write_index(index, str(folder / INDEX))
        people = people_of(names)
        write_people(folder / PEOPLE, people)
        portraits = ((person.picture, colour(number)) for number, person in enumerate(people))
        write_portraits(folder / PORTRAITS, portraits)
        (folder / CALIBRATION).write_text(
            '{"basis": "gallery", "people": 3, "cosines": [0.0, 0.5, 1.0], "percents": [0.5, 40.0, 99.5]}'
        )
        description = Description(
            model="some-people",
            version="v1",
            task="face-gallery",
            format="faiss",
            embedding_space=SPACE,
            licence=Licence(name="CC0-1.0", commercial_use=True),
        )
        return ModelVersion(describe(folder, description), folder)

    return make


@pytest.fixture
def three_people(make_gallery: MakeGallery) -> ModelVersion:
    """Ada, Grace and Edsger at right angles to each other."""
    return make_gallery(np.eye(3, dtype=np.float32), ["Ada", "Grace", "Edsger"])
