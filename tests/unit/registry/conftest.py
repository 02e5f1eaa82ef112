"""Small model versions made on the spot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.manifest import Licence, Manifest, ModelFile
from registry.store import FolderStore

Publish = Callable[..., Manifest]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "models")


@pytest.fixture
def manifest_of() -> Callable[..., Manifest]:
    """Makes the manifest of ``files`` (name to bytes)."""

    def make(files: dict[str, bytes], model: str = "net", version: str = "v1", **fields: object) -> Manifest:
        entries = tuple(
            ModelFile(name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
            for name, data in files.items()
        )
        told = {"task": "style", "format": "data", "licence": Licence(name="MIT", commercial_use=True)}
        return Manifest.model_validate({"model": model, "version": version, "files": entries, **told, **fields})

    return make


@pytest.fixture
def publish(store: FolderStore, manifest_of: Callable[..., Manifest]) -> Publish:
    """Publishes a version made of ``files`` and gives its manifest."""

    def make(files: dict[str, bytes] | None = None, **fields: object) -> Manifest:
        content = {"weights.dat": b"weights"} if files is None else files
        manifest = manifest_of(content, **fields)
        with store.stage(manifest.ref) as staged:
            for name, data in content.items():
                (staged / name).parent.mkdir(parents=True, exist_ok=True)
                (staged / name).write_bytes(data)
            store.publish(manifest, staged)
        return manifest

    return make
