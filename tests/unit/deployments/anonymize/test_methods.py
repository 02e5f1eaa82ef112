"""What is left of a face, method by method."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from deployments.anonymize.engine import Method
from deployments.anonymize.region import FaceEllipse
from deployments.faces.types import Pose


def inside(picture):
    """The pixels that belong to the face wholly."""
    ellipse = FaceEllipse.of(picture.faces[0])
    region = ellipse.region(picture.pixels.shape)
    mask = np.zeros(picture.pixels.shape[:2], bool)
    region.of(mask)[...] = ellipse.mask(region) == 1
    return mask


def test_the_ellipse_holds_all_points_forehead_and_chin(scene):
    picture = scene((150, 160), degrees=30)
    mask = inside(picture)
    up = FaceEllipse.of(picture.faces[0]).up
    points = picture.faces[0].dense
    brows = points[17:27].mean(axis=0)
    face_height = np.linalg.norm(points[8] - points[27])
    for x, y in [*points, brows + 0.4 * face_height * up, points[8] - 0.04 * face_height * up]:
        assert mask[round(float(y)), round(float(x))]


def test_landmarks_that_say_less_than_the_box_are_not_believed(scene):
    face = scene((150, 160)).faces[0]
    wrong = replace(face, dense=face.dense.mean(axis=0) + (face.dense - face.dense.mean(axis=0)) * 0.2)
    assert FaceEllipse.of(wrong).radii.min() >= 0.49 * min(face.box[2] - face.box[0], face.box[3] - face.box[1])


@pytest.mark.parametrize("degrees", [0, 30])
def test_the_ellipse_is_the_same_part_by_part_as_at_once(scene, degrees):
    ellipse = FaceEllipse.of(scene((400, 420), size=800, scale=4, degrees=degrees).faces[0])
    region = ellipse.region((800, 800, 3))
    parts = [ellipse.mask(strip) for strip in region.strips()]
    assert len(parts) > 1
    at = np.stack(np.meshgrid(*(np.arange(length) for length in (region.width, region.height))), axis=-1)
    offset = at + region.origin - ellipse.centre
    distance = np.hypot(offset @ ellipse.across / ellipse.radii[0], offset @ ellipse.up / ellipse.radii[1])
    fade = np.clip((1.12 - distance) / 0.12, 0, 1)
    np.testing.assert_allclose(np.concatenate(parts), fade * fade * (3 - 2 * fade), atol=1e-4)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_blurring_leaves_no_detail_finer_than_a_fifth_of_the_face(scene, scale):
    picture = scene((150, 160), scale=scale)
    result = picture.hidden(Method.BLUR).astype(np.float32)
    core = cv2.erode(inside(picture).astype(np.uint8), np.ones((5, 5))) > 0
    fine = result - cv2.GaussianBlur(result, (0, 0), 0.04 * FaceEllipse.of(picture.faces[0]).size)
    assert np.abs(fine[core]).max() < 2.5


def test_pixelation_leaves_flat_cells_of_a_seventh_of_the_face(scene):
    picture = scene((150, 160))
    result = picture.hidden(Method.PIXELATE)
    colours = np.unique(result[inside(picture)], axis=0)
    assert 30 < len(colours) < 140
    side = round(FaceEllipse.of(picture.faces[0]).size / 7)
    x, y = picture.faces[0].landmarks[2].astype(int)
    runs = np.diff(np.flatnonzero((np.diff(result[y, x - 40 : x + 40].astype(int), axis=0) != 0).any(axis=-1)))
    assert set(runs.tolist()) == {side}


@pytest.mark.parametrize("method", [Method.BLUR, Method.PIXELATE])
def test_faces_that_differ_only_in_detail_cannot_be_told_apart(scene, method):
    """Detail that averages out over a cell is gone, not hidden: two such photos give the same result."""
    picture = scene((150, 160))
    checks = np.indices((300, 300)).sum(axis=0)[..., None] % 2
    first, second = (
        replace(picture, pixels=np.where(checks == phase, 90, 150).astype(np.uint8).repeat(3, axis=2))
        for phase in (0, 1)
    )
    difference = first.hidden(method).astype(int) - second.hidden(method)
    assert np.abs(difference[inside(picture)]).max() <= 2


def test_replacing_takes_nothing_from_the_face(scene):
    picture, other = scene((150, 160), seed=1), scene((150, 160), seed=2)
    mask = inside(picture)
    surroundings = picture.pixels.copy()
    surroundings[mask] = other.pixels[mask]
    one, two = picture.hidden(Method.REPLACE), replace(picture, pixels=surroundings).hidden(Method.REPLACE)
    assert (one[mask] == two[mask]).all()


def test_the_mask_knows_the_direction_only_roughly(scene):
    picture = scene((150, 160))

    def turned(yaw):
        face = replace(picture.faces[0], pose=Pose(yaw, 0, 0))
        return replace(picture, faces=(face,)).hidden(Method.REPLACE)

    assert (turned(16) == turned(20)).all()
    assert (turned(0) != turned(20)).any()


def test_the_mask_is_darker_in_dark_surroundings(scene):
    picture = scene((150, 160))
    dark = replace(picture, pixels=(picture.pixels // 8).astype(np.uint8))
    mask = inside(picture)
    assert dark.hidden(Method.REPLACE)[mask].mean() < 0.8 * picture.hidden(Method.REPLACE)[mask].mean()


def test_the_mask_is_no_brighter_than_the_photo_it_is_put_into(scene):
    picture = scene((150, 160))
    dark = replace(picture, pixels=(picture.pixels // 4).astype(np.uint8))
    result = dark.hidden(Method.REPLACE)
    assert np.percentile(result[inside(picture)], 99) < 1.5 * np.percentile(dark.pixels, 99)


@pytest.mark.parametrize("tone", [(1.0, 1.0, 1.0), (1.0, 0.86, 0.68), (0.7, 0.85, 1.0)])
def test_the_mask_has_no_colours_where_the_photo_has_none(scene, tone):
    picture = scene((150, 160))
    grey = picture.pixels.mean(axis=2, keepdims=True)
    toned = replace(picture, pixels=(grey * tone).astype(np.uint8))
    result = toned.hidden(Method.REPLACE)[inside(picture)].astype(int)
    # All that is not nearly black is as far from grey as the photo is at that brightness.
    bright = result[result.max(axis=1) > 60]
    assert np.abs(bright - bright.max(axis=1, keepdims=True) * tone).mean() < 4


def test_colours_of_the_hidden_face_do_not_make_its_photo_one_in_colour(scene):
    """What is hidden has no say in anything, not even in whether the photo is in colour."""
    picture = scene((150, 160))
    mask = inside(picture)
    grey = picture.pixels.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
    coloured = np.where(mask[..., None], picture.pixels, grey)
    one, two = (replace(picture, pixels=pixels).hidden(Method.REPLACE) for pixels in (grey, coloured))
    assert (one[mask] == two[mask]).all()


def test_a_face_that_leaves_nothing_of_its_photo_is_hidden_all_the_same(scene):
    picture = scene((40, 42), size=80, scale=3)
    assert inside(picture).all()
    assert np.ptp(picture.hidden(Method.REPLACE).astype(int), axis=2).max() > 60


def test_the_mask_has_two_eyes_that_look_out_of_it(scene):
    picture = scene((150, 160), scale=1.5)
    result = picture.hidden(Method.REPLACE)
    dark = ((result.max(axis=-1) < 45) & inside(picture)).astype(np.uint8)
    count, _, stats, centres = cv2.connectedComponentsWithStats(dark)
    eyes = [index for index in range(1, count) if stats[index, cv2.CC_STAT_AREA] > 60]
    assert len(eyes) == 2
    assert abs(centres[eyes[0]][1] - centres[eyes[1]][1]) < 4
