"""Which pictures may be learnt from, and which must not be."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.authenticity.data import FOLDS, NoPictures, Plan, Source, balanced_weights, load, read_plan
from training.authenticity.fitting import check_splits

from .conftest import save, scene


@pytest.fixture(scope="module")
def world(tmp_path_factory, make_world) -> Path:
    root = make_world(tmp_path_factory.mktemp("world"), 30)
    save(root / "real" / "street" / "tiny.png", scene(1, 12, side=100))
    (root / "real" / "street" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    (root / "ai" / "second" / "empty.png").touch()
    save(root / "ai" / "second" / "copy.jpg", scene(2000, 0.5))
    return root


def test_folders_become_sources_and_what_cannot_be_used_is_counted(world) -> None:
    dataset = load(world, Plan.of_folders(world))
    assert {(e.source, e.machine_made) for e in dataset.examples} == {
        ("real/street", False), ("real/studio", False), ("ai/first", True), ("ai/second", True)
    }  # fmt: skip
    assert len(dataset.examples) == 120
    assert dataset.skipped == {"too small": 1, "unreadable": 2, "seen before": 1}


def test_the_split_is_the_same_every_time_and_leaves_a_quarter_out(world) -> None:
    first, second = (load(world, Plan.of_folders(world)) for _ in range(2))
    assert first.examples == second.examples
    assert first.digest() == second.digest()
    assert 15 <= len(first.held_out()) <= 45
    assert {e.fold for e in first.learnable()} == set(range(FOLDS))


def test_pictures_of_one_person_stay_on_one_side(tmp_path) -> None:
    for person in range(12):
        for number in range(4):
            save(tmp_path / "faces" / f"person{chr(97 + person)}_{number}.png", scene(person * 10 + number, 9))
    save(tmp_path / "ai" / "one.png", scene(999, 0))
    plan = Plan(sources=(
        Source(name="faces", machine_made=False, files=("faces/*",), grouped=True),
        Source(name="ai", machine_made=True, files=("ai/*",)),
    ))  # fmt: skip
    sides: dict[str, set[int | None]] = {}
    for example in load(tmp_path, plan).examples:
        sides.setdefault(example.path.stem.rsplit("_")[0], set()).add(example.fold)
    assert len(sides) == 13
    assert all(len(folds) == 1 for folds in sides.values())
    assert len({next(iter(folds)) for folds in sides.values()}) > 2


@pytest.mark.parametrize("names", ["IMG_{:04d}", "DSC{:05d}", "{:04d}", "ComfyUI_{:05d}_"])
def test_pictures_named_by_a_camera_or_a_program_are_divided_like_all_others(tmp_path, names: str) -> None:
    for offset, source in enumerate(("real/one", "real/two", "ai/one", "ai/two")):
        for number in range(24):
            save(tmp_path / source / f"{names.format(number)}.png", scene(100 * offset + number, 9))
    dataset = load(tmp_path, Plan.of_folders(tmp_path))
    check_splits(dataset.examples)
    assert {e.machine_made for e in dataset.held_out()} == {False, True}


def test_a_person_among_pictures_named_by_a_camera_stays_on_one_side(tmp_path) -> None:
    for number in range(20):
        save(tmp_path / "real" / f"IMG_{number:04d}.png", scene(number, 9))
        save(tmp_path / "ai" / f"{number}.png", scene(100 + number, 0))
    for number in range(5):
        save(tmp_path / "real" / f"anna_{number}.png", scene(50 + number, 9))
    examples = load(tmp_path, Plan.of_folders(tmp_path)).examples
    assert len({e.fold for e in examples if "anna" in e.name}) == 1
    assert len({e.fold for e in examples if "IMG" in e.name}) > 3


def test_unseen_sources_are_never_learnt_from_and_limits_are_kept(world) -> None:
    plan = Plan(sources=(
        Source(name="seen", machine_made=False, files=("real/street/*",), limit=10),
        Source(name="new", machine_made=True, files=("ai/first/*",), unseen=True),
    ))  # fmt: skip
    dataset = load(world, plan)
    assert sum(e.source == "seen" for e in dataset.examples) == 10
    assert all(e.source == "seen" for e in dataset.learnable())


def test_both_classes_and_their_sources_count_the_same(world) -> None:
    examples = load(world, Plan.of_folders(world)).examples[5:]
    weights = balanced_weights(examples)
    assert weights.mean() == pytest.approx(1)
    shares = {
        name: weights[[e.source == name for e in examples]].sum() / weights.sum()
        for name in {e.source for e in examples}
    }
    assert list(shares.values()) == pytest.approx([0.25] * 4)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda root: None, "has no folder real/"),
        (lambda root: (root / "real").mkdir(), "has no folder ai/"),
        (lambda root: [(root / name).mkdir() for name in ("real", "ai")], "holds no photographs that can be used"),
        (lambda root: [save(root / "real" / "a.png", scene(1, 9)), (root / "ai").mkdir(), (root / "ai" / "x.jpg").write_bytes(b"x")],
         "no machine-made pictures that can be used .1 unreadable."),
    ],
)  # fmt: skip
def test_a_folder_without_pictures_to_tell_apart_is_refused_in_words(tmp_path, prepare, words) -> None:
    prepare(tmp_path)
    with pytest.raises(NoPictures, match=words):
        load(tmp_path, read_plan(tmp_path, None))


@given(st.text(max_size=200))
def test_any_text_is_a_plan_or_is_said_to_be_none(tmp_path_factory, text: str) -> None:
    path = tmp_path_factory.mktemp("plan") / "plan.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with pytest.raises(ValueError, match="is not a plan of sources"):
        Plan.read(path)


def test_the_shipped_plan_keeps_new_generators_and_their_photographs_unseen() -> None:
    plan = Plan.read(Path("training/authenticity/research.yaml"))
    assert {source.name for source in plan.sources if source.unseen} == {"newer-generators", "stock-photographs"}


@pytest.mark.parametrize("pattern", ["/etc/*.jpg", "../*.jpg", "", "."])
def test_a_pattern_that_leaves_the_folder_is_no_plan(tmp_path, pattern) -> None:
    (tmp_path / "plan.yaml").write_text(f"sources: [{{name: a, machine_made: true, files: ['{pattern}']}}]")
    with pytest.raises(ValueError, match="from the data folder down"):
        Plan.read(tmp_path / "plan.yaml")
