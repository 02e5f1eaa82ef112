"""The doctor prints what it found and its exit status says whether the studio could start."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve_app.commands.doctor import app
from serve_app.doctor import probes


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASQUERADE_MODELS_DIR", "MASQUERADE_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(probes, "visible_gpus", list)
    monkeypatch.setattr(probes, "port_holder", lambda port: "python (process 42)" if port == 8000 else None)


def test_what_is_missing_comes_with_its_command_and_exit_status_1(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--store", str(tmp_path)])
    assert result.exit_code == 1
    assert f"No models in {tmp_path}" in result.output
    assert "→ Run: masquerade models pull --starter" in result.output
    assert "Port 8000 (the studio) is taken by python (process 42)" in result.output


def test_a_gpu_that_must_be_there_and_is_not_is_a_problem(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--gpu", "--store", str(tmp_path)])
    assert result.exit_code == 1
    assert "✗ No NVIDIA GPU is visible" in result.output


def test_a_folder_in_brackets_is_named_as_it_is(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--store", str(tmp_path / "[/x]")])
    assert result.exit_code == 1
    assert f"Models in {tmp_path}/[/x]" in result.output


def test_a_store_that_cannot_be_opened_is_a_finding_among_the_others() -> None:
    result = CliRunner().invoke(app, ["--store", "ftp://models/studio"])
    assert result.exit_code == 1
    assert "✗ ftp:// is no kind of store; give a folder or s3://bucket/prefix." in result.output
    assert "Disk" in result.output


def test_every_wrong_setting_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_DEADLINE_S", "-1")
    monkeypatch.setenv("MASQUERADE_DATABASE_URL", "mysql://x")
    result = CliRunner().invoke(app, ["--store", str(tmp_path)])
    assert "✗ MASQUERADE_DEADLINE_S: Input should be greater than 0" in result.output
    assert "✗ MASQUERADE_DATABASE_URL: a database's address begins with" in result.output


def test_a_wrong_setting_is_a_finding_not_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_PORT", "eight thousand")
    result = CliRunner().invoke(app, ["--store", str(tmp_path)])
    assert result.exit_code == 1
    assert "✗ MASQUERADE_PORT: Input should be a valid integer" in result.output
