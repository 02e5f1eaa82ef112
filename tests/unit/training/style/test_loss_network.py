"""What says how to publish the loss network names the folder as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.style import loss_network


@pytest.mark.parametrize("name", ["vgg19 [bold]", "vgg19 [/red]"])
def test_brackets_in_a_folders_name_are_no_markup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setattr(loss_network, "save", lambda folder: folder / loss_network.WEIGHTS)
    told = CliRunner().invoke(loss_network.app, [str(tmp_path / name)])
    assert told.exit_code == 0
    assert f"import {tmp_path / name} --name vgg19" in told.output
