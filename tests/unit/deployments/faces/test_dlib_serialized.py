from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.faces.dlib.backend import RESNET
from deployments.faces.dlib.serialized import Convolution, Linear, Network, Pooling, Relu, Shortcut, read
from registry.manifest import ModelVersion


def integer(value: int) -> bytes:
    """dlib's: a byte for sign and length, the absolute value after it."""
    content = abs(value).to_bytes(max(1, (abs(value).bit_length() + 7) // 8), "little")
    return bytes([len(content) | (0x80 if value < 0 else 0)]) + content


def integers(*values: int) -> bytes:
    return b"".join(map(integer, values))


def text(name: str) -> bytes:
    return integer(len(name)) + name.encode()


def number(value: float) -> bytes:
    """dlib's: mantissa and binary exponent."""
    exponent = -20
    return integers(round(value * 2**20), exponent)


def numbers(*values: float) -> bytes:
    return b"".join(map(number, values))


def tensor(*values: float) -> bytes:
    return integers(2, len(values), 1, 1, 1) + struct.pack(f"<{len(values)}f", *values)


def view(*shape: int) -> bytes:
    return integers(1, *shape)


NOTHING = b"110" + integers(2, 0, 0, 0, 0) * 3
HEAD = (
    integer(1) + text("loss_metric_2") + numbers(0.04, 0.6) + integers(2, 1, 2, 3)
    + text("input_rgb_image_sized") + numbers(122.75, 117, 104.5) + integers(150, 150)
)  # fmt: skip
CONVOLUTION = (
    text("con_4") + tensor(1, 2, 3, 4, 5, 6, 7) + integers(2, 1, 1, 2, 1, 0, 3)
    + view(2, 3, 1, 1) + view(1, 1, 1, 1) + numbers(1, 1, 1, 0) + NOTHING + integer(1)
)  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "network.dat"


def read_bytes(file: Path, content: bytes) -> Network:
    file.write_bytes(content)
    return read(file)


def test_the_network_for_vectors_is_dlib_s_resnet(dlib_version: ModelVersion) -> None:
    network = read(dlib_version.path(RESNET))
    assert network.mean == pytest.approx((122.782, 117.001, 104.298))
    assert sum(isinstance(layer, Convolution | Linear) for layer in network.layers) == 30
    assert sum(isinstance(layer, Shortcut) for layer in network.layers) == 14
    assert network.layers[-1].weights.shape == (256, 128)


def test_layers_come_in_the_order_of_their_use(file: Path) -> None:
    pooling = text("avg_pool_2") + integers(0, 0, 1, 1, 0, 0) + NOTHING
    network = read_bytes(file, HEAD + CONVOLUTION + text("relu_") + NOTHING + pooling)
    convolution, *others = network.layers
    assert isinstance(convolution, Convolution)
    np.testing.assert_array_equal(convolution.filters, np.arange(1, 7).reshape(2, 3, 1, 1))
    np.testing.assert_array_equal(convolution.bias, [7])
    assert (convolution.stride, convolution.padding) == ((2, 1), (0, 3))
    assert others == [Relu(), Pooling("average", (0, 0), (1, 1))]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "too early"),
        (b"\x80\x02PNG", "not a network"),
        (HEAD, "no layers"),
        (HEAD + CONVOLUTION[:-30], "too early"),
        (HEAD + CONVOLUTION + text("htan_") + NOTHING, "htan_"),
        (HEAD + CONVOLUTION.replace(view(2, 3, 1, 1), view(2, 2, 1, 1)), "shapes"),
        (HEAD + CONVOLUTION.replace(view(2, 3, 1, 1), view(-2, -3, 1, 1)), "negative"),
        (HEAD.replace(number(117), integers(1, 2_000)), "range"),
        (integer(1) + text("löss"), "not a network"),
        (integer(1) + text("loss_mmod_"), "not a network"),
        (HEAD + text("bn_con2"), "bn_con2"),
    ],
)
def test_anything_else_is_refused(file: Path, content: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=rf"network\.dat cannot be read: .*{complaint}"):
        read_bytes(file, content)


@given(st.data())
def test_damaged_files_are_refused_or_read_as_a_network(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(HEAD + CONVOLUTION + text("relu_") + NOTHING)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    file = tmp_path_factory.getbasetemp() / "damaged.dat"
    try:
        network = read_bytes(file, bytes(content[:cut]))
    except ValueError as error:
        assert "damaged.dat" in str(error)
    else:
        assert network.layers
