from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from deployments.compositing.masks import eroded, hull
from deployments.faces.landmarks import mirrored
from deployments.faces.types import Pose
from deployments.swap import embedded
from deployments.swap.backend import Job
from deployments.swap.embedded import EmbeddedSwapper, fits_better_mirrored, misfit
from deployments.swap.types import Reason

SWAPPER = EmbeddedSwapper()


def job(source, target) -> Job:
    return Job(source.source, target.pixels, target.face)


def swapped(source, target):
    (patch,) = SWAPPER.swap([job(source, target)])
    result = target.pixels.copy()
    patch.onto(result)
    return result


def at(points, index, reach=3):
    x, y = points[index].mean(axis=0).round().astype(int)
    return slice(y - reach, y + reach + 1), slice(x - reach, x + reach + 1)


def test_the_mouth_is_the_sources_and_the_skin_the_targets(portrait):
    source = portrait(lips=(60, 50, 160), skin=(230, 190, 170))
    target = portrait(lips=(160, 60, 70), skin=(140, 95, 75), seed=2)
    result = swapped(source, target)
    points = target.face.dense
    mouth = result[at(points, slice(48, 60), 2)].mean(axis=(0, 1))
    assert mouth[2] > mouth[0], "blue lips came along"
    cheek = result[at(points, [2, 31])].mean(axis=(0, 1))
    assert np.abs(cheek - (140, 95, 75)).max() < 8


def test_a_face_taken_in_the_dark_has_its_features_in_a_bright_photo(portrait):
    source, target = portrait(), portrait(skin=(230, 190, 170), seed=2)
    levels = np.arange(256) / 255
    three_stops = np.rint(255 * (levels**2.2 / 8) ** (1 / 2.2)).astype(np.uint8)
    night = replace(source, pixels=three_stops[source.pixels])

    def contrast(giver):
        result = swapped(giver, target).astype(float)
        return result[at(target.face.dense, [2, 31])].mean() - result[at(target.face.dense, slice(18, 21), 2)].mean()

    assert contrast(night) > 0.85 * contrast(source)


def test_outside_the_face_not_a_bit_changes(portrait):
    source, target = portrait(lips=(60, 50, 160)), portrait(seed=2)
    changed = (swapped(source, target) != target.pixels).any(axis=-1)
    y, x = np.nonzero(changed)
    points = target.face.dense
    assert x.min() >= points[:, 0].min() - 2
    assert x.max() <= points[:, 0].max() + 2
    assert y.max() <= points[:, 1].max() + 2


def test_no_seam_is_left_at_the_border_of_the_face(portrait):
    source, target = portrait(skin=(90, 60, 45)), portrait(skin=(230, 190, 170), seed=2)
    result = swapped(source, target).astype(int)
    face = hull(result.shape[:2], target.face.dense[:17])
    rim = (face == 1) & (eroded(face, 6) == 0)
    assert np.abs(result - target.pixels)[rim].mean() < 6


@pytest.mark.parametrize("degrees", [90, 180, -45])
def test_a_head_on_its_side_or_upside_down_is_swapped_like_an_upright_one(portrait, degrees):
    source, target = portrait(lips=(60, 50, 160)), portrait(degrees=degrees, seed=2)
    assert SWAPPER.obstacle(job(source, target)) is None
    mouth = swapped(source, target)[at(target.face.dense, slice(48, 60), 2)].mean(axis=(0, 1))
    assert mouth[2] > mouth[0]


def test_a_head_that_looks_the_other_way_is_mirrored(portrait):
    left, right = portrait(squeeze=0.35), portrait(squeeze=-0.35, seed=2)
    assert fits_better_mirrored(left.face, right.face)
    assert not fits_better_mirrored(left.face, portrait(squeeze=0.3, seed=2).face)
    assert SWAPPER.obstacle(job(left, right)) is None
    assert misfit(mirrored(left.face.dense, 200), right.face.dense) < 0.01


def test_heads_that_look_different_ways_are_refused_with_the_angle(portrait):
    obstacle = SWAPPER.obstacle(job(portrait(squeeze=0.75), portrait(seed=2)))
    assert obstacle is not None
    assert obstacle.reason is Reason.POSE
    assert "degrees apart" in obstacle.message or "stretched" in obstacle.message


@pytest.mark.parametrize(("turn", "told"), [(25.2, "26 degrees apart; up to 25"), (40.0, "40 degrees apart; up to 25")])
def test_an_angle_that_is_refused_is_told_beside_the_largest_that_is_not(portrait, monkeypatch, turn, told):
    source, target = portrait(), portrait(seed=2)
    poses = {id(source.face.landmarks): Pose(turn, 0.0, 0.0), id(target.face.landmarks): Pose(0.0, 0.0, 0.0)}
    monkeypatch.setattr(embedded.pose, "levelled", lambda landmarks: poses[id(landmarks)])
    obstacle = SWAPPER.obstacle(job(source, target))
    assert obstacle is not None
    assert told in obstacle.message


def test_a_source_that_would_be_enlarged_to_a_blur_is_refused(portrait):
    obstacle = SWAPPER.obstacle(job(portrait(scale=0.3), portrait(size=400, scale=2.5)))
    assert obstacle is not None
    assert obstacle.reason is Reason.TOO_SMALL
    assert "9 times, and up to 4" in obstacle.message


def test_with_five_landmarks_straight_faces_are_swapped(portrait):
    source, target = portrait(lips=(60, 50, 160)).with_face(dense=None), portrait(seed=2).with_face(dense=None)
    assert SWAPPER.obstacle(job(source, target)) is None
    mouth = swapped(source, target)[at(portrait().face.dense, slice(48, 60), 2)].mean(axis=(0, 1))
    assert mouth[2] > mouth[0]


def test_with_five_landmarks_turned_faces_are_refused(portrait):
    turn = np.array([[0, 0], [0, 0], [14, 0], [0, 0], [0, 0]], np.float32)
    source, target = (
        drawn.with_face(dense=None, landmarks=drawn.face.landmarks + turn) for drawn in (portrait(), portrait(seed=2))
    )
    obstacle = SWAPPER.obstacle(job(source, target))
    assert obstacle is not None
    assert obstacle.reason is Reason.POSE


def test_a_hat_of_the_target_stays(portrait):
    source, target = portrait(), portrait(seed=2)
    brows = int(target.face.dense[17:27, 1].min())
    hatted = target.pixels.copy()
    hatted[: brows - 12] = (30, 30, 120)
    result = swapped(source, replace(target, pixels=hatted))
    assert np.abs(result[: brows - 20].astype(int) - hatted[: brows - 20]).max() < 3


def test_a_fringe_of_the_source_stays_away(portrait):
    source, target = portrait(), portrait(seed=2)
    brows = int(source.face.dense[17:27, 1].max())
    fringed = source.pixels.copy()
    fringed[: brows + 3] = (30, 20, 15)
    result = swapped(replace(source, pixels=fringed), target)
    above = result[brows - 14 : brows - 10, 95:105].mean(axis=(0, 1))
    assert np.abs(above - (205, 155, 125)).max() < 12


def test_a_large_source_and_a_small_target_meet_at_the_targets_size(portrait):
    source, target = portrait(size=800, scale=4.4, lips=(60, 50, 160)), portrait(seed=2)
    mouth = swapped(source, target)[at(target.face.dense, slice(48, 60), 2)].mean(axis=(0, 1))
    assert mouth[2] > mouth[0]


def test_a_photo_that_gives_several_faces_is_decoded_once(portrait, monkeypatch):
    from deployments.imaging import Photo

    decoded = []
    original = Photo.pixels
    monkeypatch.setattr(Photo, "pixels", lambda self, side=None: decoded.append(side) or original(self, side))
    source, target = portrait().source, portrait(seed=2)
    list(SWAPPER.swap([Job(source, target.pixels, target.face)] * 3))
    assert len(decoded) == 1


def test_the_same_query_gives_the_same_picture(portrait):
    source, target = portrait(), portrait(seed=2)
    assert (swapped(source, target) == swapped(source, target)).all()
