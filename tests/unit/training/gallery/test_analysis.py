"""What is seen in pictures, and that it is looked at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from deployments.faces.alignment import ARCFACE_TEMPLATE
from deployments.faces.types import Quality
from deployments.imaging import Photo, encode
from training.gallery.analysis import Memory, analyse, look_of


def test_every_file_gets_an_answer_in_order(tmp_path: Path, studio, engine, memory) -> None:
    broken = tmp_path / "broken.jpg"
    paths = [
        studio.take(tmp_path / "one.jpg", studio.face("Ada"), seed=1),
        broken,
        tmp_path / "missing.jpg",
        studio.take(tmp_path / "none.jpg", seed=2),
        studio.take(tmp_path / "two.jpg", studio.face("Ada"), studio.face("Grace"), seed=3),
    ]
    broken.write_bytes(paths[0].read_bytes()[:400])
    answers = list(analyse(paths, engine, memory))
    assert [len(answer.faces) for answer in answers] == [1, 0, 0, 0, 2]
    assert [answer.problem is None for answer in answers] == [True, False, False, True, True]
    assert "cannot be opened" in (answers[2].problem or "")


def test_pictures_are_looked_at_once(tmp_path: Path, studio, engine, memory) -> None:
    paths = [studio.take(tmp_path / f"{seed}.jpg", studio.face("Ada", seed), seed=seed) for seed in range(20)]
    first = list(analyse(paths, engine, memory))
    second = list(analyse(paths, engine, memory))
    assert engine.asked == 20
    for one, other in zip(first, second, strict=True):
        assert (one.digest, one.problem, one.faces) == (other.digest, other.problem, other.faces)
        assert np.array_equal(one.embedding, other.embedding)
        assert np.array_equal(one.look, other.look)


def test_what_was_seen_outlives_the_run(tmp_path: Path, studio, engine) -> None:
    path = studio.take(tmp_path / "one.jpg", studio.face("Ada"), seed=1)
    for _ in range(2):
        with Memory(tmp_path / "deep" / "memory.sqlite") as memory:
            (answer,) = analyse([path], engine, memory)
    assert engine.asked == 1
    assert answer.faces[0].size == 112


def test_the_same_bytes_twice_in_a_batch_are_looked_at_once(tmp_path: Path, studio, engine, memory) -> None:
    one = studio.take(tmp_path / "one.jpg", studio.face("Ada"), seed=1)
    other = studio.take(tmp_path / "other.jpg", studio.face("Ada"), seed=1)
    first, second = analyse([one, other], engine, memory)
    assert engine.asked == 1
    assert first.digest == second.digest


def test_the_largest_face_comes_first_with_its_vector(tmp_path: Path, studio, engine, memory) -> None:
    small = studio.face("Grace", quality=Quality(size=30.0, blur=0.0, score=0.9))
    path = studio.take(tmp_path / "two.jpg", small, studio.face("Ada"), seed=1)
    (answer,) = analyse([path], engine, memory)
    assert [face.size for face in answer.faces] == [112, 30]
    assert np.allclose(answer.embedding, studio.face("Ada").embedding)


def test_a_picture_the_model_stumbles_over_costs_only_itself(tmp_path: Path, studio, engine, memory) -> None:
    paths = [studio.take(tmp_path / f"{seed}.jpg", studio.face("Ada", seed), seed=seed) for seed in range(3)]
    bad = hashlib.sha256(paths[1].read_bytes()).hexdigest()
    run = engine.run

    def stumbling(batch):
        if any(query.photo.digest == bad for query in batch):
            raise RuntimeError("out of memory")
        return run(batch)

    engine.run = stumbling
    answers = list(analyse(paths, engine, memory))
    assert [answer.problem for answer in answers] == [None, "the face model failed on it", None]
    engine.run = run
    assert [answer.problem for answer in analyse(paths, engine, memory)] == [None, None, None]


@pytest.mark.parametrize("change", ["again", "smaller", "brighter", "grey"])
def test_a_copy_looks_the_same_and_another_picture_does_not(studio, change: str) -> None:
    pixels, face = studio.pixels(1), studio.face("Ada")
    altered = {
        "again": pixels,
        "smaller": cv2.resize(pixels, (114, 114), interpolation=cv2.INTER_AREA),
        "brighter": np.clip(pixels * 1.1 + 10, 0, 255).astype(np.uint8),
        "grey": np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2),
    }[change]
    moved = studio.face("Ada", landmarks=face.landmarks * (altered.shape[0] / pixels.shape[0]))
    original = look_of(Photo.open(encode(pixels)), face)
    copy = look_of(Photo.open(encode(np.ascontiguousarray(altered), quality=70)), moved)
    other = look_of(Photo.open(encode(studio.pixels(2))), face)
    assert float(original @ copy) > 0.97
    assert float(original @ other) < 0.6
    assert np.linalg.norm(original) == pytest.approx(1, abs=1e-5)


def test_a_picture_that_is_decoded_smaller_has_its_face_where_it_was(studio) -> None:
    small = np.random.default_rng(3).integers(256, size=(40, 1600, 3), dtype=np.uint8)
    large = np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)
    points = ARCFACE_TEMPLATE * np.float32(0.2) + np.float32(9)
    face = studio.face("Ada", landmarks=points)
    # Whole numbers are the centres of pixels, each of which has become sixteen.
    enlarged = studio.face("Ada", landmarks=points * 4 + np.float32(1.5))
    one = look_of(Photo.open(encode(small, "image/png")), face)
    other = look_of(Photo.open(encode(large, "image/png")), enlarged)
    assert float(one @ other) > 0.999


def test_a_film_among_the_pictures_is_not_read(tmp_path: Path, engine, memory) -> None:
    film = tmp_path / "film.mp4"
    with film.open("wb") as stream:
        stream.truncate(10 * 2**30)
    (answer,) = analyse([film], engine, memory)
    assert answer.problem == "the file has more than 20 MB"


def test_a_memory_that_is_damaged_is_begun_anew(tmp_path: Path, studio, engine) -> None:
    path = tmp_path / "memory.sqlite"
    path.write_bytes(b"no database at all, and long enough to look at" * 50)
    picture = studio.take(tmp_path / "one.jpg", studio.face("Ada"), seed=1)
    for _ in range(2):
        with Memory(path) as memory:
            (answer,) = analyse([picture], engine, memory)
            assert len(answer.faces) == 1
    assert engine.asked == 1


def test_a_disk_too_full_to_remember_is_told_as_such(tmp_path: Path, studio, engine, memory) -> None:
    picture = studio.take(tmp_path / "one.jpg", studio.face("Ada"), seed=1)
    # SQLite's own words for it, without a full disk.
    memory._database.execute(f"pragma max_page_count = {memory._database.execute('pragma page_count').fetchone()[0]}")
    memory._database.execute("pragma cache_size = 1")
    with pytest.raises(OSError, match="memory.sqlite cannot be used: database or disk is full"):
        for seed in range(50):
            picture = studio.take(tmp_path / f"{seed}.jpg", studio.face("Ada", seed), seed=seed)
            list(analyse([picture], engine, memory))


def test_a_memory_somebody_else_writes_is_not_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "memory.sqlite"
    path.mkdir()
    with pytest.raises(OSError, match="memory.sqlite cannot be used"):
        Memory(path)
    assert path.exists()
