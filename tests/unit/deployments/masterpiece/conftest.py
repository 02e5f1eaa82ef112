"""A VGG-19 of a few random channels under the real one's names, as an imported model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from deployments.imaging import Photo, encode
from deployments.masterpiece.encoder import VGG19_BLOCKS
from deployments.masterpiece.engine import WEIGHTS
from registry.manifest import ModelVersion
from tests.versions import version_of


@pytest.fixture(scope="session")
def make_losses(tmp_path_factory: pytest.TempPathFactory):
    def make(**changes: torch.Tensor | None) -> ModelVersion:
        folder = tmp_path_factory.mktemp("vgg")
        torch.manual_seed(1)
        tensors = {"conv0.weight": torch.eye(3)[:, :, None, None], "conv0.bias": torch.full((3,), -0.5)}
        inputs = 3
        for block, count in enumerate(VGG19_BLOCKS[:4], 1):
            for index in range(1, count + 1):
                tensors[f"conv{block}_{index}.weight"] = torch.randn(6, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
                tensors[f"conv{block}_{index}.bias"] = torch.zeros(6)
                inputs = 6
        kept = {name: value for name, value in (tensors | changes).items() if value is not None}
        save_file(kept, folder / WEIGHTS)
        return version_of(folder, model="vgg19", task="perceptual-loss", format="safetensors")

    return make


@pytest.fixture(scope="session")
def losses(make_losses) -> ModelVersion:
    return make_losses()


@pytest.fixture
def photo():
    def make(width: int, height: int, seed: int = 0) -> Photo:
        rows, columns = np.mgrid[:height, :width]
        waves = [np.sin(rows / (3 + seed) + channel) + np.cos(columns / 5 + seed) for channel in range(3)]
        pixels = np.stack(waves, 2) * 60 + 128
        return Photo.open(encode(np.clip(pixels, 0, 255).astype(np.uint8), "image/png"))

    return make
