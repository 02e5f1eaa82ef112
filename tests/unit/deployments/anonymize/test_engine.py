from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from deployments.anonymize.engine import AnonymizeEngine, AnonymizeQuery, Method
from deployments.errors import InvalidField, NoFace

METHODS = list(Method)


def around(face, reach=1.9):
    x0, y0, x1, y1 = face.box
    middle, half = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), np.array([x1 - x0, y1 - y0]) / 2 * reach
    (left, top), (right, bottom) = (middle - half).astype(int), (middle + half).astype(int)
    return slice(max(top, 0), bottom), slice(max(left, 0), right)


@pytest.mark.parametrize("method", METHODS)
def test_every_landmark_of_every_face_is_hidden(scene, method):
    picture = scene((80, 100), (220, 180), scale=0.8)
    result = picture.hidden(method)
    for face in picture.faces:
        for x, y in face.dense.round().astype(int):
            before, after = (pixels[y - 2 : y + 3, x - 2 : x + 3].astype(int) for pixels in (picture.pixels, result))
            assert (before != after).any(axis=-1).mean() > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_away_from_faces_not_a_bit_changes(scene, method):
    picture = scene((80, 100), scale=0.6)
    changed = (picture.hidden(method) != picture.pixels).any(axis=-1)
    changed[around(picture.faces[0], 2.2)] = False
    assert not changed.any()


@pytest.mark.parametrize("method", METHODS)
def test_a_kept_face_stays_as_it_is(scene, method):
    picture = scene((70, 100), (230, 100), scale=0.7)
    result = picture.hidden(method, keep=(1,))
    assert (result[:, 170:] == picture.pixels[:, 170:]).all()
    assert (result[:, :130] != picture.pixels[:, :130]).any()


def test_with_every_face_kept_not_a_bit_changes(scene):
    picture = scene((60, 60), (150, 150), (240, 240), scale=0.4)
    assert (picture.hidden(Method.BLUR, keep=(0, 1, 2)) == picture.pixels).all()


def test_a_photo_without_faces_is_not_passed_off_as_anonymised(scene):
    with pytest.raises(NoFace, match="no face to hide"):
        AnonymizeEngine().run([AnonymizeQuery(scene().photo, ())])


@pytest.mark.parametrize("keep", [(1,), (-1,), (0, 7)])
def test_a_face_to_keep_that_is_not_there_is_an_invalid_field(scene, keep):
    picture = scene((100, 100))
    with pytest.raises(InvalidField, match="there is 1 face, number 0") as caught:
        AnonymizeEngine().run([AnonymizeQuery(picture.photo, picture.faces, keep=keep)])
    assert caught.value.details["field"] == "keep"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("degrees", [45, 90, 180])
def test_the_hidden_part_turns_with_the_head(scene, method, degrees):
    picture = scene((150, 150), degrees=degrees)
    result = picture.hidden(method)
    for x, y in picture.faces[0].dense.round().astype(int):
        assert (result[y - 1 : y + 2, x - 1 : x + 2] != picture.pixels[y - 1 : y + 2, x - 1 : x + 2]).any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("at", [(5, 150), (295, 290), (150, -20), (-400, 150)])
def test_a_face_over_the_border_is_hidden_as_far_as_it_is_there(scene, method, at):
    picture = scene(at)
    assert picture.hidden(method).shape == picture.pixels.shape


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [0.04, 0.12, 2.4])
def test_small_and_large_faces_are_hidden(scene, method, scale):
    picture = scene((150, 160), scale=scale)
    x, y = picture.faces[0].landmarks[2].round().astype(int)
    result = picture.hidden(method)
    assert (result[y - 1 : y + 2, x - 1 : x + 2] != picture.pixels[y - 1 : y + 2, x - 1 : x + 2]).any()


@pytest.mark.parametrize("method", METHODS)
def test_five_landmarks_are_enough(scene, method):
    picture = scene((150, 160))
    face = replace(picture.faces[0], dense=None)
    result = replace(picture, faces=(face,)).hidden(method)
    for x, y in picture.faces[0].dense.round().astype(int):
        assert (result[y - 1 : y + 2, x - 1 : x + 2] != picture.pixels[y - 1 : y + 2, x - 1 : x + 2]).any()


@pytest.mark.parametrize("method", METHODS)
def test_a_face_that_fills_a_large_photo_does_not_become_gigabytes(scene, method):
    picture = scene((1000, 1100), size=2000, scale=16)
    query = AnonymizeQuery(picture.photo, picture.faces, method)
    tracemalloc.start()
    try:
        (result,) = AnonymizeEngine().run([query])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (result != picture.pixels).any(axis=-1).mean() > 0.7
    # The drawn mask takes 44 MB, whatever the photo; the face in float32, at its full size, 48 MB a copy.
    assert peak < result.nbytes + 80e6


def test_a_batch_is_answered_in_order(scene):
    pictures = [scene((100, 100), seed=seed) for seed in range(3)]
    engine = AnonymizeEngine()
    engine.warm_up()
    results = engine.run([AnonymizeQuery(one.photo, one.faces, Method.PIXELATE) for one in pictures])
    for picture, result in zip(pictures, results, strict=True):
        assert (result == picture.hidden(Method.PIXELATE)).all()
    assert engine.run([]) == []
    engine.close()
