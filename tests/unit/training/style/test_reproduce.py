from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from registry.manifest import load_manifest
from tests.commands import assert_refused
from training.style import reproduce as module
from training.style.encoders import file_vgg19
from training.style.record import RunRecord
from training.style.stages import Plan
from training.style.trainer import Trainer

LICENCE = {"name": "CC0-1.0", "commercial_use": True}


@pytest.fixture
def plan() -> Plan:
    stage = {"encoder": "distilled", "recipe": "reference", "steps": 2, "crop": 64, "painting_side": 64}
    stages = {
        "coarse": {**stage, "widths": [4, 4, 4], "learning_rate": 0.01, "steps": 4, "until": 2},
        "grown": {**stage, "widths": [4, 4, 6], "learning_rate": 0.01, "after": "coarse"},
    }
    product = {"stage": "grown", "network_card": "network.yaml", "pack_card": "pack.yaml"}
    return Plan.model_validate(
        {"paintings": {"dots": "dots.png"}, "stages": stages, "products": {"style-small": product}}
    )


@pytest.fixture
def command(plan, photos, make_picture, encoder_file, tmp_path, monkeypatch):
    """The command on a plan of two runs of two steps."""
    monkeypatch.setattr(module, "read_plan", lambda: plan)
    monkeypatch.setattr(module, "JUDGED_SIDE", 64)
    monkeypatch.setattr(module, "open_encoder", lambda _: file_vgg19(encoder_file))
    monkeypatch.setattr(module, "CARDS", tmp_path)
    about = {"version": "v1", "licence": LICENCE}
    network = {"model": "style-small", "task": "style", "format": "onnx", **about}
    pack = {"model": "styles-small", "task": "style-pack", "format": "safetensors", **about}
    listed = [{"name": "dots", "title": "Dots", "artist": "nobody", "year": 2000, "licence": "public domain"}]
    for name, content in (("network", network), ("pack", pack), ("paintings", listed)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content))
    make_picture("paintings/dots.png", seed=90)
    sample = make_picture("sample.png", 600, 560)

    def run(product: str = "style-small", encoder: Path = encoder_file, store: str = "store"):
        folders = [str(photos), str(tmp_path / "paintings"), str(tmp_path / "runs")]
        options = ["--distilled", str(encoder), "--sample", str(sample), "--store", str(tmp_path / store)]
        return CliRunner().invoke(module.app, [product, *folders, *options])

    return run


def test_one_command_takes_every_run_and_exports_the_last(command, tmp_path) -> None:
    result = command()
    assert result.exit_code == 0, result.output
    assert [run.step for run in RunRecord.read(tmp_path / "runs/grown").lineage()] == [2, 2]
    network = load_manifest(tmp_path / "store/style-small/v1/manifest.yaml")
    assert set(network.metrics) == {"dots.content", "dots.style"}
    assert load_manifest(tmp_path / "store/styles-small/v1/manifest.yaml").requires == {
        "style-small": network.file("network.safetensors").sha256
    }


def test_the_same_command_gives_the_same_files_from_the_beginning_and_after_ctrl_c(command, tmp_path, ctrl_c) -> None:
    command()
    weights = tmp_path / "runs/grown/weights.safetensors"
    whole = weights.read_bytes()
    for folder in ("runs", "store"):
        (tmp_path / folder).rename(tmp_path / f"kept {folder}")
    with ctrl_c(lambda trainer: trainer.settings.architecture.coarse == 6 and trainer.step == 0):
        assert command().exit_code == 130
    assert RunRecord.read(tmp_path / "runs/grown").step == 1
    result = command()
    assert result.exit_code == 0, result.output
    assert weights.read_bytes() == whole


def test_finished_runs_are_not_taken_again(command, monkeypatch) -> None:
    command()
    monkeypatch.setattr(Trainer, "_take_step", lambda _: pytest.fail("a finished run went on"))
    assert command(store="another").exit_code == 0


def test_a_version_that_is_there_is_refused_before_anything_is_trained(command, tmp_path) -> None:
    command()
    (tmp_path / "runs").rename(tmp_path / "kept")
    before = {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()}
    assert_refused(command(), "style-small@v1 is in", "what is published never changes: give another store")
    assert not (tmp_path / "runs").exists()
    assert {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()} == before


def test_runs_of_another_plan_are_not_taken_for_these(command, plan, monkeypatch) -> None:
    command()
    other = plan.stages["coarse"].model_copy(update={"seed": 9})
    monkeypatch.setitem(plan.stages, "coarse", other)
    assert_refused(command(store="another"), "other settings")


def test_runs_on_other_photographs_are_not_taken_for_these(command, photos, make_picture, tmp_path) -> None:
    command()
    make_picture("photos/0.png", seed=40)
    assert_refused(
        command(store="another"), "coarse holds a run with other photographs; give another folder for the runs"
    )


def test_runs_by_another_encoder_are_not_taken_for_these(command, encoder_file, tmp_path) -> None:
    command()
    tensors = load_file(encoder_file)
    other = tmp_path / "other.safetensors"
    save_file({name: 2 * tensor for name, tensor in tensors.items()}, other)
    assert_refused(command(encoder=other, store="another"), "coarse holds a run with another encoder")


def test_runs_that_do_not_say_what_they_learnt_from_are_known_by_names_and_numbers(
    command, photos, tmp_path, monkeypatch
) -> None:
    command()
    for stage in ("coarse", "grown"):
        record = RunRecord.read(tmp_path / "runs" / stage)
        record.model_copy(update={"inputs": None}).write(tmp_path / "runs" / stage)
    monkeypatch.setattr(Trainer, "_take_step", lambda _: pytest.fail("a finished run went on"))
    assert command(store="another").exit_code == 0
    (photos / "0.png").unlink()
    assert_refused(command(store="a third"), "started with photos 8")


def test_an_unknown_product_ends_with_a_sentence(command) -> None:
    assert_refused(command("style-huge"), "there are style-small")
