"""Swap models have probes like all others: a swap is asked for, and the picture is held against the manifest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.faces.swap_paste import IDENTITY, standin
from deployments.errors import FaceUnsuitable
from deployments.runtime import Runtime
from deployments.serving.examination import Unfit, examine, recorded
from deployments.swap.engine import build
from deployments.swap.probe import probe_swap
from registry.manifest import ModelVersion, Probe

EMBEDDING = [float(number == 3) for number in range(IDENTITY)]


def probing(version: ModelVersion, *probes: Probe) -> ModelVersion:
    return replace(version, manifest=version.manifest.model_copy(update={"probes": probes}))


def test_made_up_pictures_do_where_a_probe_names_none(version_of) -> None:
    version = version_of({}, backend="embedded", format="data")
    engine = build(version, Runtime())
    answer = recorded(engine, probe_swap({}, version), ["pixels", "swapped.0"])
    assert answer["swapped.0"] == (0.0, 0.0)
    examine(engine, [probing(version, Probe(expect=answer, tolerance=2.0))], probe_swap, None)
    spoilt = {**answer, "pixels": tuple(np.asarray(answer["pixels"]) + 5)}
    with pytest.raises(Unfit, match="probe 1 of net@v1: pixels is off by 5"):
        examine(engine, [probing(version, Probe(expect=spoilt, tolerance=2.0))], probe_swap, None)


def test_a_probe_names_pictures_and_faces_of_its_own(version_of, portrait) -> None:
    giver, taker = portrait(), portrait(seed=2)
    files = {"giver.png": giver.photo.data, "taker.png": taker.photo.data}
    version = version_of(files, backend="embedded", format="data")
    asked = {
        "source": "giver.png",
        "source_landmarks": giver.face.landmarks.tolist(),
        "target": "taker.png",
        "target_landmarks": taker.face.landmarks.tolist(),
    }
    (result,) = build(version, Runtime()).run([probe_swap(asked, version)])
    changed = np.abs(result.pixels.astype(int) - taker.pixels).max(axis=2) > 3
    rows, columns = np.nonzero(changed)
    left, top, right, bottom = taker.face.box
    assert changed.any()
    assert (left - 30 < columns.mean() < right + 30) and (top - 30 < rows.mean() < bottom + 30)


def test_an_identity_comes_with_the_probe(tmp_path) -> None:
    version = standin(tmp_path)
    engine = build(version, Runtime())
    query = probe_swap({"embedding": EMBEDDING}, version)
    assert query.sources[0].space == version.manifest.embedding_space
    probe = Probe(input={"embedding": EMBEDDING}, expect=recorded(engine, query, ["pixels"]), tolerance=1.0)
    examine(engine, [probing(version, probe)], probe_swap, None)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({}, "needs an embedding"),
        ({"embedding": [0.0] * IDENTITY}, "needs an embedding"),
        ({"embedding": EMBEDDING, "source_landmarks": [[1, 2]]}, "not five points"),
        ({"embedding": EMBEDDING, "target_landmarks": [[float("nan"), 2]] * 5}, "not five points"),
    ],
)
def test_a_probe_that_asks_for_nothing_is_refused_in_words(tmp_path, asked, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        probe_swap(asked, standin(tmp_path))


def test_a_face_outside_its_picture_cannot_be_asked_for(version_of) -> None:
    version = version_of({}, backend="embedded", format="data")
    outside = [[-90, -90], [-60, -90], [-75, -70], [-88, -55], [-62, -55]]
    with pytest.raises(FaceUnsuitable):
        build(version, Runtime()).run([probe_swap({"target_landmarks": outside}, version)])
