"""Weights on disk: what is no such file is said to be none."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
import torch

from training.style.checkpoint import Weights, load_weights, save_weights
from training.style.network import StyleNetwork
from training.style.prediction.network import Design, StylePredictor, load_predictor
from training.tensors import write_tensors


@pytest.fixture
def weights(tiny) -> Weights:
    torch.manual_seed(0)
    return Weights(StyleNetwork(tiny), {"dots": torch.randn(tiny.style_size)})


def test_weights_come_back_as_they_were(weights, tmp_path) -> None:
    save_weights(tmp_path / "weights.safetensors", weights)
    back = load_weights(tmp_path / "weights.safetensors")
    assert back.network.architecture == weights.network.architecture
    assert torch.equal(back.styles["dots"], weights.styles["dots"])
    for one, other in zip(back.network.parameters(), weights.network.parameters(), strict=True):
        assert torch.equal(one, other)


def _made_of(tiny, **changed: object) -> dict[str, str]:
    return {"made_of": json.dumps({"architecture": asdict(tiny), "styles": ["dots"]} | changed)}


@pytest.mark.parametrize(
    "changed",
    [{"architecture": {"depth": 3}}, {"styles": ["dots", "lines"]}, {"architecture": None}],
    ids=["another program's", "a style too many", "nothing"],
)
def test_weights_that_do_not_fit_what_they_say_they_are_of_are_named(weights, tiny, tmp_path, changed) -> None:
    tensors = {f"network.{name}": tensor for name, tensor in weights.network.state_dict().items()}
    tensors["styles"] = torch.stack([weights.styles["dots"]])
    path = tmp_path / "weights.safetensors"
    write_tensors(path, tensors, _made_of(tiny))
    assert load_weights(path).styles.keys() == {"dots"}
    for metadata in (_made_of(tiny, **changed), _made_of(replace(tiny, coarse=4)), {"made_of": "words"}):
        write_tensors(path, tensors, metadata)
        with pytest.raises(ValueError, match=r"weights\.safetensors does not hold the weights of a style network"):
            load_weights(path)


def test_a_predictor_of_another_size_than_it_says_is_named(tmp_path) -> None:
    path = tmp_path / "predictor.safetensors"
    tensors = StylePredictor(Design(style_size=40)).state_dict()
    for design in (asdict(Design(style_size=50)), {"depth": 3, "widths": [1]}, None):
        write_tensors(path, dict(tensors), {"design": json.dumps(design)})
        with pytest.raises(ValueError, match=r"predictor\.safetensors does not hold a style predictor"):
            load_predictor(path)
