"""A gallery to try the studio with, out of the sample photos of the starter set."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, encode
from registry.manifest import ModelVersion
from registry.store import Store
from training.gallery.analysis import Memory
from training.gallery.build import Built, Embedder, Plan, build
from training.gallery.curation import Rules
from training.gallery.sources import Candidate, Picture

NAME: Final = "celebrities-sample"
SAMPLES: Final = "sample-photos"

# There is one picture of each, so none can be done without; card players look at their cards.
_RULES: Final = Rules(least_size=40, most_roll=60, most_yaw=75, most_pitch=60, most_blur=1.0)
# What is cut out around a face, in boxes of it: enough to find the face again, little enough to hold no other.
_ROOM: Final = 1.9


def starter_gallery(store: Store, faces: str) -> ModelVersion | None:
    """The starter gallery in ``store``, where there is one that was built with the face model ``faces``."""
    versions = (store.get(f"{NAME}@{version}") for version in reversed(store.versions(NAME)))
    return next((version for version in versions if version.manifest.input.get("embedder") == faces), None)


def build_starter_gallery(samples: ModelVersion, embedder: Embedder, store: Store) -> Built:
    """Publish ``celebrities-sample`` from the people that the manifest of ``samples`` lists under ``input.gallery``.

    Raises ``ValueError`` when a face that the manifest promises is not found, and what :func:`build` raises.
    """
    with tempfile.TemporaryDirectory() as folder, Memory(Path(folder, "analysis.sqlite")) as memory:
        candidates = list(_candidates(samples, embedder, Path(folder)))
        plan = Plan(NAME, title="Faces of the sample photos", rules=_RULES)
        return build(candidates, plan, embedder, store, memory)


def _candidates(samples: ModelVersion, embedder: Embedder, folder: Path) -> Iterator[Candidate]:
    """Everybody, each with a picture of their own cut out of the sample they are in."""
    photos: dict[str, Photo] = {}
    for number, entry in enumerate(samples.manifest.input["gallery"]):
        name = entry["file"]
        if name not in photos:
            photos[name] = Photo.open(samples.path(name).read_bytes())
        path = folder / f"{number}.png"
        path.write_bytes(_cut_out(photos[name], entry, embedder))
        yield Candidate(
            name=entry["name"],
            role=entry.get("role"),
            links=tuple(entry.get("links", ())),
            pictures=(Picture(path, name, entry.get("licence"), entry.get("attribution")),),
        )


def _cut_out(photo: Photo, entry: dict[str, Any], embedder: Embedder) -> bytes:
    (found,) = embedder.engine.run([FaceQuery(photo, embed=False)])
    number, count = int(entry["face"]), int(entry["of"])
    # A detector may see more faces than there are; those it is surest of are meant.
    sure = sorted(found.faces, key=lambda face: face.score)[-count:]
    if len(sure) < count:
        raise ValueError(f"{entry['file']} should show {count} faces, {len(sure)} were found")
    x0, y0, x1, y1 = sorted(sure, key=lambda face: face.box[0] + face.box[2])[number].box
    reach = max(x1 - x0, y1 - y0) * _ROOM / 2
    column, row = (x0 + x1) / 2, (y0 + y1) / 2
    left, top = max(round(column - reach), 0), max(round(row - reach), 0)
    cut = photo.pixels()[top : round(row + reach), left : round(column + reach)]
    return encode(np.ascontiguousarray(cut), "image/png")
