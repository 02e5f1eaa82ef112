"""Image classifiers in the layout of Hugging Face transformers, timm's included, behind labels and probabilities.

The folder holds ``config.json``, ``model.safetensors`` and, unless the model comes from timm,
``preprocessor_config.json``. Nothing is fetched, no code from the folder is run and nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime
from deployments.torch_runtime import torch_device

PACKAGES = ("torch", "torchvision", "transformers", "timm")

# Processors scale down to 224..448 themselves; this only spares them the full decode.
DECODED_SIDE = 1024
# Processors bring the shorter side to their size, whatever the longer one becomes by that: gigabytes for a strip.
MOST_ELONGATED = 32
# Of a side of 1, 3 or 4 pixels they believe that it holds the colours.
LEAST_SIDE = 8


class ImageClassifier:
    """An ``AutoModelForImageClassification``. ``labels`` are its outputs' names, in order.

    Raises ``OSError`` when files are missing or are no safetensors, ``ValueError`` for a kind of model transformers
    does not know and :class:`deployments.runtime.DeviceUnavailable` for a GPU that torch does not see.
    """

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        # Heavy, and absent from the embedded profile.
        import torch
        from transformers import AutoImageProcessor, AutoModelForImageClassification

        self._device = torch_device(runtime)
        # transformers leaves this one function untyped.
        self._processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, local_files_only=True
        )
        model = AutoModelForImageClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
        self._model = model.to(self._device).eval()
        self.labels: tuple[str, ...] = tuple(name for _, name in sorted(model.config.id2label.items()))

    def probabilities(self, batch: Sequence[Photo]) -> list[list[float]]:
        """For every picture, the probability of each label."""
        import torch

        images = [decoded(photo, DECODED_SIDE) for photo in batch]
        with torch.inference_mode():
            inputs = self._processor(images, return_tensors="pt").to(self._device)
            rows: list[list[float]] = self._model(**inputs).logits.softmax(dim=-1).cpu().tolist()
        return rows

    def close(self) -> None:
        """Let go of the weights."""
        del self._model, self._processor


def decoded(photo: Photo, max_side: int) -> Pixels:
    """The picture at ``max_side`` or smaller; a strip or a dot is stretched to sides that processors can deal with."""
    pixels = photo.pixels(max_side)
    height, width = pixels.shape[:2]
    least = max(LEAST_SIDE, max(height, width) // MOST_ELONGATED)
    if min(height, width) >= least:
        return pixels
    return np.asarray(cv2.resize(pixels, (max(width, least), max(height, least))), np.uint8)
