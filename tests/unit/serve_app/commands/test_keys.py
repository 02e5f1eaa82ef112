"""``masquerade keys`` where there is no database, or no such key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from serve_app.commands.keys import app


@pytest.mark.parametrize("arguments", [["list"], ["create", "gallery-app"], ["revoke", "3f"]])
def test_a_database_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path, monkeypatch, arguments) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path / "file"))
    outcome = CliRunner().invoke(app, arguments)
    assert outcome.exit_code == 1
    assert outcome.stderr.startswith("The database cannot be used: ")
    assert "Traceback" not in outcome.output


def test_a_key_nobody_has_is_named_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path))
    outcome = CliRunner().invoke(app, ["revoke", "[/x]"])
    assert outcome.exit_code == 1
    assert "still good: [/x]" in outcome.stderr


@pytest.mark.parametrize("arguments", [["list"], ["create", "gallery-app"], ["revoke", "3f"]])
def test_a_database_that_breaks_once_it_is_open_is_told_in_a_sentence(tmp_path: Path, monkeypatch, arguments) -> None:
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ["list"]).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "masquerade.db")) as database:
        database.execute("DROP TABLE api_keys")
    outcome = CliRunner().invoke(app, arguments)
    assert (outcome.exit_code, type(outcome.exception)) == (1, SystemExit)
    assert outcome.stderr.strip() == "The database cannot be used: (sqlite3.OperationalError) no such table: api_keys"
