"""Why two faces cannot be swapped, in figures that do not contradict the limit beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployments.faces.types import Pose
from deployments.swap import suitability
from deployments.swap.suitability import obstacle_of


def test_an_angle_just_over_the_limit_is_told_as_over_it(portrait, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suitability.pose, "levelled", lambda landmarks: Pose(45.3, 0.0, 0.0))
    obstacle = obstacle_of(portrait().face, (200, 200), "The face")
    assert obstacle is not None
    assert "46 degrees to the side; up to 45" in obstacle.message


def test_a_face_just_under_the_least_size_is_told_as_under_it(portrait) -> None:
    face = replace(portrait().face, box=(50.0, 50.0, 73.8, 80.0))
    obstacle = obstacle_of(face, (200, 200), "The face")
    assert obstacle is not None
    assert "23 pixels large; at least 24" in obstacle.message
