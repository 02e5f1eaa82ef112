"""Boxes found and boxes there."""

from __future__ import annotations

import numpy as np

from training.evaluation.detection import average_precision, matched

SQUARE = (0.0, 0.0, 10.0, 10.0)


def test_a_true_box_is_given_once_to_the_surest() -> None:
    near = (1.0, 0.0, 11.0, 10.0)
    assert matched([near, SQUARE, (50.0, 50.0, 60.0, 60.0)], [0.9, 0.8, 0.7], [SQUARE]) == [0, None, None]


def test_perfect_detections_have_an_average_precision_of_one() -> None:
    assert average_precision(np.array([0.9, 0.8]), np.array([True, True]), 2) == 1


def test_average_precision_falls_with_false_alarms_and_with_misses() -> None:
    # A false alarm that is surer than the only hit: precision 1/2 at recall 1.
    assert average_precision(np.array([0.9, 0.8]), np.array([False, True]), 1) == 0.5
    assert average_precision(np.array([0.9]), np.array([True]), 2) == 0.5
    assert average_precision(np.array([]), np.array([], bool), 2) == 0
