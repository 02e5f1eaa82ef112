"""What goes wrong with a gallery is one sentence and exit status 1."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from training.gallery.terminal import explained


def test_what_the_system_refuses_is_told_without_its_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), explained():
        (tmp_path / "me.jpg").read_bytes()
    said = " ".join(capsys.readouterr().err.split())
    assert said.endswith("me.jpg: No such file or directory")
    assert "Errno" not in said
