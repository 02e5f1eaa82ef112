"""What `make bench` refuses to begin."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.apart import NothingMeasured
from benchmarks.faces.command import measure
from benchmarks.figures import Figure
from benchmarks.speed import __main__ as command


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serving"], "not installed: litserve, bentoml; `make bench` installs"),
        (["engine", "speed"], "no such part: speed"),
        (
            ["calls", "engine"],
            "engine needs nowhere/style_nets/fns_wave.onnx of the research data; set MASQUERADE_DATA",
        ),
        (["masterpiece"], "masterpiece needs nowhere/styles/starry_night.jpg of the research data"),
    ],
)
def test_what_could_not_be_measured_whole_is_not_begun(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    monkeypatch.setattr(command, "find_spec", lambda peer: peer == "pastiche" or None)
    monkeypatch.setattr(command, "installed_samples", lambda _store: ("a photo",))
    monkeypatch.setenv("MASQUERADE_DATA", "nowhere")
    monkeypatch.setattr(command, "measured_apart", lambda part: pytest.fail(f"{part} was measured"))
    with pytest.raises(SystemExit) as ended:
        command.run()
    assert ended.value.code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_without_the_starter_models_nothing_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "decode"])
    monkeypatch.setenv("MASQUERADE_MODELS_DIR", str(tmp_path))
    monkeypatch.setattr(command, "measured_apart", lambda part: pytest.fail(f"{part} was measured"))
    with pytest.raises(SystemExit):
        command.run()
    assert "run: masquerade models pull --starter" in " ".join(capsys.readouterr().err.split())


def test_a_bench_that_measured_nothing_leaves_the_report_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(part: str) -> list[Figure]:
        raise NothingMeasured(part)

    (tmp_path / "reports").mkdir()
    report = tmp_path / "reports/bench.json"
    report.write_text("the one before")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "decode"])
    monkeypatch.setattr(command, "installed_samples", lambda _store: ("a photo",))
    monkeypatch.setattr(command, "measured_apart", measured)
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    assert command.run() == 1
    assert report.read_text() == "the one before"
    assert "not measured: decode" in capsys.readouterr().err


def test_face_figures_without_their_data_end_with_a_sentence(tmp_path: Path) -> None:
    def run(data: Path) -> list[Figure]:
        (data / "faces_lfw").read_bytes()
        return []

    with pytest.raises(SystemExit, match="faces_lfw.*; --data names the folder of the research data"):
        measure("Verification", run, tmp_path)
