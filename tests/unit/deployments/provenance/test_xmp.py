from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deployments.errors import NotAnImage, Undecodable
from deployments.imaging import Photo, encode
from deployments.provenance import DigitalSourceType, Provenance, Step, attach
from tests.provenance import provenance_of

MEDIA_TYPES = ["image/jpeg", "image/png", "image/webp"]
DONE = Provenance(
    steps=(Step("style", "style-lean@v1"), Step("swap", "morph@v2")), when=datetime(2026, 3, 1, 12, 30, 5, tzinfo=UTC)
)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(3).integers(0, 256, (24, 33, 3), np.uint8)


def decoded(data: bytes):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).tolist()


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_what_was_attached_can_be_read_back(pixels, media_type):
    assert provenance_of(attach(encode(pixels, media_type), DONE)) == DONE


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_attaching_changes_no_pixel(pixels, media_type):
    data = encode(pixels, media_type)
    assert decoded(attach(data, DONE)) == decoded(data)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_other_software_finds_the_metadata(pixels, media_type):
    image = Image.open(io.BytesIO(attach(encode(pixels, media_type), DONE)))
    packet = image.info["xmp"]
    text = packet if isinstance(packet, str) else packet.decode()
    for words in ("compositeWithTrainedAlgorithmicMedia", "Masquerade", "style-lean@v1", "2026-03-01T12:30:05Z"):
        assert words in text
    ET.fromstring(text)


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_attaching_again_replaces(pixels, media_type):
    later = Provenance((Step("anonymize", "yunet@v1"),), DONE.when, DigitalSourceType.ENHANCED)
    data = attach(attach(encode(pixels, media_type), DONE), later)
    assert provenance_of(data) == later
    assert data.count(b"DigitalSourceType>http") == 1


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_a_result_sent_back_in_loses_its_metadata_like_any_photo(pixels, media_type):
    data = encode(pixels, media_type)
    assert Photo.open(attach(data, DONE)).data == data


def test_a_lossless_webp_with_transparency_keeps_it(pixels):
    buffer = io.BytesIO()
    rgba = Image.fromarray(np.dstack([pixels, pixels[..., :1]]))
    rgba.save(buffer, "WEBP", lossless=True, exact=True)
    image = Image.open(io.BytesIO(attach(buffer.getvalue(), DONE)))
    assert np.asarray(image).tolist() == np.asarray(rgba).tolist()


def test_the_date_is_written_in_universal_time(pixels):
    noon = datetime(2026, 3, 1, 14, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    assert provenance_of(attach(encode(pixels), Provenance(DONE.steps, noon))).when == DONE.when


def test_a_date_without_zone_is_refused(pixels):
    with pytest.raises(ValueError, match="time zone"):
        attach(encode(pixels), Provenance(DONE.steps, datetime(2026, 3, 1)))


printable = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)


@given(printable, printable, st.sampled_from(MEDIA_TYPES), st.sampled_from(DigitalSourceType))
@settings(max_examples=60, deadline=None)
def test_any_words_are_escaped(action, model, media_type, source_type):
    done = Provenance((Step(action, model),), DONE.when, source_type)
    assert provenance_of(attach(encode(np.zeros((2, 2, 3), np.uint8), media_type), done)) == done


@pytest.mark.parametrize("words", ["", "a\x00b", "a\nb", "\ud800"])
def test_words_that_xml_cannot_hold_are_refused(words):
    with pytest.raises(ValueError, match="cannot stand"):
        Step(words, "style@v1")


def test_only_pictures_can_carry_provenance(pixels):
    with pytest.raises(NotAnImage):
        attach(b"GIF89a", DONE)
    with pytest.raises(Undecodable):
        attach(encode(pixels)[:-30], DONE)


def test_more_than_a_jpeg_segment_can_hold_is_refused(pixels):
    steps = tuple(Step("style", f"model-{number}@v1") for number in range(500))
    with pytest.raises(ValueError, match="one segment"):
        attach(encode(pixels), Provenance(steps, DONE.when))
