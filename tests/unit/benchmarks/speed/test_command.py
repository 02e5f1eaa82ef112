"""What `make bench` refuses to begin."""

from __future__ import annotations

import sys

import pytest

from benchmarks.speed import __main__ as command


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serving"], "not installed: litserve, bentoml; `make bench` installs"),
        (["engine", "speed"], "no such part: speed"),
    ],
)
def test_what_could_not_be_measured_whole_is_not_begun(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    monkeypatch.setattr(command, "find_spec", lambda _peer: None)
    monkeypatch.setattr(command, "measured_apart", lambda part: pytest.fail(f"{part} was measured"))
    with pytest.raises(SystemExit) as ended:
        command.run()
    assert ended.value.code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())
