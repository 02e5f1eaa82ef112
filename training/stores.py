"""Stores that commands work on: a folder, or a bucket through a cache on this machine; to export into, a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from registry.errors import RegistryError, VersionExists
from registry.manifest import Description, ModelVersion
from registry.opening import CACHE_BYTES, StoreAddress
from registry.store import FolderStore, Store

StoreOption = Annotated[
    str,
    typer.Option(
        "--store",
        envvar=["MASQUERADE_MODELS_URL", "MASQUERADE_MODELS_DIR"],
        help="Where the model versions lie: a folder, or s3://bucket/prefix.",
    ),
]
# Where the studio looks for versions when nothing else is said.
STORE: Final = str(Path(os.environ.get("MASQUERADE_DATA_DIR", "var")) / "models")


def opened(where: str) -> Store:
    """The store at ``where``. Versions of a bucket are kept where the studio keeps them, and as many.

    Raises ``RegistryError`` for an address of no known kind, and for a cache of no size.
    """
    data = Path(os.environ.get("MASQUERADE_DATA_DIR", "var"))
    cache = Path(os.environ.get("MASQUERADE_MODELS_CACHE_DIR", data / "model-cache"))
    return StoreAddress(where, cache.expanduser().resolve(), _cache_bytes()).open()


def _cache_bytes() -> int:
    gigabytes = os.environ.get("MASQUERADE_MODELS_CACHE_GB")
    if gigabytes is None:
        return CACHE_BYTES
    try:
        size = int(float(gigabytes) * 10**9)
    except (ValueError, OverflowError):
        size = 0
    if size <= 0:
        raise RegistryError(f"MASQUERADE_MODELS_CACHE_GB is {gigabytes!r}, which is no number of gigabytes")
    return size


def with_room(root: Path, *cards: Description) -> FolderStore:
    """The store in a folder, to publish versions of these cards in. Nothing is written yet.

    To be asked before the work: raises ``VersionExists`` where one is there, for what is published never changes.
    """
    store = FolderStore(root)
    for card in cards:
        if card.version in store.versions(card.model):
            raise VersionExists(
                f"{card.ref} is in {root} already, and what is published never changes: "
                "give another store, or another version in its card."
            )
        if (place := root / card.model / card.version).exists():
            raise VersionExists(f"{place} is in the way and is no model version; remove it first.")
    return store


def memory_path(store: Store, faces: ModelVersion) -> Path:
    """Where the answers of a face model are remembered between runs: beside what the store keeps on this machine."""
    return store.downloads().parent / ".galleries" / f"{faces.ref}.sqlite"
