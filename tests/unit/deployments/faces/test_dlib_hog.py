from __future__ import annotations

import dlib as library
import numpy as np
import pytest

from deployments.faces.dlib.boxes import box_of, rectangle_of
from deployments.faces.dlib.hog import Hog
from deployments.imaging import Photo


@pytest.mark.parametrize("threads", [1, 3])
def test_a_batch_is_answered_in_its_order_as_each_picture_alone(group: Photo, threads: int) -> None:
    people = group.pixels()
    pictures = [people, people[:, :640].copy(), np.zeros_like(people), people[:, 640:].copy(), people]
    rectangles, margins, _ = library.get_frontal_face_detector().run(people, 0, 0.0)
    hog = Hog(threads)
    found = hog(pictures, 0.0)
    assert found[0] == found[4] == [(box_of(one), margin) for one, margin in zip(rectangles, margins, strict=True)]
    assert found == [hog([picture], 0.0)[0] for picture in pictures]
    assert [len(faces) for faces in found] == [6, 3, 0, 3, 6]


def test_a_picture_that_cannot_be_scanned_leaves_the_detector_to_the_next(group: Photo) -> None:
    hog = Hog(1)
    with pytest.raises(Exception, match="image"):
        hog([np.zeros((3, 3, 7), np.uint8)], 0.0)
    assert len(hog([group.pixels()], 0.0)[0]) == 6


def test_boxes_go_to_dlib_and_back() -> None:
    assert box_of(rectangle_of((3.2, 4.0, 10.4, 12.0))) == (3, 4, 10, 12)
