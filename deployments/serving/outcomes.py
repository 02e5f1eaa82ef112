"""Any engine's answer as plain numbers, so that answers can be checked, compared and written down without knowing it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Leaf = Numbers | str

# A picture is told by the mean colours of its fields, four rows of four: a few numbers that a wrong one cannot keep.
GRID = 4
ROOT = "answer"


def leaves(answer: object) -> dict[str, Leaf]:
    """Every number and text in ``answer`` by its path: ``scores.explicit``, ``faces.0.box``.

    Dataclasses, mappings and sequences are walked; arrays and tuples of numbers are one leaf; truth is 0 or 1; None and
    bytes are left out. An 8-bit picture [H, W, 3] becomes the 48 means of its :data:`GRID` fields. An answer that is a
    single leaf has the path ``answer``.
    """
    return {path or ROOT: leaf for path, leaf in _walk(answer, "")}


def unsound(answer: object) -> str | None:
    """The path of a value that is no number or infinite, or None when there is none."""
    for path, leaf in leaves(answer).items():
        if not isinstance(leaf, str) and not np.isfinite(leaf).all():
            return path
    return None


def deviation(one: Leaf | None, other: Leaf | None) -> float:
    """The largest difference between two leaves; infinite when they are not of one kind and size."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return 0.0 if isinstance(one, str) and one == other else float("inf")
    if one.shape != other.shape:
        return float("inf")
    return float(np.abs(one - other).max(initial=0.0))


def _walk(value: object, path: str) -> Iterator[tuple[str, Leaf]]:
    match value:
        case None | bytes():
            return
        case Enum():
            yield path, str(value.value)
        case str():
            yield path, value
        case bool() | int() | float() | np.generic():
            yield path, np.array([value], np.float64)
        case np.ndarray():
            yield path, _numbers(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            named = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
            yield from _children(named, path)
        case Mapping():
            yield from _children(((str(key), entry) for key, entry in value.items()), path)
        case Sequence() if value and all(isinstance(entry, (bool, int, float, np.number)) for entry in value):
            yield path, np.asarray(value, np.float64)
        case Sequence():
            yield from _children(((str(number), entry) for number, entry in enumerate(value)), path)


def _children(entries: Iterator[tuple[str, Any]], path: str) -> Iterator[tuple[str, Leaf]]:
    for name, entry in entries:
        yield from _walk(entry, f"{path}.{name}" if path else name)


def _numbers(array: npt.NDArray[Any]) -> Numbers:
    if array.dtype == np.uint8 and array.ndim == 3:
        fields = cv2.resize(array.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
        return np.asarray(fields, np.float64).reshape(-1)
    return np.asarray(array, np.float64).reshape(-1)
