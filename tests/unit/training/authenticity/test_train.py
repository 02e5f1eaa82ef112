"""One command from pictures to a model version that tells them apart; interruptions lose nothing."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from deployments.authenticity.engine import build
from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from registry.manifest import Licence, ModelVersion, load_manifest
from registry.store import FolderStore
from tests.commands import assert_refused
from training.authenticity import train
from training.authenticity.data import Dataset, Plan, load
from training.authenticity.features import CACHE, Meter, measure
from training.cards import load_card
from training.evaluation.cli import app as evaluations
from training.evaluation.report import read_report
from training.stopping import Stopped

from .conftest import save, scene

CARD = load_card(train.CARD)


def learn(pictures: Path, run: Path, *options: object) -> Result:
    """The command that trains a detector."""
    return CliRunner().invoke(train.app, [str(argument) for argument in (pictures, run, *options)])


def judge(pictures: Path, trained: Path, *options: object) -> Result:
    """The command that judges pictures by the detector that was trained."""
    arguments = ("authenticity", pictures, "--store", trained / "store", "--model", "my-detector", *options)
    return CliRunner().invoke(evaluations, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def world(tmp_path_factory, make_world) -> Path:
    return make_world(tmp_path_factory.mktemp("world"), 11)


@pytest.fixture(scope="module")
def dataset(world) -> Dataset:
    return load(world, Plan.of_folders(world))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, world) -> Path:
    """The folder of a finished run."""
    run = tmp_path_factory.mktemp("run")
    result = learn(world, run, "--views", 1, "--steps", 80)
    assert result.exit_code == 0, result.output
    assert f"masquerade models import {run / 'store' / 'my-detector' / 'v1'}" in "".join(result.output.split("\n"))
    return run


@pytest.fixture(scope="module")
def version(trained) -> ModelVersion:
    folder = trained / "store" / "my-detector" / "v1"
    return ModelVersion(load_manifest(folder / "manifest.yaml"), folder)


def test_the_version_tells_new_pictures_apart(version) -> None:
    engine = build(version, Runtime())
    made, taken = ([Photo.open(encode(scene(seed, grain, 320))) for seed in range(5000, 5004)] for grain in (0.5, 12))
    assert max(o.probability_ai for o in engine.run(taken)) < min(o.probability_ai for o in engine.run(made))


def test_the_same_data_and_seed_give_the_same_file(trained, world, tmp_path, version) -> None:
    (tmp_path / CACHE).write_bytes((trained / CACHE).read_bytes())
    result = learn(world, tmp_path, "--views", 1, "--steps", 80)
    assert result.exit_code == 0, result.output
    again = load_manifest(tmp_path / "store" / "my-detector" / "v1" / "manifest.yaml")
    assert again.same_content(version.manifest)


def test_a_detector_says_what_it_learnt_from_and_not_what_the_shipped_one_did(version, dataset) -> None:
    told = {entry.name: entry.terms for entry in version.manifest.trained_on}
    assert len(told) == 4
    for source, kind in (("real/street", "photographs"), ("ai/first", "machine-made pictures")):
        count = sum(example.source == source for example in dataset.learnable())
        assert told[f"{count} {kind} ({source})"] == "unknown"
    assert version.manifest.licence == Licence(name="LicenseRef-unknown", commercial_use=False)


def test_the_next_detector_of_a_name_is_its_next_version_under_the_licence_given(trained, world, tmp_path) -> None:
    (tmp_path / CACHE).write_bytes((trained / CACHE).read_bytes())
    for _ in range(2):
        result = learn(world, tmp_path, "--views", 1, "--steps", 20, "--name", "ours", "--licence", "CC0-1.0")
        assert result.exit_code == 0, result.output
    store = FolderStore(tmp_path / "store")
    assert store.versions("ours") == ["v1", "v2"]
    assert store.manifest("ours").licence.name == "CC0-1.0"


def test_the_research_data_are_told_by_the_shipped_card(dataset, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(train, "RESEARCH", dataset.digest())
    assert train.described(dataset, FolderStore(tmp_path), "ours", "CC0-1.0") == CARD


def test_a_report_of_held_out_pictures_becomes_metrics_that_the_gate_knows(trained, world, tmp_path) -> None:
    for options in (("--held-out", "--report", tmp_path / "held-out"), ("--report", tmp_path / "all")):
        assert judge(world, trained, *options).exit_code == 0
    assert train.metrics_of(tmp_path / "held-out").keys() == {"balanced_accuracy", "photographs_accused"}
    result = learn(world, tmp_path / "run", "--judgement", tmp_path / "all")
    assert_refused(result, "no figure for balanced accuracy, held out")
    assert not (tmp_path / "run").exists()


def test_pictures_it_may_have_learnt_from_are_not_called_held_out_nor_held_to_bars(trained, world, tmp_path) -> None:
    result = judge(world, trained, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    document = read_report(tmp_path)
    assert "It may have learnt from some of them" in document.summary
    assert all(figure.name.endswith(", these pictures") and not figure.barred for figure in document.figures)
    assert "held out" not in document.model_dump_json()


def test_curves_and_record_lie_beside_the_measurements(trained) -> None:
    assert list((trained / "tensorboard").glob("events.*"))
    assert '"model": "my-detector@v1"' in (trained / "run.json").read_text()


def test_measuring_goes_on_where_it_was_stopped_and_comes_to_the_same(dataset, tmp_path) -> None:
    meter, stop, done = Meter(), threading.Event(), []
    dataset = Dataset(dataset.examples[:8])

    def advance(count: int) -> None:
        done.append(count)
        if count == 5:
            stop.set()

    with pytest.raises(Stopped):
        measure(dataset, 1, 1, tmp_path, meter=meter, advance=advance, stop=stop)
    assert done[-1] == 5
    stop.clear()
    (tmp_path / "whole").mkdir()
    features = measure(dataset, 1, 1, tmp_path, meter=meter, advance=done.append, stop=stop)
    assert done[5] == 6
    whole = measure(dataset, 1, 1, tmp_path / "whole", meter=meter, advance=lambda _: None, stop=stop)
    assert np.array_equal(features.plain, whole.plain)
    assert np.array_equal(features.views, whole.views)


@pytest.mark.parametrize("rubbish", [b"", b"no safetensors at all"])
def test_a_cache_that_cannot_be_read_is_measured_anew(dataset, tmp_path, rubbish) -> None:
    (tmp_path / CACHE).write_bytes(rubbish)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        measure(dataset, 1, 1, tmp_path, meter=Meter(), advance=lambda _: None, stop=stop)
    assert (tmp_path / CACHE).stat().st_size > 1000


def test_a_folder_of_nothing_ends_in_one_sentence(tmp_path) -> None:
    assert_refused(learn(tmp_path, tmp_path / "run"), "has no folder real/")
    assert not (tmp_path / "run").exists()


def test_an_evaluation_reports_by_source_and_shows_what_was_wrong(trained, world, dataset, tmp_path) -> None:
    result = judge(world, trained, "--held-out", "--report", tmp_path)
    assert result.exit_code == 0, result.output
    document = read_report(tmp_path)
    figures = {figure.name: figure.value for figure in document.figures}
    assert figures["balanced accuracy, held out"] > 0.9
    assert figures["photographs called machine-made, held out"] <= 0.05
    (table,) = [section for section in document.sections if section.title == "By source"]
    assert {row[0] for row in table.rows} == {example.source for example in dataset.held_out()}
    assert {"ROC", "Reliability, held out"} <= {section.title for section in document.sections}


def test_models_that_never_saw_a_source_are_made_as_those_of_the_run(trained, world, dataset, tmp_path) -> None:
    measured = (trained / CACHE).read_bytes()
    result = judge(world, trained, "--report", tmp_path, "--run", trained)
    assert result.exit_code in {0, 3}, result.output
    document = read_report(tmp_path)
    assert "It learnt from some of them" in document.summary
    (table,) = [section for section in document.sections if section.title == "Leave one source out"]
    assert {row[0] for row in table.rows} == {example.source for example in dataset.learnable()}
    assert (trained / CACHE).read_bytes() == measured


def test_a_folder_without_a_run_that_ended_is_named(trained, world, tmp_path) -> None:
    result = judge(world, trained, "--report", tmp_path, "--run", tmp_path)
    assert_refused(result, "holds no run.json of a training run that ended")


def test_too_few_pictures_or_sources_to_learn_from_are_refused_before_anything_is_measured(tmp_path) -> None:
    for index in range(14):
        save(tmp_path / "pictures" / "real" / f"photo-{chr(97 + index)}x.jpg", scene(index, 12))
        save(tmp_path / "pictures" / "ai" / f"made-{chr(97 + index)}x.jpg", scene(1000 + index, 0.5))
    result = learn(tmp_path / "pictures", tmp_path / "run")
    assert_refused(result, "too few pictures for learning without real", "from at least two sources")
    assert not (tmp_path / "run").exists()


def test_a_card_that_is_no_yaml_ends_in_one_sentence(world, tmp_path) -> None:
    (tmp_path / "card.yaml").write_text("a: [")
    assert_refused(learn(world, tmp_path, "--card", tmp_path / "card.yaml"), "card.yaml is not YAML")


def test_a_full_disk_leaves_no_part_of_a_version(trained, world, tmp_path, monkeypatch) -> None:
    (tmp_path / CACHE).write_bytes((trained / CACHE).read_bytes())

    def full(detector: object, path: Path, output: str) -> None:
        path.write_bytes(b"half a graph")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(train, "write_graph", full)
    assert_refused(learn(world, tmp_path, "--views", 1, "--steps", 20), "No space left on device")
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def test_a_version_that_is_there_is_refused_before_anything_is_measured(trained, world, tmp_path) -> None:
    folder = trained / "store" / "my-detector" / "v1"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    card = tmp_path / "card.yaml"
    card.write_text(train.CARD.read_text().replace("model: fingerprint", "model: my-detector"))
    result = learn(world, tmp_path / "run", "--store", trained / "store", "--card", card)
    assert_refused(result, "my-detector@v1 is in", "give another store, or another version in its card")
    assert not (tmp_path / "run").exists()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_pictures_that_could_not_be_uploaded_are_left_out_of_an_evaluation_and_counted(
    trained, world, tmp_path
) -> None:
    for index in range(3):
        save(tmp_path / "odd" / "real" / f"{chr(97 + index)}.png", scene(7000 + index, 12))
        save(tmp_path / "odd" / "ai" / f"{chr(97 + index)}.png", scene(8000 + index, 0.5))
    # What a JPEG is called and a bitmap is.
    save(tmp_path / "bitmap.bmp", scene(9000, 12))
    (tmp_path / "bitmap.bmp").rename(tmp_path / "odd" / "real" / "bitmap.jpg")
    result = judge(tmp_path / "odd", trained, "--report", tmp_path)
    assert result.exit_code in {0, 3}, result.output
    sections = {section.title: section for section in read_report(tmp_path).sections}
    assert sections["Left out"].text == "Pictures that were skipped: 1 no upload."
    assert sum(row[2] for row in sections["By source"].rows) == 6


def test_an_evaluation_of_nothing_does_not_pass(trained, tmp_path) -> None:
    save(tmp_path / "two" / "real" / "a.png", scene(7000, 12))
    save(tmp_path / "two" / "ai" / "a.png", scene(8000, 0.5))
    result = judge(tmp_path / "two", trained, "--held-out", "--report", tmp_path / "report")
    assert_refused(result, "not both photographs and machine-made pictures")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("content", [b"words", b""])
def test_a_baseline_that_is_none_is_named(world, trained, tmp_path, content) -> None:
    path = tmp_path / "baseline.safetensors"
    path.write_bytes(content)
    result = judge(world, trained, "--baseline", path, "--report", tmp_path / "report")
    assert_refused(result, "does not hold the baseline's weights")
