"""What a model file may be: safetensors, ONNX without external data, and plain data. Nothing that runs code when read.

The ONNX check walks the protobuf wire format itself, so it needs neither the ``onnx`` package nor the memory to hold
the weights, and it runs before any runtime that would follow a path written inside the file opens it.
"""

from __future__ import annotations

import mmap
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from safetensors import SafetensorError, safe_open

from registry.errors import InvalidVersion, UnsafeFile
from registry.manifest import Format, Manifest
from registry.protobuf import fields, integers

# Code, or containers whose usual reader runs what it finds.
_FORBIDDEN_SUFFIXES = frozenset(
    {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".h5", ".keras", ".py", ".pyc", ".so", ".dll", ".dylib"}
)
_REQUIRED_SUFFIX: dict[Format, str] = {
    "onnx": ".onnx",
    "safetensors": ".safetensors",
    "transformers": ".safetensors",
}


def check_version(manifest: Manifest, folder: Path) -> None:
    """Check that each file of a version is what its name and the manifest's format claim.

    Raises :class:`UnsafeFile` for a file and :class:`InvalidVersion` when the format's own file is not among them.
    """
    suffix = _REQUIRED_SUFFIX.get(manifest.format)
    if suffix and not any(entry.name.endswith(suffix) for entry in manifest.files):
        raise InvalidVersion(f"{manifest.ref} is of format {manifest.format} but lists no {suffix} file.")
    for entry in manifest.files:
        check_file(folder / entry.name)


def check_file(path: Path) -> None:
    """Raise :class:`UnsafeFile` unless ``path`` is safe to hand to the reader its suffix implies."""
    suffix = PurePosixPath(path.name.casefold()).suffix
    if suffix in _FORBIDDEN_SUFFIXES:
        raise UnsafeFile(f"{path.name}: {suffix} files can run code when loaded; convert it to safetensors or ONNX.")
    if _is_pickle(path):
        raise UnsafeFile(f"{path.name} is a Python pickle, whatever its name says; convert it to safetensors or ONNX.")
    if suffix == ".safetensors":
        _check_safetensors(path)
    elif suffix == ".onnx":
        _check_onnx(path)


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as stream:
        head = stream.read(4)
        if head[:1] == b"\x80" and head[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
            stream.seek(-1, 2)
            # A pickle ends with STOP; torch's legacy files start with its magic number and go on with raw storage.
            if stream.read(1) == b"." or head == b"\x80\x02\x8a\x0a":
                return True
    if head == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(path) as archive:
                return any(name.endswith(".pkl") for name in archive.namelist())
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
            raise UnsafeFile(f"{path.name} is not a whole zip archive ({error}).") from error
    return False


def _check_safetensors(path: Path) -> None:
    try:
        # Opening validates the header: its length, the JSON, and that the tensors fill the file without gap or overlap.
        with safe_open(path, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise UnsafeFile(f"{path.name} is not a whole safetensors file ({error}).") from error


# Which fields of which ONNX message hold which message (onnx.proto). Everything else is skipped by its length.
_ONNX_FIELDS: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "TrainingInfo", 25: "Function"},
    "Graph": {1: "Node", 5: "Tensor", 11: "Value", 12: "Value", 13: "Value", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "TrainingInfo": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Tensor": {},
    "Value": {2: "Type"},
    "Type": {1: "TensorType"},
    "TensorType": {2: "Shape"},
    "Shape": {},
}
_IR_VERSION, _GRAPH = 1, 7
_DIMS, _EXTERNAL_DATA, _DATA_LOCATION, _EXTERNAL = 1, 13, 14, 1
_DIM, _DIM_VALUE = 1, 1

_MAX_RANK = 64
# The densest element types pack four values into a byte.
_ELEMENTS_PER_BYTE = 4
# As 32-bit numbers 8 GiB, for one value of the graph and one picture of the batch: nothing here comes near.
_MAX_ELEMENTS = 2**31
# Protocol buffers write negative numbers like this; some exporters mean "any size" by them.
_NEGATIVE = 2**63


def _check_onnx(path: Path) -> None:
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as buffer:
            external = _walk_onnx(buffer)
    except ValueError as error:
        raise UnsafeFile(f"{path.name} is not a whole ONNX model ({error}).") from error
    if external:
        raise UnsafeFile(
            f"{path.name} keeps weights in other files (ONNX external data), which can point anywhere on the disk; "
            "save it as one file."
        )


def _walk_onnx(buffer: mmap.mmap) -> bool:
    """Whether any tensor of the model lies outside the file. Raises ``ValueError`` when it is not a model."""
    seen: set[int] = set()
    pending = [("Model", 0, len(buffer))]
    while pending:
        message, start, end = pending.pop()
        if message == "Shape":
            _check_shape(buffer, start, end)
            continue
        shape = _Shape()
        for number, value in fields(buffer, start, end):
            if message == "Tensor" and number == _DIMS:
                shape.add(integers(buffer, value))
            if message == "Model":
                seen.add(number)
            if message == "Tensor" and (number == _EXTERNAL_DATA or (number, value) == (_DATA_LOCATION, _EXTERNAL)):
                return True
            if isinstance(value, tuple) and (inner := _ONNX_FIELDS[message].get(number)):
                pending.append((inner, *value))
        # A few bytes that claim to be terabytes would be allocated before anybody looks at them.
        if message == "Tensor" and shape.elements > (end - start) * _ELEMENTS_PER_BYTE:
            raise ValueError("a tensor claims more elements than the file holds")
    if not {_IR_VERSION, _GRAPH} <= seen:
        raise ValueError("it has no graph")
    return False


def _check_shape(buffer: mmap.mmap, start: int, end: int) -> None:
    """Raise ``ValueError`` when the known sizes of a value's dimensions multiply to something absurd."""
    shape = _Shape()
    for number, span in fields(buffer, start, end):
        if number == _DIM and isinstance(span, tuple):
            sizes = (size for inner, size in fields(buffer, *span) if inner == _DIM_VALUE and isinstance(size, int))
            shape.add(size for size in sizes if 0 < size < _NEGATIVE)
    if shape.elements > _MAX_ELEMENTS:
        raise ValueError(f"a value of its graph has {shape.elements:,} elements")


class _Shape:
    """How many elements a tensor has, its dimensions counted as they come: a file may hold millions of them."""

    def __init__(self) -> None:
        self.elements = 1
        self._rank = 0

    def add(self, sizes: Iterable[int]) -> None:
        """Raises ``ValueError`` at the first dimension too many."""
        for size in sizes:
            self._rank += 1
            # Also keeps the product from growing to a number that takes hours.
            if self._rank > _MAX_RANK:
                raise ValueError(f"a tensor has over {_MAX_RANK} dimensions")
            self.elements *= size
