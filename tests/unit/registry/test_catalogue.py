"""What ships with the product can be pulled: manifests with hashes, recipes with publishers, no two under one name."""

from __future__ import annotations

from pathlib import Path

import pytest

import registry
from registry import catalogue
from registry.errors import UnknownModelVersion
from registry.integrity import mismatch
from registry.manifest import Manifest, PackageSource
from registry.recipe import Recipe, RecipeFile


def test_the_starter_set_holds_moderation_and_faces() -> None:
    models = {entry.model for entry in catalogue.starter()}
    assert {"open-nsfw", "dlib-faces"} <= models


def test_every_reference_is_unique_and_finds_itself() -> None:
    refs = [entry.ref for entry in catalogue.known()]
    assert len(set(refs)) == len(refs)
    assert all(catalogue.find(ref).ref == ref for ref in refs)


@pytest.mark.parametrize(
    "path", sorted((Path(registry.__file__).parent / "starter").glob("*/*/manifest.yaml"), key=str)
)
def test_a_starter_manifest_lies_where_its_name_says(path: Path) -> None:
    entry = catalogue.find(f"{path.parent.parent.name}@{path.parent.name}")
    assert isinstance(entry, Manifest)
    assert all(file.sources for file in entry.files)


def test_weights_of_our_own_are_what_their_manifest_says() -> None:
    package = Path(registry.__file__).parent
    for entry in catalogue.starter():
        for file in entry.files:
            for source in file.sources:
                if isinstance(source, PackageSource) and source.package == "registry":
                    assert mismatch(package / source.file, file) is None


def test_a_model_that_forbids_commercial_use_says_whose_terms_those_are() -> None:
    for entry in catalogue.known():
        assert entry.licence.commercial_use or entry.licence.attribution, entry.ref


@pytest.mark.parametrize("name", ["buffalo-l", "buffalo-s", "antelopev2"])
def test_insightface_packs_ask_for_consent(name: str) -> None:
    entry = catalogue.find(name)
    assert isinstance(entry, Recipe)
    assert entry.licence.accept
    assert not entry.licence.commercial_use


def test_no_two_embedders_share_a_space() -> None:
    spaces = [entry.embedding_space for entry in catalogue.known() if entry.task == "face-analysis"]
    assert None not in spaces
    assert len(set(spaces)) == len(spaces)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownModelVersion, match="nonsense is not in the catalogue, which has .*open-nsfw"):
        catalogue.find("nonsense")
    with pytest.raises(UnknownModelVersion):
        catalogue.find("open-nsfw@v99")
    with pytest.raises(UnknownModelVersion, match="not a model reference"):
        catalogue.find("../open-nsfw")


def test_a_recipe_names_sources_but_no_hash() -> None:
    assert "sha256" not in RecipeFile.model_fields
