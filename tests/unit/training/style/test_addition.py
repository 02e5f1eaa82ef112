from __future__ import annotations

import pytest
import torch
from typer.testing import CliRunner

from registry.manifest import Description, Licence
from registry.publish import describe
from registry.store import FolderStore
from training.evaluation.report import read_report
from training.style import addition, judge
from training.style.checkpoint import Weights
from training.style.export import write_network
from training.style.learner import Lesson
from training.style.losses import RECIPES
from training.style.network import StyleNetwork


@pytest.fixture
def evaluate(tiny, photos, make_picture, encoder_file, tmp_path, monkeypatch):
    """The command on a network nobody trained, by the losses that the tests' encoder knows."""
    monkeypatch.setattr(judge, "CONTENT_LAYERS", ("relu3_1",))
    monkeypatch.setattr(addition, "Lesson", lambda **settings: Lesson(recipe=RECIPES["reference"], **settings))
    torch.manual_seed(0)
    store = FolderStore(tmp_path / "store")
    with store.stage("style-fine@v1") as folder:
        contract = write_network(Weights(StyleNetwork(tiny), {}), folder)
        about = Description(
            model="style-fine",
            version="v1",
            task="style",
            format="onnx",
            input=contract,
            licence=Licence(name="CC0-1.0", commercial_use=True),
        )
        store.publish(describe(folder, about), folder)

    def run(*more: str):
        options = ["--encoder", str(encoder_file), "--side", "64", "--crop", "64", "--steps", "3"]
        options += ["--report", str(tmp_path / "report"), "--store", str(store.root)]
        painting = make_picture("dots.png", seed=90)
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


def test_the_frozen_network_stays_and_the_other_moves(evaluate, monkeypatch) -> None:
    learnt = {}
    written = addition._written

    def keep(judge, added, joint, *more):
        learnt.update(added=added.weights, joint=joint.weights)
        return written(judge, added, joint, *more)

    monkeypatch.setattr(addition, "_written", keep)
    evaluate()
    added, joint = (list(learnt[name].network.parameters()) for name in ("added", "joint"))
    assert not any(torch.equal(a, b) for a, b in zip(added, joint, strict=True))
    assert not torch.equal(learnt["added"].styles["added"], learnt["joint"].styles["added"])


def test_photographs_too_few_to_judge_on_end_with_a_sentence(evaluate, photos) -> None:
    for path in sorted(photos.iterdir())[3:]:
        path.unlink()
    result = evaluate()
    assert result.exit_code == 1
    assert "no held-out" in " ".join(result.output.split())
