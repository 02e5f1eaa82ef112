"""Which store an address leads to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from registry.errors import RegistryError
from registry.store import FolderStore, Store

CACHE_BYTES = 20 * 10**9


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """A folder's path, or ``s3://bucket/prefix`` with the local folder in which up to ``cache_bytes`` of it are kept.

    It is small and holds no connection, so that it can be handed to other processes.
    """

    where: str
    cache_dir: Path | None = None
    cache_bytes: int = CACHE_BYTES

    def open(self) -> Store:
        """The store. Nothing is read or made yet. Raises :class:`RegistryError` for an address of neither kind."""
        scheme, separator, rest = self.where.partition("://")
        # Usually the value of a variable that was not set. As a path it would mean the working folder.
        if not self.where or (scheme == "s3" and separator and not rest.partition("/")[0]):
            raise RegistryError(f"{self.where!r} names no store; give a folder or s3://bucket/prefix.")
        if not separator:
            return FolderStore(Path(self.where).expanduser().resolve())
        if scheme != "s3":
            raise RegistryError(f"{scheme}:// is no kind of store; give a folder or s3://bucket/prefix.")
        if self.cache_dir is None:
            raise RegistryError(f"{self.where} needs a folder on this machine to keep what is in use.")
        try:
            from registry.s3.store import open_s3_store
        except ImportError as error:
            raise RegistryError(f"{self.where} needs boto3: .venv/bin/pip install boto3") from error
        return open_s3_store(self.where, self.cache_dir, self.cache_bytes)
