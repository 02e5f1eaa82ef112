"""The detector that ships: whole, small, and as good on known kinds of pictures as its card says."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployments.authenticity.engine import AuthenticityEngine, build
from deployments.imaging import Photo, encode
from registry.integrity import sha256_of
from registry.manifest import ModelVersion, load_manifest

FOLDER = Path(__file__).parents[4] / "registry" / "starter" / "fingerprint" / "v1"


@pytest.fixture(scope="module")
def version() -> ModelVersion:
    return ModelVersion(load_manifest(FOLDER / "manifest.yaml"), FOLDER)


@pytest.fixture(scope="module")
def engine(version, runtime) -> AuthenticityEngine:
    return build(version, runtime)


def test_its_file_is_the_one_the_manifest_vouches_for_and_small(version) -> None:
    (entry,) = version.manifest.files
    assert sha256_of(version.path(entry.name)) == entry.sha256
    assert entry.size < 3_000_000


def test_it_answers_without_any_training_package(engine, grey_photo) -> None:
    engine.warm_up()
    opinions = engine.run([grey_photo(40, 30), grey_photo(900, 200)])
    assert all(0 <= opinion.probability_ai <= 1 for opinion in opinions)


def test_shrunk_pictures_are_not_taken_for_photographs(engine, research_data) -> None:
    made = sorted((research_data / "ai_vs_real" / "ai").glob("sd_*.jpg"))[::12]
    for side in (32, 96, 192):
        shrunk = [Photo.open(encode(Photo.open(path.read_bytes()).pixels(side))) for path in made]
        assert {opinion.verdict for opinion in engine.run(shrunk)} == {"unsure"}


def test_photographs_are_hardly_ever_called_machine_made(engine, research_data) -> None:
    photographs = sorted((research_data / "content" / "photos").glob("*.jpg"))[::20]
    photographs += sorted((research_data / "faces_lfw").glob("*/*_0001.jpg"))[::40]
    photographs += sorted((research_data / "ai_vs_real" / "real").glob("ml72_*.jpg"))
    opinions = engine.run([Photo.open(path.read_bytes()) for path in photographs])
    assert sum(opinion.verdict == "ai" for opinion in opinions) <= 0.05 * len(opinions)


def test_the_generators_it_knows_are_told_from_photographs(engine, research_data) -> None:
    made = sorted((research_data / "ai_vs_real" / "ai").glob("sd_*.jpg"))[::6]
    opinions = engine.run([Photo.open(path.read_bytes()) for path in made])
    assert sum(opinion.verdict == "ai" for opinion in opinions) >= 0.5 * len(opinions)
    assert sum(opinion.verdict == "real" for opinion in opinions) <= 0.05 * len(opinions)
