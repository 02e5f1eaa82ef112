"""From pictures of people to a list of faces that may not be used."""

from __future__ import annotations

import numpy as np
import pytest

from deployments.faces.types import Pose
from deployments.swap.safety import BlockList
from training.gallery.block_list import build_block_list
from training.gallery.build import Plan, build
from training.gallery.sources import BadSource, read_source


def test_a_folder_becomes_a_list_that_knows_these_people_and_no_others(
    tmp_path, studio, embedder, store, memory
) -> None:
    for seed in (1, 2):
        studio.portrait(tmp_path / "protected", "Ada Lovelace", seed)
    made = build_block_list(tmp_path / "protected", "blocked", embedder, store, memory, threshold=0.5)
    assert made.version.ref == "blocked@v1"
    assert made.vectors == 2
    listed = BlockList.load(store.verify("blocked"))
    assert (listed.space, listed.threshold) == ("test-space", 0.5)
    assert (listed.embeddings @ studio.face("Ada Lovelace", 9).embedding).max() >= 0.5
    assert (listed.embeddings @ studio.face("Grace Hopper", 9).embedding).max() < 0.5


def test_the_list_holds_no_names_and_no_pictures(tmp_path, studio, embedder, store, memory) -> None:
    studio.portrait(tmp_path / "protected", "Ada Lovelace", 1)
    made = build_block_list(tmp_path / "protected", "blocked", embedder, store, memory)
    contents = b"".join(path.read_bytes() for path in made.version.folder.iterdir())
    assert b"Ada" not in contents
    assert {path.name for path in made.version.folder.iterdir()} == {"manifest.yaml", "embeddings.npy"}


def test_heads_turned_further_than_in_a_gallery_count_and_pictures_without_a_face_are_named(
    tmp_path, studio, embedder, store, memory
) -> None:
    folder = tmp_path / "protected"
    turned = studio.portrait(folder, "Ada Lovelace", 1)
    studio.take(turned, studio.face("Ada Lovelace", 1, pose=Pose(55.0, 0.0, 0.0)), seed=1)
    empty = studio.take(folder / "landscape.jpg", seed=2)
    made = build_block_list(folder, "blocked", embedder, store, memory)
    assert made.vectors == 1
    assert {path: why.reason for path, why in made.left_out.items()} == {empty: "no-face"}


def test_the_next_list_is_the_next_version(tmp_path, studio, embedder, store, memory) -> None:
    studio.portrait(tmp_path / "protected", "Ada Lovelace", 1)
    build_block_list(tmp_path / "protected", "blocked", embedder, store, memory)
    studio.portrait(tmp_path / "protected", "Grace Hopper", 2)
    made = build_block_list(tmp_path / "protected", "blocked", embedder, store, memory)
    assert (made.version.ref, made.vectors) == ("blocked@v2", 2)
    assert np.load(store.get("blocked@v1").path("embeddings.npy")).shape[0] == 1


def test_a_folder_without_a_usable_picture_publishes_nothing(tmp_path, studio, embedder, store, memory) -> None:
    (tmp_path / "protected").mkdir()
    with pytest.raises(BadSource, match="holds no pictures"):
        build_block_list(tmp_path / "protected", "blocked", embedder, store, memory)
    studio.take(tmp_path / "protected" / "landscape.jpg", seed=2)
    with pytest.raises(BadSource, match=r"landscape.jpg: no face"):
        build_block_list(tmp_path / "protected", "blocked", embedder, store, memory)
    assert store.versions("blocked") == []


def test_a_gallery_of_that_name_is_left_alone(tmp_path, studio, embedder, store, memory) -> None:
    studio.portrait(tmp_path / "people", "Ada Lovelace", 1)
    build(read_source(tmp_path / "people"), Plan("pioneers"), embedder, store, memory)
    with pytest.raises(ValueError, match="face-gallery model already"):
        build_block_list(tmp_path / "people", "pioneers", embedder, store, memory)
