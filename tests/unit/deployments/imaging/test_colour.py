"""Whatever a file holds comes out as 8-bit opaque sRGB."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from deployments.errors import Undecodable
from deployments.imaging import Photo, colour
from tests.png import chunk, png


def s15(value: float) -> bytes:
    return round(value * 65536).to_bytes(4, "big", signed=True)


def xyz(values) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(s15, values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0\0\0\0\1" + round(gamma * 256).to_bytes(2, "big") + b"\0\0"


def matrix_profile(red, green, blue, gamma: float) -> bytes:
    """A minimal RGB display profile (ICC v2): three D50 colorants and one gamma."""
    colorants = [(b"rXYZ", xyz(red)), (b"gXYZ", xyz(green)), (b"bXYZ", xyz(blue))]
    return profile(b"RGB ", [*colorants, *((tag, curve(gamma)) for tag in (b"rTRC", b"gTRC", b"bTRC"))])


def profile(space: bytes, entries: list[tuple[bytes, bytes]]) -> bytes:
    entries = [*entries, (b"wtpt", xyz((0.9642, 1, 0.8249)))]
    table, body = b"", b""
    for tag, data in entries:
        table += tag + (128 + 4 + 12 * len(entries) + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    tail = len(entries).to_bytes(4, "big") + table + body
    head = (128 + len(tail)).to_bytes(4, "big") + b"\0\0\0\0\2\x20\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    return head + bytes(28) + b"".join(map(s15, (0.9642, 1, 0.8249))) + bytes(48) + tail


DARK = profile(b"GRAY", [(b"kTRC", curve(1.0))])
"""Grey samples that are linear light."""

WIDE = matrix_profile((0.515, 0.241, -0.001), (0.292, 0.692, 0.042), (0.157, 0.067, 0.784), 2.2)
"""Display P3's colorants."""


def patch(data: bytes) -> list[int]:
    pixels = Photo.open(data).pixels()
    return pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].tolist()


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_wide_gamut_colours_are_converted_to_srgb(save, kind, options):
    photo = Photo.open(save(Image.new("RGB", (16, 16), (200, 100, 50)), kind, icc_profile=WIDE, **options))
    red, green, blue = photo.pixels()[8, 8].tolist()
    # Linear light by the power curve, then P3 to sRGB (1.2249 -0.2247 0; -0.0420 1.0419 0; -0.0197 -0.0786 1.0979).
    assert (red, green, blue) == pytest.approx((215, 92, 24), abs=3)
    assert b"mntrRGB" not in photo.data


def test_an_srgb_profile_is_dropped_without_touching_pixels(picture, save):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert Photo.open(save(picture, "JPEG", icc_profile=srgb)).data == Photo.open(save(picture, "JPEG")).data


@pytest.mark.parametrize("icc", [b"", b"nonsense", WIDE[:-30], bytes(128) + WIDE[128:]])
def test_a_broken_profile_counts_as_none(picture, save, icc):
    assert Photo.open(save(picture, "PNG", icc_profile=icc)).data == save(picture, "PNG")


def test_a_profile_for_other_samples_is_ignored(picture, save):
    grey = picture.convert("L")
    assert Photo.open(save(grey, "PNG", icc_profile=WIDE)).pixels().tolist() == np.asarray(grey.convert("RGB")).tolist()


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_samples_follow_their_profile_with_and_without_transparency(save, mode):
    # Half the light is 188 of 255 in sRGB.
    assert patch(save(Image.new("L", (16, 16), 128).convert(mode), "PNG", icc_profile=DARK)) == [188, 188, 188]


def test_a_transparent_value_of_a_grey_picture_shows_paper_behind_its_profile(save):
    grey = Image.new("L", (2, 1), 128)
    grey.putpixel((1, 0), 7)
    pixels = Photo.open(save(grey, "PNG", transparency=7, icc_profile=DARK)).pixels()
    assert pixels[0, :, 0].tolist() == [188, 255]


def test_a_cmyk_jpeg_looks_as_it_was_printed(save):
    printed = {"white": (0, 0, 0, 0), "cyan": (255, 0, 0, 0), "red": (0, 255, 255, 0), "black": (0, 0, 0, 255)}
    seen = {"white": (255, 255, 255), "cyan": (0, 255, 255), "red": (255, 0, 0), "black": (0, 0, 0)}
    for name, inks in printed.items():
        data = save(Image.new("CMYK", (16, 16), inks), "JPEG", quality=95)
        assert Photo.open(data).media_type == "image/jpeg"
        assert patch(data) == pytest.approx(seen[name], abs=3), name


def test_transparency_is_laid_over_white_paper(save):
    image = Image.new("RGBA", (16, 16), (200, 0, 0, 128))
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True}), ("WEBP", {"quality": 95})):
        assert patch(save(image, kind, **options)) == pytest.approx((227, 127, 127), abs=4), kind
    assert patch(save(image.convert("LA"), "PNG")) == pytest.approx((157, 157, 157), abs=1)


def test_lossless_transparency_stays_lossless_and_lossy_stays_small(save):
    image = Image.new("RGBA", (16, 16), (200, 0, 0, 128))
    assert Photo.open(save(image, "PNG")).media_type == "image/png"
    assert Photo.open(save(image, "WEBP", lossless=True)).media_type == "image/png"
    assert Photo.open(save(image, "WEBP")).media_type == "image/jpeg"


def test_palettes_with_a_transparent_entry_are_composited(save):
    image = Image.new("P", (16, 16), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    assert patch(save(image, "PNG")) == [0, 0, 255]
    assert patch(save(image, "PNG", transparency=1)) == [255, 255, 255]


def test_sixteen_bit_grey_keeps_its_tones(save):
    ramp = Image.fromarray(np.linspace(0, 65535, 256).astype(np.uint16).reshape(1, 256))
    data = save(ramp, "PNG")
    assert Photo.open(data).pixels()[0, :, 0].tolist() == list(range(256))


@pytest.mark.parametrize(
    ("depth", "colour_type", "row", "key", "seen"),
    [
        (2, 0, bytes([0b00_01_10_11]), b"\0\1", [0, 255, 170, 255]),
        (4, 0, bytes([0x05, 0x5A]), b"\0\5", [0, 255, 255, 170]),
        (1, 0, bytes([0b0101_0000]), b"\0\0", [255, 255, 255, 255]),
        (16, 2, b"\x12\x34" * 3 + b"\x34\x34" * 3 + bytes(6) + b"\xff" * 6, b"\x12\x34" * 3, [255, 52, 0, 255]),
    ],
)
def test_a_transparent_colour_is_found_at_every_depth(depth, colour_type, row, key, seen):
    data = png(4, 1, b"\0" + row, chunk(b"tRNS", key), depth=depth, colours=colour_type)
    assert Photo.open(data).pixels()[0, :, 0].tolist() == seen


def test_sixteen_bit_grey_with_a_transparent_value_shows_paper(save):
    samples = np.array([[0, 30_000, 65_535]], np.uint16)
    pixels = Photo.open(save(Image.fromarray(samples), "PNG", transparency=0)).pixels()
    assert pixels[0, :, 0].tolist() == [255, 117, 255]


def test_sixteen_bit_rgb_keeps_its_tones():
    cv2 = pytest.importorskip("cv2")
    samples = np.zeros((4, 4, 3), np.uint16)
    samples[:] = (50 * 257, 100 * 257, 200 * 257)  # BGR
    data = cv2.imencode(".png", samples)[1].tobytes()
    photo = Photo.open(data)
    assert photo.pixels()[0, 0].tolist() == [200, 100, 50]
    assert Image.open(io.BytesIO(photo.data)).mode == "RGB"


def test_srgb_is_recognised_by_what_a_profile_does():
    named = matrix_profile((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141), 2.2)
    assert colour.is_srgb(None)
    assert colour.is_srgb(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert not colour.is_srgb(WIDE)
    assert not colour.is_srgb(named), "sRGB's colours with a plain power curve are visibly different in the shadows"


@pytest.mark.parametrize("share", [0.5, 0.97])
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        pytest.param("CMYK", {}, id="print colours"),
        pytest.param("RGB", {"icc_profile": WIDE}, id="wide gamut, as phones store them"),
        pytest.param("RGB", {"icc_profile": WIDE, "progressive": True}, id="the same, progressive"),
    ],
)
def test_colours_that_need_converting_do_not_excuse_a_missing_end(picture, save, mode, options, share):
    data = save(picture.resize((400, 240)).convert(mode), "JPEG", **options)
    assert Photo.open(data).width == 400
    with pytest.raises(Undecodable):
        Photo.open(data[: int(len(data) * share)] + b"\xff\xd9")
