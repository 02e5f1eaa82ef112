from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.faces.swap_paste import IDENTITY, SPACE, standin
from deployments.compositing.patches import Patch
from deployments.errors import FaceUnsuitable, InvalidField, Refused
from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from deployments.serving.comparison import Comparison, compare
from deployments.swap.embedded import EmbeddedSwapper
from deployments.swap.engine import SwapEngine, build
from deployments.swap.safety import BlockList
from deployments.swap.types import Reason, SourceFace, SwapQuery


@pytest.fixture
def engine():
    return SwapEngine(EmbeddedSwapper())


@pytest.fixture
def two_people(portrait):
    """A picture with two faces, left to right."""
    left, right = portrait(at=(0.5, 0.55)), portrait(at=(0.5, 0.55), skin=(140, 95, 75), seed=2)
    pixels = np.hstack([left.pixels, right.pixels])

    def moved(face):
        shift = np.array([200, 0], np.float32)
        x0, y0, x1, y1 = face.box
        return replace(
            face, box=(x0 + 200, y0, x1 + 200, y1), landmarks=face.landmarks + shift, dense=face.dense + shift
        )

    return Photo.open(encode(pixels, "image/png")), (left.face, moved(right.face))


def test_every_face_of_the_mapping_is_swapped_and_no_other(engine, two_people, portrait):
    target, faces = two_people
    source = portrait(lips=(60, 50, 160))
    (result,) = engine.run([SwapQuery(target, faces, (source.source,), ((0, 1),))])
    before = target.pixels()
    assert result.pixels.shape == before.shape
    assert result.swapped == ((0, 1),)
    assert result.skipped == ()
    assert (result.pixels[:, :200] == before[:, :200]).all()
    assert (result.pixels[:, 200:] != before[:, 200:]).any()


def test_the_face_that_the_mapping_names_is_put_in(engine, portrait):
    target = portrait(seed=2)
    sources = tuple(portrait(lips=lips).source for lips in ((60, 50, 160), (200, 190, 40)))
    results = []
    for number, source in enumerate(sources):
        named, alone = engine.run(
            [
                SwapQuery(target.photo, (target.face,), sources, ((number, 0),)),
                SwapQuery(target.photo, (target.face,), (source,), ((0, 0),)),
            ]
        )
        assert (named.pixels == alone.pixels).all()
        results.append(named.pixels)
    assert (results[0] != results[1]).any()


def test_two_people_of_one_picture_change_faces(engine, two_people):
    target, faces = two_people
    sources = tuple(SourceFace(target, face) for face in faces)
    (result,) = engine.run([SwapQuery(target, faces, sources, ((0, 1), (1, 0)))])
    assert result.swapped == ((0, 1), (1, 0))
    one_by_one = target.pixels().copy()
    for pair in ((0, 1), (1, 0)):
        (single,) = engine.run([SwapQuery(target, faces, sources, (pair,))])
        changed = (single.pixels != target.pixels()).any(axis=-1)
        one_by_one[changed] = single.pixels[changed]
    assert (result.pixels == one_by_one).all(), "neither swap sees what the other did"


def test_a_patch_is_laid_in_as_soon_as_it_is_made(two_people, portrait):
    target, faces = two_people
    events = []

    class Painter(EmbeddedSwapper):
        def swap(self, jobs):
            for patch in super().swap(jobs):
                events.append("made")
                yield Patch(patch.region, lambda part, patch=patch: events.append("laid") or patch.paint(part))

    pairs = ((0, 0), (0, 1))
    SwapEngine(Painter()).run([SwapQuery(target, faces, (portrait(lips=(60, 50, 160)).source,), pairs)])
    assert events == ["made", "laid", "made", "laid"]


def test_a_face_that_fills_a_large_photo_does_not_become_gigabytes(engine, portrait):
    source, target = portrait(size=1000, scale=8), portrait(size=3000, scale=24, seed=2)
    query = SwapQuery(target.photo, (target.face,), (source.source,), ((0, 0),))
    tracemalloc.start()
    try:
        (result,) = engine.run([query])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (result.pixels != target.pixels).any(axis=-1).mean() > 0.4
    # The face is worked on at 1,024 px; at the photo's own size float32 would take 108 MB a copy.
    assert peak < result.pixels.nbytes + 200e6


def test_an_empty_mapping_gives_the_picture_back(engine, two_people):
    target, faces = two_people
    (result,) = engine.run([SwapQuery(target, faces, (), ())])
    assert (result.pixels == target.pixels()).all()
    assert result.swapped == ()


def test_a_face_that_cannot_be_swapped_is_left_and_named_with_the_reason(engine, two_people, portrait):
    target, faces = two_people
    turned = replace(faces[0], dense=None, landmarks=portrait(squeeze=0.85).face.landmarks)
    (result,) = engine.run([SwapQuery(target, (turned, faces[1]), (portrait().source,), ((0, 0), (0, 1)))])
    assert result.swapped == ((0, 1),)
    (skipped,) = result.skipped
    assert (skipped.source, skipped.target) == (0, 0)
    assert skipped.reason in (Reason.POSE, Reason.PROFILE)
    assert (result.pixels[:, :200] == target.pixels()[:, :200]).all()


def test_when_no_face_can_be_swapped_the_answer_is_an_error(engine, portrait):
    tiny, target = portrait(size=64, scale=0.155), portrait()
    with pytest.raises(FaceUnsuitable, match="12 pixels") as caught:
        engine.run([SwapQuery(target.photo, (target.face,), (tiny.source,), ((0, 0),))])
    assert caught.value.details["reason"] == "too-small"


def test_half_a_face_at_the_border_is_refused(engine, portrait):
    cut, whole = portrait(at=(0.05, 0.5)), portrait(seed=2)
    for source, target, side in ((cut, whole, "put in"), (whole, cut, "replaced")):
        with pytest.raises(FaceUnsuitable, match=f"{side} is cut off"):
            engine.run([SwapQuery(target.photo, (target.face,), (source.source,), ((0, 0),))])


def test_a_profile_is_refused(engine, portrait):
    turned, target = portrait(), portrait(seed=2)
    landmarks = turned.face.landmarks + np.array([[0, 0], [-18, 0], [34, 0], [0, 0], [-14, 0]], np.float32)
    source = turned.with_face(landmarks=landmarks)
    with pytest.raises(FaceUnsuitable, match="to the side"):
        engine.run([SwapQuery(target.photo, (target.face,), (source.source,), ((0, 0),))])


def test_a_face_is_not_swapped_with_itself(engine, portrait):
    one = portrait()
    with pytest.raises(FaceUnsuitable, match="same face of the same picture"):
        engine.run([SwapQuery(one.photo, (one.face,), (one.source,), ((0, 0),))])


def test_a_face_that_is_not_there_is_an_invalid_field(engine, portrait):
    one, other = portrait(), portrait(seed=2)
    for mapping in (((0, 1),), ((1, 0),), ((0, -1),)):
        with pytest.raises(InvalidField, match="mapping"):
            engine.run([SwapQuery(one.photo, (one.face,), (other.source,), mapping)])


def test_sixty_faces_are_swapped_in_one_go(engine, portrait):
    one = portrait(size=100, scale=0.5)
    picture = np.tile(one.pixels, (6, 10, 1))
    faces = []
    for index in range(60):
        shift = np.array([index % 10, index // 10], np.float32) * 100
        x0, y0, x1, y1 = one.face.box
        box = (x0 + shift[0], y0 + shift[1], x1 + shift[0], y1 + shift[1])
        faces.append(replace(one.face, box=box, landmarks=one.face.landmarks + shift, dense=one.face.dense + shift))
    target = Photo.open(encode(picture, "image/png"))
    query = SwapQuery(target, tuple(faces), (portrait(seed=3).source,), tuple((0, index) for index in range(60)))
    (result,) = engine.run([query])
    assert len(result.swapped) == 60


def test_a_batch_is_answered_in_order_and_like_single_queries(engine, portrait):
    source = portrait(lips=(60, 50, 160)).source
    targets = [portrait(seed=seed, degrees=5 * seed) for seed in (2, 3, 4)]
    queries = [SwapQuery(target.photo, (target.face,), (source,), ((0, 0),)) for target in targets]
    for together, query in zip(engine.run(queries), queries, strict=True):
        (alone,) = engine.run([query])
        assert (together.pixels == alone.pixels).all()
    assert engine.run([]) == []


def test_a_blocked_person_refuses_the_whole_request(portrait):
    vector = np.eye(4, dtype=np.float32)[0]
    engine = SwapEngine(EmbeddedSwapper(), blocked=BlockList(vector[None], "s", 0.5))
    target = portrait(seed=2)
    giver = replace(portrait().source, space="s")
    giver = replace(giver, face=replace(giver.face, embedding=vector))
    with pytest.raises(Refused):
        engine.run([SwapQuery(target.photo, (target.face,), (giver,), ((0, 0),))])


def test_the_embedded_backend_needs_no_files(version_of):
    engine = build(version_of({}, backend="embedded", format="data"), Runtime())
    engine.warm_up()
    engine.close()


def test_two_versions_that_swap_alike_do_not_disagree(version_of, portrait):
    target = portrait(seed=2)
    query = SwapQuery(target.photo, (target.face,), (portrait().source,), ((0, 0),))
    versions = [version_of({}, version=number, backend="embedded", format="data") for number in ("v1", "v2")]
    (one,), (other,) = (build(version, Runtime()).run([query]) for version in versions)
    assert compare(one, other) == Comparison(None, 0.0, disagree=False)


def test_an_inswapper_version_swaps(tmp_path, portrait):
    engine = build(standin(tmp_path), Runtime())
    engine.warm_up()
    target = portrait(seed=2)
    face = replace(portrait().face, embedding=np.eye(IDENTITY, dtype=np.float32)[0])
    source = SourceFace(portrait().photo, face, SPACE)
    (result,) = engine.run([SwapQuery(target.photo, (target.face,), (source,), ((0, 0),))])
    assert (result.pixels != target.pixels).any()
    engine.close()


def test_restoration_follows_the_swap(version_of, portrait):
    from onnx import TensorProto, helper

    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, 512, 512]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    restorer = version_of(
        {"net.onnx": network.SerializeToString()},
        model="restorer", task="face-restoration", input={"blend": 1.0},
    )  # fmt: skip
    swapper = version_of({}, model="embedded-swap", backend="embedded", format="data")
    target = portrait(seed=2)
    query = SwapQuery(target.photo, (target.face,), (portrait().source,), ((0, 0),))
    plain, negative = build(swapper, Runtime()), build(swapper, Runtime(), [restorer])
    negative.warm_up()
    (before,), (after,) = plain.run([query]), negative.run([query])
    column, row = target.face.landmarks[2].astype(int)
    assert np.abs(after.pixels[row, column].astype(int) - (255 - before.pixels[row, column].astype(int))).max() < 12
    others = portrait(seed=3, skin=(140, 95, 75), squeeze=0.1)
    another = SwapQuery(others.photo, (others.face,), (portrait().source,), ((0, 0),))
    (other,) = negative.run([another])
    for together, alone in zip(negative.run([query, another]), (after, other), strict=True):
        assert (together.pixels == alone.pixels).all(), "everybody gets their own picture back"
    negative.close()


def test_unknown_backends_and_extras_are_refused_at_start(version_of):
    with pytest.raises(ValueError, match="'magic' is not a backend"):
        build(version_of({}, backend="magic", format="data"), Runtime())
    embedded = version_of({}, backend="embedded", format="data")
    with pytest.raises(ValueError, match="has no place beside"):
        build(embedded, Runtime(), [version_of({}, task="style", format="data")])


def test_a_second_block_list_is_refused_at_start_and_does_not_take_the_firsts_place(version_of):
    buffer = io.BytesIO()
    np.save(buffer, np.eye(4, dtype=np.float32))
    facts = {"task": "face-block-list", "format": "data", "embedding_space": "s", "input": {"threshold": 0.4}}
    lists = [version_of({"embeddings.npy": buffer.getvalue()}, model=name, **facts) for name in ("one", "two")]
    embedded = version_of({}, model="embedded-swap", backend="embedded", format="data")
    build(embedded, Runtime(), lists[:1]).close()
    with pytest.raises(ValueError, match="two@v1 .* has no place beside"):
        build(embedded, Runtime(), lists)


@pytest.mark.parametrize("seed", range(40))
def test_wrong_landmarks_give_a_picture_or_a_refusal(engine, portrait, seed):
    rng = np.random.default_rng(seed)

    def distorted(drawn):
        noise = rng.choice([1.0, 6.0, 20.0])
        dense = drawn.face.dense * rng.uniform(0.7, 1.2, 2) + rng.normal(0, noise, (68, 2)) + rng.uniform(-30, 30, 2)
        five = drawn.face.landmarks + rng.normal(0, noise, (5, 2))
        return drawn.with_face(dense=dense.astype(np.float32), landmarks=five.astype(np.float32))

    source, target = distorted(portrait()), distorted(portrait(seed=2))
    try:
        (result,) = engine.run([SwapQuery(target.photo, (target.face,), (source.source,), ((0, 0),))])
    except FaceUnsuitable:
        return
    assert result.pixels.shape == target.pixels.shape
