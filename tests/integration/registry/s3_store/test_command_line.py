"""The command line on a store in a bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drills.faulty_proxy import FaultyProxy
from registry.store import FolderStore, Store
from serve_app.commands.models import app
from tests.integration.registry.s3_store.content import LARGE, versions_in
from tests.versions import publish

boto3 = pytest.importorskip("boto3")


def test_a_version_goes_from_a_folder_through_the_bucket_to_another_machine(
    at: Callable[..., Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("MASQUERADE_USER", "ada")
    local = FolderStore(tmp_path / "mine")
    for version in ("v1", "v2"):
        publish(local, {"net.dat": LARGE, "version.txt": version.encode()}, version=version)
    push = ("push", "net@v1", "net@v2", "--from", str(local.root), "--to", "s3://models/studio")
    assert run(*push).count("pushed  net@v") == 2
    monkeypatch.setenv("MASQUERADE_MODELS_URL", "s3://models/studio")
    monkeypatch.setenv("MASQUERADE_MODELS_CACHE_DIR", str(tmp_path / "cache-b"))
    assert "net@v1" in run("list")
    assert versions_in(tmp_path / "cache-b") == set()
    assert "present  net@v2" in run("pull", "net")
    assert versions_in(tmp_path / "cache-b") == {"net@v2"}
    run("promote", "net@v2", "--why", "sharper")
    assert "sharper" in run("audit", "net")
    assert "ok      net@v1" in run("verify")
    assert "0 of 2 versions would go" in run("gc", "--dry-run")


def test_a_bucket_out_of_reach_is_one_sentence(
    network: FaultyProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MASQUERADE_MODELS_URL", "s3://models/studio")
    monkeypatch.setenv("MASQUERADE_MODELS_CACHE_DIR", str(tmp_path))
    network.vanish()
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 1
    assert "s3://models/studio cannot be reached" in result.output
    assert len(result.output.strip().splitlines()) == 1
