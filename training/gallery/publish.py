"""Writing a gallery's files and publishing them as the next version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import faiss
import numpy as np

from deployments.faces.types import Box
from deployments.imaging import Photo, encode
from deployments.lookalike.files import (
    CALIBRATION,
    INDEX,
    PICTURES,
    PORTRAITS,
    Person,
    Portraits,
    write_people,
    write_portraits,
)
from deployments.lookalike.files import PEOPLE as PEOPLE_FILE
from deployments.lookalike.portrait import portrait
from registry.manifest import Description, ModelVersion, Task
from registry.publish import describe
from registry.references import next_version
from registry.store import Store
from training.gallery.calibrate import calibrate
from training.gallery.collection import Collection
from training.gallery.indexing import BuiltIndex
from training.gallery.progress import Progress
from training.gallery.report import REPORT, Report
from training.gallery.roster import Draft
from training.gallery.sources import Picture
from training.gallery.terms import licence_of

_SIDE: Final = 320
_QUALITY: Final = 85


@dataclass(frozen=True, slots=True)
class Sitting:
    """Where somebody's portrait is to be cut out: a picture, the box of the face in it, and how that is turned in degrees."""

    picture: Picture
    box: Box
    roll: float


@dataclass(frozen=True, slots=True)
class Gallery:
    """All that goes into a version. ``sittings`` are by name, at least for all who have no portrait yet."""

    name: str
    title: str
    people: Sequence[Draft]
    pictures: Collection
    sittings: dict[str, Sitting]
    index: BuiltIndex
    embedder: ModelVersion
    base: ModelVersion | None


def check_task(name: str, task: Task, store: Store) -> None:
    """Raises ``ValueError`` where ``name`` is that of models of another task: before hours of work, not after them."""
    for version in store.versions(name)[-1:]:
        if (other := store.manifest(f"{name}@{version}").task) != task:
            raise ValueError(f"{name} is the name of a {other} model already; choose another")


def publish(gallery: Gallery, report: Report, store: Store, progress: Progress) -> tuple[ModelVersion, Report]:
    """Publish ``gallery`` as the version after its newest, with ``report`` completed by what is known only now.

    Raises ``OSError`` or what :meth:`Photo.open` raises when a picture cannot be read any more, and what the store
    raises.
    """
    with store.stage(gallery.name) as folder:
        people = _write_people(gallery, folder, progress)
        gallery.pictures.write(folder / PICTURES)
        # FAISS writes to a full disk without an error.
        (folder / INDEX).write_bytes(faiss.serialize_index(gallery.index.index).data)
        templates = gallery.pictures.templates(len(people))
        curve = calibrate(report.space, gallery.pictures, templates, gallery.index.index)
        (folder / CALIBRATION).write_text(curve.model_dump_json(indent=1), encoding="utf-8")
        # Only now: cutting takes a while, and somebody else may have published the next one meanwhile.
        version = next_version(store, gallery.name)
        report = report.model_copy(
            update={
                "gallery": f"{gallery.name}@{version}",
                "index": gallery.index.kind,
                "recall": round(gallery.index.recall, 4),
                "milliseconds": round(gallery.index.milliseconds, 3),
            }
        )
        (folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
        description = Description(
            model=gallery.name,
            version=version,
            task="face-gallery",
            format="faiss",
            title=gallery.title,
            input={
                "embedder": report.embedder,
                "dimensions": templates.shape[1],
                "index": gallery.index.kind,
                "calibration": curve.basis,
            },
            embedding_space=report.space,
            licence=licence_of(people, gallery.embedder.manifest.licence),
            metrics={
                "people": report.people,
                "pictures": report.pictures,
                "recall_at_10": round(gallery.index.recall, 4),
                "search_p99_ms": round(gallery.index.milliseconds, 3),
            },
        )
        return store.publish(describe(folder, description), folder), report


def _write_people(gallery: Gallery, folder: Path, progress: Progress) -> list[Person]:
    people: list[Person] = []
    write_portraits(folder / PORTRAITS, _portraits(gallery, people, progress))
    write_people(folder / PEOPLE_FILE, people)
    return people


def _portraits(gallery: Gallery, people: list[Person], progress: Progress) -> Iterator[tuple[str, bytes]]:
    """The portrait of everybody in order; each one's entry is added to ``people`` on the way."""
    pictures = np.bincount(gallery.pictures.owners, minlength=len(gallery.people))
    progress("Cutting portraits", 0, len(gallery.people))
    known = None if gallery.base is None else Portraits(gallery.base.path(PORTRAITS))
    for place, draft in enumerate(gallery.people):
        if draft.known is not None and known is not None:
            jpeg, licence, attribution = known.read(draft.known.picture), draft.known.licence, draft.known.attribution
        else:
            sitting = gallery.sittings[draft.name]
            photo = Photo.open(sitting.picture.path.read_bytes())
            jpeg = encode(portrait(photo, sitting.box, sitting.roll, _SIDE), quality=_QUALITY)
            licence, attribution = sitting.picture.licence, sitting.picture.attribution
        name = f"{hashlib.sha256(jpeg).hexdigest()[:32]}.jpg"
        people.append(
            Person(
                name=draft.name,
                alias=draft.alias,
                role=draft.role,
                links=draft.links,
                licence=licence,
                attribution=attribution,
                picture=name,
                pictures=int(pictures[place]),
            )
        )
        progress("Cutting portraits", place + 1, len(gallery.people))
        yield name, jpeg
    if known is not None:
        known.close()
