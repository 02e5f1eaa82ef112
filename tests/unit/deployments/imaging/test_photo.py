from __future__ import annotations

import hashlib
import io
import pickle
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from deployments.errors import TooLarge, Undecodable
from deployments.imaging import Limits, Photo, encode
from tests.png import png

FORMATS = [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})]


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_a_plain_picture_keeps_its_bytes_size_and_kind(picture, save, kind, options):
    data = save(picture, kind, **options)
    photo = Photo.open(data)
    assert (photo.width, photo.height) == (40, 24)
    assert photo.media_type == f"image/{kind.lower()}"
    assert photo.data == data
    assert photo.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_pixels_are_rgb_contiguous_and_writable(picture, scene, save, kind, options):
    pixels = Photo.open(save(picture, kind, **options)).pixels()
    assert pixels.shape == (24, 40, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable
    assert np.abs(pixels.astype(int) - scene).mean() < 6


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_a_grey_picture_has_three_equal_channels(picture, save, kind, options):
    pixels = Photo.open(save(picture.convert("L"), kind, **options)).pixels()
    assert pixels.shape == (24, 40, 3)
    assert np.ptp(pixels, axis=2).max() <= 2


@pytest.mark.parametrize(("kind", "options"), FORMATS)
@pytest.mark.parametrize(
    ("size", "reduced"), [((640, 400), (100, 62)), ((400, 640), (62, 100)), ((1000, 10), (100, 1))]
)
def test_reduced_pixels_have_exactly_the_asked_longest_side(picture, save, kind, options, size, reduced):
    pixels = Photo.open(save(picture.resize(size), kind, **options)).pixels(100)
    assert pixels.shape == (reduced[1], reduced[0], 3)
    assert pixels.flags.c_contiguous


def test_reduced_pixels_look_like_the_picture_made_small(picture, save):
    large = picture.resize((1600, 960), Image.Resampling.BICUBIC)
    pixels = Photo.open(save(large, "JPEG", quality=95)).pixels(200)
    expected = np.asarray(large.resize((200, 120), Image.Resampling.BOX))
    assert np.abs(pixels.astype(int) - expected).max() <= 6


def test_pixels_are_never_enlarged(picture, save):
    assert Photo.open(save(picture, "JPEG")).pixels(4000).shape == (24, 40, 3)


def test_one_pixel_is_a_picture(save):
    photo = Photo.open(save(Image.new("RGB", (1, 1), (9, 99, 199)), "PNG"))
    assert photo.pixels(224).tolist() == [[[9, 99, 199]]]


def test_a_photo_survives_the_way_between_processes(picture, save):
    photo = Photo.open(save(picture, "JPEG"))
    assert pickle.loads(pickle.dumps(photo)) == photo


# Limits


def test_a_png_bomb_is_refused_before_anything_is_decompressed():
    bomb = png(50_000, 50_000, bytes(10_000_000))
    started = time.perf_counter()
    with pytest.raises(TooLarge, match="50000 x 50000"):
        Photo.open(bomb)
    assert time.perf_counter() - started < 0.1


@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_pixels_sides_and_bytes_are_capped_by_the_header(picture, save, kind, options):
    data = save(picture, kind, **options)
    assert Photo.open(data, Limits(max_pixels=960, max_side=40, max_bytes=len(data)))
    for limits in (Limits(max_pixels=959), Limits(max_side=39), Limits(max_bytes=len(data) - 1)):
        with pytest.raises(TooLarge):
            Photo.open(data, limits)


def test_what_was_let_in_is_let_in_again_though_it_was_encoded_anew(picture, save):
    grain = np.random.default_rng(7).normal(0, 3, (240, 400, 3))
    large = np.asarray(picture.resize((400, 240), Image.Resampling.BICUBIC))
    sideways = Image.Exif()
    sideways[0x0112] = 6
    grainy = Image.fromarray((large + grain).clip(0, 255).astype(np.uint8))
    data = save(grainy, "WEBP", lossless=True, exif=sideways)
    limits = Limits(max_bytes=len(data))
    photo = Photo.open(data, limits)
    assert len(encode(photo.pixels(), "image/png")) > len(data), "as PNG it would be over the limit"
    assert Photo.open(photo.data, limits).data == photo.data
    assert (photo.width, photo.height) == (240, 400)


def test_too_large_comes_before_incomplete(picture, save):
    with pytest.raises(TooLarge):
        Photo.open(save(picture, "PNG")[:60], Limits(max_pixels=10))


# Broken pictures


@pytest.mark.parametrize(("kind", "options"), [*FORMATS, ("JPEG", {"progressive": True})])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_picture_is_undecodable(picture, save, kind, options, share):
    data = save(picture.resize((400, 240)), kind, **options)
    with pytest.raises(Undecodable):
        Photo.open(data[: int(len(data) * share)])


def test_a_jpeg_cut_short_and_closed_again_is_undecodable(picture, save):
    data = save(picture.resize((400, 240)), "JPEG")
    with pytest.raises(Undecodable):
        Photo.open(data[: len(data) // 2] + b"\xff\xd9")


def test_a_png_with_a_flipped_bit_is_undecodable(picture, save):
    data = bytearray(save(picture, "PNG"))
    data[data.index(b"IDAT") + 40] ^= 1
    with pytest.raises(Undecodable):
        Photo.open(bytes(data))


def test_a_png_whose_pixels_stop_early_is_undecodable():
    with pytest.raises(Undecodable):
        Photo.open(png(64, 64, bytes(64 * 20)))


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("kind", "options"), FORMATS)
def test_exif_orientation_is_applied_and_forgotten(picture, save, kind, options, orientation):
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    upright = picture.transpose(turned[orientation]) if orientation > 1 else picture
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = Photo.open(save(picture, kind, exif=exif, **options))
    assert (photo.width, photo.height) == upright.size
    assert np.abs(photo.pixels().astype(int) - np.asarray(upright)).mean() < 6
    assert Photo.open(photo.data).pixels().tolist() == photo.pixels().tolist()
    with Image.open(io.BytesIO(photo.data)) as kept:
        seen = np.asarray(ImageOps.exif_transpose(kept).convert("RGB"))
    assert np.abs(seen.astype(int) - photo.pixels()).max() <= 2, "whoever looks at the file sees it upright"
    if photo.media_type != "image/jpeg" or orientation == 1:
        assert b"Exif" not in photo.data


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"keep_rgb": True}])
def test_a_jpeg_taken_sideways_keeps_its_samples_and_of_its_metadata_which_way_up_it_is(
    picture, save, orientation, options
):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "at home"
    data = save(picture, "JPEG", exif=exif, comment=b"at home", **options)
    photo = Photo.open(data)
    with Image.open(io.BytesIO(data)) as sent, Image.open(io.BytesIO(photo.data)) as kept:
        assert np.asarray(kept).tolist() == np.asarray(sent).tolist()
        assert dict(kept.getexif()) == {0x0112: orientation}
        assert not kept.info.get("comment")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_people_get_back_is_upright_without_a_viewers_help(picture, save, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = Photo.open(save(picture.resize((400, 240)), "JPEG", exif=exif, quality=95))
    data = photo.upright().data
    assert b"Exif" not in data
    with Image.open(io.BytesIO(data)) as seen:
        assert seen.size == (photo.width, photo.height)
        assert np.abs(np.asarray(seen.convert("RGB"), int) - photo.pixels()).mean() < 1
    assert orientation != 1 or data == photo.data


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("size", [(1600, 1000), (1000, 1600), (1601, 24)])
def test_a_turned_jpeg_is_decoded_at_a_reduced_scale_like_one_that_stands(picture, save, orientation, size):
    exif = Image.Exif()
    exif[0x0112] = orientation
    large = picture.resize(size, Image.Resampling.BICUBIC)
    photo = Photo.open(save(large, "JPEG", exif=exif, quality=95))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(save(large, "PNG", exif=exif)))).convert("RGB")
    small, coarse = photo.pixels(200), photo.coarse(12)
    longest = max(upright.size)
    assert small.shape == (
        max(1, round(upright.height * 200 / longest)),
        max(1, round(upright.width * 200 / longest)),
        3,
    )
    for pixels in (small, coarse):
        assert pixels.flags.c_contiguous
        assert pixels.flags.writeable
        expected = np.asarray(upright.resize(pixels.shape[1::-1], Image.Resampling.BOX))
        assert np.abs(pixels.astype(int) - expected).mean() < 3
    assert min(coarse.shape[:2]) >= 12
    assert max(coarse.shape[:2]) < longest


# What engines make


@pytest.mark.parametrize("size", [(1280, 853), (853, 1280), (2050, 512), (1537, 1791)])
def test_a_coarse_look_at_a_result_does_not_read_the_large_picture(picture, size):
    pixels = np.array(picture.resize(size, Image.Resampling.BICUBIC))
    made = Photo.made(pixels, "ab")
    assert np.abs(Photo.open(made.data).pixels().astype(int) - pixels).mean() < 2
    assert (made.width, made.height, made.digest) == (*size, "ab")
    coarse = replace(made, data=b"not to be read").coarse(256)
    assert 256 <= min(coarse.shape[:2]) < min(size)
    expected = np.asarray(Image.fromarray(pixels).resize(coarse.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(coarse.astype(int) - expected).mean() < 3


def test_who_needs_more_of_a_result_than_a_coarse_look_reads_the_large_picture(picture):
    made = Photo.made(np.array(picture.resize((1280, 853))), "ab")
    assert min(made.coarse(400).shape[:2]) >= 400
    assert made.pixels().shape == (853, 1280, 3)


def test_a_small_result_needs_no_reduced_copy(picture):
    assert Photo.made(np.array(picture.resize((700, 511))), "ab").reduced is None


# Encoding


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/png", "image/webp"])
def test_what_is_encoded_can_be_opened(scene, media_type):
    photo = Photo.open(encode(scene, media_type))
    assert photo.media_type == media_type
    assert np.abs(photo.pixels().astype(int) - scene).mean() < (1e-9 if media_type == "image/png" else 6)


def test_a_view_of_pixels_can_be_encoded(scene):
    assert Photo.open(encode(scene[:, ::-1])).pixels()[0, 0, 1] > 200


def test_nothing_else_is_encoded(scene):
    with pytest.raises(ValueError, match="image/gif"):
        encode(scene, "image/gif")
