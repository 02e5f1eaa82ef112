"""Image classifiers in the layout of Hugging Face transformers, timm's included, behind labels and probabilities.

The folder holds ``config.json``, ``model.safetensors`` and, unless the model comes from timm,
``preprocessor_config.json``. Nothing is fetched, no code from the folder is run and nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from deployments.imaging import Photo, Pixels
from deployments.runtime import Runtime
from deployments.torch_runtime import torch_device
from registry.manifest import ModelVersion

PACKAGES = ("torch", "torchvision", "transformers", "timm")

# Processors scale down to 224..448 themselves; this only spares them the full decode.
DECODED_SIDE = 1024
# Processors bring the shorter side to their size, whatever the longer one becomes by that: gigabytes for a strip.
MOST_ELONGATED = 32
# Of a side of 1, 3 or 4 pixels they believe that it holds the colours.
LEAST_SIDE = 8
# Tensors that a refusal names: a folder of another network lacks hundreds.
_NAMED = 4


class ImageClassifier:
    """An ``AutoModelForImageClassification``. ``labels`` are its outputs' names, in order.

    Raises ``OSError`` when files are missing, ``ValueError`` for weights that are no safetensors or not those of the whole
    network and for a kind of model transformers does not know, and :class:`deployments.runtime.DeviceUnavailable` for a
    GPU that torch does not see.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        # Heavy, and absent from the embedded profile.
        from transformers import AutoImageProcessor

        self._device = torch_device(runtime)
        model = _whole_network(version)
        try:
            # transformers leaves this one function untyped.
            self._processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                version.folder, local_files_only=True
            )
        except OSError as error:
            # Its own words are about the hub, from which nothing is fetched here.
            raise OSError(f"{version.ref}: preprocessor_config.json is missing, or cannot be read") from error
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


def labels_of(version: ModelVersion) -> list[str] | None:
    """The names of its outputs that ``config.json`` gives, read without the packages; None where it gives none."""
    try:
        config = json.loads(version.path("config.json").read_text(encoding="utf-8"))
        named = config.get("id2label")
        if named is not None:
            return [str(named[key]) for key in sorted(named, key=int)]
        return [str(label) for label in config["label_names"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # What is amiss with the file is for who loads the classifier to say.
        return None


def decoded(photo: Photo, max_side: int) -> Pixels:
    """The picture at ``max_side`` or smaller; a strip or a dot is stretched to sides that processors can deal with."""
    pixels = photo.pixels(max_side)
    height, width = pixels.shape[:2]
    least = max(LEAST_SIDE, max(height, width) // MOST_ELONGATED)
    if min(height, width) >= least:
        return pixels
    return np.asarray(cv2.resize(pixels, (max(width, least), max(height, least))), np.uint8)


def _whole_network(version: ModelVersion) -> Any:
    """The network with all its weights from the folder; left alone, transformers fills gaps with random numbers."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForImageClassification

    try:
        model, found = AutoModelForImageClassification.from_pretrained(
            version.folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except SafetensorError as error:
        raise ValueError(f"{version.ref}: its weights are no safetensors ({error})") from error
    # Weights beyond those of the network, such as a pooler's, are published beside many a head, and never used.
    if missing := sorted(found["missing_keys"]):
        raise ValueError(f"{version.ref}: its weights lack {_some(missing)}")
    if misfits := sorted(name for name, *_ in found["mismatched_keys"]):
        raise ValueError(f"{version.ref}: config.json asks for other shapes than its weights have of {_some(misfits)}")
    return model


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
