"""What pydantic finds wrong with a document, in words for the person who wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

Place = tuple[str | int, ...]
"""Where something stands in a document: keys and numbers, from the outside in."""

NOT_BLANK = r"\S"
"""The pattern of a text that says something."""


def wording(fault: Mapping[str, Any]) -> str:
    """The message of one entry of ``ValidationError.errors()``, without the name of its kind of error."""
    if fault["type"] == "string_pattern_mismatch" and fault["ctx"]["pattern"] == NOT_BLANK:
        return "Should not be blank"
    return str(fault["msg"]).removeprefix("Value error, ")


def faults(error: ValidationError) -> Iterator[tuple[Place, str]]:
    """Where each fault is (empty for the document as a whole) and what is wrong there; never the value itself."""
    for fault in error.errors(include_url=False, include_input=False):
        yield fault["loc"], wording(fault)
