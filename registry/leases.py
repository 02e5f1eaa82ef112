"""Leases: what keeps garbage collection from taking a version that a running replica uses.

A replica writes down, under a name of its own, which versions it has in memory and until when that holds, and renews
it while it lives. One that is killed renews nothing, and what it held is free again after a while.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from registry.errors import RegistryError
from registry.integrity import replace_text

log = logging.getLogger(__name__)

TTL = timedelta(minutes=15)
"""How long a lease outlives its holder. Clocks of nodes may differ by less than that."""


@dataclass(frozen=True, slots=True)
class Held:
    """One holder's versions (``name@version``), and until when.

    Raises ``ValueError`` for a holder's name that could not be a file's: letters, digits and ``._#:@-`` are fine.
    """

    holder: str
    refs: tuple[str, ...]
    until: AwareDatetime

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._#:@-]{0,199}", self.holder):
            raise ValueError(f"{self.holder!r} cannot be the name of a lease's holder")

    @property
    def expired(self) -> bool:
        return datetime.now(UTC) > self.until

    @property
    def abandoned(self) -> bool:
        """Whether it expired so long ago that its holder, asleep perhaps, will not renew it any more."""
        return datetime.now(UTC) > self.until + TTL


_HELD = TypeAdapter(Held)


def dump_held(held: Held) -> str:
    """The lease as one line of JSON."""
    return _HELD.dump_json(held).decode()


def load_held(text: str | bytes) -> Held | None:
    """Read what :func:`dump_held` wrote; ``None`` for anything else, such as a file of a later release."""
    with suppress(ValidationError):
        return _HELD.validate_json(text)
    return None


def holders(leases: Iterable[Held]) -> dict[str, list[str]]:
    """The versions that are held, each with the names of who holds it."""
    found: dict[str, list[str]] = {}
    for lease in leases:
        for ref in lease.refs:
            found.setdefault(ref, []).append(lease.holder)
    return found


class FolderLeases:
    """Leases as files of a folder, one per holder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, held: Held) -> None:
        """Write or renew; holding nothing removes the lease."""
        path = self._folder / f"{held.holder}.json"
        if held.refs:
            replace_text(path, dump_held(held))
        else:
            path.unlink(missing_ok=True)

    def all(self) -> list[Held]:
        """Every lease that is in force."""
        return [held for _, held in self._found() if not held.expired]

    def sweep(self) -> None:
        """Remove what holders that died left behind."""
        for path, held in self._found():
            if held.abandoned:
                path.unlink(missing_ok=True)

    def _found(self) -> Iterator[tuple[Path, Held]]:
        for path in sorted(self._folder.glob("*.json")):
            with suppress(FileNotFoundError):
                if (held := load_held(path.read_bytes())) is not None:
                    yield path, held


class Holding(Protocol):
    """As much of a store as holding its versions takes."""

    @property
    def where(self) -> str: ...

    def hold(self, held: Held) -> None: ...


class Lease:
    """Holds versions of a store for this process, and renews that on a thread until it is closed.

    Trouble with the store is logged and tried again at the next renewal: a replica serves on without its lease.
    """

    def __init__(self, store: Holding, holder: str | None = None, ttl: timedelta = TTL) -> None:
        """``holder`` defaults to a name that no other process has."""
        self._store = store
        self._holder = holder or f"{_host()}-{os.getpid()}-{os.urandom(3).hex()}"
        self._ttl = ttl
        self._refs: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._thread.start()

    def hold(self, refs: Collection[str]) -> None:
        """Hold these versions (``name@version``) and no others from now on.

        Hold a version before loading it, together with the one it will replace.
        """
        with self._lock:
            self._refs = tuple(sorted(set(refs)))
            self._write()

    def close(self) -> None:
        """Let go of everything. A second time does nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._thread.join()
        self.hold(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep(self) -> None:
        while not self._closed.wait(self._ttl.total_seconds() / 3):
            with self._lock:
                if self._refs:
                    self._write()

    def _write(self) -> None:
        try:
            self._store.hold(Held(self._holder, self._refs, datetime.now(UTC) + self._ttl))
        except (RegistryError, OSError) as error:
            log.warning("%s cannot be held in %s: %s", ", ".join(self._refs), self._store.where, error)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()).lstrip(".-")[:100] or "host"
