"""Whom a swap may not show: people who look under age, and people on the operator's block list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from deployments.errors import FaceUnsuitable, Refused, Unavailable
from deployments.faces.types import Face
from deployments.imaging import FloatArray
from deployments.swap.types import SourceFace, SwapQuery
from registry.manifest import ModelVersion

ADULT: Final = 18.0
EMBEDDINGS: Final = "embeddings.npy"


@dataclass(frozen=True, slots=True)
class BlockList:
    """People who may not be used as a source: ``embeddings`` [N, D] of length 1 in the vector space ``space``.

    A source at least as similar (cosine) as ``threshold`` to one of them is refused. Several vectors per person are
    fine. The list holds no names: whoever reads the version learns who is protected only by having a photo of them.
    """

    embeddings: FloatArray = field(repr=False)
    space: str
    threshold: float

    @classmethod
    def load(cls, version: ModelVersion) -> BlockList:
        """Read a version of task ``face-block-list``: ``embeddings.npy`` and ``input: {threshold: 0.4}``.

        Raises ``ValueError`` when the version does not hold what a block list needs.
        """
        manifest = version.manifest
        threshold = manifest.input.get("threshold")
        if not isinstance(threshold, int | float) or not 0 < threshold < 1:
            raise ValueError(f"{version.ref}: a block list needs input.threshold, a cosine similarity between 0 and 1")
        if manifest.embedding_space is None:
            raise ValueError(f"{version.ref}: a block list needs an embedding space")
        vectors = np.load(version.path(EMBEDDINGS), allow_pickle=False)
        if vectors.ndim != 2 or not len(vectors) or vectors.dtype.kind != "f" or not np.isfinite(vectors).all():
            raise ValueError(f"{version.ref}: {EMBEDDINGS} is not a matrix of vectors")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if (lengths == 0).any():
            raise ValueError(f"{version.ref}: {EMBEDDINGS} holds a vector of length 0")
        return cls((vectors / lengths).astype(np.float32), manifest.embedding_space, float(threshold))

    def holds(self, source: SourceFace) -> bool:
        """Whether the source is one of these people.

        Raises :class:`Unavailable` when that cannot be told because the face has no vector of this space: a list that
        cannot be asked must not let everybody through.
        """
        vector = source.face.embedding
        if vector is None or source.space != self.space or vector.shape != self.embeddings.shape[1:]:
            raise Unavailable(
                "Swaps are switched off: the block list and the face model do not fit together.", retry_after=60
            )
        # Written so that a vector that is no number is refused too.
        return not (self.embeddings @ vector).max() < self.threshold


def check(query: SwapQuery, blocked: BlockList | None) -> None:
    """Look at every face the mapping uses, sources and targets.

    Raises :class:`FaceUnsuitable` where an age is known and under 18, and :class:`Refused` for a source on the block
    list. One such face refuses the whole request: nothing of it is delivered.
    """
    for source, target in query.mapping:
        for face in (query.sources[source].face, query.target_faces[target]):
            _check_age(face)
    if blocked is not None:
        for source in {source for source, _ in query.mapping}:
            if blocked.holds(query.sources[source]):
                raise Refused("This person's face may not be used.", rule="blocked-person")


def _check_age(face: Face) -> None:
    # An age that is not a number is not of age.
    if face.age is not None and not face.age >= ADULT:
        raise FaceUnsuitable("Faces are only swapped where everybody looks of age.", reason="age")
