"""Whom a face resembles: the people of a gallery whose vectors lie closest to its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from deployments.errors import InvalidField, UnknownModel
from deployments.faces.types import Face
from deployments.imaging import FloatArray, Photo, Pixels
from deployments.lookalike import collage
from deployments.lookalike.calibration import METHOD, read_calibration
from deployments.lookalike.files import CALIBRATION, INDEX, PEOPLE, PORTRAITS, Person, Portraits, read_people
from deployments.lookalike.index import VectorIndex, read_index
from deployments.lookalike.types import EmptyGallery, LookalikeQuery, Match, SpaceMismatch
from deployments.runtime import Runtime
from registry.integrity import mismatch
from registry.manifest import ModelVersion

__all__ = ["METHOD", "LookalikeEngine", "LookalikeQuery", "Match"]


class LookalikeEngine:
    """Searches one gallery version."""

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        """Open the version's files.

        Raises ``ValueError`` when one is damaged or they do not belong together, ``KeyError`` when one is missing and
        :class:`deployments.runtime.DeviceUnavailable` for a GPU that cannot be used.
        """
        if version.manifest.embedding_space is None:
            raise ValueError(f"{version.ref} names no embedding_space")
        self.space = version.manifest.embedding_space
        self.people = read_people(version.path(PEOPLE))
        self._ref = version.ref
        self._calibration = read_calibration(version.path(CALIBRATION))
        index = _trusted_index(version, runtime)
        if index.size != len(self.people):
            raise ValueError(f"{version.ref} lists {len(self.people)} people and has vectors of {index.size}")
        self._index: VectorIndex | None = index
        self._portraits = Portraits(version.path(PORTRAITS))
        if missing := next((person for person in self.people if person.picture not in self._portraits), None):
            self._portraits.close()
            raise ValueError(f"{version.ref} has no portrait of {missing.name}")

    def warm_up(self) -> None:
        """Search once for a made-up vector."""
        index = self._opened
        if index.size:
            made_up = np.full((1, index.dimensions), index.dimensions**-0.5, dtype=np.float32)
            index.search(made_up, 1)

    def run(self, batch: Sequence[LookalikeQuery]) -> list[tuple[Match, ...]]:
        """For every query the people its face resembles most, best first, at most ``top``.

        Raises :class:`SpaceMismatch` for a vector of another embedding space or length, :class:`EmptyGallery` when
        there is nobody to compare with, :class:`InvalidField` for a ``top`` below 1 and ``ValueError`` for a vector
        without a direction.
        """
        if not batch:
            return []
        index = self._opened
        vectors = np.stack([self._checked(query, index.dimensions) for query in batch])
        if not self.people:
            raise EmptyGallery("The gallery has no people in it yet.", retry_after=3600)
        cosines, rows = index.search(vectors, max(query.top for query in batch))
        return [
            tuple(
                self._match(self.people[row], float(cosine))
                for cosine, row in zip(cosines[number, : query.top], rows[number, : query.top], strict=True)
                if 0 <= row < len(self.people)
            )
            for number, query in enumerate(batch)
        ]

    def portrait(self, name: str) -> bytes:
        """The portrait (JPEG) that a match names, on any thread. Raises :class:`UnknownModel` when there is none such."""
        try:
            return self._portraits.read(name)
        except KeyError:
            raise UnknownModel("This gallery has no such portrait.") from None

    def collage(self, photo: Photo, face: Face, matches: Sequence[Match], note: str) -> Pixels:
        """``face`` of ``photo`` side by side with up to three ``matches`` of this gallery, over ``note``; on any thread."""
        shown = [(match, self.portrait(match.picture)) for match in matches[: collage.MOST]]
        return collage.draw(photo, face, shown, note)

    def close(self) -> None:
        """Let go of the index and the portraits. The engine is not used afterwards."""
        self._index = None
        self._portraits.close()

    @property
    def _opened(self) -> VectorIndex:
        if self._index is None:
            raise RuntimeError("the lookalike engine is closed")
        return self._index

    def _checked(self, query: LookalikeQuery, dimensions: int) -> FloatArray:
        if query.space != self.space:
            raise SpaceMismatch(
                f"The gallery {self._ref} was made for {self.space} vectors, and the face model gives {query.space}."
            )
        if query.embedding.shape != (dimensions,):
            raise SpaceMismatch(
                f"The gallery {self._ref} holds vectors of {dimensions} numbers, not of shape {query.embedding.shape}."
            )
        if query.top < 1:
            raise InvalidField("top has to be at least 1.", field="top")
        length = float(np.linalg.norm(query.embedding))
        if not np.isfinite(length) or length == 0:
            raise ValueError("the embedding has no direction")
        return np.asarray(query.embedding / length, dtype=np.float32)

    def _match(self, person: Person, cosine: float) -> Match:
        # Half precision may take a cosine a hair above 1.
        cosine = float(np.clip(cosine, -1, 1))
        return Match(
            name=person.name,
            alias=person.alias,
            role=person.role,
            link=person.links[0] if person.links else None,
            similarity=round(self._calibration.percent(cosine), 1),
            cosine=cosine,
            picture=person.picture,
            attribution=_credit(person),
        )


def _trusted_index(version: ModelVersion, runtime: Runtime) -> VectorIndex:
    # FAISS believes what it reads: an index with a number changed can open and then be searched beyond its end. So it
    # only ever sees the very bytes that were published.
    if problem := mismatch(version.path(INDEX), version.manifest.file(INDEX)):
        raise ValueError(f"{version.ref} is damaged: {problem}")
    return read_index(version.path(INDEX), runtime)


def _credit(person: Person) -> str | None:
    """Whom the portrait is owed to, and under which licence."""
    parts = [part for part in (person.attribution, person.licence) if part]
    return ", ".join(parts) or None
