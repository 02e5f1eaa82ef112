"""What the evaluations of faces, swaps and moderation work out by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deployments.imaging import Photo, encode
from deployments.moderation.engine import Verdict
from training.evaluation.faces import _verified, read_boxes
from training.evaluation.lookalike import farthest
from training.evaluation.moderation import cheapest, judged
from training.evaluation.people import Pairs, Seen
from training.evaluation.report import Report
from training.evaluation.swap import outside, strangers
from training.gallery.analysis import Analysis


def test_boxes_and_ages_are_read_by_picture(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text("file,x0,y0,x1,y1,age\na.jpg,1,2,3,4,30\na.jpg,5,6,7,8,\nb.jpg,1,1,2,2,\n")
    first, second = read_boxes(path)
    assert first.path == tmp_path / "a.jpg"
    assert first.boxes == ((1, 2, 3, 4), (5, 6, 7, 8))
    assert first.ages == (30, None)
    assert second.boxes == ((1, 1, 2, 2),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,x0,y0,x1,y1\na.jpg,1,2,oops,4\n", "line 2"),
        ("file,x0,y0,x1,y1\na.jpg,1,2,3,4\nb.jpg,3,2,1,4\n", "line 3: the box is empty"),
        ("picture\na.jpg\n", "needs file,x0,y0,x1,y1"),
        ("file,x0,y0,x1,y1\n", "names no faces"),
    ],
)
def test_a_bad_box_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=says):
        read_boxes(path)


def test_the_cheapest_threshold_separates_what_can_be_separated() -> None:
    line, cost = cheapest(np.array([0.1, 0.2]), np.array([0.7, 0.9]), 10)
    assert 0.2 < line <= 0.7
    assert cost == 0


def test_pictures_that_cannot_be_read_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Lenient:
        def run(self, batch: list[Photo]) -> list[Verdict]:
            return [Verdict(allowed=True, scores={"explicit": 0.0}, rule=None) for _ in batch]

    (tmp_path / "sound.jpg").write_bytes(encode(np.zeros((8, 8, 3), np.uint8)))
    for name in ("half.jpg", "words.png"):
        (tmp_path / name).write_bytes(b"words")
    assert [entry.path.name for entry in judged(tmp_path, Lenient())] == ["sound.jpg"]
    assert "2 pictures that cannot be read were left out" in " ".join(capsys.readouterr().err.split())


def test_dear_misses_make_it_strict_and_dear_refusals_lax() -> None:
    safe, unsafe = np.array([0.1, 0.5, 0.6]), np.array([0.4, 0.8])
    assert cheapest(safe, unsafe, 100)[0] == pytest.approx(0.4)
    assert cheapest(safe, unsafe, 0.01)[0] == pytest.approx(0.8)


def test_a_swap_that_leaves_the_rest_alone_scores_one_outside_the_face() -> None:
    target = np.random.default_rng(0).integers(256, size=(80, 80, 3), dtype=np.uint8)
    swapped, damaged = target.copy(), target.copy()
    swapped[34:46, 34:46] = 0
    damaged[:30] = 255 - damaged[:30]
    assert outside(target, swapped, (20.0, 20.0, 60.0, 60.0)) == pytest.approx(1)
    assert outside(target, damaged, (20.0, 20.0, 60.0, 60.0)) < 0.8


def test_strangers_are_two_people_and_a_seed_draws_them_again() -> None:
    seen = [Seen(f"p{number // 2}", Path(str(number)), Analysis("d", None)) for number in range(8)]
    drawn = strangers(seen, 20, seed=3)
    assert all(one.person != other.person for one, other in drawn)
    assert drawn == strangers(seen, 20, seed=3)
    with pytest.raises(ValueError, match="two people"):
        strangers(seen[:2], 1, seed=0)


@pytest.mark.parametrize(
    ("stated", "away"),
    [([1.0], 1.0), ([0.5], 0.5), ([0.0, 0.0], 1.0), ([0.9, 1.0], 0.9), ([0.25, 0.5, 0.75, 1.0], 0.25)],
)
def test_the_statistic_of_calibration_looks_at_both_sides_of_every_jump(stated: list[float], away: float) -> None:
    assert farthest(np.array(stated)) == pytest.approx(away)


@pytest.mark.parametrize("seed", range(12))
def test_the_accuracy_of_few_pairs_lies_in_its_interval(seed: int) -> None:
    """Both are of thresholds tried out on other pairs: the best threshold of all would flatter the interval."""
    chance = np.random.default_rng(seed)
    same = np.repeat([True, False], 15)
    similarity = chance.normal(np.where(same, 0.5, 0.0), 0.4)
    report = Report("Faces", "")
    seen = [Seen(str(number), Path("gone.jpg"), Analysis("d", None)) for number in range(60)]
    _verified(report, seen, Pairs(tuple((2 * n, 2 * n + 1) for n in range(30)), similarity, same), 0.5)
    figure = report.document.figures[0]
    assert figure.interval is not None
    assert figure.interval[0] <= figure.value <= figure.interval[1]
