"""3x3 convolutions by Winograd's minimal filtering, F(4x4, 3x3) of Lavin & Gray (2016), and their gradients.

A tile of 6x6 inputs becomes one of 4x4 outputs with 36 products where a convolution takes 144. The layers of a VGG, which
are limited by a processor's arithmetic, then take half of the time; errors are a hundred-thousandth of the largest value.
oneDNN, by which torch convolves, has no such algorithm.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor, nn

LEAST_CHANNELS: Final = 64
LEAST_SIDE: Final = 12
"""With fewer channels the transforms take more than the products save, with fewer tiles reading the larger weights does."""
_TAKEN: Final = 6
_MADE: Final = 4
_PRODUCTS: Final = _TAKEN * _TAKEN
_BAND_NUMBERS: Final = 2 * 2**20
"""What is worked at in one go fits a core's caches ..."""
_BAND_TILES: Final = 64
"""... but has so many tiles that reading the weights of a deep layer does not take longer than multiplying by them."""

# For the points 0, 1, -1, 2, -2 and infinity.
_B: Final = torch.tensor(
    [
        [4.0, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_G: Final = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)
_A: Final = torch.tensor([[1.0, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])
# Rows and columns of a tile at once: more products than one after the other, in one pass over the memory.
_SPREAD: Final = torch.kron(_B, _B)
_COMBINE: Final = torch.kron(_A, _A)


class FrozenConv2d(nn.Conv2d):
    """A 3x3 convolution with a border of one, whose weights must not change once it was used.

    What Winograd does not help is calculated as ever: on a GPU, in bfloat16, of few channels or pixels, with weights that learn.
    """

    def __init__(self, inputs: int, outputs: int, *, mirror: bool) -> None:
        super().__init__(inputs, outputs, 3, padding=1, padding_mode="reflect" if mirror else "zeros")
        self._products: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        """[N,C,H,W] -> [N,O,H,W]."""
        if not self._pays(x):
            return super().forward(x)
        if self._products is None:
            self._products = transformed(self.weight)
        made: Tensor = _Winograd.apply(x, self._products, self.bias, self.padding_mode == "reflect")
        return made

    def _pays(self, x: Tensor) -> bool:
        return (
            x.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and not self.weight.requires_grad
            and min(self.in_channels, self.out_channels) >= LEAST_CHANNELS
            and min(x.shape[2:]) >= LEAST_SIDE
        )


class _Winograd(torch.autograd.Function):
    """Differentiable once, by the input alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, products: Tensor, bias: Tensor, mirror: bool) -> Tensor:
        ctx.save_for_backward(products)
        ctx.mirror = mirror
        return convolved(x, products, bias, mirror=mirror)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (products,) = ctx.saved_tensors
        return convolved_back(gradient, products, mirror=ctx.mirror), None, None, None


def transformed(weight: Tensor) -> Tensor:
    """A convolution's weights as the products take them: [O,C,3,3] -> [36,C,O] float32."""
    return torch.einsum("ia,jb,ocab->ijco", _G, _G, weight.detach()).flatten(0, 1).contiguous()


def convolved(x: Tensor, products: Tensor, bias: Tensor, *, mirror: bool) -> Tensor:
    """[N,C,H,W] -> [N,O,H,W], both channels last; the border is mirrored, or zeros."""
    count, inputs, height, width = x.shape
    outputs = products.shape[2]
    down, across = -(-height // _MADE), -(-width // _MADE)
    padded = x.new_zeros(count, _MADE * down + 2, _MADE * across + 2, inputs)
    padded[:, 1 : height + 1, 1 : width + 1] = x.permute(0, 2, 3, 1)
    if mirror:
        padded[:, 0], padded[:, height + 1] = padded[:, 2], padded[:, height - 1]
        padded[:, :, 0], padded[:, :, width + 1] = padded[:, :, 2], padded[:, :, width - 1]
    taken = _tiles(padded, _TAKEN, _TAKEN)
    made = x.new_empty(count, _MADE * down, _MADE * across, outputs)
    target = _tiles(made, _MADE, _MADE)
    for band in _bands(count, down, across, inputs + outputs):
        tiles = taken[band].contiguous()
        spread = (_SPREAD @ tiles.view(_PRODUCTS, -1)).view(_PRODUCTS, -1, inputs)
        combined = _COMBINE @ (spread @ products).view(_PRODUCTS, -1)
        torch.add(combined.view(_MADE, _MADE, *tiles.shape[2:-1], outputs), bias, out=target[band])
    return made[:, :height, :width].permute(0, 3, 1, 2)


def convolved_back(gradient: Tensor, products: Tensor, *, mirror: bool) -> Tensor:
    """What :func:`convolved` does, transposed: the gradient by its output -> the gradient by its input."""
    count, outputs, height, width = gradient.shape
    inputs = products.shape[1]
    down, across = -(-height // _MADE), -(-width // _MADE)
    if (_MADE * down, _MADE * across) != (height, width):
        gradient = nn.functional.pad(gradient, (0, _MADE * across - width, 0, _MADE * down - height))
    taken = _tiles(gradient.permute(0, 2, 3, 1), _MADE, _MADE)
    padded = gradient.new_empty(count, _MADE * down + 2, _MADE * across + 2, inputs)
    padded[:, _MADE * down :] = 0
    padded[:, :, _MADE * across :] = 0
    # Tiles overlap by two rows and columns. From below, every band finds those that it adds to already written.
    inner, right = _tiles(padded, _MADE, _MADE), _tiles(padded[:, :, _MADE:], _MADE, 2)
    below, corner = _tiles(padded[:, _MADE:], 2, _MADE), _tiles(padded[:, _MADE:, _MADE:], 2, 2)
    back = products.transpose(1, 2)
    for band in reversed(list(_bands(count, down, across, inputs + outputs))):
        tiles = taken[band].contiguous()
        spread = (_COMBINE.T @ tiles.view(_MADE**2, -1)).view(_PRODUCTS, -1, outputs)
        combined = _SPREAD.T @ (spread @ back).view(_PRODUCTS, -1)
        part = combined.view(_TAKEN, _TAKEN, *tiles.shape[2:-1], inputs)
        inner[band] = part[:_MADE, :_MADE]
        right[band] += part[:_MADE, _MADE:]
        below[band] += part[_MADE:, :_MADE]
        corner[band] += part[_MADE:, _MADE:]
    if mirror:
        padded[:, :, 2] += padded[:, :, 0]
        padded[:, :, width - 1] += padded[:, :, width + 1]
        padded[:, 2] += padded[:, 0]
        padded[:, height - 1] += padded[:, height + 1]
    return padded[:, 1 : height + 1, 1 : width + 1].permute(0, 3, 1, 2)


def _tiles(pictures: Tensor, height: int, width: int) -> Tensor:
    """A view of [N,H,W,C] as tiles that begin at every fourth row and column: [height,width,N,down,across,C]."""
    return pictures.unfold(1, height, _MADE).unfold(2, width, _MADE).permute(4, 5, 0, 1, 2, 3)


def _bands(count: int, down: int, across: int, channels: int) -> Iterator[tuple[slice, ...]]:
    """Rows of tiles, or the tiles of several pictures, that are worked at in one go: the index of each band, in order."""
    tiles = max(_BAND_TILES, _BAND_NUMBERS // (_PRODUCTS * channels))
    rows = min(down, -(-tiles // across))
    pictures = max(1, tiles // (down * across)) if rows == down else 1
    everything = slice(None)
    for first in range(0, count, pictures):
        for top in range(0, down, rows):
            yield everything, everything, slice(first, first + pictures), slice(top, top + rows)
