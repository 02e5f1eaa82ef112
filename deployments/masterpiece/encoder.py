"""VGG as it looks at pictures: a frozen chain of layers whose activations the distances compare.

Layers carry the papers' names, ``relu<block>_<index>``. Pictures go in as RGB 0..1 [N,3,H,W].
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from deployments.masterpiece.winograd import FrozenConv2d
from deployments.processor import multiplies_bfloat16

VGG19_BLOCKS = (2, 2, 4, 4, 4)


class UnknownLayer(ValueError):
    """A loss asks for a layer that the encoder does not have."""


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """What a manifest says about the encoder behind the losses."""

    name: str
    terms: str


class Encoder(nn.Module):
    """A chain of convolutions, rectifiers and max-poolings that keeps the activations asked for.

    ``half`` computes in bfloat16 where that is faster, which the losses tolerate well.
    """

    def __init__(self, info: EncoderInfo, first: nn.Conv2d, layers: OrderedDict[str, nn.Module], half: bool) -> None:
        super().__init__()
        self.info = info
        self.first = first
        self.layers = nn.ModuleDict(layers)
        self.half_precision = half
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)

    def check(self, wanted: Iterable[str]) -> None:
        """Raises :class:`UnknownLayer` unless all these layers are there."""
        if missing := sorted(set(wanted) - set(self.layers)):
            raise UnknownLayer(f"{self.info.name} has no layer {', '.join(missing)}")

    def forward(self, image: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        """Raises :class:`UnknownLayer`."""
        self.check(wanted)
        kept: dict[str, Tensor] = {}
        x = self.first(image.contiguous(memory_format=torch.channels_last))
        half = self.half_precision and (image.is_cuda or multiplies_bfloat16())
        with torch.autocast(image.device.type, dtype=torch.bfloat16, enabled=half):
            for name, layer in self.layers.items():
                x = layer(x)
                if name in wanted:
                    kept[name] = x
                if len(kept) == len(set(wanted)):
                    break
        return kept


def colour(matrix: Tensor, bias: Tensor) -> nn.Conv2d:
    """A pointwise convolution that brings RGB 0..1 to the colour space an encoder was trained in."""
    layer = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        layer.weight.copy_(matrix[:, :, None, None])
        layer.bias.copy_(bias)  # type: ignore[union-attr]  # the layer was made with a bias
    return layer


def chain(
    blocks: Sequence[int], weights: Callable[[int, int], tuple[Tensor, Tensor]], *, mirror: bool
) -> OrderedDict[str, nn.Module]:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for block, count in enumerate(blocks, start=1):
        if block > 1:
            layers[f"pool{block - 1}"] = nn.MaxPool2d(2)
        for index in range(1, count + 1):
            weight, bias = weights(block, index)
            conv = FrozenConv2d(weight.shape[1], weight.shape[0], mirror=mirror)
            with torch.no_grad():
                conv.weight.copy_(weight)
                conv.bias.copy_(bias)  # type: ignore[union-attr]  # the layer was made with a bias
            layers[f"conv{block}_{index}"] = conv
            layers[f"relu{block}_{index}"] = nn.ReLU()
    return layers


def read_vgg19(path: Path, half: bool = True) -> Encoder:
    """A VGG-19, whole or cut, from safetensors: ``conv<block>_<index>`` or, distilled, ``conv<block><index>``.

    A ``conv0`` maps RGB 0..1 to the encoder's colours. Raises ``OSError``, and ``ValueError`` for another kind of file.
    """
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
    except SafetensorError as error:
        raise ValueError(f"{path.name} is not a safetensors file") from error
    if "conv0.weight" not in tensors or not {"conv1_1.weight", "conv11.weight"} & tensors.keys():
        raise ValueError(f"{path.name} does not hold a VGG-19")
    separator = "_" if "conv1_1.weight" in tensors else ""
    blocks = [
        sum(f"conv{block}{separator}{index}.weight" in tensors for index in range(1, count + 1))
        for block, count in enumerate(VGG19_BLOCKS, start=1)
    ]

    def weights(block: int, index: int) -> tuple[Tensor, Tensor]:
        name = f"conv{block}{separator}{index}"
        return tensors[f"{name}.weight"], tensors[f"{name}.bias"]

    distilled = tensors[f"conv1{separator}1.weight"].shape[0] < 64
    info = EncoderInfo(
        "distilled VGG-19 (Collaborative-Distillation)" if distilled else "VGG-19 (safetensors)",
        "MIT" if distilled else "CC BY 4.0 (VGG, University of Oxford)",
    )
    first = colour(tensors["conv0.weight"][:, :, 0, 0], tensors["conv0.bias"])
    return Encoder(info, first, chain([n for n in blocks if n], weights, mirror=True), half)
