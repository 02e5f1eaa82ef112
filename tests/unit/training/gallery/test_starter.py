"""The starter gallery is made of what the sample photos' manifest lists."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deployments.faces.types import FaceSet
from deployments.imaging import encode
from deployments.lookalike.engine import LookalikeEngine
from deployments.runtime import Runtime
from registry import catalogue
from registry.manifest import ModelVersion
from tests import versions
from training.gallery.starter import NAME, SAMPLES, build_starter_gallery, starter_gallery


@pytest.fixture
def samples(tmp_path: Path, studio) -> ModelVersion:
    folder = tmp_path / "samples"
    folder.mkdir()
    wide = np.concatenate([studio.pixels(seed) for seed in (1, 2)], axis=1)
    (folder / "two.png").write_bytes(encode(wide, "image/png"))
    entries = [
        {"name": "Left", "role": "on the left", "file": "two.png", "face": 0, "of": 2, "licence": "CC0"},
        {"name": "Right", "file": "two.png", "face": 1, "of": 2},
    ]
    return versions.version_of(folder, model="samples", task="samples", input={"gallery": entries})


class Detector:
    """In the wide picture a false alarm and two people; in a cut-out whoever is in its middle."""

    space = "test-space"

    def __init__(self, studio) -> None:
        self.studio = studio

    def run(self, batch):
        return [FaceSet(self.faces(query.photo), self.space) for query in batch]

    def faces(self, photo):
        left, right = self.studio.face("Left"), self.studio.face("Right")
        if photo.width > 250:
            moved = replace(right, box=(172.0, 20.0, 284.0, 132.0))
            badge = replace(left, box=(60.0, 100.0, 90.0, 130.0), score=0.3)
            return (left, badge, moved)
        pixels = photo.pixels()
        likeness = [
            float(np.abs(pixels[:90, :90].astype(int) - self.studio.pixels(seed)[:90, :90]).mean()) for seed in (1, 2)
        ]
        return (left,) if likeness[0] < likeness[1] else (right,)

    def close(self) -> None:
        pass


def test_everybody_listed_is_in_it_and_a_false_alarm_is_not(samples, embedder, store, studio) -> None:
    assert starter_gallery(store, "stand-in-faces@v1") is None
    built = build_starter_gallery(samples, replace(embedder, engine=Detector(studio)), store)
    people = LookalikeEngine(built.version, Runtime()).people
    assert [(person.name, person.role, person.licence) for person in people] == [
        ("Left", "on the left", "CC0"),
        ("Right", None, None),
    ]
    assert built.version.manifest.model == NAME
    assert not built.version.manifest.licence.commercial_use
    assert starter_gallery(store, "stand-in-faces@v1").ref == built.version.ref
    assert starter_gallery(store, "other-faces@v1") is None


def test_a_sample_with_fewer_faces_than_promised_is_named(samples, embedder, store, engine) -> None:
    with pytest.raises(ValueError, match=r"two\.png should show 2 faces, 0 were found"):
        build_starter_gallery(samples, embedder, store)


def test_the_samples_that_ship_list_faces_of_files_they_have() -> None:
    manifest = catalogue.find(SAMPLES)
    names = {entry.name for entry in manifest.files}
    people = manifest.input["gallery"]
    assert {entry["file"] for entry in people} <= names
    assert {entry["file"] for entry in manifest.input["photos"]} <= names
    assert all(0 <= entry["face"] < entry["of"] for entry in people)
    assert len({entry["name"] for entry in people}) == len(people)
    assert not manifest.licence.commercial_use
