"""``masquerade render`` where nothing can be written."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from serve_app.commands.render import app


def test_a_place_that_cannot_be_written_to_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "serve_config.yaml").mkdir()
    outcome = CliRunner().invoke(app, [str(tmp_path)])
    assert outcome.exit_code == 1
    assert isinstance(outcome.exception, SystemExit)
    assert "Is a directory" in outcome.stderr
