"""A store in a folder, and small versions for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from registry.manifest import Manifest
from registry.store import FolderStore
from tests import versions

Publish = Callable[..., Manifest]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "models")


@pytest.fixture
def publish(store: FolderStore) -> Publish:
    """Publishes a version made of ``files`` and gives its manifest."""
    return partial(versions.publish, store)
