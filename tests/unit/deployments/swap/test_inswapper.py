from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pytest

from benchmarks.faces.swap_paste import IDENTITY, SPACE, standin
from deployments.errors import Unavailable
from deployments.faces.alignment import umeyama
from deployments.runtime import Runtime
from deployments.swap.backend import Job
from deployments.swap.inswapper import SIZE, TEMPLATE, InSwapper, crop_mask, match_rim
from deployments.swap.paste import from_crop

IDENTITY_OF_SOURCE = np.eye(IDENTITY, dtype=np.float32)[-1]


@pytest.fixture
def version(tmp_path):
    return standin(tmp_path)


@pytest.fixture
def job(portrait):
    def make(embedding=IDENTITY_OF_SOURCE, space=SPACE, **drawn):
        source = replace(portrait().source, space=space)
        target = portrait(**drawn)
        giver = replace(source, face=replace(source.face, embedding=embedding))
        return Job(giver, target.pixels, target.face)

    return make


def painted(patch):
    pixels, _ = patch.paint(patch.region)
    return pixels


@pytest.fixture
def runs(monkeypatch):
    """The batch sizes the network was run with."""
    sizes = []
    original = ort.InferenceSession.run

    def run(self, names, feed, *rest):
        sizes.append(len(next(iter(feed.values()))))
        return original(self, names, feed, *rest)

    monkeypatch.setattr(ort.InferenceSession, "run", run)
    return sizes


def test_crops_of_many_jobs_go_through_the_network_together(version, job, runs):
    patches = InSwapper(version, Runtime()).swap([job(degrees=degrees) for degrees in (0, 10, 20)])
    assert len(patches) == 3
    assert runs == [3]


def test_a_model_with_a_fixed_batch_is_run_once_per_crop(tmp_path, job, runs):
    swapper = InSwapper(standin(tmp_path, batch=1), Runtime())
    assert len(swapper.swap([job(), job(degrees=10)])) == 2
    assert runs == [1, 1]


def test_a_fixed_batch_is_filled_up(tmp_path, job, runs):
    jobs = [job(degrees=degrees) for degrees in (0, 10, 20)]
    three = InSwapper(standin(tmp_path, batch=2), Runtime()).swap(jobs)
    assert runs == [2, 2]
    one = InSwapper(standin(tmp_path), Runtime()).swap(jobs)
    for left, right in zip(three, one, strict=True):
        np.testing.assert_allclose(painted(left), painted(right), atol=1e-3)


@pytest.mark.parametrize("batch", ["n", 1, 3])
def test_every_crop_is_redrawn_with_its_own_identity(tmp_path, job, batch):
    swapper = InSwapper(standin(tmp_path, batch=batch), Runtime())
    jobs = [job(), job(embedding=np.eye(IDENTITY, dtype=np.float32)[5])]
    dark, light = swapper.swap(jobs)
    for together, one in zip((dark, light), jobs, strict=True):
        (alone,) = swapper.swap([one])
        np.testing.assert_allclose(painted(together), painted(alone), atol=1e-3)
    assert np.abs(painted(dark) - painted(light)).max() > 10


def test_no_jobs_need_no_run(version, runs):
    assert InSwapper(version, Runtime()).swap([]) == []
    assert runs == []


def test_the_identity_is_projected_and_normalised(version, job, monkeypatch):
    fed = []
    original = ort.InferenceSession.run
    monkeypatch.setattr(
        ort.InferenceSession, "run", lambda self, names, feed: fed.append(feed["source"]) or original(self, names, feed)
    )
    InSwapper(version, Runtime()).swap([job(embedding=3 * IDENTITY_OF_SOURCE)])
    # The stand-in's projection rolls the vector on by one.
    np.testing.assert_allclose(fed[0], np.eye(IDENTITY)[[0]], atol=1e-6)


def test_the_new_face_is_in_the_picture_and_nothing_else_changes(version, job):
    one = job()
    (patch,) = InSwapper(version, Runtime()).swap([one])
    result = one.target.copy()
    patch.onto(result)
    x, y = one.target_face.landmarks[2].astype(int)
    assert np.abs(result[y, x].astype(int) - one.target[y, x]).max() > 20
    assert (result[:10] == one.target[:10]).all()


@pytest.mark.parametrize(
    ("embedding", "space"),
    [(None, SPACE), (IDENTITY_OF_SOURCE, "another"), (IDENTITY_OF_SOURCE, None), (IDENTITY_OF_SOURCE[:128], SPACE)],
)
def test_an_identity_of_another_space_is_never_fed_to_the_network(version, job, embedding, space):
    with pytest.raises(Unavailable, match="do not fit together"):
        InSwapper(version, Runtime()).swap([job(embedding=embedding, space=space)])


def test_a_face_of_values_that_are_no_numbers_is_an_error_and_no_picture(version, job):
    with pytest.raises(ValueError, match="no numbers"):
        InSwapper(version, Runtime()).swap([job(embedding=np.full(IDENTITY, np.nan, np.float32))])


def test_a_network_of_another_signature_is_refused_at_start(version_of):
    import onnx
    from onnx import TensorProto, helper

    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 64])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 64, 64])
    unused = helper.make_tensor("emap", TensorProto.FLOAT, [2, 2], [0, 1, 2, 3])
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y], [unused])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(network)
    with pytest.raises(ValueError, match="does not take a 128 px crop"):
        InSwapper(version_of({"net.onnx": network.SerializeToString()}), Runtime())


def test_a_rim_in_the_wrong_shade_is_corrected_and_the_face_keeps_its_contrast():
    crop = np.full((SIZE, SIZE, 3), (180, 140, 120), np.uint8)
    fake = crop.astype(np.float32) + (10, -6, 4)
    fake[50:70, 50:70] += 30
    matched = match_rim(fake, crop)
    np.testing.assert_allclose(matched[20, 20], crop[20, 20], atol=0.5)
    np.testing.assert_allclose(matched[60, 60] - matched[90, 90], 30, atol=0.5)


def test_a_rim_of_quite_another_colour_is_not_chased():
    crop = np.zeros((SIZE, SIZE, 3), np.uint8)
    fake = np.full((SIZE, SIZE, 3), 200, np.float32)
    assert match_rim(fake, crop).max() >= 175


@pytest.mark.filterwarnings("ignore:`estimate` is deprecated:FutureWarning")
def test_pasting_back_agrees_with_insightfaces_own_inside_the_mask(version, job):
    inswapper = pytest.importorskip("insightface.model_zoo.inswapper")
    theirs = inswapper.INSwapper(str(version.path("inswapper.onnx")))
    one = job(size=400, scale=2.2, degrees=8)
    target = type("Target", (), {"kps": one.target_face.landmarks})
    source = type("Source", (), {"normed_embedding": IDENTITY_OF_SOURCE})
    bgr = one.target[:, :, ::-1]
    crop, matrix = theirs.get(bgr, target, source, paste_back=False)
    whole = theirs.get(bgr, target, source)[:, :, ::-1]
    matrix = matrix.astype(np.float32)
    np.testing.assert_allclose(matrix, umeyama(one.target_face.landmarks, TEMPLATE), atol=1e-3)

    patch = from_crop(np.ascontiguousarray(crop[:, :, ::-1]), matrix, crop_mask(), one.target.shape)
    ours = one.target.copy()
    patch.onto(ours)
    middle = np.zeros((SIZE, SIZE), np.float32)
    middle[26:-26, 26:-26] = 1
    _, alpha = from_crop(crop, matrix, middle, one.target.shape).paint(patch.region)
    inside = alpha == 1
    difference = np.abs(patch.region.of(ours)[inside].astype(int) - patch.region.of(whole)[inside])
    assert inside.sum() > 10_000
    assert difference.max() <= 1
