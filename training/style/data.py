"""Photographs and paintings as tensors: RGB 0..1, [3,H,W] float32."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from deployments.imaging import Pixels
from training.pictures import pictures_below, read_rgb
from training.tensors import to_tensor

logger = logging.getLogger(__name__)

# Below this a crop would mostly be interpolation.
MIN_SIDE = 128
# Every twentieth photograph, from the eighth on, is never trained on, so that a network can be judged on it.
HELD_OUT_FIRST, HELD_OUT_EVERY = 7, 20
COCO_2014 = ("train2014", "val2014")
# Decoded photographs are kept up to here; a thousand fit, and of a larger collection the rest is read each time.
KEPT_BYTES = 2 * 2**30


class NoPhotos(ValueError):
    """A folder holds no photograph that can be used."""


class NotAPicture(ValueError):
    """A file that has to be a picture cannot be read as one."""


class MalformedPair(ValueError):
    """An option is not written ``name=file``, or names the same thing twice."""


def named_paths(texts: Sequence[str]) -> dict[str, Path]:
    """Read ``name=file`` options. Raises :class:`MalformedPair`."""
    named: dict[str, Path] = {}
    for text in texts:
        name, _, path = text.partition("=")
        if not (name and path) or name in named:
            raise MalformedPair(f"{text!r} is not of the form name=file, or the name was given before")
        named[name] = Path(path)
    return named


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """The photographs below a folder to train on, and those held out, both by name. Raises :class:`NoPhotos`.

    COCO 2014, unpacked into ``train2014`` and ``val2014``, brings a split of its own.
    """
    coco = [pictures_below(folder / name) for name in COCO_2014]
    if all(coco):
        return coco[0], coco[1]
    paths = pictures_below(folder)
    if not paths:
        raise NoPhotos(f"{folder} holds no JPEG, PNG or WebP files")
    held_out = paths[HELD_OUT_FIRST::HELD_OUT_EVERY]
    return sorted(set(paths).difference(held_out)), held_out


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height by the file's header; ``None`` where it is no picture."""
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def resize(image: Pixels, short_side: int) -> Pixels:
    """Scale a picture up or down to this short side, both sides at least 16."""
    scale = short_side / min(image.shape[:2])
    size = (max(16, round(image.shape[1] * scale)), max(16, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8)


def read_picture(path: Path, short_side: int) -> Pixels:
    """A picture resized to ``short_side``, [H,W,3] RGB. Raises :class:`NotAPicture`."""
    image = read_rgb(path)
    if image is None:
        raise NotAPicture(f"{path} is not a picture that can be read; give a JPEG, PNG or WebP")
    return resize(image, short_side)


def load_picture(path: Path, short_side: int) -> Tensor:
    """A picture resized to ``short_side``, [3,H,W] RGB 0..1. Raises :class:`NotAPicture`."""
    return to_tensor(read_picture(path, short_side))


def load_photos(paths: Sequence[Path], short_side: int, limit: int) -> list[Tensor]:
    """The first photographs that can be read, [3,H,W], up to ``limit``; sides multiples of 4, at most 4:3.

    Panoramas are cut, so that one does not take as long as all others together.
    """
    photos: list[Tensor] = []
    for path in paths:
        image = read_rgb(path) if len(photos) < limit else None
        if image is not None:
            resized = resize(image, short_side)
            height, width = (min(length, 4 * short_side // 3) // 4 * 4 for length in resized.shape[:2])
            photos.append(to_tensor(resized[:height, :width]))
    return photos


def load_held_out(folder: Path, short_side: int, limit: int) -> list[Tensor]:
    """The first of a folder's held-out photographs, as :func:`load_photos` gives them.

    Raises :class:`NoPhotos` where none can be read.
    """
    photos = load_photos(split(folder)[1], short_side, limit)
    if not photos:
        raise NoPhotos(f"{folder} holds no held-out photograph that can be read")
    return photos


class PhotoCrops:
    """Random square crops of photographs.

    Batches depend on nothing but the seed and the step, so that a resumed run sees what an uninterrupted one would.
    Photographs that are none or are smaller than ``MIN_SIDE`` are skipped; ``skipped`` counts them. One whose damage
    shows only when it is decoded gives its turn to the next. Raises :class:`NoPhotos` when none is left.
    """

    def __init__(self, paths: Sequence[Path], crop: int, seed: int) -> None:
        self.skipped = 0
        self._crop = crop
        self._seed = seed
        self._paths: list[Path] = []
        self._kept: dict[int, Pixels | None] = {}
        self._kept_bytes = 0
        for path in paths:
            size = _size(path)
            if size is None or min(size) < MIN_SIDE:
                self._skip(path, "not readable" if size is None else "too small")
            else:
                self._paths.append(path)
        if not self._paths:
            raise NoPhotos(f"none of {len(paths)} photographs can be read and has sides of at least {MIN_SIDE} px")

    def __len__(self) -> int:
        return len(self._paths)

    def batch(self, step: int, size: int) -> Tensor:
        """The photographs of one step, [size,3,crop,crop]. Raises :class:`NoPhotos` when none can be decoded."""
        generator = np.random.default_rng((self._seed, step))
        chosen = generator.choice(len(self._paths), size, replace=size > len(self._paths))
        return torch.stack([to_tensor(self._cut(self._photo(int(index)), generator)) for index in chosen])

    def _photo(self, index: int) -> Pixels:
        for offset in range(len(self._paths)):
            photo = self._decoded((index + offset) % len(self._paths))
            if photo is not None:
                return photo
        raise NoPhotos(f"none of {len(self._paths)} photographs can be decoded")

    def _decoded(self, index: int) -> Pixels | None:
        if index in self._kept:
            return self._kept[index]
        image = read_rgb(self._paths[index])
        if image is None:
            self._skip(self._paths[index], "damaged")
        # No crop needs more source than this.
        elif min(image.shape[:2]) > 2 * self._crop:
            image = resize(image, 2 * self._crop)
        if image is None or self._kept_bytes + image.nbytes <= KEPT_BYTES:
            self._kept[index] = image
            self._kept_bytes += 0 if image is None else image.nbytes
        return image

    def _skip(self, path: Path, why: str) -> None:
        self.skipped += 1
        logger.warning("skipped %s: %s", path.name, why)

    def _cut(self, image: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = image.shape[:2]
        # From half the crop's size up to the whole photograph: people bring sharp thumbnails and soft enlargements.
        low = min(self._crop // 2, height, width)
        side = int(generator.integers(low, min(height, width) + 1))
        top = int(generator.integers(0, height - side + 1))
        left = int(generator.integers(0, width - side + 1))
        piece = image[top : top + side, left : left + side]
        if generator.random() < 0.5:
            piece = piece[:, ::-1]
        return resize(piece, self._crop)
