"""Model versions made on the spot."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from registry.manifest import Licence, Manifest, ModelFile, ModelVersion
from registry.store import Store

FREE = Licence(name="MIT", commercial_use=True)


def manifest_of(files: Mapping[str, bytes], **fields: Any) -> Manifest:
    """The manifest of files (name to content). What ``fields`` leave open is net@v1, free, and paints."""
    entries = tuple(
        ModelFile(name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data)) for name, data in files.items()
    )
    told = {"model": "net", "version": "v1", "task": "style", "format": "data", "licence": FREE}
    return Manifest.model_validate({**told, "files": entries, **fields})


def publish(store: Store, files: Mapping[str, bytes] | None = None, **fields: Any) -> Manifest:
    """Publish a version made of ``files``, a small one where none are given, and give its manifest."""
    content = {"weights.dat": b"weights"} if files is None else files
    manifest = manifest_of(content, **fields)
    with store.stage(manifest.ref) as staged:
        for name, data in content.items():
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).write_bytes(data)
        store.publish(manifest, staged)
    return manifest


def version_of(folder: Path, names: Iterable[str] | None = None, **fields: Any) -> ModelVersion:
    """Files that lie in ``folder``, all of them unless named, as a model version."""
    if names is None:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return ModelVersion(manifest_of({name: (folder / name).read_bytes() for name in names}, **fields), folder)
