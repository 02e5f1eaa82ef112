from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from tests.commands import assert_refused, said
from training.style import train as module
from training.style.checkpoint import load_weights
from training.style.network import StyleNetwork
from training.style.record import RunRecord
from training.style.run import worn_out
from training.style.trainer import Trainer


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch, tiny) -> None:
    """The command line trains the shipped architecture; here it may take no longer than a test."""
    monkeypatch.setattr(module, "SIZES", {"lean": tiny, "fine": replace(tiny, coarse=8)})


@pytest.fixture
def command(photos, dots, encoder_file, tmp_path):
    def run(*more: str, style: str = f"dots={dots}", folder: str = "run"):
        options = ["--style", style, "--encoder", str(encoder_file), "--steps", "4", "--batch", "2", "--crop", "64"]
        options += ["--painting-side", "64", "--save-every", "2", "--validate-every", "2"]
        return CliRunner().invoke(module.app, [str(photos), str(tmp_path / folder), *options, *more])

    return run


def test_a_run_leaves_weights_losses_pictures_and_a_record(command, tmp_path) -> None:
    result = command()
    assert result.exit_code == 0, result.output
    run = tmp_path / "run"
    assert isinstance(load_weights(run / "weights.safetensors").network, StyleNetwork)
    assert [json.loads(line)["step"] for line in (run / "losses.jsonl").read_text().splitlines()] == [1, 2, 3, 4]
    assert [path.name for path in sorted((run / "validation").iterdir())] == ["step_000002.jpg", "step_000004.jpg"]
    record = RunRecord.read(run)
    assert (record.step, record.photos, record.skipped, record.paintings) == (4, 8, 0, {"dots": "dots.png"})
    assert record.encoder.name == "distilled VGG-19 (Collaborative-Distillation)"
    assert record.settings.recipe.content_layers == ("relu2_2",)
    assert record.seconds > 0


def test_validation_losses_are_kept_and_shown_on_the_board(command, tmp_path) -> None:
    command()
    validations = RunRecord.read(tmp_path / "run").validations
    assert [one.step for one in validations] == [2, 4]
    assert all(one.total > one.content > 0 and one.style > 0 and one.identity > 0 for one in validations)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"), {"images": 0}).Reload()
    assert [event.step for event in events.Scalars("training/total")] == [1, 2, 3, 4]
    assert [event.value for event in events.Scalars("validation/total")] == pytest.approx(
        [one.total for one in validations]
    )
    assert [event.step for event in events.Images("paintings")] == [2, 4]


def test_a_curve_has_points_where_a_step_has_something_to_say(command, tmp_path) -> None:
    assert command("--batch", "1").exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "losses.jsonl").read_text().splitlines()]
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    for name in ("content", "identity"):
        told = [line["step"] for line in lines if line[name] is not None]
        assert 0 < len(told) < len(lines)
        assert [event.step for event in events.Scalars(f"training/{name}")] == told


def test_a_run_that_gets_no_better_ends_early(command, tmp_path) -> None:
    result = command("--learning-rate", "0", "--validate-every", "1", "--patience", "2")
    assert result.exit_code == 0, result.output
    assert "2 validations brought nothing better" in said(result)
    assert RunRecord.read(tmp_path / "run").step == 3


@pytest.mark.parametrize(
    ("totals", "patience", "ends"),
    [
        ([3, 2, 1], 1, False),
        ([3, 1, 2], 1, True),
        ([3, 1, 2, 0.5], 2, False),
        ([1, 2], 2, False),
        ([1, 2, 3], 0, False),
    ],
)
def test_patience_counts_validations_since_the_best(totals, patience, ends) -> None:
    assert worn_out(totals, patience) is ends


def test_losses_can_be_chosen(command, tmp_path) -> None:
    more = ["--recipe", "johnson", "--content-layer", "relu1_2", "--style-layer", "relu1_1", "--style-layer", "relu3_1"]
    assert command(*more, "--style-weight", "7", "--variation-weight", "0").exit_code == 0
    recipe = RunRecord.read(tmp_path / "run").settings.recipe
    assert (recipe.content_layers, recipe.style_layers) == (("relu1_2",), ("relu1_1", "relu3_1"))
    assert (recipe.style, recipe.variation) == (7, 0)


def test_a_style_can_be_given_more_weight(command, tmp_path) -> None:
    assert command("--emphasis", "dots=2.5").exit_code == 0
    assert RunRecord.read(tmp_path / "run").settings.emphasis == {"dots": 2.5}


def test_a_style_can_be_given_more_turns(command, tmp_path) -> None:
    assert command("--turns", "dots=5").exit_code == 0
    assert RunRecord.read(tmp_path / "run").settings.turns == {"dots": 5}


def test_a_run_can_stop_on_its_way_and_go_on_to_the_same_weights(command, tmp_path) -> None:
    command(folder="whole")
    assert command("--until", "2").exit_code == 0
    assert RunRecord.read(tmp_path / "run").step == 2
    assert command("--resume").exit_code == 0
    ends = [(tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "run")]
    assert ends[0] == ends[1]


def test_a_run_is_not_replaced_by_repeating_its_command(command, tmp_path) -> None:
    def files() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}

    command("--until", "2")
    before = files()
    assert_refused(command(), "holds a run already; go on with it by --resume, or give another folder")
    assert files() == before
    # Weights are all that some keep of a run.
    (tmp_path / "run/checkpoint.safetensors").unlink()
    assert command().exit_code == 1
    assert (tmp_path / "run/weights.safetensors").read_bytes() == before["weights.safetensors"]


def test_a_finer_network_starts_from_a_leaner_one_and_the_other_way_round(command, tmp_path) -> None:
    command(folder="first")
    assert command("--size", "fine", "--start-from", str(tmp_path / "first/weights.safetensors")).exit_code == 0
    assert command("--start-from", str(tmp_path / "run/weights.safetensors"), folder="back").exit_code == 0


def test_a_network_of_another_shape_is_no_start(command, tmp_path, monkeypatch, tiny) -> None:
    command(folder="first")
    monkeypatch.setattr(module, "SIZES", {"lean": replace(tiny, blocks=2)})
    assert_refused(command("--start-from", str(tmp_path / "first/weights.safetensors")), "no narrower or wider version")


def test_an_interrupted_run_keeps_a_checkpoint_and_resumes_to_the_same_weights(command, tmp_path, ctrl_c) -> None:
    command(folder="whole")
    with ctrl_c(lambda trainer: trainer.step == 2):
        result = command()
    assert result.exit_code == 130
    assert "--resume" in result.output
    assert RunRecord.read(tmp_path / "run").step == 3
    assert command("--resume").exit_code == 0
    ends = [(tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "run")]
    assert ends[0] == ends[1]


@pytest.fixture
def usual_ctrl_c() -> Iterator[None]:
    """Ctrl-C as a command finds it; tests of other commands may have left it to something else."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual_ctrl_c")
def test_a_second_ctrl_c_does_not_wait_for_the_step_to_end(command, tmp_path, monkeypatch) -> None:
    def interrupted(trainer: Trainer) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Trainer, "_take_step", interrupted)
    assert command().exit_code == 130
    assert not (tmp_path / "run" / "checkpoint.safetensors").exists()


def test_too_few_photographs_to_hold_any_out_train_without_validation_pictures(command, photos, tmp_path) -> None:
    for path in sorted(photos.iterdir())[3:]:
        path.unlink()
    assert command().exit_code == 0
    assert not (tmp_path / "run" / "validation").exists()


def test_resuming_with_other_settings_is_refused(command) -> None:
    command()
    assert_refused(
        command("--resume", "--seed", "5"), "this run was started with seed 1, not 5; resume it with the same"
    )
    assert_refused(command("--resume", "--style-weight", "7"), "not 7.0")


@pytest.mark.parametrize(("changed", "words"), [("dots.png", "other paintings"), ("photos/0.png", "other photographs")])
def test_resuming_on_other_pictures_of_the_same_names_is_refused(command, make_picture, changed, words) -> None:
    command("--until", "2")
    make_picture(changed, seed=50)
    assert_refused(command("--resume"), f"holds a run with {words}; resume it with the same")


def test_resuming_with_the_styles_in_another_order_is_refused(command, make_picture, tmp_path) -> None:
    dots, lines = (f"{name}={make_picture(f'{name}.png', seed=90)}" for name in ("dots", "lines"))
    command("--until", "2", "--style", lines, style=dots)
    assert_refused(command("--resume", "--style", dots, style=lines), "holds a run with other paintings")


def test_resuming_what_never_started_is_refused(command) -> None:
    assert_refused(command("--resume"), "no run that could be resumed")


def test_a_style_that_the_teacher_lacks_cannot_be_copied(command, make_picture, tmp_path) -> None:
    command(folder="first")
    lines = make_picture("lines.png", seed=91)
    copying = ["--recipe", "copy", "--start-from", str(tmp_path / "first/weights.safetensors")]
    assert_refused(command(*copying, "--style", f"lines={lines}"), "has no style lines to paint like")
    assert command(*copying).exit_code == 0


def test_a_run_that_started_from_another_remembers_it(command, tmp_path) -> None:
    command(folder="first")
    result = command("--start-from", str(tmp_path / "first/weights.safetensors"))
    assert result.exit_code == 0, result.output
    assert [record.step for record in RunRecord.read(tmp_path / "run").lineage()] == [4, 4]


def test_a_run_can_start_from_weights_whose_own_run_is_not_at_hand(command, tmp_path) -> None:
    command(folder="first")
    (tmp_path / "shipped").mkdir()
    weights = (tmp_path / "first/weights.safetensors").rename(tmp_path / "shipped/network.safetensors")
    assert command("--start-from", str(weights)).exit_code == 0
    assert [record.step for record in RunRecord.read(tmp_path / "run").lineage()] == [4]


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--recipe", "secret"], "no recipe secret"),
        (["--crop", "66"], "multiple of 4"),
        (["--recipe", "copy"], "give --start-from"),
        (["--size", "huge"], "no size huge"),
        (["--emphasis", "dots"], "not of the form name=factor"),
        (["--emphasis", "lines=2"], "one of the styles trained"),
        (["--emphasis", "dots=0"], "a factor above 0"),
        (["--turns", "dots=1.5"], "dots=1.5 needs a whole number"),
        (["--turns", "lines=2"], "one of the styles trained"),
        (["--encoder", "nowhere.safetensors"], "no encoder at nowhere.safetensors"),
        (["--style", "nameless.png"], "not of the form name=file"),
        (["--style", "lines=missing.png"], "missing.png is not a picture"),
        (["--style", "identity=missing.png"], "'identity' is what a network calls the photo itself"),
        (["--content-layer", "relu9_9"], "no layer relu9_9"),
    ],
)
def test_mistakes_end_with_a_sentence(command, more, sentence) -> None:
    assert_refused(command(*more), sentence)


def test_an_empty_folder_ends_with_a_sentence(command, photos) -> None:
    for path in photos.iterdir():
        path.unlink()
    assert_refused(command(), "holds no JPEG, PNG or WebP")


def test_damaged_photographs_are_counted_when_they_are_met(command, photos, tmp_path) -> None:
    for path in sorted(photos.iterdir())[:4]:
        path.write_bytes(path.read_bytes()[:60])
    (photos / "words.jpg").write_text("words")
    assert command().exit_code == 0
    assert RunRecord.read(tmp_path / "run").skipped == 5


def test_a_gpu_that_is_not_there_ends_with_a_sentence(command, tmp_path) -> None:
    assert_refused(command("--device", "gpu"), "--device gpu cannot be used here")
    assert not (tmp_path / "run").exists()


def test_a_lost_gpu_keeps_the_last_checkpoint_and_the_run_resumes_to_the_same_weights(
    command, tmp_path, monkeypatch
) -> None:
    command(folder="whole")
    take_step = Trainer._take_step

    def lost(trainer: Trainer):
        if trainer.step == 3:
            raise RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be reported later")
        return take_step(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_take_step", lost)
        result = command()
    assert_refused(
        result, "the GPU failed: CUDA error: unspecified launch failure", "--resume continues from the last checkpoint"
    )
    assert RunRecord.read(tmp_path / "run").step == 2
    assert command("--resume").exit_code == 0
    ends = [(tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "run")]
    assert ends[0] == ends[1]


def test_an_error_of_the_program_is_not_taken_for_a_lost_gpu(command, monkeypatch) -> None:
    def wrong(_: Trainer) -> None:
        raise RuntimeError("the size of tensor a must match")

    monkeypatch.setattr(Trainer, "_take_step", wrong)
    assert isinstance(command().exception, RuntimeError)


def test_a_full_disk_ends_with_a_sentence(command, monkeypatch) -> None:
    def full(_: Trainer) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Trainer, "save", full)
    assert_refused(command(), "No space left on device")


@pytest.mark.parametrize("lost", ["run.json", "weights.safetensors"])
@pytest.mark.parametrize("step", [2, 4])
def test_a_run_that_ends_in_the_middle_of_saving_resumes_to_the_same_weights(
    command, tmp_path, monkeypatch, lost, step
) -> None:
    """A save is three files, each whole or not there; a disk may be full, or the machine gone, between any two."""
    command(folder="whole")
    replace_file, losses = Path.replace, tmp_path / "run/losses.jsonl"

    def full(path: Path, target: Path) -> Path:
        if target.name == lost and losses.exists() and len(losses.read_text().splitlines()) == step:
            raise OSError(28, "No space left on device")
        return replace_file(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        assert command().exit_code == 1
    result = command("--resume")
    assert result.exit_code == 0, result.output
    assert RunRecord.read(tmp_path / "run").step == 4
    ends = [(tmp_path / folder / "weights.safetensors").read_bytes() for folder in ("whole", "run")]
    assert ends[0] == ends[1]
