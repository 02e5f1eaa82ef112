"""A tiny network with random weights and a pack for it, written the way a training run writes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import save
from safetensors.numpy import save_file

from deployments.imaging import Photo, Pixels, encode
from registry.manifest import ModelVersion
from tests.versions import version_of
from training.style import graphs
from training.style.network import Architecture, StyleNetwork
from training.style.prediction.graph import predictor_graph
from training.style.prediction.network import Design, StylePredictor, save_predictor
from training.style.prediction.pictures import READ_SIDE

TINY = Architecture(fine=4, middle=4, coarse=6, blocks=1, end_kernel=3, block_kernel=3, up_kernel=3)


@pytest.fixture(scope="session")
def network(tmp_path_factory: pytest.TempPathFactory) -> ModelVersion:
    generator = np.random.default_rng(3)
    folder = tmp_path_factory.mktemp("network")
    shapes = {name: tuple(value.shape) for name, value in StyleNetwork(TINY).state_dict().items()}
    weights = {name: generator.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}
    save(graphs.painter(TINY, weights), folder / "network.onnx")
    save(graphs.statistics(TINY, weights), folder / "statistics.onnx")
    save(graphs.frozen(TINY, weights), folder / "frozen.onnx")
    contract = {"style_size": TINY.style_size, "multiple": 4, "receptive_radius": TINY.receptive_radius}
    return version_of(folder, model="tiny-style", task="style", format="onnx", input=contract)


PackMaker = Callable[..., ModelVersion]


@pytest.fixture
def make_pack(tmp_path: Path, network: ModelVersion) -> PackMaker:
    """``make_pack("dots", "lines", requires={...})``: one vector a name, always the same for the same name."""

    def make(*names: str, requires: dict[str, str] | None = None, size: int = TINY.style_size) -> ModelVersion:
        folder = tmp_path / "-".join(names)
        (folder / "previews").mkdir(parents=True)
        vectors = {name: _vector(name, size) for name in ("identity", *names)}
        save_file(vectors, folder / "styles.safetensors")
        entries = []
        for name in names:
            (folder / f"previews/{name}.jpg").write_bytes(encode(np.zeros((8, 8, 3), np.uint8)))
            facts = {"name": name, "title": name.title(), "artist": "Nobody", "year": 1900, "licence": "public domain"}
            entries.append(facts | {"preview": f"previews/{name}.jpg"})
        (folder / "styles.json").write_text(json.dumps({"styles": entries}), "utf-8")
        pinned = {"tiny-style": network.manifest.file("network.onnx").sha256} if requires is None else requires
        return version_of(folder, model="pack-" + "-".join(names), task="style-pack", requires=pinned)

    return make


def _vector(name: str, size: int) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).normal(0.5, 1, size).astype(np.float32)


SceneMaker = Callable[..., Pixels]
PhotoMaker = Callable[..., Photo]


@pytest.fixture(scope="session")
def scene() -> SceneMaker:
    """``scene(width, height, seed)``: smooth shapes with some grain, like a photograph."""

    def make(width: int, height: int, seed: int = 0) -> Pixels:
        generator = np.random.default_rng(seed)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        waves = [np.sin(x / (17 + 9 * c) + c) + np.cos(y / (23 - 5 * c) - seed) for c in range(3)]
        picture = 128 + 50 * np.stack(waves, axis=-1) + generator.normal(0, 6, (height, width, 3))
        return np.clip(picture, 0, 255).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def photo(scene: SceneMaker) -> PhotoMaker:
    """``photo(width, height, seed)``: a scene as it arrives, lossless."""
    return lambda width, height, seed=0: Photo.open(encode(scene(width, height, seed), "image/png"))


PredictorMaker = Callable[..., ModelVersion]


@pytest.fixture
def make_predictor(tmp_path: Path, network: ModelVersion) -> PredictorMaker:
    """A predictor with random weights that reads pictures for the tiny network."""

    def make(
        *, requires: dict[str, str] | None = None, size: int = TINY.style_size, model: str = "reader"
    ) -> ModelVersion:
        folder = tmp_path / model
        folder.mkdir()
        torch.manual_seed(5)
        predictor = StylePredictor(Design((4, 6), 2, 12, 8, 3, size)).requires_grad_(False)
        torch.nn.init.normal_(predictor.directions.weight)
        predictor.anchor([torch.from_numpy(_vector(name, size)) for name in ("dots", "lines", "rings")])
        save(predictor_graph(predictor), folder / "predictor.onnx")
        save_predictor(folder / "predictor.safetensors", predictor)
        pinned = {"tiny-style": network.manifest.file("network.onnx").sha256} if requires is None else requires
        return version_of(folder, model=model, task="style-predictor", requires=pinned, input={"side": READ_SIDE})

    return make


@pytest.fixture
def coloured() -> Callable[[tuple[int, int, int]], Photo]:
    """A picture of little but one colour."""

    def make(colour: tuple[int, int, int]) -> Photo:
        noise = np.random.default_rng(0).integers(-12, 13, (64, 64, 3))
        pixels: Pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
        return Photo.open(encode(pixels, "image/png"))

    return make
