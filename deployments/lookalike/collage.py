"""A face and the people it resembles side by side, as one picture to send on.

Text is set in the fonts inside OpenCV, which know Latin, Cyrillic, Greek and CJK letters and need no file. Scripts whose
letters join or run from right to left come out as single letters from left to right, and unknown ones as question marks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final

import cv2
import numpy as np

from deployments.faces.types import Face
from deployments.imaging import Photo, Pixels, resized
from deployments.lookalike.portrait import portrait
from deployments.lookalike.types import Match

MOST: Final = 3

_PAPER: Final = (250, 247, 242)
_INK: Final = (34, 29, 38)
_SOFT: Final = (111, 102, 120)
_ACCENT: Final = (178, 58, 72)

_WIDTH: Final = 1080
_MARGIN: Final = 40
_GAP: Final = 20
_LARGE: Final = (_WIDTH - 2 * _MARGIN - _GAP) // 2
_SMALL: Final = 168
_RADIUS: Final = 28

_REGULAR: Final = 400
_BOLD: Final = 650


def draw(photo: Photo, face: Face, matches: Sequence[tuple[Match, bytes]], note: str) -> Pixels:
    """RGB [H, 1080, 3]: the face of ``photo`` beside the first of ``matches``, up to two more in a row underneath.

    ``matches`` come with their portraits as JPEG. ``note``, what the per cent mean in the reader's language, and all
    that is owed to photographers stand at the foot. Raises ``ValueError`` without a match and what :meth:`Photo.open`
    raises for a portrait.
    """
    if not matches:
        raise ValueError("a collage needs somebody to show")
    best, *others = matches[:MOST]
    sheet = _Sheet()
    top = sheet.cursor
    sheet.picture(portrait(photo, face.box, face.pose.roll, _LARGE), _MARGIN, top)
    sheet.picture(_opened(best[1], _LARGE), _MARGIN + _LARGE + _GAP, top)
    sheet.cursor = top + _LARGE + 26
    sheet.headline(best[0])
    if others:
        sheet.cursor += 22
        for column, (match, jpeg) in enumerate(others):
            sheet.card(match, _opened(jpeg, _SMALL), _MARGIN + column * (_LARGE + _GAP))
        sheet.cursor += _SMALL
    sheet.cursor += 34
    sheet.paragraph(note)
    owed = dict.fromkeys(f"{match.name}: {match.attribution}" for match, _ in matches[:MOST] if match.attribution)
    for credit in owed:
        sheet.paragraph(credit)
    return sheet.finish()


class _Sheet:
    """Paper that is written from top to bottom; ``cursor`` is the next free line."""

    def __init__(self) -> None:
        self._paper = _blank(2 * _WIDTH)
        self.cursor = _MARGIN

    def picture(self, square: Pixels, left: int, top: int) -> None:
        """Lay down a square with rounded corners."""
        side = square.shape[0]
        region = self._paper[top : top + side, left : left + side]
        mask = _rounded(side)
        region[:] = np.round(square * mask + region * (1 - mask)).astype(np.uint8)

    def headline(self, match: Match) -> None:
        """Name and role on the left, per cent on the right."""
        percent = _percent(match)
        right = _width(percent, 64, _BOLD)
        self._text(percent, _WIDTH - _MARGIN - right, self.cursor + 52, 64, _BOLD, _ACCENT)
        room = _WIDTH - 2 * _MARGIN - right - 2 * _GAP
        name, size = _fitted(match.name, room, 52, _BOLD)
        self._text(name, _MARGIN, self.cursor + 48, size, _BOLD, _INK)
        self.cursor += 62
        if line := _about(match):
            text, size = _fitted(line, room, 28, _REGULAR)
            self._text(text, _MARGIN, self.cursor + 30, size, _REGULAR, _SOFT)
            self.cursor += 42

    def card(self, match: Match, square: Pixels, left: int) -> None:
        """A small portrait with name, role and per cent beside it."""
        top = self.cursor
        self.picture(square, left, top)
        beside = left + _SMALL + _GAP
        room = left + _LARGE - beside
        name, size = _fitted(match.name, room, 32, _BOLD)
        self._text(name, beside, top + 50, size, _BOLD, _INK)
        if line := _about(match):
            text, size = _fitted(line, room, 23, _REGULAR)
            self._text(text, beside, top + 86, size, _REGULAR, _SOFT)
        self._text(_percent(match), beside, top + 140, 38, _BOLD, _ACCENT)

    def paragraph(self, text: str) -> None:
        """Small print over as many lines as it takes; where the paper ends, some more is put on."""
        lines = _lines(text, _WIDTH - 2 * _MARGIN, 21)
        missing = self.cursor + len(lines) * 30 + _MARGIN - self._paper.shape[0]
        self._paper = np.concatenate([self._paper, _blank(max(missing, 0))])
        for line in lines:
            self._text(line, _MARGIN, self.cursor + 20, 21, _REGULAR, _SOFT)
            self.cursor += 30
        self.cursor += 6

    def finish(self) -> Pixels:
        return np.ascontiguousarray(self._paper[: self.cursor + _MARGIN - 10])

    def _text(self, text: str, left: int, baseline: int, size: int, weight: int, colour: tuple[int, int, int]) -> None:
        # OpenCV names colours in whatever order the picture has; this one is RGB throughout.
        cv2.putText(self._paper, text, (left, baseline), colour, _font(), size, weight)


def _blank(height: int) -> Pixels:
    return np.full((height, _WIDTH, 3), _PAPER, dtype=np.uint8)


def _font() -> cv2.FontFace:
    # Not kept between calls: a font face remembers its last size and is not safe to share between threads.
    return cv2.FontFace("sans")


def _width(text: str, size: int, weight: int) -> int:
    _, _, width, _ = cv2.getTextSize((_WIDTH, _WIDTH), text, (0, 0), _font(), size, weight)
    return int(width)


def _fitted(text: str, room: int, size: int, weight: int) -> tuple[str, int]:
    """``text`` at the largest size up to ``size`` that fits, down to two thirds of it; cut short where that is not enough."""
    for smaller in range(size, size * 2 // 3, -2):
        if _width(text, smaller, weight) <= room:
            return text, smaller
    least = size * 2 // 3
    return _cut(text, room, least, weight), least


def _cut(text: str, room: int, size: int, weight: int) -> str:
    """``text``, or as much of its beginning as fits into ``room``."""
    if _width(text, size, weight) <= room:
        return text
    while len(text) > 1 and _width(text + "…", size, weight) > room:
        text = text[:-1].rstrip()
    return text + "…"


def _lines(text: str, room: int, size: int) -> list[str]:
    lines = [""]
    for part in chain.from_iterable(_broken(word, room, size) for word in text.split()):
        longer = f"{lines[-1]} {part}".strip()
        if lines[-1] and _width(longer, size, _REGULAR) > room:
            lines.append(part)
        else:
            lines[-1] = longer
    return lines


def _broken(word: str, room: int, size: int) -> Iterator[str]:
    """The word in as few parts as fit into ``room``: an address, or a sentence in a script that leaves no spaces."""
    start = 0
    while start < len(word):
        ends = range(start + 1, len(word) + 1)
        fitting = bisect_right(ends, room, key=lambda end: _width(word[start:end], size, _REGULAR))
        end = start + max(fitting, 1)
        yield word[start:end]
        start = end


def _about(match: Match) -> str:
    return " · ".join(part for part in (match.alias, match.role) if part)


def _percent(match: Match) -> str:
    return f"{match.similarity:.0f} %"


def _opened(jpeg: bytes, side: int) -> Pixels:
    return resized(Photo.open(jpeg).pixels(), side, side)


def _rounded(side: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """How much of a square with rounded corners covers each pixel [side, side, 1], 0..1."""
    fine, radius = side * 4, _RADIUS * 4 * side // _LARGE
    mask = np.zeros((fine, fine), np.uint8)
    for start, end in (((radius, 0), (fine - radius, fine)), ((0, radius), (fine, fine - radius))):
        cv2.rectangle(mask, start, end, 255, -1)
    for x in (radius, fine - radius - 1):
        for y in (radius, fine - radius - 1):
            cv2.circle(mask, (x, y), radius, 255, -1)
    reduced = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)
    return (reduced[:, :, None] / np.float32(255)).astype(np.float32)
