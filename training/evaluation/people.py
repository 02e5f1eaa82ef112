"""Pictures of people for evaluations: who is in them, and which pairs of them are compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from registry.manifest import ModelVersion
from registry.store import Store
from training.evaluation.terminal import tell_unreadable
from training.evaluation.verification import Labels, Similarities
from training.gallery.analysis import Analysis, FaceFinder, Memory, analyse
from training.gallery.sources import read_source
from training.stores import memory_path
from training.terminal import bars


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture of ``person`` and what the face model sees in it."""

    person: str
    path: Path
    analysis: Analysis

    @property
    def found(self) -> bool:
        """Whether a face was found and embedded."""
        return self.analysis.embedding is not None


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of pictures by their places: ``similarity`` [N] is the cosine of their vectors, ``same`` [N] one person."""

    places: tuple[tuple[int, int], ...]
    similarity: Similarities
    same: Labels


def look(source: Path, faces: ModelVersion, engine: FaceFinder, store: Store) -> list[Seen]:
    """Every readable picture of a folder with a sub-folder a person, or of a catalogue.

    Answers are remembered beside the store. Raises ``ValueError`` when there is nothing to evaluate on.
    """
    listed = [(candidate.name, picture.path) for candidate in read_source(source) for picture in candidate.pictures]
    with Memory(memory_path(store, faces)) as memory, bars() as shown:
        analyses = shown.track(
            analyse([path for _, path in listed], engine, memory), len(listed), description="Looking at pictures"
        )
        seen = [Seen(person, path, found) for (person, path), found in zip(listed, analyses, strict=True)]
    readable = [entry for entry in seen if entry.analysis.problem is None]
    if not readable:
        raise ValueError(f"{source} holds no picture that can be read; give a folder with one sub-folder per person")
    tell_unreadable(len(seen) - len(readable), source)
    return readable


def pairs(seen: Sequence[Seen], most: int, seed: int) -> Pairs:
    """Up to ``most`` pairs of one person and as many of two, drawn by ``seed``.

    Raises ``ValueError`` where the pictures allow no pair of either kind.
    """
    by_person: dict[str, list[int]] = defaultdict(list)
    for place, entry in enumerate(seen):
        if entry.found:
            by_person[entry.person].append(place)
    chance = np.random.default_rng(seed)
    alike = [(one, other) for places in by_person.values() for i, one in enumerate(places) for other in places[i + 1 :]]
    chance.shuffle(alike)
    alike = alike[:most]
    if not alike or len(by_person) < 2:
        raise ValueError("verification needs two people and somebody with two pictures in which a face is found")
    strangers: set[tuple[int, int]] = set()
    people = sorted(by_person)
    # Two people may have only few pictures between them; what cannot be drawn any more is left out.
    for _ in range(20 * len(alike)):
        # In their order, so that a pair drawn either way round is one pair.
        one, other = (by_person[people[place]] for place in sorted(chance.choice(len(people), 2, replace=False)))
        strangers.add((int(chance.choice(one)), int(chance.choice(other))))
        if len(strangers) == len(alike):
            break
    places = (*alike, *sorted(strangers))
    vectors = [entry.analysis.embedding for entry in seen]
    similarity = np.array([_cosine(vectors[one], vectors[other]) for one, other in places])
    return Pairs(places, similarity, np.arange(len(places)) < len(alike))


def _cosine(one: np.ndarray | None, other: np.ndarray | None) -> float:
    if one is None or other is None:
        raise ValueError("a picture without a face was paired")
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
