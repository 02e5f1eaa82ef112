"""The wire format of protocol buffers, as far as it takes to walk through a model file without loading it."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

Field = tuple[int, int | tuple[int, int] | None]
"""A field's number with an integer, the span (start, end) of a block, or ``None`` for a number of fixed width."""


def fields(buffer: mmap.mmap, position: int, end: int) -> Iterator[Field]:
    """The fields of the message between two positions. Raises ``ValueError`` when it is none."""
    while position < end:
        key, position = _varint(buffer, position, end)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(buffer, position, end)
            yield number, value
            continue
        if wire_type == 2:
            length, position = _varint(buffer, position, end)
            span = (position, position + length)
        elif wire_type in {1, 5}:
            length, span = (8 if wire_type == 1 else 4), None
        else:
            raise ValueError("it is not protobuf")
        position += length
        if number == 0 or position > end:
            raise ValueError("it is cut short" if number else "it is not protobuf")
        yield number, span


def integers(buffer: mmap.mmap, value: int | tuple[int, int] | None) -> Iterator[int]:
    """A repeated integer field's numbers, whether written one by one or packed into a block."""
    if isinstance(value, int):
        yield value
        return
    position, end = value or (0, 0)
    while position < end:
        number, position = _varint(buffer, position, end)
        yield number


def _varint(buffer: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise ValueError("it is cut short")
        byte = buffer[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("it is not protobuf")
