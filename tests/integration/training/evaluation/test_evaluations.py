"""``masquerade eval`` with real models on real pictures of a few people."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from training.evaluation.cli import app
from training.evaluation.report import read_report
from training.gallery.cli import app as gallery_app


@pytest.fixture(scope="module")
def store(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Starter models under a root of its own, where galleries and remembered faces may be written."""
    root = tmp_path_factory.mktemp("store")
    for model in ("dlib-faces", "embedded-swap", "open-nsfw"):
        shutil.copytree(models_dir / model, root / model)
    return root


@pytest.fixture(scope="module")
def people(research_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("people")
    folders = [folder for folder in sorted((research_data / "faces_lfw").iterdir()) if folder.is_dir()]
    for folder in [folder for folder in folders if len(list(folder.glob("*.jpg"))) >= 4][:5]:
        (root / folder.name).mkdir()
        for path in sorted(folder.glob("*.jpg"))[:4]:
            shutil.copy(path, root / folder.name)
    return root


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def figures(report: Path) -> dict[str, float]:
    return {figure.name: figure.value for figure in read_report(report).figures}


def test_faces_are_found_and_told_apart(store: Path, people: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.csv"
    picture = next(people.rglob("*.jpg"))
    boxes.write_text(f"file,x0,y0,x1,y1\n{picture},70,70,180,180\n")
    result = run("faces", people, "--store", store, "--boxes", boxes, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    found = figures(tmp_path / "report")
    assert found["pictures without a face found"] == 0
    assert found["accuracy, same person or not"] > 0.95
    assert found["annotated faces found"] == 1


def test_a_gallery_names_the_people_in_it(store: Path, people: Path, tmp_path: Path) -> None:
    known, asked = tmp_path / "known", tmp_path / "asked"
    for number, folder in enumerate(sorted(people.iterdir())):
        pictures = sorted(folder.glob("*.jpg"))
        (asked / folder.name).mkdir(parents=True)
        for path in pictures[2:]:
            shutil.copy(path, asked / folder.name)
        if number > 0:
            (known / folder.name).mkdir(parents=True)
            for path in pictures[:2]:
                shutil.copy(path, known / folder.name)
    built = CliRunner().invoke(
        gallery_app, ["build", str(known), "--name", "few", "--store", str(store), "--report", str(tmp_path / "built")]
    )
    assert built.exit_code == 0, built.output
    result = run("lookalike", asked, "--gallery", "few", "--store", store, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    found = figures(tmp_path / "report")
    assert found["right person first"] == 1
    assert 0 <= found["largest distance of stated and found per cent"] <= 1


def test_swaps_are_judged(store: Path, people: Path, tmp_path: Path) -> None:
    result = run("swap", people, "--store", store, "--pairs", 6, "--least-gain", -2, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    found = figures(tmp_path / "report")
    assert found["SSIM outside the face"] > 0.9
    assert found["more like the source"] > 0.5


def test_moderation_lets_people_pass_and_counts_what_it_misses(store: Path, people: Path, tmp_path: Path) -> None:
    one, other = sorted(people.iterdir())[:2]
    result = run("moderation", one, other, "--store", store, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.output
    found = figures(tmp_path / "report")
    assert found["safe pictures refused"] == 0
    assert found["unsafe pictures refused"] == 0


def test_a_folder_without_pictures_is_one_sentence(store: Path, tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    for command in ("faces", "swap", "moderation"):
        result = run(command, tmp_path / "nobody", "--store", store)
        assert result.exit_code == 1
        assert "Traceback" not in result.output
