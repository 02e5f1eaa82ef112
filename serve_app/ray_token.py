"""The token by which Ray's processes know each other: whoever has it may run code here."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile


def guard_token() -> None:
    """Ray writes the token it makes for everybody on this machine to read; it is the key to running code here."""
    with contextlib.suppress(OSError, RuntimeError):  # The latter where nobody knows a home.
        token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
        token.chmod(0o600)


def find_token_a_place(folder: Path) -> None:
    """Where Ray can keep no token at home (there is none, or it is read-only), it gets one in ``folder``."""
    if os.environ.keys() & {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}:
        return
    try:
        home = Path.home() / ".ray"
        if (home / "auth_token").is_file():
            return
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=home):
            return
    except (OSError, RuntimeError):
        token = folder / "ray-token"
    folder.mkdir(parents=True, exist_ok=True)
    # Whole before it has its name: another studio reads it the moment it is there. Nobody else can read a temporary file.
    with NamedTemporaryFile("w", dir=folder, encoding="ascii") as file:
        file.write(secrets.token_hex(32))
        file.flush()
        with contextlib.suppress(FileExistsError):
            os.link(file.name, token)
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
