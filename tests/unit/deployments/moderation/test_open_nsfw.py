from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from deployments.errors import Unavailable
from deployments.imaging import Photo, encode
from deployments.imaging.probe import probe_photo
from deployments.moderation import glance as glances
from deployments.moderation.engine import Policy, build
from deployments.moderation.glance import IN_BYTES, NETWORK, Glance, glance_in_bytes, glance_on_openvino, open_glance
from deployments.moderation.open_nsfw import HARMLESS, LINE, OpenNsfw, preprocess
from deployments.runtime import Runtime
from deployments.serving.examination import Unfit, examine


def grid_of_strokes() -> Photo:
    """Sixteen tiles of thick strokes in skin tones: a picture of nothing, yet open_nsfw refuses such contact sheets."""
    seeds = (1031, 9095, 2730, 1862, 5643, 396, 6815, 2090, 9298, 5629, 7351, 2916, 2612, 640, 8392, 9859)
    sheet = np.full((212, 212, 3), 255, np.uint8)
    for number, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        tile = np.full((48, 48, 3), rng.integers(0, 90, 3), np.uint8)
        for _ in range(3):
            x0, y0, x1, y1 = map(int, rng.integers(0, 48, 4))
            width, light = int(rng.integers(5, 20)), rng.uniform(0.55, 1.1)
            tone = [int(value) for value in np.clip(np.array((225, 165, 135)) * light, 0, 255)]
            cv2.line(tile, (x0, y0), (x1, y1), tone, width, cv2.LINE_AA)
        top, left = 4 + 52 * (number // 4), 4 + 52 * (number % 4)
        sheet[top : top + 48, left : left + 48] = cv2.GaussianBlur(tile, (0, 0), 1.5)
    return Photo.open(encode(sheet, "image/png"))


# Preparing the input


def test_the_input_is_blue_green_red_minus_the_means(photo):
    prepared = preprocess(photo.pixels())
    assert prepared.shape == (224, 224, 3)
    assert prepared.dtype == np.float32
    assert prepared.mean(axis=(0, 1)) == pytest.approx((40 - 104, 120 - 117, 200 - 123), abs=2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (1000, 10), (300, 301)])
def test_any_shape_is_squeezed_into_the_square(shape):
    assert preprocess(np.zeros((*shape, 3), np.uint8)).shape == (224, 224, 3)


def test_the_outer_sixteenth_is_cut_away():
    pixels = np.zeros((256, 256, 3), np.uint8)
    pixels[:16] = pixels[-16:] = pixels[:, :16] = pixels[:, -16:] = 255
    inner = preprocess(pixels)[12:-12, 12:-12]
    assert inner == pytest.approx(np.broadcast_to((-104, -117, -123), inner.shape), abs=3)


# The stand-in: a network that answers with the share of red, so that every step up to the verdict can be calculated


@pytest.fixture
def stand_in(tmp_path, make_version):
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def save(scale: float, offset: float):
        weights = np.array([[0, 0], [0, 0], [-scale, scale]], np.float32)  # of blue, green, red
        graph = helper.make_graph(
            [
                helper.make_node("ReduceMean", ["input:0"], ["colour"], axes=[1, 2], keepdims=0),
                helper.make_node("MatMul", ["colour", "weights"], ["weighed"]),
                helper.make_node("Add", ["weighed", "offset"], ["outputs"]),
            ],
            "share-of-red",
            [helper.make_tensor_value_info("input:0", TensorProto.FLOAT, ["N", 224, 224, 3])],
            [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["N", 2])],
            [
                numpy_helper.from_array(weights, "weights"),
                numpy_helper.from_array(np.array([1 - offset, offset], np.float32), "offset"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, tmp_path / "open-nsfw.onnx")
        return make_version(tmp_path, "open-nsfw", "open-nsfw")

    return save


def test_the_second_output_is_the_score(stand_in, photo, runtime):
    classifier = OpenNsfw(stand_in(1 / 255, 123 / 255), runtime)
    blue = Photo.open(encode(np.full((50, 50, 3), (0, 0, 255), np.uint8), "image/png"))
    red, none = classifier.probabilities([photo, blue])
    assert red == pytest.approx(200 / 255, abs=0.01)
    assert none == pytest.approx(0, abs=0.01)
    assert classifier.scores([photo])[0]["explicit"] == pytest.approx(0.5 + 0.5 * (red - LINE) / (1 - LINE))


@pytest.mark.parametrize("offset", [float("nan"), 40.0, -40.0])
def test_a_network_gone_wrong_lets_nothing_through(stand_in, photo, runtime, offset):
    engine = build([stand_in(0, offset)], Policy(), runtime)
    with pytest.raises(Unavailable):
        engine.run([photo])


def test_without_openvino_every_picture_gets_the_proper_look(stand_in, photo, runtime, monkeypatch):
    def missing():
        raise ModuleNotFoundError("openvino")

    monkeypatch.setattr("deployments.moderation.glance.openvino_core", missing)
    classifier = OpenNsfw(stand_in(1 / 255, 123 / 255), runtime)
    assert classifier.probabilities([photo] * 2) == pytest.approx([200 / 255] * 2, abs=0.01)
    classifier.close()


def test_closing_leaves_no_thread_behind(stand_in, photo):
    pytest.importorskip("openvino")
    before = set(threading.enumerate())
    classifier = OpenNsfw(stand_in(1 / 255, 123 / 255), Runtime(device="cpu", threads=2))
    classifier.probabilities([photo] * 2)
    classifier.close()
    assert [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("glance")] == []


# The real network


@pytest.fixture(scope="module")
def real(open_nsfw_version, runtime):
    engine = build([open_nsfw_version], Policy(), runtime)
    engine.warm_up()
    yield engine
    engine.close()


def test_it_says_who_decides(real, open_nsfw_version):
    assert real.name == open_nsfw_version.ref


def test_what_shows_nothing_can_still_be_refused(real, refused):
    for picture in (refused, grid_of_strokes()):
        (verdict,) = real.run([picture])
        assert not verdict.allowed
        assert verdict.rule == "explicit"
        assert verdict.scores["explicit"] > 0.9


def test_plain_pictures_pass(real, photo):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    verdicts = real.run([photo, Photo.open(encode(noise)), Photo.open(encode(np.zeros((1, 100, 3), np.uint8)))])
    assert [verdict.allowed for verdict in verdicts] == [True, True, True]


def test_a_batch_scores_like_its_pictures_alone(real, photo, refused):
    together = real.run([photo, refused, photo])
    alone = [real.run([picture])[0] for picture in (photo, refused, photo)]
    for one, other in zip(together, alone, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-5)


def test_a_large_photo_scores_like_its_small_copy(real, refused):
    large = cv2.resize(refused.pixels(), (3000, 2250), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(large, (512, 384), interpolation=cv2.INTER_AREA)
    scores = [real.run([Photo.open(encode(pixels))])[0].scores["explicit"] for pixels in (large, small)]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def test_scores_are_those_of_the_published_runner(research_data, open_nsfw_version, runtime):
    """Calculated once with the package the network comes from, on the same files."""
    published = {
        "content/photos/n03804744_nail.jpg": 0.751070,
        "faces_lfw/Robert_Zoellick/Robert_Zoellick_0005.jpg": 0.680216,
        "faces_lfw/Paula_Radcliffe/Paula_Radcliffe_0001.jpg": 0.516281,
        "content/photos/n04372370_switch.jpg": 0.420975,
        "faces_celeb/Tom_Hanks/9775.jpg": 0.414969,
        "styles/udnie.jpg": 0.012019,
    }
    pictures = [Photo.open((research_data / name).read_bytes()) for name in published]
    classifier = OpenNsfw(open_nsfw_version, runtime)
    assert classifier.look(pictures) == pytest.approx(list(published.values()), abs=2e-4)
    # What decides is the same; only the plainly harmless picture, the last one, is told at a glance.
    assert classifier.probabilities(pictures)[:-1] == pytest.approx(list(published.values())[:-1], abs=2e-4)


# The glance before the look


@pytest.fixture(params=["as it is", "in bytes"])
def look_quickly(request, open_nsfw_version) -> Callable[[int], Glance]:
    """The glance on so many threads, of both kinds, whatever this processor is fastest with."""
    if request.param == "in bytes":
        return lambda threads: glance_in_bytes(open_nsfw_version.path(IN_BYTES), threads)
    pytest.importorskip("openvino")
    return lambda threads: glance_on_openvino(open_nsfw_version.path(NETWORK), Runtime(threads=threads))


def test_a_glance_only_lets_pass_what_is_far_from_the_line(research_data, open_nsfw_version, look_quickly, runtime):
    classifier = OpenNsfw(open_nsfw_version, runtime)
    glance = look_quickly(1)
    folders = ("content/photos", "faces_lfw/*", "faces_celeb/*", "ai_vs_real/ai_art", "styles")
    found = [path for folder in folders for path in sorted(research_data.glob(f"{folder}/*.jpg"))[::60]]
    assert len(found) > 40
    small = [Photo.open(path.read_bytes()) for path in found]
    # Some as large as what phones take, of which a glance sees the copy that engines make, or decodes at a reduced scale.
    made = [
        Photo.made(cv2.resize(photo.pixels(), None, fx=6, fy=6, interpolation=cv2.INTER_CUBIC), photo.digest)
        for photo in small[::6]
    ]
    assert all(photo.reduced for photo in made)
    pictures = [*small, *made, *(Photo.open(photo.data) for photo in made)]
    looks = np.array(classifier.look(pictures))
    glances = np.array(glance(pictures))
    assert looks[glances < HARMLESS].max() < 0.2
    assert np.abs(looks - glances)[looks < 0.2].max() < 0.08
    # To let through what the rules forbid, a glance would have to be twice as far off as it ever is.
    between = np.abs(logit(looks) - logit(glances))[looks > 0.02]
    assert between.max() < (logit(LINE) - logit(HARMLESS)) / 2


def logit(probability: np.ndarray | float) -> np.ndarray:
    return np.log(probability / (1 - np.asarray(probability)))


def test_pictures_seen_side_by_side_are_told_in_their_order(look_quickly, refused, photo):
    glance = look_quickly(3)
    pictures = [photo, refused, grid_of_strokes(), photo, refused]
    assert glance(pictures) == pytest.approx([glance([picture])[0] for picture in pictures], abs=1e-6)
    glance.close()


@pytest.mark.parametrize(
    ("bytes_pay", "bfloat16_pays", "kind"),
    [(False, False, NETWORK), (True, False, IN_BYTES), (True, True, NETWORK), (False, True, NETWORK)],
)
def test_a_glance_is_of_what_the_processor_multiplies_fastest(
    open_nsfw_version, runtime, monkeypatch, bytes_pay, bfloat16_pays, kind
):
    monkeypatch.setattr(glances, "multiplies_bytes", lambda: bytes_pay)
    monkeypatch.setattr(glances, "multiplies_bfloat16", lambda: bfloat16_pays)
    for maker in ("glance_in_bytes", "glance_on_openvino"):
        monkeypatch.setattr(glances, maker, lambda path, _: path.name)
    assert open_glance(open_nsfw_version, runtime) == kind


def test_a_version_without_bytes_is_glanced_at_as_it_is(
    tmp_path, open_nsfw_version, make_version, runtime, monkeypatch
):
    monkeypatch.setattr(glances, "multiplies_bytes", lambda: True)
    monkeypatch.setattr(glances, "multiplies_bfloat16", lambda: False)
    monkeypatch.setattr(glances, "glance_on_openvino", lambda path, _: path.name)
    (tmp_path / NETWORK).symlink_to(open_nsfw_version.path(NETWORK))
    assert open_glance(make_version(tmp_path, "open-nsfw"), runtime) == NETWORK


def test_a_glance_that_lets_everything_pass_keeps_its_version_from_serving(open_nsfw_version, runtime, monkeypatch):
    assert examine(build([open_nsfw_version], Policy(), runtime), [open_nsfw_version], probe_photo, None) > 0
    monkeypatch.setattr(Glance, "__call__", lambda _, batch: [0.003] * len(batch))
    with pytest.raises(Unfit, match=r"scores\.explicit is off"):
        examine(build([open_nsfw_version], Policy(), runtime), [open_nsfw_version], probe_photo, None)


def test_what_a_glance_finds_suspicious_is_looked_at(refused, open_nsfw_version, runtime, monkeypatch):
    pytest.importorskip("openvino")
    classifier = OpenNsfw(open_nsfw_version, runtime)
    seen: list[Photo] = []
    look = classifier.look
    monkeypatch.setattr(classifier, "look", lambda batch: (seen.extend(batch), look(batch))[1])
    white, strokes = Photo.open(encode(np.full((300, 300, 3), 255, np.uint8))), grid_of_strokes()
    probabilities = classifier.probabilities([white, refused, strokes])
    assert seen == [refused, strokes]
    assert probabilities[1:] == pytest.approx(look(seen), abs=1e-6)


@pytest.mark.parametrize("nonsense", [float("nan"), -1.0, 7.0])
def test_a_glance_that_sees_nonsense_lets_nothing_through(open_nsfw_version, runtime, refused, monkeypatch, nonsense):
    classifier = OpenNsfw(open_nsfw_version, runtime)
    monkeypatch.setattr(classifier, "_glance", lambda batch: [nonsense for _ in batch])
    assert classifier.probabilities([refused])[0] > LINE


def test_portraits_and_paintings_pass(real, research_data):
    paths = [*sorted(research_data.glob("styles/*.jpg")), *sorted(research_data.glob("faces_lfw/*/*_0001.jpg"))[:40]]
    verdicts = real.run([Photo.open(path.read_bytes()) for path in paths])
    assert [path.name for path, verdict in zip(paths, verdicts, strict=True) if not verdict.allowed] == []


def test_a_photograph_can_be_refused(real, research_data):
    """Fingers around a nail: the one picture of thousands that it gets wrong."""
    (verdict,) = real.run([Photo.open((research_data / "content/photos/n03804744_nail.jpg").read_bytes())])
    assert verdict.rule == "explicit"


def test_signals_are_survived_after_networks_came_and_went(open_nsfw_version, runtime):
    pytest.importorskip("openvino")
    first = OpenNsfw(open_nsfw_version, runtime)
    second = OpenNsfw(open_nsfw_version, runtime)
    first.close()
    second.close()
    gc.collect()
    came: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: came.append(number))
    signal.raise_signal(signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)
    assert came == [signal.SIGUSR1]
