from __future__ import annotations

import pytest
import yaml

from deployments.imaging import encode
from deployments.swap.artworks import ArtworkGallery, GalleryError

PEARL = {
    "id": "pearl",
    "file": "pearl.png",
    "title": "Girl with a Pearl Earring",
    "artist": "Johannes Vermeer",
    "year": "c. 1665",
    "licence": "CC0-1.0",
}


@pytest.fixture
def folder(tmp_path, portrait):
    (tmp_path / "pearl.png").write_bytes(encode(portrait().pixels, "image/png"))

    def write(*entries):
        (tmp_path / "artworks.yaml").write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
        return tmp_path

    return write


def test_artworks_come_in_the_order_of_the_manifest(folder):
    gallery = ArtworkGallery.load(folder(PEARL, PEARL | {"id": "another", "title": "Copy"}))
    assert [artwork.id for artwork in gallery.artworks] == ["pearl", "another"]
    assert gallery.artworks[0].year == "c. 1665"
    assert gallery.artworks[0].source is None


def test_a_picture_is_opened_by_id(folder):
    gallery = ArtworkGallery.load(folder(PEARL))
    assert (gallery.photo("pearl").width, gallery.photo("pearl").height) == (200, 200)
    with pytest.raises(KeyError):
        gallery.photo("nobody")


def test_an_empty_gallery_is_fine(folder):
    assert ArtworkGallery.load(folder()).artworks == ()


@pytest.mark.parametrize("missing", ["id", "file", "title", "artist", "year", "licence"])
def test_every_fact_but_the_source_is_needed(folder, missing):
    with pytest.raises(GalleryError, match=missing):
        ArtworkGallery.load(folder({key: value for key, value in PEARL.items() if key != missing}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"file": "../secret.png"}, "not the name of a picture"),
        ({"file": "/etc/passwd"}, "not the name of a picture"),
        ({"file": "artworks.yaml"}, "not the name of a picture"),
        ({"file": "gone.png"}, "gone.png"),
        ({"id": "Not An Id"}, "id"),
        ({"licence": " "}, "licence"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(folder, change, words):
    with pytest.raises(GalleryError, match=words):
        ArtworkGallery.load(folder(PEARL | change))


def test_two_artworks_may_not_share_an_id(folder):
    with pytest.raises(GalleryError, match="share an id"):
        ArtworkGallery.load(folder(PEARL, PEARL))


def test_a_broken_picture_is_found_at_start(folder, tmp_path):
    place = folder(PEARL)
    (tmp_path / "pearl.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(GalleryError, match="pearl.png"):
        ArtworkGallery.load(place)


@pytest.mark.parametrize("text", ["", "just: a mapping", "[unclosed", "- 3"])
def test_a_manifest_that_is_no_list_of_artworks_is_refused(tmp_path, text):
    (tmp_path / "artworks.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(GalleryError):
        ArtworkGallery.load(tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(GalleryError, match=r"artworks\.yaml"):
        ArtworkGallery.load(tmp_path)
