from __future__ import annotations

import onnx
import pytest
import torch
from onnx import TensorProto, helper
from typer.testing import CliRunner

from registry.store import FolderStore
from tests import versions
from tests.commands import assert_refused
from training.evaluation.report import read_report
from training.style import comparison, yardstick


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(yardstick, "STRENGTHS", (1.0, 0.5))
    monkeypatch.setattr(yardstick, "TIMED_SIDE", 64)


@pytest.fixture
def store(make_store) -> FolderStore:
    """``style-lean`` with the style ``dots``."""
    return make_store("style-lean", "styles")


@pytest.fixture
def peer(tmp_path):
    """A network of somebody else's that takes and gives 0..255 and brightens by 100."""
    shape = ["N", 3, "H", "W"]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "output")]
    bright = helper.make_node("Add", ["input", "hundred"], ["output"])
    hundred = helper.make_tensor("hundred", TensorProto.FLOAT, [], [100.0])
    graph = helper.make_graph([bright], "brighter", values[:1], values[1:], [hundred])
    model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 18)])
    onnx.save(model, tmp_path / "peer.onnx")
    return tmp_path / "peer.onnx"


@pytest.fixture
def evaluate(store, photos, dots, encoder_file, tmp_path):
    def run(*more: str):
        options = ["--style", f"dots={dots}", "--encoder", str(encoder_file)]
        options += ["--side", "64", "--report", str(tmp_path / "report"), "--store", str(store.root)]
        return CliRunner().invoke(comparison.app, [str(photos), *options, *more])

    return run


def test_the_report_holds_ours_against_theirs(evaluate, peer, photos, tmp_path) -> None:
    result = evaluate("--peer", f"dots={peer}", "--show", str(photos / "0.png"))
    assert result.exit_code == 3, result.output  # a network nobody trained misses its bars
    document = read_report(tmp_path / "report")
    assert [figure.name for figure in document.figures] == [
        "lean: times cheaper, ONNX Runtime",
        "lean: times cheaper, OpenVINO",
        "lean, dots: content, times theirs",
        "lean, dots: style, times theirs",
        "lean, dots: style, times theirs, each at its best strength",
        "lean, dots: lattice, levels",
    ]
    assert [figure.name for figure in document.figures if figure.barred] == [
        figure.name for figure in document.figures if "at its best strength" not in figure.name
    ]
    full = {row[1]: row[3:5] for row in document.sections[1].rows}
    times = tuple(one / other for one, other in zip(full["style-lean@v1"], full["published"], strict=True))
    assert tuple(figure.value for figure in document.figures[2:4]) == pytest.approx(times, rel=0.01)
    tables = {section.title: section for section in document.sections if section.kind == "table"}
    assert [row[:2] for row in tables["At full strength"].rows] == [("dots", "style-lean@v1"), ("dots", "published")]
    assert len(tables["Along the strength"].rows) == 4
    (gallery,) = (section for section in document.sections if section.kind == "pictures")
    assert gallery.captions == ("photograph", "dots, style-lean@v1", "dots, published")


def test_a_damaged_model_of_another_kind_is_passed_over(evaluate, store) -> None:
    versions.publish(store, model="a-detector", task="authenticity")
    path = store.root / "a-detector" / "v1" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text("[")
    assert evaluate().exit_code == 0


def test_without_peers_only_the_lattice_has_a_bar(evaluate, tmp_path) -> None:
    result = evaluate()
    assert result.exit_code == 0, result.output
    assert [figure.name for figure in read_report(tmp_path / "report").figures] == ["lean, dots: lattice, levels"]


def test_a_style_that_no_network_has_is_named_rather_than_left_out(evaluate, dots, tmp_path) -> None:
    assert_refused(evaluate("--style", f"dot={dots}"), "no network here has the style dot; there is dots")
    assert not (tmp_path / "report").exists()


def test_a_peer_for_a_style_that_is_not_judged_is_named(evaluate, peer) -> None:
    assert_refused(evaluate("--peer", f"lines={peer}"), "give --style lines=painting too")


def test_an_empty_store_says_what_to_do(evaluate, tmp_path) -> None:
    assert_refused(evaluate("--store", str(tmp_path / "nothing")), "models pull --starter")


@pytest.mark.parametrize("content", [None, b"words"])
def test_a_peer_that_is_missing_or_no_network_ends_with_a_sentence(evaluate, tmp_path, content) -> None:
    if content is not None:
        (tmp_path / "theirs.onnx").write_bytes(content)
    assert_refused(
        evaluate("--peer", f"dots={tmp_path / 'theirs.onnx'}"),
        "theirs.onnx is not a network that ONNX Runtime can open",
    )


def test_a_peer_paints_between_0_and_255_and_less_with_less_strength(peer) -> None:
    published = comparison.Published("theirs", {"dots": peer})
    photo = torch.tensor([0.0, 0.5, 0.9]).repeat(4, 1).expand(1, 3, 4, 3).contiguous()
    made = published.paint(photo, "dots", 1.0)
    assert made.max() == 1
    assert made.min() == pytest.approx(100 / 255)
    torch.testing.assert_close(published.paint(photo, "dots", 0.5), (made + photo) / 2)
