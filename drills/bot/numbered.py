"""Photos that carry a number which survives JPEG and a change of colours, so that every result tells whose it is."""

from __future__ import annotations

import numpy as np

from deployments.imaging import Photo, Pixels, encode

COLUMNS, ROWS, CELL = 5, 4, 32

NUMBER_BITS, CHECK_BITS = 12, 7
MOST = (1 << NUMBER_BITS) - 1
CHECKS = 1 << CHECK_BITS


def photo(number: int) -> bytes:
    """A JPEG of 160 x 128 pixels that carries ``number`` (1 to :data:`MOST`) in black and white squares.

    The first square is white, then come the number and a check sum.
    """
    if not 1 <= number <= MOST:
        raise ValueError(f"a number from 1 to {MOST}")
    bits = "1" + f"{number:0{NUMBER_BITS}b}" + f"{_check(number):0{CHECK_BITS}b}"
    cells = np.array([255 * int(bit) for bit in bits], np.uint8).reshape(ROWS, COLUMNS)
    return encode(_rgb(np.kron(cells, np.ones((CELL, CELL), np.uint8))))


def painted(picture: Photo) -> Photo:
    """Its negative: what the drills' studio makes of a photo."""
    return Photo.made(255 - picture.pixels(), picture.digest)


def number_of(data: bytes) -> int | None:
    """The number that a painted photo carries; None for any other picture, the photo itself included."""
    pixels = Photo.open(data).pixels()
    height, width = pixels.shape[:2]
    # The middle of every square, for the server may have resized the picture.
    rows = (np.arange(ROWS) * 2 + 1) * height // (2 * ROWS)
    columns = (np.arange(COLUMNS) * 2 + 1) * width // (2 * COLUMNS)
    bits = "".join("0" if light else "1" for light in (pixels.mean(axis=2)[np.ix_(rows, columns)] > 127).ravel())
    number, check = int(bits[1 : 1 + NUMBER_BITS], 2), int(bits[1 + NUMBER_BITS :], 2)
    return number if bits[0] == "1" and number and check == _check(number) else None


def _check(number: int) -> int:
    return (37 * number + 11) % CHECKS


def _rgb(grey: Pixels) -> Pixels:
    return np.repeat(grey[:, :, None], 3, axis=2)
