"""Who brings a style network is told what one is made of, before anything is published."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from deployments.style.contract import check_network
from registry.errors import UnsafeFile
from registry.manifest import ModelVersion
from tests.versions import version_of


@pytest.fixture
def brought(tmp_path: Path, network: ModelVersion) -> Path:
    """A copy of a network's folder, to be spoilt."""
    shutil.copytree(network.folder, tmp_path / "brought")
    return tmp_path / "brought"


def _foreign(path: Path) -> None:
    """A network with one style built in, as they are published: a picture goes in, and a picture comes out."""
    shape = ("N", 3, "H", "W")
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output")]
    node = helper.make_node("Identity", ["input"], ["output"])
    graph = helper.make_graph([node], "net", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def _without_statistics(folder: Path) -> None:
    (folder / "statistics.onnx").unlink()


def test_a_network_as_training_writes_it_is_one(network: ModelVersion) -> None:
    check_network(network)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda folder: _foreign(folder / "network.onnx"), "network.onnx takes input and gives output"),
        (_without_statistics, "it has no statistics.onnx"),
        (lambda folder: (folder / "frozen.onnx").write_bytes(b""), "frozen.onnx"),
    ],
)
def test_another_is_refused_with_what_a_style_network_takes_and_gives(
    brought: Path, network: ModelVersion, spoil: Callable[[Path], None], problem: str
) -> None:
    spoil(brought)
    version = version_of(brought, task="style", format="onnx", input=network.manifest.input)
    with pytest.raises((ValueError, UnsafeFile), match=problem) as refused:
        check_network(version)
    if not isinstance(refused.value, UnsafeFile):
        assert "image [N,3,H,W] and style [N,P] give painting" in str(refused.value)


def test_a_network_without_its_numbers_is_refused(network: ModelVersion) -> None:
    bare = replace(network, manifest=network.manifest.model_copy(update={"input": {"multiple": 4}}))
    with pytest.raises(ValueError, match="its input contract has no style_size, receptive_radius"):
        check_network(bare)
