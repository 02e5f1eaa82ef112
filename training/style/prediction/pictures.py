"""Pictures to learn styles from: few paintings made many by cutting, turning and dyeing them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from deployments.imaging import Pixels
from deployments.masterpiece.distances import grams
from deployments.masterpiece.encoder import Encoder
from training.pictures import read_rgb
from training.style.data import NoPhotos
from training.tensors import to_tensor

# A picture is judged at the first size and read at the second, both squares.
JUDGED_SIDE, READ_SIDE = 384, 256
# Decoded sources are kept no larger than a whole picture is judged at, twice over.
KEPT_SIDE = 2 * JUDGED_SIDE
# How much of a picture's short side a crop takes at least.
SMALLEST_CROP = 0.6
DYED, TURNED, MIXED = 0.4, 0.3, 0.08
EVERYDAY = 0.15


class StylePictures:
    """An endless row of pictures; the one at an index depends on nothing but the index and the seed.

    Most are cut from ``paintings``, some from ``photos``: people send holidays as styles too. Raises ``NoPhotos`` when
    no painting can be read.
    """

    def __init__(self, paintings: Sequence[Path], photos: Sequence[Path], seed: int) -> None:
        self._seed = seed
        self._paintings = [kept for path in paintings if (kept := _kept(path)) is not None]
        self._photos = list(photos)
        if not self._paintings:
            raise NoPhotos(f"none of {len(paintings)} paintings can be read")

    def __len__(self) -> int:
        """How many different paintings there are."""
        return len(self._paintings)

    def picture(self, index: int) -> Pixels:
        """[S,S,3] RGB, ``JUDGED_SIDE`` a side."""
        random = np.random.default_rng((self._seed, 7, index))
        picture = self._cut(random)
        if random.random() < MIXED:
            other, share = self._cut(random), random.uniform(0.3, 0.7)
            picture = np.asarray(cv2.addWeighted(picture, share, other, 1 - share, 0), np.uint8)
        if random.random() < DYED:
            picture = dyed(picture, random)
        if random.random() < TURNED:
            picture = np.rot90(picture, int(random.integers(1, 4)))
        return np.ascontiguousarray(picture[:, ::-1] if random.random() < 0.5 else picture)

    def _cut(self, random: np.random.Generator) -> Pixels:
        source = None
        if self._photos and random.random() < EVERYDAY:
            source = _kept(self._photos[int(random.integers(len(self._photos)))])
        if source is None:
            source = self._paintings[int(random.integers(len(self._paintings)))]
        height, width = source.shape[:2]
        side = max(16, int(min(height, width) * random.uniform(SMALLEST_CROP, 1)))
        top, left = int(random.integers(height - side + 1)), int(random.integers(width - side + 1))
        return square(source[top : top + side, left : left + side], JUDGED_SIDE)


def dyed(picture: Pixels, random: np.random.Generator) -> Pixels:
    """Other colours: channels in another order, the hue turned, more or less saturation, light and contrast."""
    picture = picture[:, :, random.permutation(3)]
    hsv = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[:, :, 0] = (hsv[:, :, 0] + random.uniform(0, 180)) % 180
    hsv[:, :, 1] *= random.uniform(0.3, 1.4)
    rgb = cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)
    rgb = (rgb - 128) * random.uniform(0.7, 1.2) + 128 + random.uniform(-30, 30)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def square(picture: Pixels, side: int) -> Pixels:
    """Scale to a square of ``side`` px."""
    smaller = side < min(picture.shape[:2])
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (side, side), interpolation=interpolation), np.uint8)


def reading(picture: Pixels) -> Tensor:
    """A picture as the predictor reads it, [3,R,R]."""
    return to_tensor(square(picture, READ_SIDE))


def _kept(path: Path) -> Pixels | None:
    picture = read_rgb(path)
    if picture is None or min(picture.shape[:2]) < 64:
        return None
    scale = KEPT_SIDE / min(picture.shape[:2])
    if scale < 1:
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


class Targets:
    """The pictures of a row as a lesson needs them, the ones used last kept.

    ``look`` makes of a picture as it is read [3,R,R] what is to be kept of it.
    """

    def __init__(
        self,
        pictures: StylePictures,
        encoder: Encoder,
        layers: Sequence[str],
        kept: int,
        look: Callable[[Tensor], Tensor],
    ) -> None:
        self._pictures, self._encoder, self._layers, self._kept = pictures, encoder, tuple(layers), kept
        self._look = look
        self._known: OrderedDict[int, tuple[Tensor, dict[str, Tensor]]] = OrderedDict()

    @torch.no_grad()
    def __call__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        """What is kept of the picture, and its Gram matrices [1,C,C] by layer."""
        if index not in self._known:
            picture = self._pictures.picture(index)
            target = grams(self._encoder(to_tensor(picture)[None], self._layers), self._layers)
            self._known[index] = self._look(reading(picture)), target
            if len(self._known) > self._kept:
                self._known.popitem(last=False)
        self._known.move_to_end(index)
        return self._known[index]
