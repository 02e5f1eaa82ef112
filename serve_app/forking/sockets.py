"""Where sockets lie: a socket's path has a limit that other files' paths do not have."""

from __future__ import annotations

import os
import tempfile

# What Linux takes, without the zero at the end; elsewhere a little less fits.
_LIMIT = 107
_SHORT = "/tmp"  # noqa: S108  # whoever uses it makes a folder of its own in it


def temporary_folder(inside: str) -> str:
    """The folder for temporary files, or ``/tmp`` where that of a socket named ``inside`` would be too long a path."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:  # None can be written to. Whoever tries in vain says so.
        return _SHORT
    return folder if len(os.fsencode(f"{folder}/{inside}")) <= _LIMIT else _SHORT
