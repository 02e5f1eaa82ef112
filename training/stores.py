"""The store that evaluations and galleries work on: a folder, or a bucket through a cache on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from registry.manifest import ModelVersion
from registry.opening import StoreAddress
from registry.store import Store

StoreOption = Annotated[
    str,
    typer.Option(
        "--store",
        envvar=["MASQUERADE_MODELS_URL", "MASQUERADE_MODELS_DIR"],
        help="Where the model versions lie: a folder, or s3://bucket/prefix.",
    ),
]
STORE: Final = "var/models"


def opened(where: str) -> Store:
    """The store at ``where``. Versions of a bucket are kept where the studio keeps them.

    Raises ``RegistryError`` for an address of no known kind.
    """
    data = Path(os.environ.get("MASQUERADE_DATA_DIR", "var"))
    cache = Path(os.environ.get("MASQUERADE_MODELS_CACHE_DIR", data / "model-cache"))
    return StoreAddress(where, cache.expanduser().resolve()).open()


def memory_path(store: Store, faces: ModelVersion) -> Path:
    """Where the answers of a face model are remembered between runs: beside what the store keeps on this machine."""
    return store.downloads().parent / ".galleries" / f"{faces.ref}.sqlite"
