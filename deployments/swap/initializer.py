"""Reading one tensor out of an ONNX file without loading the file.

The identity projection ("emap") of inswapper is an initializer that no node of the graph uses, so ONNX Runtime drops
it and offers no way to ask for it. The ``onnx`` package would parse half a gigabyte of weights into memory to hand it
over, and is not needed for serving otherwise. The protocol buffers' wire format is simple enough to skip through.
Field numbers are those of ``onnx.proto3``.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from deployments.faces.types import FloatArray

_GRAPH: Final = 7  # ModelProto
_INITIALIZER: Final = 5  # GraphProto
_DIMS, _DATA_TYPE, _FLOAT_DATA, _RAW_DATA, _LOCATION = 1, 2, 4, 9, 14  # TensorProto
_TYPES: Final[dict[int, str]] = {1: "<f4", 10: "<f2"}

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# A field's number, and its value or the span (start, end) of its bytes.
_Field = tuple[int, int, tuple[int, int]]


def last_initializer(path: Path) -> FloatArray:
    """The last initializer of the model's graph as float32.

    Raises ``ValueError`` when the file is not a sound ONNX model or the tensor is not a float tensor stored inside it.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            graph = _last(data, 0, len(data), _GRAPH)
            return _tensor(data, *_last(data, *graph, _INITIALIZER))
        except (IndexError, KeyError, ValueError) as error:
            raise ValueError(f"{path.name}: no float tensor at the end of an ONNX graph ({error})") from error


def _tensor(data: mmap.mmap, start: int, end: int) -> FloatArray:
    shape: list[int] = []
    kind, location = 0, 0
    content = b""
    for number, value, span in _fields(data, start, end):
        if number == _DIMS:
            shape += _varints(data, *span) if span != (0, 0) else [value]
        elif number == _DATA_TYPE:
            kind = value
        elif number == _LOCATION:
            location = value
        elif number in (_RAW_DATA, _FLOAT_DATA):
            content = data[slice(*span)]
    if location:
        raise ValueError("the tensor lies outside the file")
    if kind not in _TYPES:
        raise ValueError(f"data type {kind} is not float32 or float16")
    return np.asarray(np.frombuffer(content, dtype=_TYPES[kind]).reshape(shape), dtype=np.float32)


def _last(data: mmap.mmap, start: int, end: int, wanted: int) -> tuple[int, int]:
    found = None
    for number, _, span in _fields(data, start, end):
        if number == wanted:
            found = span
    if found is None:
        raise ValueError(f"field {wanted} is missing")
    return found


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[_Field]:
    """The fields of one message. Values of nested messages, strings and packed lists are given as spans."""
    at = start
    while at < end:
        key, at = _varint(data, at, end)
        number, wire = key >> 3, key & 7
        value, span = 0, (0, 0)
        if wire == _VARINT:
            value, at = _varint(data, at, end)
        elif wire == _BYTES:
            length, at = _varint(data, at, end)
            span, at = (at, at + length), at + length
        elif wire in (_FIXED64, _FIXED32):
            at += 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at > end:
            raise ValueError("the file is cut short")
        yield number, value, span


def _varints(data: mmap.mmap, start: int, end: int) -> list[int]:
    values = []
    while start < end:
        value, start = _varint(data, start, end)
        values.append(value)
    return values


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ValueError("the file is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")
