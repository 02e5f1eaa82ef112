"""An address leads to one store, or is said to be none."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.errors import RegistryError
from registry.opening import StoreAddress


@pytest.mark.parametrize("where", ["", "s3://", "s3:///prefix"])
def test_an_address_without_a_name_is_refused(where: str, tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="names no store; give a folder or s3://bucket/prefix"):
        StoreAddress(where, tmp_path).open()


def test_a_folder_may_be_called_like_a_kind_of_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert StoreAddress("s3").open().where == str(tmp_path / "s3")
