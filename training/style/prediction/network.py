"""From a picture to a style vector (Ghiasi, Lee, Kudlur, Dumoulin & Shlens 2017), small enough to ship.

Ghiasi et al. read the picture with Inception. Here four narrow convolutions do, and what is kept of each layer are
the statistics a style consists of: means, deviations and correlations of channels. The vector is a convex blend of the
styles the painting network was trained with plus a residual of low rank and bounded length, so that whatever comes in,
what comes out is near something that is known to paint well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from training.tensors import write_tensors

# Statistics are compared by their logarithm, which this keeps finite.
TINY = 1e-4


@dataclass(frozen=True, slots=True)
class Design:
    """``widths`` of the convolutions, channels whose correlations are looked at, and sizes of the layers behind."""

    widths: tuple[int, ...] = (16, 32, 64, 96)
    correlated: int = 12
    hidden: int = 160
    rank: int = 80
    known: int = 5
    style_size: int = 3104

    @property
    def statistics(self) -> int:
        """Numbers a picture is described by: two for every channel, and the pairs of correlated ones."""
        pairs = self.correlated * (self.correlated + 1) // 2
        return 2 * sum(self.widths) + len(self.widths) * pairs + 9


def moments(x: Tensor) -> Tensor:
    """Means, and the upper triangle of the covariance, of [N,C,H,W] over positions: [N, C + C(C+1)/2]."""
    flat = x.flatten(2)
    mean = flat.mean(2, keepdim=True)
    centred = flat - mean
    covariance = centred @ centred.transpose(1, 2) / flat.shape[2]
    rows, columns = torch.triu_indices(x.shape[1], x.shape[1])
    return torch.cat([mean[:, :, 0], covariance[:, rows, columns]], 1)


class StylePredictor(nn.Module):
    """``forward(picture [N,3,H,W] RGB 0..1) -> vector [N,P]``, for the painting network whose styles ``anchors`` hold.

    ``anchors`` [K,P] are constants, and so is ``reach``, the longest residual: half as long again as the way from the
    anchors' mean to the one farthest from it.
    """

    anchors: Tensor
    reach: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        channels = (3, *design.widths)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(inputs, outputs, 5 if layer == 0 else 3, stride=2)
            for layer, (inputs, outputs) in enumerate(pairwise(channels))
        )
        self.selections = nn.ModuleList(nn.Conv2d(width, design.correlated, 1, bias=False) for width in design.widths)
        self.first = nn.Linear(design.statistics, design.hidden)
        self.second = nn.Linear(design.hidden, design.rank)
        self.shares = nn.Linear(design.rank, design.known)
        self.directions = nn.Linear(design.rank, design.style_size, bias=False)
        nn.init.zeros_(self.directions.weight)
        nn.init.zeros_(self.shares.weight)
        nn.init.zeros_(self.shares.bias)
        self.register_buffer("anchors", torch.zeros(design.known, design.style_size))
        self.register_buffer("reach", torch.ones(1))
        self.register_buffer("centre", torch.zeros(design.statistics))
        self.register_buffer("spread", torch.ones(design.statistics))

    def anchor(self, styles: Sequence[Tensor]) -> None:
        """Predict for the network whose trained styles these are, in their order."""
        self.anchors.copy_(torch.stack(list(styles)))
        spread = (self.anchors - self.anchors.mean(0)).norm(dim=1).max()
        # Of a single style nothing is known about how far styles lie apart.
        self.reach.fill_(torch.maximum(1.5 * spread, 0.1 * self.anchors.norm(dim=1).max()))

    def statistics(self, picture: Tensor) -> Tensor:
        """What the convolutions see of a picture, [N,S], not yet standardised."""
        found = [moments(picture)]
        x = picture - 0.5
        for convolution, selection in zip(self.convolutions, self.selections, strict=True):
            x = functional.relu(convolution(x))
            means = x.mean((2, 3))
            deviations = (x - means[:, :, None, None]).square().mean((2, 3)).add(TINY).sqrt()
            found += [means, deviations, moments(selection(x))[:, self.design.correlated :]]
        return torch.cat(found, 1)

    def standardise(self, statistics: Tensor) -> None:
        """From now on, statistics like these [N,S] have mean 0 and deviation 1."""
        self.centre.copy_(statistics.mean(0))
        self.spread.copy_(statistics.std(0).clamp_min(TINY))

    def describe(self, picture: Tensor) -> Tensor:
        """A picture's style in ``rank`` numbers, [N,R]."""
        standard = (self.statistics(picture) - self.centre) / self.spread
        described: Tensor = self.second(functional.relu(self.first(standard)))
        return described

    def vector(self, description: Tensor) -> Tensor:
        """The style vector of a description, [N,P]."""
        blend = self.shares(description).softmax(1) @ self.anchors
        residual = self.directions(description)
        length = residual.norm(dim=1, keepdim=True).clamp_min(TINY)
        bounded: Tensor = blend + residual / length * self.reach * torch.tanh(length / self.reach)
        return bounded

    @property
    def painting_half(self) -> list[nn.Parameter]:
        """The weights that make a vector of a description; the others read."""
        return [*self.shares.parameters(), *self.directions.parameters()]

    def forward(self, picture: Tensor) -> Tensor:
        return self.vector(self.describe(picture))


def save_predictor(path: Path, predictor: StylePredictor, *, half: bool = False) -> None:
    """Weights, anchors and design in one file; with ``half``, all but the statistics' scale at half precision."""
    tensors = dict(predictor.state_dict())
    if half:
        exact = {"centre", "spread", "reach", "anchors"}
        tensors = {name: value if name in exact else value.half() for name, value in tensors.items()}
    write_tensors(path, tensors, {"design": json.dumps(asdict(predictor.design))})


def load_predictor(path: Path) -> StylePredictor:
    """Read what :func:`save_predictor` wrote. Raises ``ValueError`` for another kind of file."""
    try:
        with safe_open(path, "pt") as file:
            design = json.loads(file.metadata()["design"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # safe_open is no mapping
        predictor = StylePredictor(Design(**design | {"widths": tuple(design["widths"])}))
        predictor.load_state_dict(tensors)
    # Of tensors that do not fit PyTorch makes a RuntimeError.
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold a style predictor") from error
    return predictor
