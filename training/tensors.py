"""Tensors out of pictures and into them, and into files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from deployments.imaging import Pixels
from training.files import write_whole


def to_tensor(image: Pixels) -> Tensor:
    """[H,W,3] RGB 0..255 -> [3,H,W] 0..1."""
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).float() / 255


def to_pixels(image: Tensor) -> Pixels:
    """[3,H,W] 0..1 -> [H,W,3] RGB 0..255."""
    return np.ascontiguousarray((image.detach().cpu().permute(1, 2, 0).numpy() * 255 + 0.5).astype(np.uint8))


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write safetensors, wherever the tensors lie, in one move. Raises ``OSError``."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, save(plain, metadata))
