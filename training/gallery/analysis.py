"""What the face model sees in each picture, remembered between runs.

Looking at a picture takes most of a build's time, so every answer is kept under the hash of the picture's bytes, in one
small database for each version of a face model. A build that was interrupted goes on where it was.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Protocol, Self

import cv2
import numpy as np

from deployments.engine import Engine
from deployments.errors import MasqueradeError
from deployments.faces.alignment import norm_crop, scale_points
from deployments.faces.types import Face, FaceQuery, FaceSet
from deployments.imaging import FloatArray, Limits, Photo

log = logging.getLogger(__name__)

_BATCH: Final = 8
_LIMITS: Final = Limits()
# Raised when what is kept of a picture, or how it is found out, changes: older answers are then made anew.
_LAYOUT: Final = 2
# Never remembered: the next run may have more luck.
_FAILED: Final = "the face model failed on it"

_LOOK_SIDE: Final = 16
LOOK_SIZE: Final = _LOOK_SIDE**2
_LOOK_DECODED: Final = 1600


class FaceFinder(Engine[FaceQuery, FaceSet], Protocol):
    """A face engine that embeds."""

    @property
    def space(self) -> str | None:
        """The embedding space of its vectors."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A face as far as curation asks about it; angles in degrees, ``size`` in pixels, ``blur`` and ``score`` in 0..1."""

    box: tuple[float, float, float, float]
    yaw: float
    pitch: float
    roll: float
    size: float
    blur: float
    score: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """One picture.

    ``problem`` says in words why it could not be read, else None. ``faces`` are sorted by size, largest first;
    ``embedding`` [D] and ``look`` [256] (:func:`look_of`) are the largest one's, None without a face.
    """

    digest: str
    problem: str | None
    faces: tuple[Seen, ...] = ()
    embedding: FloatArray | None = None
    look: FloatArray | None = None


class Memory:
    """Analyses on disk, by the SHA-256 of the picture's bytes.

    A file that is damaged is begun anew: what it held can be found out again. Raises ``OSError`` where nothing can be
    kept, as on a full disk.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        with self._told():
            try:
                self._database = _opened(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                log.warning("%s is damaged: every picture is looked at anew", path)
                path.unlink()
                self._database = _opened(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def get(self, digest: str) -> Analysis | None:
        """What is known of a picture."""
        query = "select facts, embedding, look from analysis where digest = ? and layout = ?"
        with self._told(), closing(self._database.execute(query, (digest, _LAYOUT))) as cursor:
            row = cursor.fetchone()
        if row is None:
            return None
        facts = json.loads(row[0])
        faces = tuple(Seen(**{**face, "box": tuple(face["box"])}) for face in facts["faces"])
        return Analysis(digest, facts["problem"], faces, _vector(row[1]), _vector(row[2]))

    def put(self, analyses: Iterable[Analysis]) -> None:
        """Remember, all or none."""
        rows = [
            (
                entry.digest,
                _LAYOUT,
                json.dumps({"problem": entry.problem, "faces": [asdict(face) for face in entry.faces]}),
                _blob(entry.embedding),
                _blob(entry.look),
            )
            for entry in analyses
        ]
        with self._told(), self._database:
            self._database.executemany("insert or replace into analysis values (?, ?, ?, ?, ?)", rows)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OSError(f"{self._path} cannot be used: {error}") from error


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    try:
        database.execute(
            "create table if not exists analysis (digest text, layout integer, facts text, embedding blob, look blob, "
            "primary key (digest, layout))"
        )
    except sqlite3.Error:
        database.close()
        raise
    return database


def _vector(blob: bytes | None) -> FloatArray | None:
    return None if blob is None else np.frombuffer(blob, dtype=np.float32)


def _blob(vector: FloatArray | None) -> bytes | None:
    return None if vector is None else np.asarray(vector, dtype=np.float32).tobytes()


def analyse(paths: Iterable[Path], engine: FaceFinder, memory: Memory) -> Iterator[Analysis]:
    """What is in each file, in order, some pictures at a time. A file that cannot be read has a ``problem``."""
    paths = iter(paths)
    while batch := list(itertools.islice(paths, _BATCH)):
        yield from _batch(batch, engine, memory)


def _batch(paths: Sequence[Path], engine: FaceFinder, memory: Memory) -> list[Analysis]:
    answers: list[Analysis] = []
    photos: dict[str, Photo] = {}
    new: dict[str, Analysis] = {}
    for path in paths:
        # What cannot be opened is not remembered: the file may be there the next time.
        try:
            if path.stat().st_size > _LIMITS.max_bytes:
                answers.append(Analysis("", f"the file has more than {_LIMITS.max_bytes >> 20} MB"))
                continue
            data = path.read_bytes()
        except OSError as error:
            answers.append(Analysis("", f"the file cannot be opened ({error.strerror})"))
            continue
        digest = hashlib.sha256(data).hexdigest()
        remembered = memory.get(digest)
        answers.append(remembered or Analysis(digest, None))
        if remembered is None and digest not in photos and digest not in new:
            try:
                photos[digest] = Photo.open(data, _LIMITS)
            except MasqueradeError as error:
                new[digest] = Analysis(digest, error.message)
    new |= {entry.digest: entry for entry in _look(list(photos.items()), engine)}
    memory.put(entry for entry in new.values() if entry.problem != _FAILED)
    return [new.get(entry.digest, entry) for entry in answers]


def _look(photos: Sequence[tuple[str, Photo]], engine: FaceFinder) -> Iterator[Analysis]:
    try:
        found = engine.run([FaceQuery(photo) for _, photo in photos])
    except Exception as error:
        if len(photos) == 1:
            # One picture that a model stumbles over must not end a build of thousands.
            log.warning("the face model failed on %s", photos[0][0], exc_info=error)
            yield Analysis(photos[0][0], _FAILED)
            return
        for pair in photos:
            yield from _look([pair], engine)
        return
    for (digest, photo), faces in zip(photos, found, strict=True):
        ordered = sorted(faces.faces, key=lambda face: -face.quality.size)
        if not ordered:
            yield Analysis(digest, None)
            continue
        largest = ordered[0]
        yield Analysis(digest, None, tuple(map(_seen, ordered)), largest.embedding, look_of(photo, largest))


def _seen(face: Face) -> Seen:
    x0, y0, x1, y1 = (float(edge) for edge in face.box)
    return Seen(
        box=(x0, y0, x1, y1),
        yaw=face.pose.yaw,
        pitch=face.pose.pitch,
        roll=face.pose.roll,
        size=face.quality.size,
        blur=face.quality.blur,
        score=face.quality.score,
    )


def look_of(photo: Photo, face: Face) -> FloatArray:
    """The face, aligned, in 16 x 16 greys as a vector [256] of mean 0 and length 1: the product of two is their correlation.

    Scaling, cropping, compression and small changes of tone leave it above 0.98 mostly; two different photographs of a
    person, and any two people, stay below.
    """
    pixels = photo.pixels(_LOOK_DECODED)
    landmarks = scale_points(face.landmarks, (pixels.shape[1] / photo.width, pixels.shape[0] / photo.height))
    grey = cv2.cvtColor(norm_crop(pixels, landmarks), cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (_LOOK_SIDE, _LOOK_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    cells -= cells.mean()
    return np.asarray(cells / max(float(np.linalg.norm(cells)), 1e-6), dtype=np.float32)
