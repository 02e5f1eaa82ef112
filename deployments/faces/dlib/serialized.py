"""Networks in the files that dlib's ``serialize`` writes.

dlib nests a network's layers, the last one outermost. Its file opens all of them down to the input and closes them one
after the other, each with what it learnt: from the input on they stand in the order in which a picture passes them.
Only what dlib's network for vectors of faces is made of can be read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Final

import numpy as np

from deployments.imaging import FloatArray

Pair = tuple[int, int]

_NO_SUCH: Final = "not a network of dlib's for faces"
# What a layer is wrapped in: another layer, or a name by which a later one refers to it.
_WRAPPERS: Final = (1, 2)
_INNERMOST: Final = 3


@dataclass(frozen=True, slots=True)
class Convolution:
    """Filters [out, in, height, width] and a bias [out]; ``stride`` and ``padding`` are (y, x)."""

    filters: FloatArray
    bias: FloatArray
    stride: Pair
    padding: Pair


@dataclass(frozen=True, slots=True)
class Affine:
    """Every channel times ``gamma`` [C] plus ``beta`` [C]."""

    gamma: FloatArray
    beta: FloatArray


@dataclass(frozen=True, slots=True)
class Relu:
    """Nothing below zero."""


@dataclass(frozen=True, slots=True)
class Pooling:
    """The ``kind`` of each window; a window of (0, 0) is the whole picture."""

    kind: str
    window: Pair
    stride: Pair


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Adds what came into the block, or what became of it in a pooling. The smaller one is filled up with zeros."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Multiplies by ``weights`` [in, out]."""

    weights: FloatArray


Layer = Convolution | Affine | Relu | Pooling | Shortcut | Linear


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in the order of their use, over ``(RGB - mean) / 256``."""

    mean: tuple[float, float, float]
    layers: tuple[Layer, ...]


def read(path: Path) -> Network:
    """The network in a file. Raises ``OSError`` when there is none and ``ValueError`` for any other content."""
    try:
        return _network(_Reader(path.read_bytes()))
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


class _Reader:
    """dlib's serialisation of numbers, text and tensors. Raises ``ValueError`` where the bytes are something else."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)
        self._at = 0

    def at_end(self) -> bool:
        return self._at == len(self._content)

    def take(self, count: int) -> memoryview:
        if not 0 <= count <= len(self._content) - self._at:
            raise ValueError("it ends too early")
        self._at += count
        return self._content[self._at - count : self._at]

    def integer(self) -> int:
        """A byte that tells sign and length, then the absolute value, lowest byte first."""
        (control,) = self.take(1)
        value = int.from_bytes(self.take(control & 0x0F), "little")
        return -value if control & 0x80 else value

    def pair(self) -> Pair:
        return self.integer(), self.integer()

    def number(self) -> float:
        """Mantissa and binary exponent."""
        mantissa, exponent = self.pair()
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise ValueError("a number in it is out of range") from None

    def numbers(self, count: int) -> list[float]:
        return [self.number() for _ in range(count)]

    def text(self) -> str:
        try:
            return str(self.take(self.integer()), "ascii")
        except UnicodeDecodeError:
            raise ValueError(_NO_SUCH) from None

    def shape(self) -> list[int]:
        shape = [self.integer() for _ in range(4)]
        if min(shape) < 0:
            raise ValueError("a tensor in it has a negative side")
        return shape

    def tensor(self) -> FloatArray:
        """All values of a tensor in a row; its shape is that of the views on it."""
        self.expect(2)
        return np.frombuffer(self.take(4 * math.prod(self.shape())), "<f4").astype(np.float32)

    def view(self) -> list[int]:
        """The shape of a part of a layer's values."""
        self.expect(1)
        return self.shape()

    def expect(self, *versions: int) -> int:
        if (version := self.integer()) not in versions:
            raise ValueError(_NO_SUCH)
        return version


def _network(file: _Reader) -> Network:
    _loss(file)
    while file.expect(*_WRAPPERS, _INNERMOST) != _INNERMOST:
        pass
    mean = _input(file)
    if not (layers := tuple(_layers(file))):
        raise ValueError("it has no layers")
    return Network(mean, layers)


def _loss(file: _Reader) -> None:
    file.expect(1)
    if file.text() != "loss_metric_2":
        raise ValueError(_NO_SUCH)
    file.numbers(2)


def _input(file: _Reader) -> tuple[float, float, float]:
    if file.text() != "input_rgb_image_sized":
        raise ValueError(_NO_SUCH)
    red, green, blue = file.numbers(3)
    file.pair()
    return red, green, blue


def _layers(file: _Reader) -> Iterator[Layer]:
    innermost = True
    while not file.at_end():
        yield _layer(file)
        # What training left behind, which published files have emptied.
        file.take(3)
        for _ in range(3):
            file.tensor()
        if innermost:
            file.integer()
            innermost = False


def _layer(file: _Reader) -> Layer:
    match file.text():
        case "con_4":
            return _convolution(file)
        case "affine_":
            gamma, beta = _parts(file.tensor(), file.view(), file.view())
            file.integer()
            return Affine(gamma.ravel(), beta.ravel())
        case "relu_":
            return Relu()
        case "max_pool_2":
            return _pooling(file, "max")
        case "avg_pool_2":
            return _pooling(file, "average")
        case "add_prev_":
            return Shortcut()
        case "fc_2":
            file.pair()
            weights, _ = _parts(file.tensor(), file.view(), file.view())
            file.integer()
            file.numbers(4)
            return Linear(weights.reshape(weights.shape[:2]))
        case name:
            raise ValueError(f"it has a layer called {name!r}")


def _convolution(file: _Reader) -> Convolution:
    values = file.tensor()
    file.integer()
    file.pair()
    stride, padding = file.pair(), file.pair()
    filters, bias = _parts(values, file.view(), file.view())
    file.numbers(4)
    return Convolution(filters, bias.ravel(), stride, padding)


def _pooling(file: _Reader, kind: str) -> Pooling:
    window, stride, padding = file.pair(), file.pair(), file.pair()
    if padding != (0, 0):
        raise ValueError("it pads what it pools")
    return Pooling(kind, window, stride)


def _parts(values: FloatArray, *shapes: list[int]) -> list[FloatArray]:
    """The values cut into tensors of these shapes, which have to use them up."""
    ends = [*accumulate(math.prod(shape) for shape in shapes)]
    if ends[-1] != values.size:
        raise ValueError("a layer's values are of another number than its shapes")
    return [part.reshape(shape) for part, shape in zip(np.split(values, ends[:-1]), shapes, strict=True)]
