from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from training.style import evaluate as module
from training.style import judge
from training.style.checkpoint import Weights, save_weights
from training.style.network import StyleNetwork


@pytest.fixture
def painting(make_picture):
    return make_picture("dots.png", seed=90)


@pytest.fixture
def weights_file(tiny, tmp_path):
    torch.manual_seed(0)
    styles = {"identity": torch.randn(tiny.style_size), "dots": torch.randn(tiny.style_size)}
    save_weights(tmp_path / "weights.safetensors", Weights(StyleNetwork(tiny), styles))
    return tmp_path / "weights.safetensors"


@pytest.fixture(autouse=True)
def shallow_judge(monkeypatch) -> None:
    """The tests' encoder ends at relu4_1."""
    monkeypatch.setattr(judge, "CONTENT_LAYERS", ("relu3_1",))


@pytest.mark.parametrize(
    ("folder", "style", "sentence"),
    [("few", "dots", "no held-out photograph"), ("photos", "lines", "has no style lines")],
)
def test_mistakes_end_with_a_sentence(
    photos, make_picture, painting, encoder_file, weights_file, tmp_path, folder, style, sentence
) -> None:
    make_picture("few/one.png")
    options = ["--style", f"{style}={painting}", "--encoder", str(encoder_file), "--side", "64"]
    result = CliRunner().invoke(module.app, [str(weights_file), str(tmp_path / folder), *options])
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())


@pytest.mark.parametrize("option", ["--threads", "--side", "--limit"])
def test_nothing_at_all_is_refused_as_a_number(photos, painting, weights_file, option) -> None:
    result = CliRunner().invoke(
        module.app, [str(weights_file), str(photos), "--style", f"dots={painting}", option, "0"]
    )
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


def test_the_command_writes_the_exporters_figures(photos, painting, encoder_file, weights_file, tmp_path) -> None:
    options = [
        "--style",
        f"dots={painting}",
        "--encoder",
        str(encoder_file),
        "--side",
        "64",
        "--out",
        str(tmp_path / "j.json"),
    ]
    result = CliRunner().invoke(module.app, [str(weights_file), str(photos), *options])
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "j.json").read_text())
    assert set(figures) == {"dots.content", "dots.style"}
    assert all(value > 0 for value in figures.values())
