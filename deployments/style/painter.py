"""Pixels through the style network: whole pictures in batches, large ones by tiles."""

from __future__ import annotations

import math

import cv2
import numpy as np
import onnxruntime as ort

from deployments.imaging import Pixels
from deployments.runtime import Runtime, onnx_session
from deployments.style.networks import open_network
from deployments.style.packs import Vector
from deployments.style.planes import Tensor, to_pixels, to_planes
from deployments.style.tiles import spans
from registry.manifest import ModelVersion

# Measured peak of one run on a processor, buffers for its input and output included, for networks that do not say.
BYTES_PER_PIXEL = 340
# Holds the pictures the engine paints whole; a tighter Runtime.memory_mb means tiles.
RUN_MB = 640
# Reflection padding at the coarsest level needs a few cells to mirror.
MIN_SIDE = 32


class Painter:
    """Paints pixels with style vectors.

    Pictures of up to ``max_pixels`` are painted whole, larger ones by tiles of ``tile`` pixels a side; both follow from
    the runtime's memory unless given. Raises ``ValueError`` where that is too little for a tile and its margins.

    The network normalises every layer by that picture's own statistics, so tiles painted one by one would differ in
    tone. Their statistics are therefore taken once, on the whole picture at reduced size, and every tile is painted
    with the same ones; since tiles overlap by the network's receptive field, the seams cannot be seen.
    """

    def __init__(
        self, network: ModelVersion, runtime: Runtime, max_pixels: int | None = None, tile: int | None = None
    ) -> None:
        contract = network.manifest.input
        self._multiple = int(contract["multiple"])
        self._margin = int(contract["receptive_radius"])
        bytes_per_pixel = int(contract.get("bytes_per_pixel", BYTES_PER_PIXEL))
        budget = min(RUN_MB, runtime.memory_mb or RUN_MB)
        self.max_pixels = max_pixels or budget * 2**20 // bytes_per_pixel
        side = math.isqrt(self.max_pixels)
        self._tile = tile or side - side % self._multiple
        if self._tile <= 2 * self._margin:
            needed = math.ceil((2 * self._margin + 1) ** 2 * bytes_per_pixel / 2**20)
            raise ValueError(f"{network.ref} needs at least {needed} MB to paint by tiles")
        self._network = open_network(network.path("network.onnx"), runtime)
        self._statistics: ort.InferenceSession = onnx_session(network.path("statistics.onnx"), runtime)
        self._frozen: ort.InferenceSession = onnx_session(network.path("frozen.onnx"), runtime)

    def paint(self, photos: list[Pixels], vectors: list[Vector]) -> list[Pixels]:
        """Paint pictures that all have the same size, each with its own vector, in as few runs as memory allows."""
        height, width = photos[0].shape[:2]
        padded = [self._pad(photo) for photo in photos]
        area = padded[0].shape[0] * padded[0].shape[1]
        if area > self.max_pixels:
            painted = [self._by_tiles(photo, vector) for photo, vector in zip(padded, vectors, strict=True)]
        else:
            size = self.max_pixels // area
            painted = []
            for start in range(0, len(padded), size):
                painted += self._network(padded[start : start + size], vectors[start : start + size])
        return [np.ascontiguousarray(picture[:height, :width]) for picture in painted]

    def _pad(self, photo: Pixels) -> Pixels:
        """Mirror the right and lower border up to a size the network takes."""
        height, width = (max(MIN_SIDE, side + -side % self._multiple) for side in photo.shape[:2])
        below, right = height - photo.shape[0], width - photo.shape[1]
        return np.asarray(cv2.copyMakeBorder(photo, 0, below, 0, right, cv2.BORDER_REFLECT_101), np.uint8)

    def _by_tiles(self, photo: Pixels, vector: Vector) -> Pixels:
        affine = self._affine(photo, vector)
        painting = np.empty_like(photo)
        for row in spans(photo.shape[0], self._tile, self._margin):
            for column in spans(photo.shape[1], self._tile, self._margin):
                feed = {"image": to_planes(photo[row.source, column.source])[None], "affine": affine}
                (painted,) = self._frozen.run(["painting"], feed)
                painting[row.kept, column.kept] = to_pixels(painted[0])[row.inner, column.inner]
        return painting

    def _affine(self, photo: Pixels, vector: Vector) -> Tensor:
        """The affine maps of every layer, as the whole picture has them at a size that fits one run, [1,P]."""
        height, width = photo.shape[:2]
        scale = (self.max_pixels / (height * width)) ** 0.5
        reduced = (max(1, int(width * scale)), max(1, int(height * scale)))
        small = self._pad(np.asarray(cv2.resize(photo, reduced, interpolation=cv2.INTER_AREA), np.uint8))
        feed = {"image": to_planes(small)[None], "style": vector[None]}
        (affine,) = self._statistics.run(["affine"], feed)
        return np.asarray(affine, np.float32)
