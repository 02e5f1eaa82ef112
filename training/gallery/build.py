"""From people and their pictures to a gallery version in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from deployments.lookalike.files import PEOPLE, PICTURES, Person, read_people
from registry.manifest import NAMES, ModelVersion, is_name
from registry.store import Store
from training.gallery.analysis import Analysis, FaceFinder, Memory, analyse
from training.gallery.collection import Collection
from training.gallery.curation import Rejection, Rules, find_copies, inspect
from training.gallery.indexing import Kind, build_index
from training.gallery.progress import Progress, silent
from training.gallery.publish import Gallery, Sitting, check_task, publish
from training.gallery.report import LeftOut, Report
from training.gallery.roster import Draft, join, with_pictures
from training.gallery.sources import Candidate, Picture


class NothingToBuild(ValueError):
    """No picture of anybody could be used; ``report`` says why of each."""

    def __init__(self, report: Report) -> None:
        super().__init__("no picture could be used, so there is no gallery to build")
        self.report = report


@dataclass(frozen=True, slots=True)
class Embedder:
    """The face model a gallery is made with: its engine, and which version that is."""

    version: ModelVersion
    engine: FaceFinder

    @property
    def space(self) -> str:
        """The embedding space. Raises ``ValueError`` when the model has none."""
        if self.engine.space is None:
            raise ValueError(f"{self.version.ref} finds faces and does not embed them; choose another face model")
        return self.engine.space


@dataclass(frozen=True, slots=True)
class Plan:
    """What to build. ``kind`` None leaves the choice of the index to the builder; ``base`` is a version to add to."""

    name: str
    title: str = ""
    kind: Kind | None = None
    rules: Rules = field(default_factory=Rules)
    base: ModelVersion | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """The version that was published, and what became of the pictures."""

    version: ModelVersion
    report: Report


@dataclass(frozen=True, slots=True)
class _Usable:
    """A picture that passed by itself; ``owner`` is a place in the list of people."""

    owner: int
    picture: Picture
    analysis: Analysis


def build(
    candidates: Sequence[Candidate],
    plan: Plan,
    embedder: Embedder,
    store: Store,
    memory: Memory,
    progress: Progress = silent,
) -> Built:
    """Look at every picture, keep the usable ones, index, calibrate and publish the next version of the gallery.

    Where nothing is new to ``plan.base``, that is the answer. Raises :class:`NothingToBuild` when nobody is left, ``RecallTooLow`` when the index misses its bar, ``ValueError``
    when ``plan.base`` is of another embedding space or the name cannot be a gallery's, and what publishing raises.
    """
    _check_name(plan.name, store)
    known, before = _base(plan, embedder)
    settled = len(before.owners)
    drafts = join(known, candidates)
    places = {draft.name: place for place, draft in enumerate(drafts)}
    usable, left_out = _inspected(candidates, places, plan.rules, embedder.engine, memory, progress)
    pictures = before.joined(_collected(usable)) if usable else before
    copies = find_copies(pictures.looks, pictures.owners, list(places), settled, plan.rules)
    new = dict(enumerate(usable, start=settled))
    left_out += [_left_out(drafts[new[place].owner].name, new[place].picture, why) for place, why in copies.items()]
    kept = pictures.chosen(np.array([place not in copies for place in range(len(pictures.owners))], dtype=bool))
    people, kept, without = with_pictures(drafts, kept)
    report = Report(
        gallery=None,
        embedder=embedder.version.ref,
        space=embedder.space,
        people=len(people),
        pictures=len(kept.owners),
        added=len(usable) - len(copies),
        left_out=tuple(sorted(left_out, key=lambda entry: (entry.person, entry.picture))),
        without_picture=tuple(without),
    )
    if not people:
        raise NothingToBuild(report)
    if plan.base is not None and _is_as_it_was(plan.base, embedder, known, people, report):
        return Built(plan.base, report.model_copy(update={"gallery": plan.base.ref}))
    progress("Indexing", 0, 1)
    index = build_index(kept.templates(len(people)), plan.kind)
    progress("Indexing", 1, 1)
    sittings = _sittings([(drafts[entry.owner].name, entry) for place, entry in new.items() if place not in copies])
    gallery = Gallery(plan.name, plan.title, people, kept, sittings, index, embedder.version, plan.base)
    return Built(*publish(gallery, report, store, progress))


def _check_name(name: str, store: Store) -> None:
    if not is_name(name):
        raise ValueError(f"{name!r} cannot be the name of a gallery: use {NAMES}")
    check_task(name, "face-gallery", store)


def _base(plan: Plan, embedder: Embedder) -> tuple[tuple[Person, ...], Collection]:
    """The people and pictures of the gallery that is added to."""
    base = plan.base
    if base is None:
        return (), Collection.empty()
    if base.manifest.embedding_space != embedder.space:
        raise ValueError(
            f"{base.ref} holds vectors of {base.manifest.embedding_space}, and {embedder.version.ref} makes "
            f"{embedder.space}; add to it with the face model it was built with, or build a new gallery"
        )
    return read_people(base.path(PEOPLE)), Collection.read(base.path(PICTURES))


def _is_as_it_was(
    base: ModelVersion, embedder: Embedder, known: Sequence[Person], people: Sequence[Draft], report: Report
) -> bool:
    """Whether a gallery that was added to would be the same once more."""
    same_people = list(people) == [Draft.of(person) for person in known]
    return same_people and not report.added and base.manifest.input.get("embedder") == embedder.version.ref


def _inspected(
    candidates: Sequence[Candidate],
    places: dict[str, int],
    rules: Rules,
    engine: FaceFinder,
    memory: Memory,
    progress: Progress,
) -> tuple[list[_Usable], list[LeftOut]]:
    """The usable pictures, the best of each person first, and the others.

    Of copies the first one stays, and the first one of a person becomes the portrait.
    """
    usable: list[_Usable] = []
    left_out: list[LeftOut] = []
    listed = [(candidate.name, picture) for candidate in candidates for picture in candidate.pictures]
    progress("Looking at pictures", 0, len(listed))
    seen = analyse((picture.path for _, picture in listed), engine, memory)
    for done, ((name, picture), analysis) in enumerate(zip(listed, seen, strict=True), start=1):
        rejection = inspect(analysis, rules)
        if rejection is None:
            usable.append(_Usable(places[name], picture, analysis))
        else:
            left_out.append(_left_out(name, picture, rejection))
        progress("Looking at pictures", done, len(listed))
    return sorted(usable, key=lambda entry: (entry.owner, -entry.analysis.faces[0].score)), left_out


def _collected(usable: Sequence[_Usable]) -> Collection:
    vectors = [entry.analysis.embedding for entry in usable if entry.analysis.embedding is not None]
    looks = [entry.analysis.look for entry in usable if entry.analysis.look is not None]
    return Collection(np.stack(vectors), np.stack(looks), np.array([entry.owner for entry in usable], np.int32))


def _sittings(pictures: Iterable[tuple[str, _Usable]]) -> dict[str, Sitting]:
    """Of each person, the first picture and the face in it."""
    sittings: dict[str, Sitting] = {}
    for name, entry in pictures:
        face = entry.analysis.faces[0]
        sittings.setdefault(name, Sitting(entry.picture, face.box, face.roll))
    return sittings


def _left_out(person: str, picture: Picture, rejection: Rejection) -> LeftOut:
    return LeftOut(person=person, picture=picture.label, reason=rejection.reason, detail=rejection.detail)
