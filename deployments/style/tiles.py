"""Cutting a picture into overlapping tiles and putting the painted ones together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """One tile along one axis: ``[start, stop)`` is painted, ``[keep_start, keep_stop)`` of it is kept."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def source(self) -> slice:
        """What is painted, in the picture's coordinates."""
        return slice(self.start, self.stop)

    @property
    def kept(self) -> slice:
        """What is kept, in the picture's coordinates."""
        return slice(self.keep_start, self.keep_stop)

    @property
    def inner(self) -> slice:
        """What is kept, in the tile's coordinates."""
        return slice(self.keep_start - self.start, self.keep_stop - self.start)


def spans(length: int, tile: int, margin: int) -> Iterator[Span]:
    """Cover ``[0, length)`` with tiles of at most ``tile`` pixels.

    Every kept pixel has ``margin`` painted pixels, or the picture's own border, on either side. All arguments are
    multiples of the network's stride, and so are the starts: each tile sees the pixels in the phase the whole picture
    would. Raises ``ValueError`` when the margins leave nothing to keep.
    """
    if length <= tile:
        yield Span(0, length, 0, length)
        return
    step = tile - 2 * margin
    if step <= 0:
        raise ValueError(f"tiles of {tile} px leave nothing between margins of {margin} px")
    keep = 0
    while keep < length:
        start = max(0, keep - margin)
        stop = min(length, start + tile)
        keep_stop = length if stop == length else stop - margin
        yield Span(start, stop, keep, keep_stop)
        keep = keep_stop
