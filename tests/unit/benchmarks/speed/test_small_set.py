"""A small set of the bench: ratios within one process, with generous bars, so that a slow machine does not fail them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from benchmarks.speed import batching, decode
from benchmarks.speed.pictures import photograph
from benchmarks.speed.rounds import alternate, ratio
from deployments.imaging import Photo, encode
from deployments.moderation.open_nsfw import OpenNsfw
from deployments.processor import multiplies_bytes
from deployments.runtime import Runtime, onnx_session
from deployments.style.engine import StyleEngine, StyleQuery
from registry.store import FolderStore
from serve_app.selection import select
from serve_app.settings import ModelChoice

ONE = Runtime(threads=1)


@pytest.fixture(scope="module")
def store(models_dir: Path) -> FolderStore:
    return FolderStore(models_dir)


@pytest.fixture(scope="module")
def photo(store: FolderStore) -> Photo:
    return Photo.open(encode(photograph(256, 256)))


def test_a_phone_photo_becomes_a_tensor_in_a_fraction_of_pillows_time(store: FolderStore) -> None:
    found = {figure.name: figure.value for figure in decode.run(rounds=3)}
    assert found["as a share of Pillow's full decode"] < 0.6
    assert found["the upload is checked"] < found["12 megapixels to a 512 px tensor"]
    assert found["the same from a phone held upright"] < 2 * found["12 megapixels to a 512 px tensor"]


def test_the_lean_network_is_several_times_as_fast_as_the_published_one(
    store: FolderStore, research_data: Path, photo: Photo
) -> None:
    chosen = select(store, ModelChoice(style="style-lean")).chosen["style"]
    engine = StyleEngine(store.get(chosen.model), [store.get(extra) for extra in chosen.extras], ONE)
    query = StyleQuery(photo, ((engine.styles[0].name, 1.0),))
    johnson = onnx_session(research_data / "style_nets" / "fns_wave.onnx", ONE)
    planes = np.ascontiguousarray(photo.pixels().transpose(2, 0, 1)[None], np.float32)
    taken = alternate(
        {
            "theirs": partial(johnson.run, None, {johnson.get_inputs()[0].name: planes}),
            "ours": partial(engine.run, [query]),
        },
        rounds=3,
    )
    engine.close()
    assert ratio(taken["theirs"], taken["ours"]) > 4


def test_a_glance_takes_less_than_a_look(store: FolderStore, photo: Photo) -> None:
    pytest.importorskip("openvino")
    classifier = OpenNsfw(store.get("open-nsfw"), ONE)
    taken = alternate(
        {"look": partial(classifier.look, [photo]), "glance": partial(classifier.probabilities, [photo])}, rounds=5
    )
    classifier.close()
    # Where the processor has nothing for bytes both compute alike, and only the glance's preparation is cheaper.
    assert ratio(taken["look"], taken["glance"]) > (1.5 if multiplies_bytes() else 1)


def test_batches_bind_only_where_there_is_a_gpu(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "BATCHES", 1)
    figures = batching.run(side=64, rounds=1)
    gained, longer = figures[-2:]
    assert gained.unit == "x"
    assert min(figure.value for figure in figures) > 0
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        assert (gained.bar, longer.bar) == (3.5, 2)
    else:
        assert (gained.bar, longer.bar) == (None, None)


def test_the_peers_moderate_on_one_thread_as_is_said_of_them(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from benchmarks.speed.peers.job import PaintingJob

    files = {
        "NETWORK": store.get("style-lean").path("network.safetensors"),
        "STYLES": store.get("styles-classic").path("styles.safetensors"),
        "NSFW": store.get("open-nsfw").path("open-nsfw.onnx"),
    }
    for name, path in files.items():
        monkeypatch.setenv(name, str(path))
    job = PaintingJob()
    assert job._nsfw.get_session_options().intra_op_num_threads == 1
    upload = encode(photograph(64, 64))
    assert Photo.open(job(upload, "wave")).width == 64
