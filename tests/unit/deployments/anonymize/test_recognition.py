"""On photographs of people: face recognition no longer finds out who it was."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.faces import engines, lfw
from deployments.anonymize.engine import AnonymizeEngine, AnonymizeQuery, Method
from deployments.faces.alignment import norm_crop
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo
from deployments.runtime import Runtime, onnx_session

# Of MobileFaceNet's similarities between different people of LFW, 99.9 % are lower.
STRANGERS = 0.314


@pytest.fixture(scope="module")
def people(research_data):
    """Photos with their central face."""
    engine = build(engines.scrfd_mobilefacenet(research_data), Runtime())
    photos = [Photo.open(path.read_bytes()) for path in lfw.pictures(research_data)[:400:10]]
    found = zip(photos, engine.run([FaceQuery(photo) for photo in photos]), strict=True)
    return [(photo, face) for photo, faces in found if (face := lfw.central(faces.faces, photo)) is not None]


@pytest.fixture(scope="module")
def embed(research_data):
    """Embeds at the place where the face was: an attacker who knows it needs no detector."""
    session = onnx_session(research_data / "face_models" / "mobilefacenet_y1_128.onnx", Runtime())
    name = session.get_inputs()[0].name

    def vector(pixels, face):
        crop = norm_crop(pixels, face.landmarks).astype(np.float32).transpose(2, 0, 1)[None]
        found = session.run(None, {name: crop})[0][0]
        return found / np.linalg.norm(found)

    return vector


@pytest.mark.parametrize("method", list(Method))
def test_no_hidden_face_is_recognised(people, embed, method):
    assert len(people) >= 30
    for photo, face in people:
        (result,) = AnonymizeEngine().run([AnonymizeQuery(photo, (face,), method)])
        assert embed(photo.pixels(), face) @ face.embedding > 0.9, "the measurement itself works"
        assert embed(result, face) @ face.embedding < STRANGERS
