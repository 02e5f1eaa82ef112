"""A predictor learns to read pictures and to paint like them, carries on where it stopped, and ships for one network."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.progress import Progress
from typer.testing import CliRunner

from deployments.runtime import Runtime
from deployments.style.engine import StyleEngine
from registry.manifest import load_manifest
from tests.commands import assert_refused, said
from training.cards import load_card
from training.stopping import Stopped
from training.style.adding import open_studio
from training.style.data import NoPhotos, PhotoCrops
from training.style.encoders import file_vgg19
from training.style.prediction import evaluate, export, reproduce, train
from training.style.prediction.network import Design, StylePredictor, load_predictor, save_predictor
from training.style.prediction.pictures import JUDGED_SIDE, READ_SIDE, StylePictures
from training.style.prediction.trainer import CHECKPOINT, PREDICTOR, Course, PredictorTrainer, learn_to_read, softened
from training.style.recipes import Recipe

RECIPE = Recipe(content_layers=("relu2_2",), style_layers=("relu1_1", "relu2_1"))
COURSE = Course(steps=4, batch=2, warm_up=1, seed=3, recipe=RECIPE)


@pytest.fixture
def paintings(make_picture) -> Path:
    for number in range(9):
        make_picture(f"paintings/hand_{chr(97 + number)}_0.png", 90, 110, 40 + number)
    return make_picture("paintings/hand_d_1.png", 90, 110, 50).parent


@pytest.fixture
def pictures(paintings) -> StylePictures:
    return StylePictures(train.exhibition(paintings)[0], [], 1)


@pytest.fixture
def make_trainer(store, tiny, pictures, photos, encoder, tmp_path):
    def make(name: str, course: Course = COURSE) -> PredictorTrainer:
        studio = open_studio(store, "style-tiny")
        torch.manual_seed(2)
        predictor = StylePredictor(Design((4, 4), 2, 8, 6, 1, tiny.style_size))
        predictor.anchor(train.anchors(studio))
        folder = tmp_path / name
        folder.mkdir()
        crops = PhotoCrops(sorted(photos.iterdir()), 64, 1)
        return PredictorTrainer(course, predictor, studio.weights.network, pictures, crops, encoder, folder)

    return make


def test_a_hand_is_either_learnt_from_or_held_out(paintings) -> None:
    shown, held_out = train.exhibition(paintings)
    assert [path.stem for path in held_out] == ["hand_d_0", "hand_d_1"]
    assert len(shown) == 8
    assert not {path.stem for path in shown} & {path.stem for path in held_out}


def test_a_picture_of_the_row_depends_on_its_place_only(pictures, paintings) -> None:
    again = StylePictures(train.exhibition(paintings)[0], [], 1)
    for index in (0, 7, 3):
        assert pictures.picture(index).shape == (JUDGED_SIDE, JUDGED_SIDE, 3)
        np.testing.assert_array_equal(pictures.picture(index), again.picture(index))
    assert np.abs(pictures.picture(0).astype(int) - pictures.picture(1)).mean() > 1


def test_a_row_of_nothing_readable_is_refused(tmp_path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(NoPhotos, match="none of 1"):
        StylePictures([tmp_path / "broken.jpg"], [], 1)


def test_reading_is_learnt_before_painting(tiny, pictures, encoder) -> None:
    torch.manual_seed(0)
    predictor = StylePredictor(Design((4, 6), 2, 24, 4, 1, tiny.style_size))
    errors = list(learn_to_read(predictor, pictures, encoder, RECIPE.style_layers, 8, 8, 1))
    assert errors[-1] < 0.9 * errors[0]


def test_untaught_it_paints_the_mean_of_the_known_styles_and_never_strays_far(tiny) -> None:
    predictor = StylePredictor(Design((4, 4), 2, 8, 6, 2, tiny.style_size))
    anchors = [torch.zeros(tiny.style_size), torch.ones(tiny.style_size)]
    predictor.anchor(anchors)
    picture = torch.rand(1, 3, READ_SIDE, READ_SIDE)
    torch.testing.assert_close(predictor(picture)[0], torch.full((tiny.style_size,), 0.5))
    with torch.no_grad():
        predictor.directions.weight.normal_(0, 1e6)
        away = (predictor(picture)[0] - 0.5).norm()
    assert float(away) <= 1.01 * float(predictor.reach)


def test_learning_moves_the_painting_half_and_with_reading_all_of_it(make_trainer) -> None:
    for name, reading in (("painting", False), ("both", True)):
        trainer = make_trainer(name, replace(COURSE, reading=reading))
        before = {key: value.clone() for key, value in trainer.predictor.state_dict().items()}
        # The directions begin at nothing, and until they are something the reading half has nothing to learn from.
        assert [passed.step for passed in trainer.learn()] == [1, 2, 3, 4]
        moved = {key for key, value in trainer.predictor.state_dict().items() if not torch.equal(value, before[key])}
        assert "directions.weight" in moved
        assert ("convolutions.0.weight" in moved) is reading
        assert not {"anchors", "reach"} & moved


def test_ctrl_c_ends_a_run_after_a_whole_step_from_which_it_goes_on_to_the_same_end(
    make_trainer, tmp_path, ctrl_c
) -> None:
    train._drive(make_trainer("whole"), tmp_path / "whole", Progress(disable=True))
    cut = make_trainer("cut")
    with ctrl_c(lambda trainer: trainer.step == 2, of=PredictorTrainer), pytest.raises(Stopped):
        train._drive(cut, tmp_path / "cut", Progress(disable=True))
    resumed = make_trainer("resumed")
    (tmp_path / "cut" / CHECKPOINT).rename(tmp_path / "resumed" / CHECKPOINT)
    resumed.resume()
    assert resumed.step == 3
    train._drive(resumed, tmp_path / "resumed", Progress(disable=True))
    ends = [(tmp_path / name / PREDICTOR).read_bytes() for name in ("whole", "resumed")]
    assert ends[0] == ends[1]


def test_a_far_style_counts_by_its_root() -> None:
    near, far = softened(torch.tensor([0.001, 100.0]), 0.5).tolist()
    assert near == pytest.approx(0.001, rel=0.01)
    assert far < 15


@pytest.fixture
def command(store, paintings, photos, encoder_file, tmp_path, monkeypatch):
    """The command on small things, into ``tmp_path / "run"``."""
    monkeypatch.setattr(train, "READ_PICTURES", 8)
    monkeypatch.setattr(train, "READ_ROUNDS", 1)
    monkeypatch.setattr(train, "RECIPES", {"deep": RECIPE, "other": replace(RECIPE, style=3.0)})
    fixed = [paintings, photos, tmp_path / "run", "--store", store.root, "--network", "style-tiny"]
    fixed += ["--encoder", encoder_file, "--steps", "2", "--batch", "2", "--crop", "64"]
    return lambda *more: CliRunner().invoke(train.app, [*map(str, fixed), *more])


@pytest.fixture
def run(command, tmp_path) -> Path:
    """What the command leaves."""
    outcome = command()
    assert outcome.exit_code == 0, outcome.output
    folder = tmp_path / "run"
    assert len((folder / "losses.jsonl").read_text().splitlines()) == 2
    return folder


def test_a_run_is_resumed_with_what_it_was_started_with_and_nothing_else(run, command, paintings) -> None:
    files = {path.name: path.read_bytes() for path in run.glob("*.safetensors")}
    for options, sentence in (
        (["--steps", "3"], "started with steps 2, not 3; resume it with the same"),
        (["--crop", "68"], "started with crop 64, not 68"),
        (["--seed", "5"], "started with seed 1, not 5"),
        (["--recipe", "other"], "started with recipe"),
        (["--start-from", str(run / PREDICTOR)], "started with start from None, not "),
        (["--also", str(next(paintings.iterdir()))], "started with paintings 8, not 9"),
    ):
        result = command("--resume", *options)
        assert result.exit_code == 1, options
        assert sentence in said(result)
    assert command("--resume").exit_code == 0
    assert {path.name: path.read_bytes() for path in run.glob("*.safetensors")} == files


@pytest.mark.parametrize(
    ("changed", "words"), [("paintings/hand_a_0.png", "other paintings"), ("photos/0.png", "other photographs")]
)
def test_a_run_is_not_resumed_on_other_pictures_of_the_same_number(run, command, make_picture, changed, words) -> None:
    make_picture(changed, seed=60)
    assert_refused(command("--resume"), f"holds a run with {words}")


def test_a_run_is_not_replaced_by_repeating_its_command(run, command) -> None:
    files = {path.name: path.read_bytes() for path in run.iterdir()}
    assert_refused(command(), "holds a run already; go on with it by --resume, or give another folder")
    assert {path.name: path.read_bytes() for path in run.iterdir()} == files


def test_resuming_what_never_started_or_was_cut_off_is_refused(command, tmp_path) -> None:
    checkpoint = tmp_path / "run" / CHECKPOINT
    for content in (None, b"", b"half of a checkpoint"):
        if content is not None:
            checkpoint.parent.mkdir(exist_ok=True)
            checkpoint.write_bytes(content)
        assert_refused(command("--resume"), "holds no run that could be resumed")


def test_crops_the_network_cannot_paint_are_refused_at_once(command) -> None:
    result = command("--crop", "66")
    assert result.exit_code == 1
    assert "--crop must be a multiple of 4" in result.output


def test_a_recipe_that_copies_is_refused(command, monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(train.RECIPES, "copy", replace(RECIPE, content=0.0, style=0.0, imitation=10.0))
    for more in ([], ["--style-weight", "3"]):
        result = command("--recipe", "copy", *more)
        assert result.exit_code == 1
        told = "there is no recipe copy that judges paintings; there are deep, other"
        assert told in said(result)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--side", "--pictures", "--limit", "--steps"])
def test_nothing_at_all_is_refused_as_a_number(paintings, photos, store, option) -> None:
    arguments = [paintings, photos, "--store", store.root, option, "0"]
    result = CliRunner().invoke(evaluate.app, [*map(str, arguments)])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}'" in result.output


@pytest.mark.parametrize(
    ("few", "words"), [("paintings", "no held-out painting; give at least four"), ("photos", "no held-out photograph")]
)
def test_pictures_too_few_to_judge_on_end_with_a_sentence(run, store, paintings, photos, tmp_path, few, words) -> None:
    for path in sorted((tmp_path / few).iterdir())[3:]:
        path.unlink()
    options = ["--store", store.root, "--network", "style-tiny", "--predictor", "style-tiny"]
    assert_refused(CliRunner().invoke(evaluate.app, [*map(str, [paintings, photos, *options])]), words)


def test_what_is_exported_serves_beside_its_network(run, store, tmp_path) -> None:
    judged = tmp_path / "judged.json"
    judged.write_text(json.dumps({"held_out.style": 0.5}))
    card = Path(export.__file__).parents[1] / "cards/style-predictor.yaml"
    export.export(run, tmp_path / "out", card, store.root, "style-tiny", judged, None)
    (folder,) = (tmp_path / "out/style-predictor").iterdir()
    manifest = load_manifest(folder / "manifest.yaml")
    network, pack = store.get("style-tiny"), store.get("styles-first")
    assert manifest.requires == {"style-tiny": network.manifest.file("network.safetensors").sha256}
    assert manifest.metrics == {"held_out.style": 0.5}
    with store.stage(manifest.ref) as staged:
        for entry in manifest.files:
            (staged / entry.name).write_bytes((folder / entry.name).read_bytes())
        predictor = store.publish(manifest, staged)
    StyleEngine(network, [pack, predictor], Runtime()).warm_up()


def test_a_predictor_of_other_weights_is_not_exported(run, store, tmp_path, capsys) -> None:
    trained = load_predictor(run / PREDICTOR)
    trained.anchors += 1
    save_predictor(run / PREDICTOR, trained)
    card = Path(export.__file__).parents[1] / "cards/style-predictor.yaml"
    with pytest.raises(export.typer.Exit):
        export.export(run, tmp_path / "out", card, store.root, "style-tiny")
    assert not (tmp_path / "out").exists()


def test_the_shipped_predictor_belongs_to_the_shipped_network() -> None:
    starter = Path(export.__file__).parents[3] / "registry/starter"
    (path,) = starter.glob("style-predictor/*/manifest.yaml")
    manifest = load_manifest(path)
    networks = [load_manifest(found) for found in starter.glob("style-fine/*/manifest.yaml")]
    assert manifest.requires["style-fine"] in {entry.sha256 for one in networks for entry in one.files}


def test_one_command_trains_judges_and_exports_and_gives_the_same_bytes_again(
    store, paintings, photos, make_picture, encoder_file, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(train, "READ_PICTURES", 8)
    monkeypatch.setattr(train, "READ_ROUNDS", 1)
    monkeypatch.setattr(train, "RECIPES", {"distilled": RECIPE})
    monkeypatch.setattr(evaluate, "open_encoder", lambda _: file_vgg19(encoder_file))
    for name, value in {"STEPS": 2, "CROP": 64, "JUDGED_SIDE": 64}.items():
        monkeypatch.setattr(reproduce, name, value)
    wave, wreck = make_picture("styles/wave.jpg", seed=70), make_picture("wreck.jpg", seed=71)
    folder = store.root / "style-predictor" / load_card(reproduce.CARD).version

    def command(run: str):
        arguments = [paintings, photos, wave.parent, tmp_path / run, "--store", store.root, "--network", "style-tiny"]
        options = ["--distilled", encoder_file, "--judged", wreck]
        return CliRunner().invoke(reproduce.app, [str(argument) for argument in (*arguments, *options)])

    def files(run: str) -> dict[str, bytes]:
        result = command(run)
        assert result.exit_code == 0, result.output
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first = files("first")
    assert set(load_manifest(folder / "manifest.yaml").metrics) == {
        "held_out.style",
        "held_out.content",
        "held_out.of_nearest",
    }
    result = command("never")
    assert result.exit_code == 1
    assert "is in the store already" in said(result).replace(str(store.root), "the store")
    assert not (tmp_path / "never").exists()
    for run, why in (("again", "the same"), ("first", "a finished run is taken as it is")):
        shutil.rmtree(folder)
        assert files(run) == first, why
