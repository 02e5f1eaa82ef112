"""A lean feed-forward painter with conditional instance normalisation (Dumoulin, Shlens & Kudlur 2017).

All styles share the convolutions. A style is one flat vector: for every normalised layer, in the order of the forward
pass, its scales (gamma) and then its shifts (beta). The vectors are the network's argument, not its parameters, so
that a blend of styles is a blend of vectors and a new style changes nothing that exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.style.depthwise import depthwise_conv2d

EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Architecture:
    """Widths and kernels. ``fine``, ``middle`` and ``coarse`` are the channels at full, half and quarter resolution.

    Without ``separable`` every convolution is an ordinary one, as in the networks of Johnson et al. (2016).
    """

    fine: int = 16
    middle: int = 32
    coarse: int = 96
    blocks: int = 5
    end_kernel: int = 5
    block_kernel: int = 5
    up_kernel: int = 5
    separable: bool = True

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of every conditionally normalised layer, in the order of the forward pass."""
        down = (self.fine, self.middle, self.coarse)
        return (*down, *(self.coarse,) * (2 * self.blocks), self.middle, self.fine)

    @property
    def style_size(self) -> int:
        """P, the length of a style vector."""
        return 2 * sum(self.widths)

    @property
    def receptive_radius(self) -> int:
        """How many pixels away a pixel of the painting may still see, statistics apart; a multiple of 4."""
        down = self.end_kernel // 2 + 1 + 2
        blocks = 4 * 2 * self.blocks * (self.block_kernel // 2)
        # The nearest-neighbour resize looks up to one coarse pixel further.
        up = (2 * (self.up_kernel // 2) + 2) + (self.up_kernel // 2 + 1) + self.end_kernel // 2
        radius = down + blocks + up + 4
        return radius + -radius % 4


# What is shipped: `fine` for looks, `lean` for small machines. `full` is what Johnson et al. published, for comparison.
SIZES: Mapping[str, Architecture] = {
    "fine": Architecture(fine=24, middle=48, coarse=128),
    "lean": Architecture(fine=8, middle=16, coarse=64),
    "full": Architecture(fine=32, middle=64, coarse=128, end_kernel=9, block_kernel=3, up_kernel=3, separable=False),
}


def reflect(x: Tensor, kernel: int) -> Tensor:
    """Mirror the border, so that a convolution of odd ``kernel`` keeps the size and sees no black frame."""
    return functional.pad(x, (kernel // 2,) * 4, mode="reflect")


class Separable(nn.Module):
    """A depthwise convolution followed by a pointwise one (stride 2 halves the resolution)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride
        self.depthwise = nn.Conv2d(inputs, inputs, kernel, stride, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        padded = reflect(x, self.kernel)
        filtered = depthwise_conv2d(padded, self.depthwise.weight) if self.stride == 1 else self.depthwise(padded)
        mixed: Tensor = self.pointwise(filtered)
        return mixed


class Upsample(nn.Module):
    """Resize-convolution: pointwise, nearest-neighbour x2, depthwise (Odena et al. 2016: no checkerboard).

    The pointwise half commutes with the resize and is four times cheaper before it. The depthwise kernel starts as a
    binomial blur, that is, as smooth interpolation.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.depthwise = nn.Conv2d(outputs, outputs, kernel, groups=outputs, bias=False)
        row = torch.ones(1)
        for _ in range(kernel - 1):
            row = functional.conv1d(row[None, None], torch.full((1, 1, 2), 0.5), padding=1)[0, 0]
        with torch.no_grad():
            self.depthwise.weight.copy_((row[:, None] * row[None]).expand(outputs, 1, kernel, kernel))

    def forward(self, x: Tensor) -> Tensor:
        larger = functional.interpolate(self.pointwise(x), scale_factor=2.0, mode="nearest")
        return depthwise_conv2d(reflect(larger, self.kernel), self.depthwise.weight)


class Ordinary(nn.Conv2d):
    """An ordinary convolution in the place of :class:`Separable`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, bias=False)
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(reflect(x, self.kernel))


class OrdinaryUpsample(Ordinary):
    """An ordinary resize-convolution in the place of :class:`Upsample`."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class StyleNetwork(nn.Module):
    """``forward(image [N,3,H,W] RGB 0..1, style [N,P]) -> painting [N,3,H,W] RGB 0..1``; H, W multiples of 4, >= 16."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = self.architecture = architecture
        convolution, upsample = (Separable, Upsample) if a.separable else (Ordinary, OrdinaryUpsample)
        self.stem = nn.Conv2d(3, a.fine, a.end_kernel, bias=False)
        self.down1 = convolution(a.fine, a.middle, 3, stride=2)
        self.down2 = convolution(a.middle, a.coarse, 3, stride=2)
        self.blocks = nn.ModuleList(convolution(a.coarse, a.coarse, a.block_kernel) for _ in range(2 * a.blocks))
        self.up1 = upsample(a.coarse, a.middle, a.up_kernel)
        self.up2 = upsample(a.middle, a.fine, a.up_kernel)
        self.head = nn.Conv2d(a.fine, 3, a.end_kernel)

    def forward(self, image: Tensor, style: Tensor) -> Tensor:
        affine = iter(torch.split(style, [2 * width for width in self.architecture.widths], dim=1))
        end = self.architecture.end_kernel
        x = functional.relu(normalise(self.stem(reflect(image - 0.5, end)), affine))
        x = functional.relu(normalise(self.down1(x), affine))
        x = functional.relu(normalise(self.down2(x), affine))
        for first, second in zip(self.blocks[::2], self.blocks[1::2], strict=True):
            x = x + normalise(second(functional.relu(normalise(first(x), affine))), affine)
        x = functional.relu(normalise(self.up1(x), affine))
        x = functional.relu(normalise(self.up2(x), affine))
        return torch.sigmoid(self.head(reflect(x, end)))


def normalise(x: Tensor, affine: Iterator[Tensor]) -> Tensor:
    """Instance normalisation, then the next layer's scale and shift of the style."""
    scale, shift = next(affine).chunk(2, dim=1)
    return functional.instance_norm(x, eps=EPSILON) * scale[:, :, None, None] + shift[:, :, None, None]


def neutral_style(architecture: Architecture) -> Tensor:
    """The vector every style starts from: scales 1, shifts 0 (float32 [P])."""
    return torch.cat([part for width in architecture.widths for part in (torch.ones(width), torch.zeros(width))])
