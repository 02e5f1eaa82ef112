"""``masquerade gallery`` with a real face model on real pictures: built, asked, added to."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

from benchmarks.faces.engines import scrfd_mobilefacenet
from registry import catalogue
from registry.publish import publish_folder
from registry.pull import pull
from registry.store import FolderStore
from tests.commands import assert_refused
from training.gallery.cli import app

Pictures = Callable[[str], list[Path]]

FACES = "scrfd-mobilefacenet"


@pytest.fixture(scope="module")
def pictures(research_data: Path) -> Pictures:
    """A person's pictures, by the name of their folder."""
    return lambda person: sorted((research_data / "faces_lfw" / person).glob("*.jpg"))


@pytest.fixture(scope="module")
def store(research_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, weights = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("weights")
    version = scrfd_mobilefacenet(research_data)
    for entry in version.manifest.files:
        shutil.copyfile(version.path(entry.name), weights / entry.name)
    publish_folder(FolderStore(folder), version.manifest, weights)
    return folder


@pytest.fixture(scope="module")
def people(research_data: Path, pictures: Pictures) -> list[str]:
    found = [
        person
        for person in sorted(path.name for path in (research_data / "faces_lfw").iterdir())
        if len(pictures(person)) >= 4
    ][:8]
    assert len(found) == 8
    return found


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def gather(pictures: Pictures, people: list[str], folder: Path, which: slice) -> Path:
    for person in people:
        target = folder / person
        target.mkdir(parents=True)
        for path in pictures(person)[which]:
            shutil.copyfile(path, target / path.name)
    return folder


@pytest.fixture(scope="module")
def built(store: Path, pictures: Pictures, people: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report's folder of a gallery of six people, three pictures each and one that is none."""
    base = tmp_path_factory.mktemp("build")
    source = gather(pictures, people[:6], base / "people", slice(0, 3))
    (source / people[0] / "broken.jpg").write_bytes(pictures(people[0])[0].read_bytes()[:900])
    result = run("build", source, "--name", "some-people", "--faces", FACES, "--store", store, "--report", base / "out")
    assert result.exit_code == 0, result.output
    assert "some-people@v1" in result.output
    return base / "out"


def test_the_report_is_written_for_programs_and_for_people(built: Path, people: list[str]) -> None:
    report = json.loads((built / "report.json").read_text())
    assert report["gallery"] == "some-people@v1"
    assert any(entry["reason"] == "unreadable" for entry in report["left_out"])
    assert "broken.jpg" in (built / "report.html").read_text()


def test_a_picture_that_was_not_in_it_finds_its_person(
    built: Path, store: Path, pictures: Pictures, people: list[str], tmp_path: Path
) -> None:
    collage = tmp_path / "us.jpg"
    asked = pictures(people[2])[3]
    result = run("search", asked, "--name", "some-people", "--store", store, "--top", 2, "--collage", collage)
    assert result.exit_code == 0, result.output
    name = people[2].replace("_", " ")
    first = next(line for line in result.output.splitlines() if "│ 0 " in line)
    assert name in first
    assert "closest double" in result.output
    assert cv2.imread(str(collage)).shape[1] == 1080


def test_adding_people_makes_the_next_version(
    built: Path, store: Path, pictures: Pictures, people: list[str], tmp_path: Path
) -> None:
    more = gather(pictures, people[6:], tmp_path / "more", slice(0, 2))
    result = run("add", more, "--name", "some-people", "--store", store, "--report", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "some-people@v2" in result.output
    shown = run("report", "--name", "some-people", "--store", store)
    assert shown.exit_code == 0
    assert f"seen by {FACES}@v1" in shown.output
    asked = run("search", pictures(people[7])[3], "--name", "some-people", "--store", store)
    assert people[7].replace("_", " ") in asked.output


def test_a_photo_without_a_face_is_answered_in_a_sentence(built: Path, store: Path, research_data: Path) -> None:
    painting = next((research_data / "styles").glob("wave*"))
    result = run("search", painting, "--name", "some-people", "--store", store)
    assert result.exit_code == 1
    assert "no face was found" in result.output


def test_a_gallery_that_is_not_there_and_a_model_that_is_none_are_named(store: Path, tmp_path: Path) -> None:
    unknown = run("report", "--name", "nobody", "--store", store)
    assert unknown.exit_code == 1
    assert "nobody" in unknown.output
    wrong = run("report", "--name", FACES, "--store", store)
    assert wrong.exit_code == 1
    assert "no gallery" in wrong.output


def test_nothing_usable_ends_with_the_report_and_no_gallery(store: Path, tmp_path: Path) -> None:
    source = tmp_path / "people" / "Nobody"
    source.mkdir(parents=True)
    (source / "note.jpg").write_text("no picture")
    arguments = ("--name", "empty", "--faces", FACES, "--store", store, "--report", tmp_path / "out")
    assert_refused(run("build", source.parent, *arguments), "says why of every picture")
    assert "note.jpg" in (tmp_path / "out" / "report.html").read_text()
    assert FolderStore(store).versions("empty") == []


def test_the_starter_gallery_is_built_once_from_the_sample_photos(store: Path) -> None:
    for package in ("skimage", "insightface"):
        pytest.importorskip(package, reason="the sample photos come out of this package", exc_type=ImportError)
    opened = FolderStore(store)
    samples = pull(opened, catalogue.find("sample-photos")).version
    for _ in range(2):
        result = run("starter", "--faces", FACES, "--store", store)
        assert result.exit_code == 0, result.output
        assert "8 people, 8 pictures" in result.output
    assert opened.versions("celebrities-sample") == ["v1"]
    asked = run("search", samples.path("astronaut.png"), "--name", "celebrities-sample", "--store", store, "--top", 1)
    assert "Eileen Collins" in asked.output


def test_every_command_shows_an_example() -> None:
    for command in ("build", "add", "report", "search", "starter", "import-wikidata"):
        assert f"masquerade gallery {command}" in " ".join(run(command, "--help").output.split())
