"""What follows from probabilities said of pictures whose origin is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.authenticity.data import Example
from training.authenticity.judgement import Judged, add_reliability
from training.evaluation.report import Plot, Report
from training.evaluation.statistics import wilson


def example(source: str, *, machine_made: bool) -> Example:
    return Example(Path("gone.jpg"), "gone.jpg", source, machine_made, unseen=False, fold=None)


def test_a_share_of_few_heavy_pictures_has_a_wide_interval() -> None:
    """One picture of one generator weighs as much as nine of another: together they tell as much as 3.6."""
    made = [example("rare", machine_made=True)] + [example("common", machine_made=True)] * 9
    judged = Judged((*made, *[example("camera", machine_made=False)] * 10), np.repeat([0.95, 0.05], 10), (0.3, 0.7))
    report = Report("Authenticity", "")
    add_reliability(report, judged, "held out")
    reliability = report.document.sections[0]
    assert isinstance(reliability, Plot)
    found = reliability.series[-1]
    assert found.y == pytest.approx((0, 1))
    assert found.high[0] == pytest.approx(wilson(0, 10)[1])
    assert found.low[1] == pytest.approx(wilson(3.6, 3.6)[0])
