"""Model versions made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from registry.manifest import ModelVersion
from tests import versions


@pytest.fixture
def version_of(tmp_path: Path) -> Callable[..., ModelVersion]:
    """``version_of({name: bytes}, task=..., input=...)``: files as a model version."""

    def make(files: dict[str, bytes], **facts: object) -> ModelVersion:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        return versions.version_of(tmp_path, files, **{"task": "face-swap", "format": "onnx"} | facts)

    return make
