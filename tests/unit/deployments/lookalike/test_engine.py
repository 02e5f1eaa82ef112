"""Whom a face resembles: right people, right order, and a clear answer when the question does not fit."""

from __future__ import annotations

import io

import faiss
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deployments.errors import InvalidField, UnknownModel
from deployments.lookalike.engine import METHOD, LookalikeEngine, LookalikeQuery
from deployments.lookalike.files import CALIBRATION, INDEX, PEOPLE, PORTRAITS
from deployments.lookalike.index import VectorIndex
from deployments.lookalike.types import EmptyGallery, SpaceMismatch
from deployments.runtime import DeviceUnavailable, Runtime
from registry.manifest import ModelVersion

SPACE = "test-space"


def query(*numbers: float, space: str = SPACE, top: int = 3) -> LookalikeQuery:
    return LookalikeQuery(np.array(numbers, dtype=np.float32), space, top)


def test_people_come_best_first_with_everything_known_of_them(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    engine.warm_up()
    ((first, second, third),) = engine.run([query(0.1, 0.8, 0.3)])
    assert [first.name, second.name, third.name] == ["Grace", "Edsger", "Ada"]
    assert first.cosine > second.cosine > third.cosine
    assert first.similarity > second.similarity > third.similarity
    assert (first.role, first.link) == ("somebody", "https://example.org/who")
    assert first.attribution == "A. Photographer, CC BY 4.0"
    assert Image.open(io.BytesIO(engine.portrait(first.picture))).size == (64, 64)


def test_the_same_face_is_not_wholly_alike_and_the_opposite_not_wholly_unlike(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    (same,) = engine.run([query(1, 0, 0, top=1)])[0]
    (opposite,) = engine.run([query(-1, -1, -1, top=1)])[0]
    assert same.cosine == pytest.approx(1)
    assert (same.similarity, opposite.similarity) == (99, 1)
    assert "closest double" in METHOD


def test_the_length_of_a_vector_does_not_matter(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    short, long = engine.run([query(0.02, 0.01, 0), query(20, 10, 0)])
    assert [match.name for match in short] == [match.name for match in long]
    assert [match.cosine for match in short] == pytest.approx([match.cosine for match in long])


def test_a_batch_answers_as_each_query_alone_would(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    queries = [query(1, 0.5, 0, top=1), query(0, 0.2, 1, top=3), query(0.3, 1, 0, top=2)]
    assert engine.run(queries) == [engine.run([one])[0] for one in queries]
    assert [len(answer) for answer in engine.run(queries)] == [1, 3, 2]
    assert engine.run([]) == []


def test_asking_for_more_people_than_there_are_gives_everybody(three_people: ModelVersion) -> None:
    (answer,) = LookalikeEngine(three_people, Runtime()).run([query(1, 0, 0, top=50)])
    assert len(answer) == 3


def test_where_an_index_finds_fewer_people_nobody_else_is_named(make_gallery) -> None:
    version = make_gallery(np.eye(3, dtype=np.float32), ["Ada", "Grace", "Edsger"])
    # Of three cells it looks into the nearest one only.
    quantizer = faiss.IndexFlatIP(3)
    index = faiss.IndexIVFFlat(quantizer, 3, 3, faiss.METRIC_INNER_PRODUCT)
    index.train(np.eye(3, dtype=np.float32))
    index.add(np.eye(3, dtype=np.float32))
    engine = LookalikeEngine(version, Runtime())
    engine._index = VectorIndex(index, Runtime())
    assert [[match.name for match in answer] for answer in engine.run([query(0.1, 0.8, 0.3)])] == [["Grace"]]


def test_vectors_of_another_space_are_refused_by_name(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    with pytest.raises(SpaceMismatch, match="test-space.*other-space"):
        engine.run([query(1, 0, 0, space="other-space")])


def test_vectors_of_another_length_are_refused(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    with pytest.raises(SpaceMismatch, match="3 numbers"):
        engine.run([query(1, 0, 0, 0)])


@pytest.mark.parametrize("numbers", [(0, 0, 0), (float("nan"), 0, 1), (float("inf"), 0, 0)])
def test_a_vector_without_a_direction_is_refused(three_people: ModelVersion, numbers: tuple[float, ...]) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    with pytest.raises(ValueError, match="no direction"):
        engine.run([query(*numbers)])


def test_top_has_to_be_at_least_one(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    with pytest.raises(InvalidField) as caught:
        engine.run([query(1, 0, 0, top=0)])
    assert caught.value.details == {"field": "top"}


def test_an_empty_gallery_says_that_nobody_is_in_it(make_gallery) -> None:
    engine = LookalikeEngine(make_gallery(np.zeros((0, 3)), []), Runtime())
    engine.warm_up()
    with pytest.raises(EmptyGallery, match="no people") as caught:
        engine.run([query(1, 0, 0)])
    assert caught.value.status == 503


def test_an_unknown_portrait_is_not_found(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    for name in ("0" * 32 + ".jpg", "../manifest.yaml", ""):
        with pytest.raises(UnknownModel):
            engine.portrait(name)


@pytest.mark.parametrize("name", [INDEX, PEOPLE, PORTRAITS, CALIBRATION])
@pytest.mark.parametrize("damage", ["cut short", "empty", "noise"])
def test_a_damaged_file_is_named_when_the_gallery_is_opened(three_people: ModelVersion, name: str, damage: str) -> None:
    path = three_people.path(name)
    data = path.read_bytes()
    noise = np.random.default_rng(0).integers(256, size=len(data), dtype=np.uint8).tobytes()
    path.write_bytes({"cut short": data[: len(data) // 2], "empty": b"", "noise": noise}[damage])
    with pytest.raises(ValueError, match=name):
        LookalikeEngine(three_people, Runtime())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), flipped=st.integers(1, 255))
def test_an_index_with_any_byte_changed_is_refused_before_faiss_sees_it(
    three_people: ModelVersion, place: int, flipped: int
) -> None:
    path = three_people.path(INDEX)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[place % len(whole)] ^= flipped
    path.write_bytes(damaged)
    try:
        with pytest.raises(ValueError, match=r"damaged.*index\.faiss"):
            LookalikeEngine(three_people, Runtime())
    finally:
        path.write_bytes(whole)


def test_an_index_of_another_number_of_people_is_refused(make_gallery) -> None:
    version = make_gallery(np.eye(4), ["Ada", "Grace", "Edsger"])
    with pytest.raises(ValueError, match="3 people and has vectors of 4"):
        LookalikeEngine(version, Runtime())


def test_a_gallery_without_somebodys_portrait_is_refused(three_people: ModelVersion) -> None:
    people = three_people.path(PEOPLE)
    text = people.read_text()
    people.write_text(text.replace(text.split('"picture": "')[1][:32], "0" * 32, 1))
    with pytest.raises(ValueError, match="no portrait of Ada"):
        LookalikeEngine(three_people, Runtime())


def test_a_gallery_that_names_no_space_is_refused(three_people: ModelVersion) -> None:
    nameless = three_people.manifest.model_copy(update={"embedding_space": None})
    with pytest.raises(ValueError, match="no embedding_space"):
        LookalikeEngine(ModelVersion(nameless, three_people.folder), Runtime())


def test_a_gpu_that_is_not_there_is_a_failure_to_start(three_people: ModelVersion) -> None:
    import faiss

    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceUnavailable, match="GPU"):
        LookalikeEngine(three_people, Runtime(device="cuda"))


def test_a_closed_engine_answers_no_more(three_people: ModelVersion) -> None:
    engine = LookalikeEngine(three_people, Runtime())
    engine.close()
    with pytest.raises(RuntimeError, match="closed"):
        engine.run([query(1, 0, 0)])
