from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deployments.moderation.open_nsfw import HARMLESS
from registry.store import FolderStore
from tests import versions
from tests.commands import assert_refused
from training.moderation import quantise
from training.moderation.quantise import Comparison, app


@pytest.fixture
def pictures(research_data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in [*sorted(research_data.glob("faces_lfw/*/*.jpg"))[::90], *sorted(research_data.glob("styles/*.jpg"))]:
        shutil.copy(path, folder / path.name)
    return folder


def run(*arguments: object):
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "120"})


def test_the_file_takes_a_quarter_and_its_glances_are_near_the_look(
    pictures: Path, models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Comparison] = []
    compare = quantise.compare
    monkeypatch.setattr(quantise, "compare", lambda *given: found.append(compare(*given)) or found[0])
    out = tmp_path / "in-bytes.onnx"
    result = run(pictures, out, "--count", 20, "--store", models_dir)
    assert result.exit_code == 0, result.output
    assert out.stat().st_size < 7e6
    (comparison,) = found
    others = len(list(pictures.iterdir())) - 20
    assert len(comparison.look) == others + others // 10, "the others, and a wall of every ten of them"
    assert comparison.highest_passed < 2 * HARMLESS
    assert np.abs(comparison.glance - comparison.look)[comparison.look < HARMLESS].max() < 0.1


def test_too_few_pictures_are_told(pictures: Path, models_dir: Path, tmp_path: Path) -> None:
    result = run(pictures, tmp_path / "o.onnx", "--count", 40, "--store", models_dir)
    assert result.exit_code == 1
    assert "too few" in result.output
    assert not (tmp_path / "o.onnx").exists()


def test_a_file_that_is_no_picture_is_named(pictures: Path, models_dir: Path, tmp_path: Path) -> None:
    (pictures / "AAA.jpg").write_bytes(b"no picture")
    assert_refused(run(pictures, tmp_path / "o.onnx", "--count", 10, "--store", models_dir), "AAA.jpg cannot be used")


def test_a_network_that_lets_the_wrong_pass_is_not_written(
    pictures: Path, models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    misled = Comparison(glance=np.array([0.01, 0.09]), look=np.array([0.01, 0.5]))
    monkeypatch.setattr(quantise, "compare", lambda *_: misled)
    result = run(pictures, tmp_path / "o.onnx", "--count", 10, "--store", models_dir)
    assert result.exit_code == 1
    assert "0.50" in result.output
    assert not (tmp_path / "o.onnx").exists()


def test_a_model_of_another_backend_is_refused_before_pictures_are_read(tmp_path: Path) -> None:
    versions.publish(FolderStore(tmp_path / "models"), model="vit", task="moderation", backend="transformers")
    (tmp_path / "none").mkdir()
    assert_refused(
        run(tmp_path / "none", tmp_path / "o.onnx", "--model", "vit", "--store", tmp_path / "models"),
        "vit is read by the backend transformers; only open-nsfw is quantised",
    )


def test_a_comparison_in_figures() -> None:
    comparison = Comparison(glance=np.array([0.01, 0.05, 0.2]), look=np.array([0.03, 0.1, 0.2]))
    assert comparison.looked_again == pytest.approx(1 / 3)
    assert comparison.highest_passed == 0.1
    assert comparison.times_off == pytest.approx([(0.1 / 0.9) / (0.05 / 0.95), 1])
    nothing = Comparison(glance=np.array([0.001]), look=np.array([0.002]))
    assert nothing.times_off.size == 0
