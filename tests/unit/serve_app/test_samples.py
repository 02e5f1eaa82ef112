"""Photos to try are offered where they can be read, and missed by nobody where they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry.store import FolderStore
from serve_app.samples import installed_samples
from tests.versions import publish


def test_models_without_readable_photos_offer_none(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    contracts: list[dict[str, Any]] = [{}, {"photos": [{"name": "me"}]}, {"photos": 3}, {"photos": []}]
    for number, contract in enumerate(contracts):
        publish(store, model=f"photos-{number}", task="samples", input=contract)
    (tmp_path / "junk" / "v1").mkdir(parents=True)
    (tmp_path / "junk" / "v1" / "manifest.yaml").write_text("[")
    assert installed_samples(store) == ()
