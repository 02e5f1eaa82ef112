from __future__ import annotations

import json

import pytest
import torch
from typer.testing import CliRunner

from tests.commands import assert_refused
from training.style import evaluate as module
from training.style.checkpoint import Weights, save_weights
from training.style.network import StyleNetwork


@pytest.fixture
def weights_file(tiny, tmp_path):
    torch.manual_seed(0)
    styles = {"identity": torch.randn(tiny.style_size), "dots": torch.randn(tiny.style_size)}
    save_weights(tmp_path / "weights.safetensors", Weights(StyleNetwork(tiny), styles))
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize(
    ("folder", "style", "sentence"),
    [("few", "dots", "no held-out photograph"), ("photos", "lines", "has no style lines")],
)
def test_mistakes_end_with_a_sentence(
    photos, make_picture, dots, encoder_file, weights_file, tmp_path, folder, style, sentence
) -> None:
    make_picture("few/one.png")
    options = ["--style", f"{style}={dots}", "--encoder", str(encoder_file), "--side", "64"]
    assert_refused(CliRunner().invoke(module.app, [str(weights_file), str(tmp_path / folder), *options]), sentence)


@pytest.mark.parametrize("option", ["--threads", "--side", "--limit"])
def test_nothing_at_all_is_refused_as_a_number(photos, dots, weights_file, option) -> None:
    result = CliRunner().invoke(module.app, [str(weights_file), str(photos), "--style", f"dots={dots}", option, "0"])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


def test_the_command_writes_the_exporters_figures(photos, dots, encoder_file, weights_file, tmp_path) -> None:
    options = ["--style", f"dots={dots}", "--encoder", str(encoder_file), "--side", "64"]
    options += ["--out", str(tmp_path / "j.json")]
    result = CliRunner().invoke(module.app, [str(weights_file), str(photos), *options])
    assert result.exit_code == 0, result.output
    figures = json.loads((tmp_path / "j.json").read_text())
    assert set(figures) == {"dots.content", "dots.style"}
    assert all(value > 0 for value in figures.values())
