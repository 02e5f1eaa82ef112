"""Small made-up photographs, paintings and an encoder of a few channels, so that a training run takes a second."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from deployments.masterpiece.encoder import VGG19_BLOCKS, Encoder
from registry.manifest import Description, Licence
from registry.publish import describe
from registry.store import FolderStore
from training.style import run
from training.style.checkpoint import Weights
from training.style.encoders import file_vgg19
from training.style.export import Painting, write_network, write_pack
from training.style.network import Architecture, StyleNetwork
from training.style.trainer import Trainer

LICENCE = Licence(name="CC-BY-NC-4.0", commercial_use=False)

TINY = Architecture(fine=4, middle=4, coarse=6, blocks=1, end_kernel=3, block_kernel=3, up_kernel=3)


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    return TINY


@pytest.fixture(autouse=True)
def frugal(monkeypatch) -> None:
    """One thread, and validation pictures that take no longer to paint and to encode than a training step."""
    torch.set_num_threads(1)
    monkeypatch.setattr(run, "SHOWN_SIDE", 64)


@pytest.fixture(scope="session")
def encoder_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VGG-19 to relu4_2 with four channels everywhere and random weights."""
    generator = torch.Generator().manual_seed(0)
    tensors = {"conv0.weight": torch.eye(3)[:, :, None, None].clone(), "conv0.bias": torch.full((3,), -0.5)}
    inputs = 3
    for block, count in enumerate(VGG19_BLOCKS[:4], start=1):
        for index in range(1, count + 1 if block < 4 else 3):
            tensors[f"conv{block}_{index}.weight"] = torch.randn(4, inputs, 3, 3, generator=generator) * 0.3
            tensors[f"conv{block}_{index}.bias"] = torch.zeros(4)
            inputs = 4
    path = tmp_path_factory.mktemp("encoder") / "vgg.safetensors"
    save_file(tensors, path)
    return path


@pytest.fixture
def encoder(encoder_file: Path) -> Encoder:
    return file_vgg19(encoder_file, half=False)


PictureMaker = Callable[..., Path]


@pytest.fixture
def make_picture(tmp_path: Path) -> PictureMaker:
    """``make_picture("photos/a.jpg", 160, 140, seed)`` writes blurred noise there."""

    def make(name: str, width: int = 160, height: int = 140, seed: int = 0) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
        cv2.imwrite(str(path), cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 5), None, 0, 255, cv2.NORM_MINMAX))
        return path

    return make


@pytest.fixture
def photos(make_picture: PictureMaker, tmp_path: Path) -> Path:
    """A folder of nine photographs; the eighth is held out."""
    for number in range(9):
        make_picture(f"photos/{number}.png", seed=number)
    return tmp_path / "photos"


@pytest.fixture
def dots(make_picture: PictureMaker) -> Path:
    """A painting."""
    return make_picture("dots.png", seed=90)


@pytest.fixture
def make_store(tiny, make_picture, tmp_path) -> Callable[[str, str], FolderStore]:
    """``make_store(network, pack)``: a store with a network and a pack of one style, ``dots``, under these names."""

    def make(network: str, pack: str) -> FolderStore:
        torch.manual_seed(0)
        styles = {name: torch.randn(tiny.style_size) for name in ("identity", "dots")}
        weights = Weights(StyleNetwork(tiny), styles)
        store = FolderStore(tmp_path / "store")
        about = {"version": "v1", "licence": LICENCE}
        with store.stage(f"{network}@v1") as folder:
            contract = write_network(weights, folder)
            told = Description(model=network, task="style", format="onnx", input=contract, **about)
            painter = store.publish(describe(folder, told), folder)
        with store.stage(f"{pack}@v1") as folder:
            painting = Painting(name="dots", title="Dots", artist="nobody", year=2000, licence="public domain")
            write_pack(weights, [painting], make_picture("sample.png", 600, 560), folder)
            requires = {network: painter.manifest.file("network.safetensors").sha256}
            told = Description(model=pack, task="style-pack", format="safetensors", requires=requires, **about)
            store.publish(describe(folder, told), folder)
        return store

    return make


@pytest.fixture
def store(make_store) -> FolderStore:
    """A network with one style, ``dots``."""
    return make_store("style-tiny", "styles-first")


@pytest.fixture
def ctrl_c(monkeypatch) -> Callable[..., AbstractContextManager[None]]:
    """``with ctrl_c(lambda trainer: trainer.step == 2):`` presses Ctrl-C as a trainer of which that is true takes its next step."""

    @contextmanager
    def pressed(when: Callable[[Any], bool], of: type = Trainer) -> Iterator[None]:
        take_step = of._take_step

        def interrupted(trainer: Any) -> Any:
            if when(trainer):
                signal.raise_signal(signal.SIGINT)
            return take_step(trainer)

        with monkeypatch.context() as patch:
            patch.setattr(of, "_take_step", interrupted)
            yield

    return pressed
