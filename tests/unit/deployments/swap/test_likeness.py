"""On photographs of people: the likeness goes over, as somebody who was not asked for the swap sees it."""

from __future__ import annotations

import pytest

from benchmarks.faces import engines, lfw
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from deployments.swap.embedded import EmbeddedSwapper
from deployments.swap.engine import SwapEngine, SwapQuery
from deployments.swap.types import SourceFace

PEOPLE = [("Naomi_Watts", "Laura_Bush"), ("Gray_Davis", "Bill_Gates"), ("David_Beckham", "Kofi_Annan")]


@pytest.fixture(scope="module")
def look(research_data):
    engine = build(engines.scrfd_mobilefacenet(research_data), Runtime(), [engines.landmark_model(research_data)])

    def central(photo):
        (found,) = engine.run([FaceQuery(photo, dense=True)])
        return lfw.central(found.faces, photo)

    return central


@pytest.mark.parametrize(("giver", "taker"), PEOPLE)
def test_a_recogniser_takes_the_result_for_the_source(look, research_data, giver, taker):
    def first(person):
        photo = Photo.open(min((research_data / "faces_lfw" / person).glob("*.jpg")).read_bytes())
        return photo, look(photo)

    (source, source_face), (target, target_face) = first(giver), first(taker)
    query = SwapQuery(target, (target_face,), (SourceFace(source, source_face),), ((0, 0),))
    (result,) = SwapEngine(EmbeddedSwapper()).run([query])
    seen = look(Photo.open(encode(result.pixels, "image/png")))
    assert seen.embedding @ source_face.embedding > 0.31
    assert seen.embedding @ source_face.embedding > seen.embedding @ target_face.embedding + 0.1
