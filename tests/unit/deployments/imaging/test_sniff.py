from __future__ import annotations

import pytest

from deployments.errors import NotAnImage
from deployments.imaging import Photo, sniff


def test_the_three_kinds_are_told_by_their_first_bytes(picture, save):
    assert sniff(save(picture, "JPEG")) == "image/jpeg"
    assert sniff(save(picture, "PNG")) == "image/png"
    assert sniff(save(picture, "WEBP")) == "image/webp"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"GIF89a\x01\x00\x01\x00", "GIF"),
        (b"%PDF-1.7\n", "PDF"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "vector drawing"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><svg/>', "vector drawing"),
        (b"<!DOCTYPE html><p>hello", "web page"),
        (b"BM\x00\x00", "BMP"),
        (b"II*\x00\x08\x00", "TIFF"),
        (b"\x00\x00\x00\x20ftypavif", "AVIF"),
        (b"\x00\x00\x00\x20ftypmp42", "video"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", "JPEG, PNG or WebP"),
        (b"\xff\xd8", "JPEG, PNG or WebP"),
        (b"hello", "JPEG, PNG or WebP"),
    ],
)
def test_anything_else_is_refused_by_its_name(data, words):
    with pytest.raises(NotAnImage, match=words):
        Photo.open(data)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1"])
def test_an_iphone_photo_gets_told_what_to_do(brand):
    with pytest.raises(NotAnImage, match=r"HEIC.*send it as JPEG"):
        Photo.open(b"\x00\x00\x00\x18ftyp" + brand + b"\x00" * 12)
