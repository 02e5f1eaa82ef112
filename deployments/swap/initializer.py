"""Reading one tensor out of an ONNX file without loading the file.

The identity projection ("emap") of inswapper is an initializer that no node of the graph uses, so ONNX Runtime drops
it and offers no way to ask for it. The ``onnx`` package would parse half a gigabyte of weights into memory to hand it
over, and is not needed for serving otherwise. The protocol buffers' wire format is simple enough to skip through.
Field numbers are those of ``onnx.proto3``.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Final

import numpy as np

from deployments.imaging import FloatArray
from registry.protobuf import fields, integers

_GRAPH: Final = 7  # ModelProto
_INITIALIZER: Final = 5  # GraphProto
_DIMS, _DATA_TYPE, _FLOAT_DATA, _RAW_DATA, _LOCATION = 1, 2, 4, 9, 14  # TensorProto
_TYPES: Final[dict[int, str]] = {1: "<f4", 10: "<f2"}


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
    for number, value in fields(data, start, end):
        if number == _DIMS:
            shape += integers(data, value)
        elif number == _DATA_TYPE and isinstance(value, int):
            kind = value
        elif number == _LOCATION and isinstance(value, int):
            location = value
        elif number in (_RAW_DATA, _FLOAT_DATA) and isinstance(value, tuple):
            content = data[slice(*value)]
    if location:
        raise ValueError("the tensor lies outside the file")
    if kind not in _TYPES:
        raise ValueError(f"data type {kind} is not float32 or float16")
    return np.asarray(np.frombuffer(content, dtype=_TYPES[kind]).reshape(shape), dtype=np.float32)


def _last(data: mmap.mmap, start: int, end: int, wanted: int) -> tuple[int, int]:
    found = None
    for number, value in fields(data, start, end):
        if number == wanted and isinstance(value, tuple):
            found = value
    if found is None:
        raise ValueError(f"field {wanted} is missing")
    return found
