"""The drill that holds the simulator against a real graph."""

from __future__ import annotations

import sys

import pytest

from drills.cluster import prediction


def test_help_is_shown_and_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["prediction", "--help"])
    monkeypatch.setattr(prediction, "studio", lambda _: pytest.fail("a studio was started"))
    with pytest.raises(SystemExit) as ended:
        prediction.main()
    assert ended.value.code == 0
    assert "simulator" in capsys.readouterr().out
