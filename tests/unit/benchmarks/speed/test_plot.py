"""The picture of what the bench found."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.imaging import Photo

pytest.importorskip("matplotlib")

from benchmarks.speed.plot import draw, run


def test_every_contender_of_every_size_is_drawn(tmp_path: Path) -> None:
    names = (
        "studio: pictures a second, 256 px",
        "LitServe: pictures a second, 256 px",
        "studio: pictures a second, 64 px",
    )
    figures = [{"name": name, "value": 10.0 * (number + 1)} for number, name in enumerate(names)]
    draw({"parts": {"The graph under load": [*figures, {"name": "p99", "value": 3.0}]}}, tmp_path / "speed.png")
    assert Photo.open((tmp_path / "speed.png").read_bytes()).width > 800


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [([], "arguments are required: report, picture"), (["nowhere.json", "a.png"], "nowhere.json could not be drawn")],
)
def test_what_cannot_be_drawn_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    monkeypatch.setattr("sys.argv", ["plot", *arguments])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_without_throughput_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="serving"):
        draw(
            {"parts": {"The style engine alone": [{"name": "Johnson et al.", "value": 400.0}]}}, tmp_path / "speed.png"
        )
