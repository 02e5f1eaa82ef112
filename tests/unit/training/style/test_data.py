from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from training.style import data
from training.style.data import (
    HELD_OUT_EVERY,
    HELD_OUT_FIRST,
    MalformedPair,
    NoPhotos,
    NotAPicture,
    PhotoCrops,
    load_photos,
    load_picture,
    named_paths,
    split,
)
from training.tensors import to_pixels, to_tensor


def test_every_twentieth_photograph_is_held_out(tmp_path, make_picture) -> None:
    for number in range(2 * HELD_OUT_EVERY):
        (tmp_path / f"{number:03d}.jpg").touch()
    training, held_out = split(tmp_path)
    assert [path.stem for path in held_out] == [f"{HELD_OUT_FIRST:03d}", f"{HELD_OUT_FIRST + HELD_OUT_EVERY:03d}"]
    assert len(training) == 2 * HELD_OUT_EVERY - 2
    assert not set(training) & set(held_out)


def test_a_folder_without_pictures_says_so(tmp_path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(NoPhotos, match="no JPEG, PNG or WebP"):
        split(tmp_path)


def test_corrupt_and_tiny_photographs_are_skipped_and_counted(tmp_path, make_picture) -> None:
    good = make_picture("good.png")
    tiny = make_picture("tiny.png", 127, 400)
    broken, empty = tmp_path / "broken.jpg", tmp_path / "empty.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    empty.touch()
    crops = PhotoCrops([good, tiny, broken, empty], 64, seed=0)
    assert (len(crops), crops.skipped) == (1, 3)


def test_a_photograph_that_breaks_off_gives_its_turn_to_the_next(tmp_path, make_picture) -> None:
    good = make_picture("good.png")
    whole = make_picture("broken.png", seed=1).read_bytes()
    (tmp_path / "broken.png").write_bytes(whole[:60])
    both, alone = PhotoCrops([tmp_path / "broken.png", good], 64, seed=0), PhotoCrops([good], 64, seed=0)
    assert (len(both), both.skipped) == (2, 0)
    for step in range(8):
        assert both.batch(step, 1).shape == alone.batch(step, 1).shape
    assert both.skipped == 1


def test_only_damaged_photographs_end_the_run(tmp_path, make_picture) -> None:
    whole = make_picture("broken.png").read_bytes()
    (tmp_path / "broken.png").write_bytes(whole[:60])
    with pytest.raises(NoPhotos, match="can be decoded"):
        PhotoCrops([tmp_path / "broken.png"], 64, seed=0).batch(0, 1)


def test_what_does_not_fit_in_memory_is_read_again(photos, monkeypatch) -> None:
    paths, _ = split(photos)
    kept = PhotoCrops(paths, 64, seed=5).batch(3, 4)
    monkeypatch.setattr(data, "KEPT_BYTES", 0)
    assert torch.equal(PhotoCrops(paths, 64, seed=5).batch(3, 4), kept)


def test_coco_2014_keeps_its_own_split(tmp_path, make_picture) -> None:
    for name in ("train2014/COCO_train2014_1.jpg", "train2014/COCO_train2014_2.jpg", "val2014/COCO_val2014_3.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    training, held_out = split(tmp_path)
    assert [path.name for path in training] == ["COCO_train2014_1.jpg", "COCO_train2014_2.jpg"]
    assert [path.name for path in held_out] == ["COCO_val2014_3.jpg"]


def test_nothing_but_broken_photographs_is_an_error(tmp_path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(NoPhotos, match="none of 1"):
        PhotoCrops([tmp_path / "broken.jpg"], 64, seed=0)


def test_a_batch_depends_on_seed_and_step_alone(photos) -> None:
    paths, _ = split(photos)
    first, again = PhotoCrops(paths, 64, seed=5), PhotoCrops(paths, 64, seed=5)
    first.batch(0, 2)
    torch.testing.assert_close(first.batch(7, 2), again.batch(7, 2), rtol=0, atol=0)
    assert not torch.equal(first.batch(7, 2), first.batch(8, 2))
    assert not torch.equal(first.batch(7, 2), PhotoCrops(paths, 64, seed=6).batch(7, 2))


def test_crops_are_square_pictures_in_range_even_from_photographs_smaller_than_the_crop(photos) -> None:
    batch = PhotoCrops(split(photos)[0], 192, seed=0).batch(0, 12)
    assert batch.shape == (12, 3, 192, 192)
    assert 0 <= batch.min() < batch.max() <= 1


def test_a_photograph_is_met_either_way_round(tmp_path) -> None:
    ramp = np.repeat(np.linspace(0, 255, 160, dtype=np.uint8)[None, :, None], 140, axis=0).repeat(3, axis=2)
    cv2.imwrite(str(tmp_path / "ramp.png"), ramp)
    crops = PhotoCrops([tmp_path / "ramp.png"], 64, seed=0)
    rising = [bool(crop[0, 0, -1] > crop[0, 0, 0]) for crop in (crops.batch(step, 1)[0] for step in range(20))]
    assert 3 < sum(rising) < 17


def test_a_picture_is_resized_by_its_short_side(make_picture) -> None:
    assert load_picture(make_picture("wide.png", 200, 100), 50).shape == (3, 50, 100)


def test_photographs_to_look_at_are_readable_ones_cut_to_what_the_network_takes(tmp_path, make_picture) -> None:
    (tmp_path / "broken.jpg").touch()
    paths = [tmp_path / "broken.jpg", make_picture("wide.png", 400, 101), make_picture("tall.png", 70, 75)]
    assert [photo.shape for photo in load_photos(paths, 66, 5)] == [(3, 64, 88), (3, 68, 64)]
    assert len(load_photos(paths, 66, 1)) == 1


def test_a_style_that_is_not_a_picture_is_refused(tmp_path) -> None:
    for name in ("missing.jpg", "text.jpg"):
        with pytest.raises(NotAPicture, match=name):
            load_picture(tmp_path / name, 64)
        (tmp_path / "text.jpg").write_text("words")


def test_pixels_survive_the_way_to_a_tensor_and_back() -> None:
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    np.testing.assert_array_equal(to_pixels(to_tensor(pixels)), pixels)


def test_pairs_are_read_and_malformed_ones_refused() -> None:
    assert [str(path) for path in named_paths(["a=x=1.jpg", "b=y.jpg"]).values()] == ["x=1.jpg", "y.jpg"]
    for texts in (["a"], ["=x.jpg"], ["a="], ["a=x.jpg", "a=y.jpg"]):
        with pytest.raises(MalformedPair):
            named_paths(texts)
