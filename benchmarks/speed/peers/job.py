"""The work every peer does for a request, written the obvious way: moderate, paint with torch, moderate, encode.

The networks and their weights are ours, so that only the serving differs.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from PIL import Image
from safetensors.torch import load_file

from deployments.moderation.open_nsfw import preprocess
from training.style.checkpoint import load_weights

EXPLICIT = 0.8


class Refused(ValueError):
    """The picture may not be shown."""


class PaintingJob:
    """Reads the model files that ``NETWORK``, ``STYLES`` (its pack) and ``NSFW`` name."""

    def __init__(self) -> None:
        self._network = load_weights(Path(os.environ["NETWORK"])).network.eval()
        self._styles = load_file(os.environ["STYLES"])
        # OMP_NUM_THREADS, by which torch goes, is nothing to ONNX Runtime.
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._nsfw = ort.InferenceSession(os.environ["NSFW"], options, providers=["CPUExecutionProvider"])

    def __call__(self, upload: bytes, style: str) -> bytes:
        """A painted JPEG. Raises :class:`Refused`."""
        picture = Image.open(io.BytesIO(upload)).convert("RGB")
        self._moderate(picture)
        image = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            painted = self._network(image, self._styles[style][None])[0]
        result = Image.fromarray((painted.permute(1, 2, 0).numpy() * 255).astype(np.uint8))
        self._moderate(result)
        buffer = io.BytesIO()
        result.save(buffer, "JPEG", quality=92)
        return buffer.getvalue()

    def _moderate(self, picture: Image.Image) -> None:
        inputs = preprocess(np.asarray(picture, np.uint8))[None]
        (scores,) = self._nsfw.run(None, {self._nsfw.get_inputs()[0].name: inputs})
        if scores[0][1] > EXPLICIT:
            raise Refused
