from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from deployments.errors import FaceUnsuitable, Refused, Unavailable
from deployments.swap.safety import BlockList, check
from deployments.swap.types import SwapQuery

VECTORS = np.eye(4, dtype=np.float32)
BLOCKED = BlockList(VECTORS[:1], "space", 0.5)


def saved(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.fixture
def query(portrait):
    def make(age=None, target_age=None, embedding=None, space="space", mapping=((0, 0),)):
        source, target = portrait(), portrait(seed=2)
        giver = replace(source.source, space=space, face=replace(source.face, age=age, embedding=embedding))
        bystander = replace(target.face, age=9.0)
        return SwapQuery(target.photo, (replace(target.face, age=target_age), bystander), (giver,), mapping)

    return make


def test_adults_and_faces_without_an_age_may_be_swapped(query):
    check(query(age=18.0, target_age=44.0), None)
    check(query(), None)


@pytest.mark.parametrize("ages", [{"age": 17.9}, {"target_age": 12.0}, {"age": float("nan")}])
def test_a_face_that_looks_under_age_refuses_the_request(query, ages):
    with pytest.raises(FaceUnsuitable, match="of age") as caught:
        check(query(**ages), None)
    assert caught.value.details["reason"] == "age"


def test_a_child_that_is_not_swapped_does_not_matter(query):
    check(query(mapping=((0, 0),)), None)
    with pytest.raises(FaceUnsuitable):
        check(query(mapping=((0, 1),)), None)


def test_a_person_on_the_block_list_is_refused_as_a_source(query):
    with pytest.raises(Refused) as caught:
        check(query(embedding=VECTORS[0]), BLOCKED)
    assert caught.value.details["rule"] == "blocked-person"
    check(query(embedding=VECTORS[1]), BLOCKED)


def test_one_likeness_among_many_people_of_the_list_is_enough(query):
    many = BlockList(VECTORS[:3], "space", 0.5)
    with pytest.raises(Refused):
        check(query(embedding=VECTORS[2]), many)
    check(query(embedding=VECTORS[3]), many)


def test_every_source_of_the_mapping_is_held_against_the_list_and_no_other(query):
    anybody, blocked = query(embedding=VECTORS[1]), query(embedding=VECTORS[0])
    both = replace(
        anybody,
        sources=(*anybody.sources, *blocked.sources),
        target_faces=(anybody.target_faces[0],) * 2,
        mapping=((0, 0), (1, 1)),
    )
    with pytest.raises(Refused):
        check(both, BLOCKED)
    check(replace(both, mapping=((0, 0), (0, 1))), BLOCKED)


def test_a_vector_that_is_no_number_lets_nobody_through(query):
    with pytest.raises(Refused):
        check(query(embedding=np.full(4, np.nan, np.float32)), BLOCKED)


def test_the_threshold_itself_is_refused(query):
    just = np.array([0.5, np.sqrt(0.75), 0, 0], np.float32)
    with pytest.raises(Refused):
        check(query(embedding=just), BLOCKED)
    below = np.array([0.49, np.sqrt(1 - 0.49**2), 0, 0], np.float32)
    check(query(embedding=below), BLOCKED)


@pytest.mark.parametrize(
    "wrong", [{"embedding": None}, {"embedding": VECTORS[1], "space": "another"}, {"embedding": VECTORS[1][:2]}]
)
def test_a_list_that_cannot_be_asked_lets_nobody_through(query, wrong):
    with pytest.raises(Unavailable, match="switched off"):
        check(query(**wrong), BLOCKED)


def test_a_block_list_is_read_from_a_version_and_normalised(version_of):
    version = version_of(
        {"embeddings.npy": saved(3 * VECTORS[:2])},
        task="face-block-list",
        format="data",
        embedding_space="s",
        input={"threshold": 0.4},
    )
    blocked = BlockList.load(version)
    np.testing.assert_array_equal(blocked.embeddings, VECTORS[:2])
    assert (blocked.space, blocked.threshold) == ("s", 0.4)


@pytest.mark.parametrize(
    ("array", "facts", "words"),
    [
        (VECTORS, {"input": {}}, "threshold"),
        (VECTORS, {"input": {"threshold": 40}}, "threshold"),
        (VECTORS, {"input": {"threshold": 0.4}, "embedding_space": None}, "space"),
        (VECTORS[0], {"input": {"threshold": 0.4}}, "matrix"),
        (VECTORS[:0], {"input": {"threshold": 0.4}}, "matrix"),
        (VECTORS.astype(int), {"input": {"threshold": 0.4}}, "matrix"),
        (np.full((1, 4), np.nan, np.float32), {"input": {"threshold": 0.4}}, "matrix"),
        (np.zeros((1, 4), np.float32), {"input": {"threshold": 0.4}}, "length 0"),
    ],
)
def test_what_is_no_block_list_is_refused_at_start(version_of, array, facts, words):
    version = version_of(
        {"embeddings.npy": saved(array)},
        **({"task": "face-block-list", "format": "data", "embedding_space": "s"} | facts),
    )
    with pytest.raises(ValueError, match=words):
        BlockList.load(version)


def test_a_pickle_is_never_opened(version_of):
    array = np.array([{"code": "runs"}], dtype=object)
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    version = version_of(
        {"embeddings.npy": buffer.getvalue()},
        task="face-block-list",
        format="data",
        embedding_space="s",
        input={"threshold": 0.4},
    )
    with pytest.raises(ValueError, match="allow_pickle"):
        BlockList.load(version)
