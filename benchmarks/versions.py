"""Model versions of files that come without a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from registry.integrity import sha256_of
from registry.manifest import Manifest, ModelFile, ModelVersion


def version_of(folder: Path, names: Sequence[str], **fields: Any) -> ModelVersion:
    """These files of ``folder`` as ``v1`` of a model; ``fields`` are the rest of its manifest."""
    files = [
        ModelFile(name=name, sha256=sha256_of(folder / name), size=(folder / name).stat().st_size) for name in names
    ]
    return ModelVersion(Manifest.model_validate({"version": "v1", "files": files, **fields}), folder)
