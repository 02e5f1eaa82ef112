"""From pictures of people to a gallery that names them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deployments.faces.types import Quality
from deployments.lookalike.engine import LookalikeEngine, LookalikeQuery
from deployments.runtime import Runtime
from tests import versions
from training.gallery import publish
from training.gallery.build import Embedder, NothingToBuild, Plan, build
from training.gallery.report import REPORT, read_report
from training.gallery.sources import read_source

PEOPLE = ["Ada Lovelace", "Grace Hopper", "Edsger Dijkstra"]


def names(engine: LookalikeEngine, vector: np.ndarray, top: int = 3) -> list[str]:
    (answer,) = engine.run([LookalikeQuery(vector, "test-space", top)])
    return [match.name for match in answer]


@pytest.fixture
def folder(tmp_path: Path, studio) -> Path:
    source = tmp_path / "people"
    for number, name in enumerate(PEOPLE):
        for seed in (10 * number, 10 * number + 1):
            studio.portrait(source, name, seed)
    return source


def test_a_folder_becomes_a_gallery_that_names_everybody(folder, embedder, store, memory, studio) -> None:
    built = build(read_source(folder), Plan("pioneers", title="Pioneers"), embedder, store, memory)
    assert built.version.ref == "pioneers@v1"
    manifest = built.version.manifest
    assert (manifest.task, manifest.embedding_space) == ("face-gallery", "test-space")
    assert manifest.input["embedder"] == "stand-in-faces@v1"
    assert manifest.metrics["people"] == 3
    assert manifest.metrics["pictures"] == 6
    assert manifest.metrics["recall_at_10"] == 1
    engine = LookalikeEngine(store.verify("pioneers"), Runtime())
    for name in PEOPLE:
        assert names(engine, studio.face(name, seed=99).embedding)[0] == name


def test_pictures_of_a_person_are_combined(folder, embedder, store, memory, studio) -> None:
    version = build(read_source(folder), Plan("pioneers"), embedder, store, memory).version
    ((best,),) = LookalikeEngine(version, Runtime()).run([LookalikeQuery(studio.person(PEOPLE[0]), "test-space", 1)])
    single = max(float(studio.face(PEOPLE[0], seed).embedding @ studio.person(PEOPLE[0])) for seed in (0, 1))
    assert best.cosine > single


def test_the_report_says_why_of_every_picture_left_out(folder, embedder, store, memory, studio) -> None:
    person = folder / "Ada_Lovelace"
    (person / "notes.txt").write_text("not a picture")
    studio.take(person / "group.jpg", studio.face("Ada Lovelace"), studio.face("Grace Hopper"), seed=50)
    studio.take(person / "landscape.jpg", seed=51)
    studio.take(folder / "Nobody" / "landscape.jpg", seed=52)
    built = build(read_source(folder), Plan("pioneers"), embedder, store, memory)
    found = {entry.picture: entry.reason for entry in built.report.left_out}
    assert found == {
        "Ada_Lovelace/notes.txt": "unreadable",
        "Ada_Lovelace/group.jpg": "several-faces",
        "Ada_Lovelace/landscape.jpg": "no-face",
        "Nobody/landscape.jpg": "no-face",
    }
    assert built.report.without_picture == ("Nobody",)
    assert read_report(built.version.path(REPORT)) == built.report


def test_a_copy_of_a_picture_counts_once(folder, embedder, store, memory, studio) -> None:
    studio.take(folder / "Ada_Lovelace" / "again.jpg", studio.face("Ada Lovelace", 0), seed=0, quality=60)
    built = build(read_source(folder), Plan("pioneers"), embedder, store, memory)
    assert [entry.reason for entry in built.report.left_out] == ["duplicate"]
    assert built.report.pictures == 6


def test_a_picture_filed_under_two_people_is_taken_from_both(folder, embedder, store, memory, studio) -> None:
    studio.take(folder / "Grace_Hopper" / "whose.jpg", studio.face("Ada Lovelace", 0), seed=0)
    built = build(read_source(folder), Plan("pioneers"), embedder, store, memory)
    assert {(entry.person, entry.reason) for entry in built.report.left_out} == {
        ("Ada Lovelace", "two-people"),
        ("Grace Hopper", "two-people"),
    }
    assert "Grace Hopper" in next(entry.detail for entry in built.report.left_out if entry.person == "Ada Lovelace")


def test_of_two_builds_at_once_the_slower_becomes_the_version_after_the_other(folder, embedder, store, memory) -> None:
    def overtaken(doing: str, done: int, total: int) -> None:
        if (doing, done) == ("Cutting portraits", 0):
            versions.publish(store, model="pioneers", task="face-gallery")

    built = build(read_source(folder), Plan("pioneers"), embedder, store, memory, overtaken)
    assert (built.version.ref, built.report.gallery) == ("pioneers@v2", "pioneers@v2")
    assert store.versions("pioneers") == ["v1", "v2"]


def test_nobody_usable_is_refused_with_the_report(tmp_path, embedder, store, memory, studio) -> None:
    studio.take(tmp_path / "people" / "Ada" / "landscape.jpg", seed=1)
    with pytest.raises(NothingToBuild) as caught:
        build(read_source(tmp_path / "people"), Plan("pioneers"), embedder, store, memory)
    assert caught.value.report.without_picture == ("Ada",)
    assert store.models() == []


def test_a_build_that_was_interrupted_goes_on_where_it_was(folder, embedder, store, memory, engine) -> None:
    class Interrupt(Exception):
        pass

    def interrupt(label: str, done: int, _total: int) -> None:
        if label == "Looking at pictures" and done == 6:
            raise Interrupt

    with pytest.raises(Interrupt):
        build(read_source(folder), Plan("pioneers"), embedder, store, memory, interrupt)
    assert store.models() == []
    looked = engine.asked
    build(read_source(folder), Plan("pioneers"), embedder, store, memory)
    assert engine.asked == looked == 6


def test_adding_keeps_the_people_there_are_without_looking_at_them_again(
    folder, tmp_path, embedder, store, memory, studio, engine
) -> None:
    first = build(read_source(folder), Plan("pioneers"), embedder, store, memory).version
    more = tmp_path / "more"
    studio.portrait(more, "Barbara Liskov", 70)
    studio.portrait(more, "Ada Lovelace", 71)
    engine.asked = 0
    second = build(read_source(more), Plan("pioneers", base=first), embedder, store, memory)
    assert engine.asked == 2
    assert second.version.ref == "pioneers@v2"
    assert (second.report.people, second.report.pictures, second.report.added) == (4, 8, 2)
    old, new = LookalikeEngine(first, Runtime()), LookalikeEngine(second.version, Runtime())
    assert [person.name for person in new.people] == [*(person.name for person in old.people), "Barbara Liskov"]
    assert [person.pictures for person in new.people] == [3, 2, 2, 1]
    for before, after in zip(old.people, new.people, strict=False):
        assert new.portrait(after.picture) == old.portrait(before.picture)
    for name in [*PEOPLE, "Barbara Liskov"]:
        assert names(new, studio.face(name, seed=99).embedding)[0] == name


def test_adding_a_picture_that_is_somebody_elses_already_leaves_that_one_alone(
    folder, tmp_path, embedder, store, memory, studio
) -> None:
    first = build(read_source(folder), Plan("pioneers"), embedder, store, memory).version
    studio.take(tmp_path / "more" / "Impostor" / "1.jpg", studio.face("Ada Lovelace", 0), seed=0)
    second = build(read_source(tmp_path / "more"), Plan("pioneers", base=first), embedder, store, memory)
    assert second.report.without_picture == ("Impostor",)
    assert (second.report.people, second.report.pictures) == (3, 6)


def test_a_gallery_of_another_space_is_not_added_to(folder, embedder, store, memory, engine) -> None:
    first = build(read_source(folder), Plan("pioneers"), embedder, store, memory).version
    engine.space = "another-space"
    with pytest.raises(ValueError, match="test-space.*another-space"):
        build(read_source(folder), Plan("pioneers", base=first), embedder, store, memory)


def test_a_face_model_that_does_not_embed_is_refused(folder, embedder: Embedder, store, memory, engine) -> None:
    engine.space = None
    with pytest.raises(ValueError, match="does not embed"):
        build(read_source(folder), Plan("pioneers"), embedder, store, memory)


def test_the_best_picture_becomes_the_portrait_with_its_licence(tmp_path, embedder, store, memory, studio) -> None:
    blurred = Quality(size=80.0, blur=0.6, score=0.2)
    studio.take(tmp_path / "a.jpg", studio.face("Ada", 1, quality=blurred), seed=1)
    studio.take(tmp_path / "b.jpg", studio.face("Ada", 2), seed=2)
    catalogue = tmp_path / "people.csv"
    catalogue.write_text("name,photos,licence,attribution\nAda,a.jpg;b.jpg,CC BY-SA 4.0,B. Photographer\n")
    version = build(read_source(catalogue), Plan("pioneers"), embedder, store, memory).version
    engine = LookalikeEngine(version, Runtime())
    (person,) = engine.people
    assert (person.licence, person.attribution, person.pictures) == ("CC BY-SA 4.0", "B. Photographer", 2)
    assert version.manifest.licence.commercial_use
    assert version.manifest.licence.name == "CC BY-SA 4.0"


@pytest.mark.parametrize("name", ["Actors", "my gallery", "../escape", ""])
def test_a_name_no_gallery_may_have_is_refused_before_any_work(folder, embedder, store, memory, engine, name) -> None:
    with pytest.raises(ValueError, match="cannot be the name"):
        build(read_source(folder), Plan(name), embedder, store, memory)
    assert engine.asked == 0


def test_the_name_of_another_kind_of_model_is_refused(folder, embedder, store, memory, engine) -> None:
    versions.publish(store, model="faces", task="face-analysis")
    with pytest.raises(ValueError, match="face-analysis model already"):
        build(read_source(folder), Plan("faces"), embedder, store, memory)
    assert engine.asked == 0


@pytest.mark.parametrize("file", ["PICTURES", "INDEX"])
def test_a_full_disk_is_told_as_such_and_publishes_nothing(
    folder, embedder, store, memory, monkeypatch, file: str
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    monkeypatch.setattr(publish, file, "/dev/full")
    with pytest.raises(OSError, match="No space left"):
        build(read_source(folder), Plan("pioneers"), embedder, store, memory)
    assert store.versions("pioneers") == []
