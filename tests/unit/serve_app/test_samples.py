"""Photos to try are offered where they can be read, and missed by nobody where they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry.manifest import Licence, Manifest
from registry.store import FolderStore
from serve_app.samples import installed_samples


def test_models_without_readable_photos_offer_none(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    licence = Licence(name="MIT", commercial_use=True)
    contracts: list[dict[str, Any]] = [{}, {"photos": [{"name": "me"}]}, {"photos": 3}, {"photos": []}]
    for number, contract in enumerate(contracts):
        manifest = Manifest(
            model=f"photos-{number}",
            version="v1",
            task="samples",
            format="data",
            files=(),
            licence=licence,
            input=contract,
        )
        with store.stage(manifest.ref) as staged:
            store.publish(manifest, staged)
    (tmp_path / "junk" / "v1").mkdir(parents=True)
    (tmp_path / "junk" / "v1" / "manifest.yaml").write_text("[")
    assert installed_samples(store) == ()
