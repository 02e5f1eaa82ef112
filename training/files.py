"""Files that are whole or not there."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write beside ``path`` and move it there, so that neither a full disk nor an interruption costs the last good file.

    Raises ``OSError``.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(data)
    except OSError:
        # Half a file would only take what little room there is.
        if partial.is_file():
            partial.unlink()
        raise
    partial.replace(path)
