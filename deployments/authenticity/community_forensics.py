"""Community Forensics (Park and Owens, CVPR 2025): a ViT-S/16 trained on pictures of some 4,800 generators.

The repositories ``OwensLab/commfor-model-384`` and ``-224`` hold ``config.json`` (``input_size``, ``patch_size``) and
``model.safetensors``, whose tensors are those of a timm vision transformer with one output under the prefix ``vit.``.
They name no ``transformers`` architecture, so the network is put together here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deployments.image_classifier import PACKAGES, decoded
from deployments.imaging import Photo
from deployments.runtime import Runtime
from deployments.torch_runtime import torch_device
from registry.manifest import ModelVersion

if TYPE_CHECKING:
    import torch

__all__ = ["BACKEND", "PACKAGES", "CommunityForensics"]

BACKEND = "community-forensics"

_PREFIX = "vit."
_RESIZED = {384: 440, 224: 256}
"""Input side to the short side pictures are brought to before the middle is cut out, as its authors do."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DECODED_SIDE = 2048
_HEAD_WIDTH = 64


class CommunityForensics:
    """Raises ``ValueError`` when the folder holds a network of another shape, ``OSError`` when files are missing."""

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        # Heavy, and absent from the embedded profile.
        from safetensors.torch import load_file

        config = json.loads((version.folder / "config.json").read_text(encoding="utf-8"))
        self._side = int(config.get("input_size", 384))
        tensors = {
            name.removeprefix(_PREFIX): tensor
            for name, tensor in load_file(version.folder / "model.safetensors").items()
        }
        self._device = torch_device(runtime)
        self._network = _network(tensors, self._side, version.ref).to(self._device)

    def logits(self, batch: Sequence[Photo]) -> list[float]:
        import torch

        inputs = torch.stack([self._prepared(photo) for photo in batch]).to(self._device)
        with torch.inference_mode():
            rows: list[float] = self._network(inputs)[:, 0].cpu().tolist()
        return rows

    def close(self) -> None:
        del self._network

    def _prepared(self, photo: Photo) -> torch.Tensor:
        """``[3,side,side]``: short side resized, middle cut out, ImageNet's mean and deviation taken out."""
        import torch
        from PIL import Image

        picture = Image.fromarray(decoded(photo, _DECODED_SIDE))
        short = _RESIZED.get(self._side, round(self._side * 8 / 7))
        scale = short / min(picture.size)
        size = (max(short, round(picture.width * scale)), max(short, round(picture.height * scale)))
        resized = np.asarray(picture.resize(size, Image.Resampling.BILINEAR), np.float32)
        top, left = (resized.shape[0] - self._side) // 2, (resized.shape[1] - self._side) // 2
        middle = resized[top : top + self._side, left : left + self._side] / 255
        normalised = (middle - np.asarray(_MEAN, np.float32)) / np.asarray(_STD, np.float32)
        return torch.from_numpy(np.ascontiguousarray(normalised.transpose(2, 0, 1)))


def _network(tensors: Mapping[str, torch.Tensor], side: int, ref: str) -> torch.nn.Module:
    """A timm vision transformer of the width and depth the tensors have. Raises ``ValueError`` when they fit none."""
    import timm

    try:
        width, _, patch, _ = tensors["patch_embed.proj.weight"].shape
        depth = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("blocks."))
        shape: dict[str, Any] = {"img_size": side, "patch_size": patch, "embed_dim": width, "depth": depth}
        network = timm.create_model(
            "vit_small_patch16_384", num_classes=1, num_heads=max(1, width // _HEAD_WIDTH), **shape
        )
        network.load_state_dict(dict(tensors))
    except (KeyError, ValueError, RuntimeError) as error:
        raise ValueError(f"{ref} does not hold the vision transformer of Community Forensics") from error
    ready: torch.nn.Module = network.eval()
    return ready
