"""What ends a command of this package in a sentence."""

from __future__ import annotations


class Failure(Exception):
    """Something outside the program kept it from its work; the message says what, and what would help."""


def in_words(error: Exception) -> str:
    """What went wrong; of an operating system's error the file and the reason, without its number."""
    match error:
        case ModuleNotFoundError(name=str(name)):
            return f"{name} is not installed, which this command needs: sh deploy/install.sh dev installs everything"
        case OSError(strerror=str(reason), filename=None):
            return reason
        case OSError(strerror=str(reason), filename=name):
            return f"{name}: {reason}"
    return str(error)
