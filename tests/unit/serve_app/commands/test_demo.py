"""What `masquerade demo` looks at before it begins."""

from __future__ import annotations

import sys
from pathlib import Path

from typer.testing import CliRunner

from serve_app.commands.demo import app


def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_fetched_or_started(
    tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("MASQUERADE_MODELS_DIR", str(tmp_path / "models"))
    outcome = CliRunner().invoke(app, ["--once", "--out", str(tmp_path / "a-file" / "out")])
    assert outcome.exit_code == 1
    assert "cannot be written to: Not a directory" in outcome.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-file"]


def test_a_bucket_without_what_speaks_to_it_ends_in_a_sentence(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MASQUERADE_MODELS_URL", "s3://models/studio")
    monkeypatch.setitem(sys.modules, "registry.s3.store", None)
    outcome = CliRunner().invoke(app, ["--once", "--out", str(tmp_path / "out")])
    assert outcome.exit_code == 1
    assert "s3://models/studio needs boto3" in outcome.output
