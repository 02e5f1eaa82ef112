"""Cards: what is said of a model version besides its files, as YAML beside the code that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from registry.manifest import Description, Manifest, PackageSource
from registry.publish import describe


def read_yaml(path: Path) -> Any:
    """Raises ``OSError``, or ``ValueError`` for what is not YAML."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error


def load_card(path: Path) -> Description:
    """Raises ``OSError`` or ``ValueError``."""
    return Description.model_validate(read_yaml(path))


def manifest_of(card: Description, folder: Path, package: str | None, extra: Mapping[str, Any]) -> Manifest:
    """Vouch for the folder's files. With ``package`` they can be pulled out of that installed Python package."""
    files = []
    for entry in describe(folder, card).files:
        inside = f"starter/{card.model}/{card.version}/{entry.name}"
        sources = (PackageSource(package=package, file=inside),) if package else ()
        files.append(entry.model_copy(update={"sources": sources}))
    return Manifest.model_validate(card.model_dump() | {"files": tuple(files)} | dict(extra))
