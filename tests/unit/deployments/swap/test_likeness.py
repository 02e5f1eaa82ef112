"""On photographs of people: the likeness goes over, as somebody who was not asked for the swap sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.faces import engines, lfw
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery
from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from deployments.swap.embedded import EmbeddedSwapper
from deployments.swap.engine import SwapEngine, SwapQuery
from deployments.swap.types import SourceFace

DATA = Path(os.environ.get("MASQUERADE_DATA", "../shared/data")).resolve()
PEOPLE = [("Naomi_Watts", "Laura_Bush"), ("Gray_Davis", "Bill_Gates"), ("David_Beckham", "Kofi_Annan")]


@pytest.fixture(scope="module")
def look():
    if not (DATA / "face_models").is_dir() or not (DATA / "faces_lfw").is_dir():
        pytest.skip(f"research models and photographs are not at {DATA}; set MASQUERADE_DATA")
    engine = build(engines.scrfd_mobilefacenet(DATA), Runtime(), [engines.landmark_model(DATA)])

    def central(photo):
        (found,) = engine.run([FaceQuery(photo, dense=True)])
        return lfw.central(found.faces, photo)

    return central


@pytest.mark.parametrize(("giver", "taker"), PEOPLE)
def test_a_recogniser_takes_the_result_for_the_source(look, giver, taker):
    def first(person):
        pictures = sorted((DATA / "faces_lfw" / person).glob("*.jpg"))
        if not pictures:
            pytest.skip(f"{person} is not among the photographs")
        photo = Photo.open(pictures[0].read_bytes())
        return photo, look(photo)

    (source, source_face), (target, target_face) = first(giver), first(taker)
    query = SwapQuery(target, (target_face,), (SourceFace(source, source_face),), ((0, 0),))
    (result,) = SwapEngine(EmbeddedSwapper()).run([query])
    seen = look(Photo.open(encode(result.pixels, "image/png")))
    assert seen.embedding @ source_face.embedding > 0.31
    assert seen.embedding @ source_face.embedding > seen.embedding @ target_face.embedding + 0.1
