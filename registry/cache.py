"""A bounded folder of versions on this machine, shared by all its processes, in front of a store that is elsewhere.

It is a :class:`FolderStore` that may forget: the versions used longest ago go when a new one needs their room, except
those a running process holds (:mod:`registry.leases`). Several processes that want the same version wait for the one
that fetches it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from registry.errors import BrokenVersion, InUse, RegistryError, UnknownModelVersion
from registry.leases import holders
from registry.manifest import MANIFEST, Manifest, ModelVersion
from registry.store import FolderStore

# The parts of a version's files, and the marks beside them, as :mod:`registry.s3.store` calls them.
_PART = re.compile(r"(.+@.+)-\d+-[0-9a-f]{64}\.part")


class Cache:
    """``limit`` bounds the bytes of everything in the folder, unfinished downloads included."""

    def __init__(self, root: Path, limit: int) -> None:
        self.folder = FolderStore(root)
        self.limit = limit

    def get(self, ref: str) -> ModelVersion | None:
        """The version (``name@version``) if it is here and whole, marked as used now. A damaged one is forgotten."""
        try:
            version = self.folder.get(ref)
        except UnknownModelVersion:
            return None
        except BrokenVersion:
            self.forget(ref)
            return None
        self._used(ref)
        return version

    def add(self, manifest: Manifest, staged: Path) -> ModelVersion:
        """Turn a staged folder (``folder.stage``) into a version that counts as used now. Raises as publishing does."""
        version = self.folder.publish(manifest, staged)
        self._used(version.ref)
        return version

    def forget(self, ref: str) -> None:
        """Remove the version from this machine."""
        with suppress(UnknownModelVersion):
            self.folder.discard(ref)
        self._mark(ref).unlink(missing_ok=True)

    def fetching(self, ref: str) -> FileLock:
        """Held by the one process, and thread, of this machine that fetches ``ref``."""
        return self._lock(ref)

    @contextmanager
    def room(self, ref: str, needed: Callable[[], int]) -> Iterator[None]:
        """Make room for what ``needed`` counts, and hold it for the block.

        What interrupted downloads of other versions left behind goes first, then what was used longest ago. The block is
        to take the room up at once (allocate its files). Raises :class:`RegistryError` when there is not enough that
        could go; no version is forgotten in vain.
        """
        with self._lock("room"):
            self.folder.sweep()
            if (missing := self._missing(needed)) > 0:
                self._drop_leftovers(besides=ref)
                missing = self._missing(needed)
            held = holders(self.folder.leases())
            unused = [(other, size) for other, size in self._by_last_use(besides=ref) if other not in held]
            short = missing - sum(size for _, size in unused)
            for candidate, size in unused if short <= 0 else ():
                if missing <= 0:
                    break
                if self._forgotten(candidate):
                    missing -= size
            if missing > 0:
                raise RegistryError(
                    f"{ref} does not fit into the cache {self.folder.root}: {missing / 1e6:,.1f} MB are missing, "
                    f"more than what is not in use takes up. Raise MASQUERADE_MODELS_CACHE_GB above {self.limit / 1e9:g}."
                )
            yield

    def make_room(self, ref: str) -> None:
        """Bring the folder, in which the files of ``ref`` are being put together, back to its limit."""
        with self.room(ref, lambda: 0):
            return

    def size(self) -> int:
        """Bytes in the folder."""
        return _bytes_below(self.folder.root)

    def _missing(self, needed: Callable[[], int]) -> int:
        return self.size() + needed() - self.limit

    def _drop_leftovers(self, besides: str) -> None:
        """Remove the parts of versions that nobody is fetching now."""
        for path in self.folder.downloads().iterdir():
            owner = _PART.match(path.name)
            if owner is None or owner[1] == besides:
                continue
            with suppress(Timeout), self._lock(owner[1]).acquire(blocking=False):
                path.unlink(missing_ok=True)

    def _by_last_use(self, besides: str) -> list[tuple[str, int]]:
        found: list[tuple[float, str, int]] = []
        for model in self.folder.models():
            for version in self.folder.versions(model):
                ref = f"{model}@{version}"
                if ref != besides:
                    found.append((self._last_use(ref), ref, _bytes_below(self.folder.root / model / version)))
        return [(ref, size) for _, ref, size in sorted(found)]

    def _last_use(self, ref: str) -> float:
        model, _, version = ref.partition("@")
        for path in (self._mark(ref), self.folder.root / model / version / MANIFEST):
            with suppress(FileNotFoundError):
                return path.stat().st_mtime
        return 0.0

    def _forgotten(self, ref: str) -> bool:
        lock = self._lock(ref)
        try:
            with lock.acquire(blocking=False):
                # Asked before the veto is: that comes when the version is out of its place already, and its holder would
                # miss it.
                if self._held(ref) is not None:
                    return False
                self.folder.discard(ref, veto=lambda: self._held(ref))
        except (Timeout, InUse, UnknownModelVersion):
            return False
        self._mark(ref).unlink(missing_ok=True)
        return True

    def _held(self, ref: str) -> str | None:
        who = holders(self.folder.leases()).get(ref)
        return f"held by {', '.join(who)}" if who else None

    def _used(self, ref: str) -> None:
        mark = self._mark(ref)
        with suppress(OSError):
            mark.parent.mkdir(exist_ok=True)
            mark.touch()

    def _mark(self, ref: str) -> Path:
        return self.folder.root / ".used" / ref

    def _lock(self, name: str) -> FileLock:
        folder = self.folder.root / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / f"{name}.lock")


def _bytes_below(root: Path) -> int:
    """Bytes of all files below a folder in which files and folders come and go while others work there."""
    total = 0
    # Unlike Path.rglob it passes over a folder that is gone by the time it is looked into.
    for folder, _, names in os.walk(root):
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(folder, name).lstat().st_size
    return total
