"""What ends a command of this package in a sentence."""

from __future__ import annotations


class Failure(Exception):
    """Something outside the program kept it from its work; the message says what, and what would help."""


def in_words(error: Exception) -> str:
    """What went wrong; of an operating system's error the file and the reason, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror if error.filename is None else f"{error.filename}: {error.strerror}"
    return str(error)
