from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from deployments.style.packs import IDENTITY
from tests.commands import assert_refused
from training.evaluation.report import read_report
from training.style import addition
from training.style.checkpoint import load_weights
from training.style.record import RunRecord
from training.style.trainer import Trainer


@pytest.fixture
def evaluate(store, photos, make_picture, dots, encoder_file, tmp_path):
    """The command on a network nobody trained."""
    painting = make_picture("lines.png", seed=91)

    def run(*more: str, steps: int = 3, painting: Path = painting):
        options = ["--style", f"dots={dots}", "--network", "style-tiny", "--encoder", str(encoder_file)]
        options += ["--side", "64", "--crop", "64", "--steps", str(steps), "--turns", "3"]
        options += [f"--{name}={tmp_path / name}" for name in ("runs", "report")] + ["--store", str(store.root)]
        return CliRunner().invoke(addition.app, [str(painting), str(photos), *options, *more])

    return run


def test_the_report_holds_the_time_it_takes_and_how_near_it_comes(evaluate, tmp_path) -> None:
    result = evaluate()
    assert result.exit_code in (0, 3), result.output
    document = read_report(tmp_path / "report")
    bars = {figure.name: figure.at_most for figure in document.figures}
    assert bars == {"style add: minutes": 15, "style add: style distance, times a joint one's": 1.1}
    assert all(figure.value > 0 for figure in document.figures)
    (gallery,) = (section for section in document.sections if section.kind == "pictures")
    assert gallery.captions == ("painting", "photograph", "added", "joint")


def test_the_joint_run_deals_all_styles_and_gives_the_new_one_its_turns(evaluate, tmp_path, monkeypatch) -> None:
    dealt: list[str] = []
    deal = Trainer._deal

    def noted(trainer: Trainer) -> list[int]:
        cards = deal(trainer)
        dealt.extend(trainer.names[card] for card in cards)
        return cards

    monkeypatch.setattr(Trainer, "_deal", noted)
    evaluate()
    assert {name: dealt.count(name) for name in dealt} == {IDENTITY: 2, "dots": 4, "added": 4}
    (table,) = (one for one in read_report(tmp_path / "report").sections if one.kind == "table")
    assert [row[:2] for row in table.rows] == [("added", 3), ("joint", 10)]


def test_both_begin_alike_and_only_the_joint_network_moves(evaluate, store, tmp_path) -> None:
    evaluate()
    start, joint = (load_weights(tmp_path / "runs" / one / "weights.safetensors") for one in ("start", "joint"))
    shipped = load_weights(store.get("style-tiny").path("network.safetensors"))
    for ours, theirs in zip(shipped.network.parameters(), start.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(start.styles["added"], start.styles["dots"])
    moved = zip(start.network.parameters(), joint.network.parameters(), strict=True)
    assert not any(torch.equal(a, b) for a, b in moved)
    assert not any(torch.equal(start.styles[name], joint.styles[name]) for name in start.styles)


def test_a_joint_run_goes_on_after_ctrl_c_and_is_not_taken_twice(evaluate, tmp_path, monkeypatch, ctrl_c) -> None:
    with ctrl_c(lambda trainer: trainer.step == 3):
        result = evaluate()
    assert result.exit_code == 130
    assert "the same command continues" in result.output
    assert evaluate().exit_code in (0, 3)
    assert RunRecord.read(tmp_path / "runs/joint").step == 10
    monkeypatch.setattr(Trainer, "_take_step", lambda _: pytest.fail("a finished run went on"))
    assert evaluate().exit_code in (0, 3)


def test_a_joint_run_that_began_with_other_weights_is_not_taken_for_this_one(evaluate, tmp_path) -> None:
    evaluate()
    other = tmp_path / "runs/start/weights.safetensors"
    other.write_bytes(other.read_bytes()[:-4] + b"\0\0\0\1")
    assert_refused(evaluate(), "other weights")


def test_another_painting_is_not_judged_against_the_first_ones_run(evaluate, make_picture, tmp_path) -> None:
    evaluate()
    weights = (tmp_path / "runs/joint/weights.safetensors").read_bytes()
    assert_refused(
        evaluate(painting=make_picture("waves.png", seed=92)),
        "holds a run with other paintings; give another folder for the runs",
    )
    assert (tmp_path / "runs/joint/weights.safetensors").read_bytes() == weights


def test_the_same_painting_under_another_name_takes_the_run_as_it_is(evaluate, tmp_path, monkeypatch) -> None:
    evaluate()
    moved = (tmp_path / "lines.png").rename(tmp_path / "moved.png")
    monkeypatch.setattr(Trainer, "_take_step", lambda _: pytest.fail("a finished run went on"))
    assert evaluate(painting=moved).exit_code in (0, 3)


def test_a_style_the_network_does_not_have_is_told(evaluate, make_picture) -> None:
    assert_refused(evaluate("--style", f"waves={make_picture('waves.png')}"), "style-tiny@v1 has no style waves")


def test_photographs_too_few_to_judge_on_end_with_a_sentence(evaluate, photos) -> None:
    for path in sorted(photos.iterdir())[3:]:
        path.unlink()
    assert_refused(evaluate(), "no held-out")
