"""Evaluations and galleries work on a folder or on a bucket."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from registry.errors import RegistryError
from registry.manifest import ModelVersion
from registry.store import FolderStore
from tests.versions import manifest_of
from training.stores import STORE, StoreOption, memory_path, opened

FACES = ModelVersion(manifest_of({}, model="finder", task="face-analysis"), Path())


def test_a_path_is_a_folder(tmp_path: Path) -> None:
    store = opened(str(tmp_path / "models"))
    assert isinstance(store, FolderStore)
    assert memory_path(store, FACES) == tmp_path / "models" / ".galleries" / "finder@v1.sqlite"


def test_a_bucket_is_kept_where_the_studio_keeps_it(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("boto3")
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = opened("s3://models/studio")
    assert store.where == "s3://models/studio"
    assert memory_path(store, FACES).is_relative_to(tmp_path / "model-cache")
    monkeypatch.setenv("MASQUERADE_MODELS_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert memory_path(opened("s3://models/studio"), FACES).is_relative_to(tmp_path / "elsewhere")


def test_as_much_of_a_bucket_is_kept_as_the_studio_keeps(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("boto3")
    kept: list[int] = []
    monkeypatch.setattr("registry.s3.store.open_s3_store", lambda _where, _cache, most: kept.append(most))
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path))
    opened("s3://models/studio")
    monkeypatch.setenv("MASQUERADE_MODELS_CACHE_GB", "0.5")
    opened("s3://models/studio")
    assert kept == [20 * 10**9, 5 * 10**8]


@pytest.mark.parametrize("size", ["large", "-1", "inf", "nan", ""])
def test_a_cache_of_no_size_is_refused(size: str, monkeypatch) -> None:
    monkeypatch.setenv("MASQUERADE_MODELS_CACHE_GB", size)
    with pytest.raises(RegistryError, match="MASQUERADE_MODELS_CACHE_GB"):
        opened("s3://models/studio")


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(RegistryError, match="ftp:// is no kind of store"):
        opened("ftp://models")


@pytest.mark.parametrize(
    ("environment", "used"),
    [
        ({}, STORE),
        ({"MASQUERADE_MODELS_DIR": "there"}, "there"),
        ({"MASQUERADE_MODELS_DIR": "there", "MASQUERADE_MODELS_URL": "s3://models"}, "s3://models"),
    ],
)
def test_the_studios_own_store_is_the_usual_one(monkeypatch, environment: dict[str, str], used: str) -> None:
    for name in ("MASQUERADE_MODELS_DIR", "MASQUERADE_MODELS_URL"):
        monkeypatch.delenv(name, raising=False)
    app = typer.Typer()

    @app.command()
    def tell(store: StoreOption = STORE) -> None:
        typer.echo(store)

    assert CliRunner().invoke(app, [], env=environment).stdout.strip() == used


@pytest.mark.parametrize(("data_dir", "used"), [(None, "var/models"), ("/srv/studio", "/srv/studio/models")])
def test_models_lie_where_the_studio_keeps_its_data(data_dir: str | None, used: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MASQUERADE_DATA_DIR"}
    if data_dir is not None:
        environment["MASQUERADE_DATA_DIR"] = data_dir
    asked = [sys.executable, "-c", "from training.stores import STORE; print(STORE)"]
    assert subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.strip() == used
