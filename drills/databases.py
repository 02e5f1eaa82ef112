"""Databases for a drill: a SQLite file, or a PostgreSQL server of its own that is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from benchmarks.ports import free_port

Kind = Literal["sqlite", "postgresql"]


class NotInstalled(Exception):
    """There is no PostgreSQL on this machine."""


def installed() -> list[Kind]:
    """What this machine has."""
    return ["sqlite", "postgresql"] if _initdb() else ["sqlite"]


@contextlib.contextmanager
def database(kind: Kind, folder: Path) -> Iterator[str]:
    """The address of an empty database; a SQLite file lies in ``folder``."""
    if kind == "sqlite":
        yield f"sqlite+aiosqlite:///{folder / 'studio.db'}"
    else:
        with postgresql() as url:
            yield url


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database on a server that runs until the block ends. Raises :class:`NotInstalled`."""
    initdb = _initdb()
    if initdb is None:
        raise NotInstalled("PostgreSQL is not installed (Debian: apt install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    data, port = folder / "data", free_port()
    become: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        shutil.chown(folder, "nobody")
        become = ["runuser", "-u", "nobody", "--"]
    control = [*become, str(Path(initdb).with_name("pg_ctl")), "-D", str(data), "-w"]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    try:
        _call([*become, initdb, "-D", str(data), "-A", "trust", "-U", "studio", "--no-sync"])
        _call([*control, "-l", str(folder / "log"), "-o", options, "start"])
        try:
            yield f"postgresql+asyncpg://studio@127.0.0.1:{port}/postgres"
        finally:
            _call([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _initdb() -> str | None:
    # Debian keeps the server's programs beside the version, off the PATH.
    programs = [
        *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True),
        *os.environ["PATH"].split(":"),
    ]
    return shutil.which("initdb", path=":".join(programs))


def _call(command: list[str]) -> None:
    # In a session of its own: Ctrl-C is for the drill, which then stops the server in order.
    subprocess.run(command, check=True, capture_output=True, start_new_session=True)
