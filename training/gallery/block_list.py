"""A block list: the faces of people nobody may put on somebody else, as vectors without names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from deployments.swap.safety import EMBEDDINGS
from registry.manifest import Description, Licence, ModelVersion
from registry.publish import describe
from registry.references import next_version
from registry.store import Store
from training.gallery.analysis import Memory, analyse
from training.gallery.build import Embedder
from training.gallery.curation import Rejection, Rules, inspect
from training.gallery.progress import Progress, silent
from training.gallery.publish import check_task
from training.gallery.sources import BadSource
from training.pictures import pictures_below

# Where strangers end on LFW: of 200 pairs of them one lies above 0.91 with dlib, and of 120 pairs of one person one below.
THRESHOLDS: Final = {"dlib-resnet-v1": 0.91}
ARCFACE_THRESHOLD: Final = 0.4

# A list protects best by knowing many views of somebody: heads may be turned further than in a gallery.
RULES: Final = Rules(least_size=40.0, most_roll=45.0, most_yaw=60.0, most_pitch=50.0)


@dataclass(frozen=True, slots=True)
class Blocked:
    """The version, how many vectors it holds, and the pictures without a usable face with the reason of each."""

    version: ModelVersion
    vectors: int
    left_out: dict[Path, Rejection]


def build_block_list(
    folder: Path,
    name: str,
    embedder: Embedder,
    store: Store,
    memory: Memory,
    progress: Progress = silent,
    *,
    threshold: float | None = None,
) -> Blocked:
    """Publish the next version of the block list ``name`` from every picture in ``folder`` and below.

    ``threshold`` is the cosine similarity (0..1) from which a source counts as one of these people; None takes the
    embedding space's usual one. Raises :class:`BadSource` when there is no usable picture, and ``ValueError`` when the
    name belongs to another kind of model.
    """
    check_task(name, "face-block-list", store)
    paths = pictures_below(folder)
    if not paths:
        raise BadSource(f"{folder} holds no pictures (JPEG, PNG or WebP)")
    vectors, left_out = _vectors(paths, embedder, memory, progress)
    if not vectors:
        reasons = "; ".join(f"{path.name}: {why.detail}" for path, why in list(left_out.items())[:3])
        raise BadSource(f"no picture in {folder} shows one clear face ({reasons})")
    chosen = THRESHOLDS.get(embedder.space, ARCFACE_THRESHOLD) if threshold is None else threshold
    version = next_version(store, name)
    with store.stage(f"{name}@{version}") as staged:
        np.save(staged / EMBEDDINGS, np.stack(vectors).astype(np.float32), allow_pickle=False)
        description = Description(
            model=name,
            version=version,
            task="face-block-list",
            format="data",
            title="People whose faces may not be used",
            input={"threshold": chosen, "embedder": embedder.version.ref},
            embedding_space=embedder.space,
            licence=Licence(name="LicenseRef-Private", commercial_use=True),
            metrics={"vectors": len(vectors)},
        )
        return Blocked(store.publish(describe(staged, description), staged), len(vectors), left_out)


def _vectors(
    paths: Sequence[Path], embedder: Embedder, memory: Memory, progress: Progress
) -> tuple[list[np.ndarray], dict[Path, Rejection]]:
    vectors: list[np.ndarray] = []
    left_out: dict[Path, Rejection] = {}
    progress("Looking at pictures", 0, len(paths))
    for done, (path, analysis) in enumerate(zip(paths, analyse(paths, embedder.engine, memory), strict=True), start=1):
        rejection = inspect(analysis, RULES)
        if rejection is not None:
            left_out[path] = rejection
        elif analysis.embedding is not None:
            vectors.append(analysis.embedding / np.linalg.norm(analysis.embedding))
        progress("Looking at pictures", done, len(paths))
    return vectors, left_out
