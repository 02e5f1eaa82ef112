"""No picture with somebody's face changed leaves a deployment without the mark that people see."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deployments.anonymize.deployment import Anonymize
from deployments.anonymize.engine import AnonymizeEngine, AnonymizeQuery
from deployments.anonymize.types import Method
from deployments.faces.types import Face, Pose, Quality
from deployments.imaging import Photo, encode
from deployments.provenance import mark
from deployments.runtime import Runtime
from deployments.serving.types import Options
from deployments.style.deployment import Style
from deployments.style.engine import StyleQuery
from deployments.swap.deployment import Swap
from deployments.swap.types import SwapQuery, SwapResult
from registry.opening import StoreAddress

GROUND = np.full((200, 240, 3), 90, np.uint8)
PHOTO = Photo.open(encode(GROUND))


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(StoreAddress(str(tmp_path)), Runtime())


async def test_a_swapped_face_is_marked(options: Options) -> None:
    answer = await Swap(options).finish(SwapQuery(PHOTO, (), (), ()), SwapResult(GROUND, (), ()))
    assert answer.picture.data == encode(mark(GROUND)) != encode(GROUND)


async def test_a_painted_photo_is_marked_and_one_that_is_as_it_was_is_not(options: Options) -> None:
    painted, as_it_was = (StyleQuery.parse(PHOTO, ["wave"], strength) for strength in (1.0, 0.0))
    assert (await Style(options).finish(painted, GROUND)).data == encode(mark(GROUND)) != encode(GROUND)
    assert (await Style(options).finish(as_it_was, GROUND)).data == PHOTO.data


async def test_a_photo_that_is_left_as_it_was_comes_back_upright(options: Options) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.fromarray(GROUND[:64]).save(file, "JPEG", exif=exif)
    photo = Photo.open(file.getvalue())
    answer = await Style(options).finish(StyleQuery.parse(photo, ["wave"], 0.0), GROUND)
    with Image.open(io.BytesIO(answer.data)) as seen:
        assert seen.size == (photo.width, photo.height) == (64, GROUND.shape[1])
        assert not seen.getexif()


async def test_a_hidden_face_is_marked() -> None:
    points = np.array([[40, 40], [60, 40], [50, 50], [42, 62], [58, 62]], np.float32)
    face = Face((30.0, 25.0, 70.0, 75.0), 1.0, points, None, Pose(0, 0, 0), Quality(40, 0.0, 1.0), None, None)
    query = AnonymizeQuery(PHOTO, (face,), Method.PIXELATE)
    (plain,) = AnonymizeEngine().run([query])
    assert await Anonymize(1).answer(query) == encode(mark(plain)) != encode(plain)
