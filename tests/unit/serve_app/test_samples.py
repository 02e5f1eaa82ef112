"""Photos to try are offered where they can be read, and missed by nobody where they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry.errors import RegistryError, StoreUnavailable, UnknownModelVersion
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


@pytest.mark.parametrize("asked", ["models", "manifest", "get"])
@pytest.mark.parametrize(
    "error",
    [StoreUnavailable("s3://models cannot be reached."), UnknownModelVersion("It was removed."), OSError("stale")],
)
def test_a_store_that_is_away_keeps_no_studio_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str, error: RegistryError | OSError
) -> None:
    publish(FolderStore(tmp_path), model="photos", task="samples", input={"photos": []})

    def away(*_: object) -> None:
        raise error

    monkeypatch.setattr(FolderStore, asked, away)
    assert installed_samples(FolderStore(tmp_path)) == ()
