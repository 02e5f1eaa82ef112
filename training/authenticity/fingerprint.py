"""Hand-made statistics of a picture in which generators and cameras differ, as a network without learnt weights.

A few hundred pictures are too few to learn filters from and enough to weigh known ones: high-pass residuals and their
co-occurrences (the rich models of steganalysis, Fridrich and Kodovsky 2012), correlations between the channels'
residuals (what a colour filter array leaves behind), block DCT and Fourier spectra (Frank et al. 2020, Durall et al.
2020), noise against brightness, and the spread of colours. Everything is convolutions, products and sums, so that the
whole path from pixels to probability is one ONNX graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from deployments.authenticity.fingerprint import SIDE

_EPS = 1e-4
_BLOCK = 8
_TILE = SIDE // 2
_RINGS, _WEDGES = 24, 8
_LEVELS = 2  # co-occurrences count residuals -2..2
_LUMA_BINS, _CHROMA_BINS = 8, 8

_KERNELS: Sequence[tuple[float, Sequence[Sequence[float]]]] = (
    (1, ((0, 0, 0), (0, -1, 1), (0, 0, 0))),
    (1, ((0, 0, 0), (0, -1, 0), (0, 1, 0))),
    (2, ((0, 0, 0), (1, -2, 1), (0, 0, 0))),
    (2, ((0, 1, 0), (0, -2, 0), (0, 1, 0))),
    (2, ((1, 0, 0), (0, -2, 0), (0, 0, 1))),
    (2, ((0, 0, 1), (0, -2, 0), (1, 0, 0))),
    (3, ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), (0, 1, -3, 3, -1), (0, 0, 0, 0, 0), (0, 0, 0, 0, 0))),
    (3, ((0, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, -3, 0, 0), (0, 0, 3, 0, 0), (0, 0, -1, 0, 0))),
    (4, ((-1, 2, -1), (2, -4, 2), (-1, 2, -1))),
    (12, ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2), (2, -6, 8, -6, 2), (-1, 2, -2, 2, -1))),
)
"""Divisor and kernel of every high-pass filter, from first differences to the 5 x 5 of the rich models."""

_COUNTED = (2, 3, 8, 9)  # the filters whose residuals are counted in pairs
_SQUARE = 8  # the 3 x 3 filter, taken as the picture's noise


class Fingerprint(nn.Module):
    """``[N,3,256,256]`` RGB 0..255 to ``[N,size]`` statistics of any range."""

    filters: Tensor
    to_ycc: Tensor
    dct: Tensor
    cosines: Tensor
    sines: Tensor
    window: Tensor
    rings: Tensor
    wedges: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", _filters())
        luma_chroma = [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]]
        self.register_buffer("to_ycc", torch.tensor(luma_chroma)[:, :, None, None])
        self.register_buffer("dct", _dct()[:, None])
        angles = 2 * math.pi * np.outer(np.arange(_TILE), np.arange(_TILE)) / _TILE
        self.register_buffer("cosines", torch.tensor(np.cos(angles), dtype=torch.float32))
        self.register_buffer("sines", torch.tensor(np.sin(angles), dtype=torch.float32))
        self.register_buffer("window", torch.outer(torch.hann_window(_TILE), torch.hann_window(_TILE)))
        rings, wedges = _spectral_bins()
        self.register_buffer("rings", rings)
        self.register_buffer("wedges", wedges)
        with torch.no_grad():
            self.size = self.forward(torch.full((1, 3, SIDE, SIDE), 128.0)).shape[1]

    def forward(self, pictures: Tensor) -> Tensor:
        ycc = functional.conv2d(pictures, self.to_ycc)
        planes = ycc.reshape(-1, 1, SIDE, SIDE)
        residuals = functional.conv2d(planes, self.filters).reshape(-1, 3, len(_KERNELS), SIDE - 4, SIDE - 4)
        luma = ycc[:, :1]
        parts = (
            _moments(residuals),
            _pairs(residuals[:, 0, list(_COUNTED)]),
            self._between_channels(pictures),
            self._blocks(planes),
            self._spectrum(luma),
            _noise_by_brightness(luma[:, 0, 2:-2, 2:-2], residuals[:, 0, _SQUARE]),
            _colours(ycc),
        )
        return torch.cat([part.flatten(1) for part in parts], 1)

    def _between_channels(self, pictures: Tensor) -> Tensor:
        """Correlation of the residuals of red, green and blue, for the finest filters."""
        chosen = self.filters[[0, 1, _SQUARE, 9]]
        residuals = functional.conv2d(pictures.reshape(-1, 1, SIDE, SIDE), chosen)
        red, green, blue = residuals.reshape(-1, 3, 4, (SIDE - 4) ** 2).unbind(1)
        return torch.cat([_correlation(red, green), _correlation(green, blue), _correlation(red, blue)], 1)

    def _blocks(self, planes: Tensor) -> Tensor:
        """Mean magnitude of each of 64 DCT coefficients, and how smooth the blocks are."""
        coefficients = functional.conv2d(planes, self.dct, stride=_BLOCK)
        magnitude = torch.log(coefficients.abs().mean((2, 3)) + _EPS).reshape(-1, 3 * _BLOCK**2)
        energy = (coefficients[:, 1:] ** 2).sum(1).reshape(-1, 3, (SIDE // _BLOCK) ** 2)
        spread = 0.5 * torch.log(energy / _BLOCK**2 + 0.01)
        mean = spread.mean(2)
        deviation = torch.sqrt(((spread - mean[:, :, None]) ** 2).mean(2) + _EPS)
        calm = [(spread < math.log(limit)).float().mean(2) for limit in (0.5, 1, 2, 4, 8, 16, 32)]
        return torch.cat([magnitude, mean, deviation, *calm], 1)

    def _spectrum(self, luma: Tensor) -> Tensor:
        """Log power over rings of frequency, and over directions among the high frequencies; the mean of four tiles."""
        tiles = luma.reshape(-1, 2, _TILE, 2, _TILE).transpose(2, 3).reshape(-1, _TILE, _TILE)
        shown = (tiles - tiles.mean((1, 2), keepdim=True)) * self.window
        # Half of the spectrum mirrors the other half.
        cosines, sines = self.cosines[: _TILE // 2], self.sines[: _TILE // 2]
        even, odd = cosines @ shown, sines @ shown
        real = even @ self.cosines - odd @ self.sines
        imaginary = even @ self.sines + odd @ self.cosines
        power = torch.log(real * real + imaginary * imaginary + 1).flatten(1)
        level = power @ self.rings
        unevenness = torch.sqrt(((power * power) @ self.rings - level * level).clamp(min=0) + _EPS)
        return torch.cat([level, unevenness, power @ self.wedges], 1).reshape(-1, 4, 2 * _RINGS + _WEDGES).mean(1)


def _filters() -> Tensor:
    stacked = torch.zeros(len(_KERNELS), 1, 5, 5)
    for row, (divisor, kernel) in enumerate(_KERNELS):
        edge = (5 - len(kernel)) // 2
        values = torch.tensor(kernel, dtype=torch.float32) / divisor
        stacked[row, 0, edge : 5 - edge, edge : 5 - edge] = values
    return stacked


def _dct() -> Tensor:
    """The 64 patterns of the orthonormal 8 x 8 DCT, ``[64,8,8]``, the constant one first."""
    n = np.arange(_BLOCK)
    basis = np.cos(math.pi * (2 * n[None] + 1) * n[:, None] / (2 * _BLOCK)) * math.sqrt(2 / _BLOCK)
    basis[0] /= math.sqrt(2)
    patterns = np.einsum("ux,vy->uvxy", basis, basis).reshape(_BLOCK**2, _BLOCK, _BLOCK)
    return torch.tensor(patterns, dtype=torch.float32)


def _spectral_bins() -> tuple[Tensor, Tensor]:
    """Averaging weights, a column for each ring and each wedge, for the upper half of a DFT in its natural order."""
    frequency = np.fft.fftfreq(_TILE)
    vertical, horizontal = np.meshgrid(frequency[: _TILE // 2], frequency, indexing="ij")
    radius = np.hypot(vertical, horizontal)
    ring = np.minimum((radius / 0.5 * (_RINGS - 2)).astype(int), _RINGS - 1)
    # A real picture's spectrum is symmetric, so directions are counted over half a turn.
    wedge = ((np.arctan2(vertical, horizontal) % math.pi) / math.pi * _WEDGES).astype(int) % _WEDGES
    return _averages(ring, np.ones_like(ring, bool), _RINGS), _averages(wedge, radius > 0.25, _WEDGES)


def _averages(index: npt.NDArray[np.int_], counted: npt.NDArray[np.bool_], bins: int) -> Tensor:
    member = (index.ravel()[:, None] == np.arange(bins)[None]) & counted.ravel()[:, None]
    return torch.tensor(member / np.maximum(member.sum(0), 1), dtype=torch.float32)


def _moments(residuals: Tensor) -> Tensor:
    """Size and shape of every residual's distribution."""
    size, square = residuals.abs(), residuals * residuals
    mean, power, fourth = size.mean((3, 4)), square.mean((3, 4)), (square * square).mean((3, 4))
    shape = torch.log((fourth + _EPS) / (power**2 + _EPS))
    near = [(size < limit).float().mean((3, 4)) for limit in (0.5, 1.5, 4.0)]
    return torch.stack([torch.log(mean + _EPS), 0.5 * torch.log(power + _EPS), shape, *near], -1)


def _pairs(residuals: Tensor) -> Tensor:
    """How often a quantised residual has which neighbour, to the right and below; square roots tame large counts."""
    steps = torch.round(residuals.clamp(-_LEVELS, _LEVELS))
    members = torch.stack([(steps == level).float() for level in range(-_LEVELS, _LEVELS + 1)], 2)
    right = members[..., :-1].flatten(3) @ members[..., 1:].flatten(3).transpose(2, 3)
    below = members[..., :-1, :].flatten(3) @ members[..., 1:, :].flatten(3).transpose(2, 3)
    return torch.sqrt((right + below) / steps[0, 0].numel() + 1e-6)


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """Over the last axis."""
    joint = (first * second).mean(-1)
    return joint / torch.sqrt((first**2).mean(-1) * (second**2).mean(-1) + _EPS)


def _noise_by_brightness(luma: Tensor, residual: Tensor) -> Tensor:
    """Mean size of the residual among pixels of similar brightness: a sensor's noise grows with the light."""
    overall = residual.abs().mean((1, 2))
    rows = []
    for low in range(0, 256, 256 // _LUMA_BINS):
        member = ((luma >= low) & (luma < low + 256 // _LUMA_BINS)).float()
        # A prior of a hundredth of the picture: bins nobody falls into say nothing.
        prior = 0.01 * (SIDE - 4) ** 2
        level = ((residual.abs() * member).sum((1, 2)) + prior * overall) / (member.sum((1, 2)) + prior)
        rows.append(torch.log((level + _EPS) / (overall + _EPS)))
    return torch.stack(rows, 1)


def _colours(ycc: Tensor) -> Tensor:
    """Shares of brightness and of colourfulness, and how colours vary."""
    luma, chroma = ycc[:, 0], torch.sqrt(ycc[:, 1] ** 2 + ycc[:, 2] ** 2 + _EPS)
    bright = [
        ((luma >= low) & (luma < low + 256 / _LUMA_BINS)).float().mean((1, 2))
        for low in np.arange(_LUMA_BINS) * (256 / _LUMA_BINS)
    ]
    colourful = [(chroma < limit).float().mean((1, 2)) for limit in (2, 4, 8, 16, 24, 36, 52, 72)]
    extremes = [(luma < 4).float().mean((1, 2)), (luma > 251).float().mean((1, 2))]
    return torch.sqrt(torch.stack([*bright, *colourful, *extremes], 1) + 1e-6)
