"""What ships must look right: checks a person's eye would make, on a picture nobody trained on."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from skimage import data

import registry
from deployments.imaging import Photo, Pixels, encode
from deployments.runtime import Runtime
from deployments.style.engine import WORKING_PIXELS, StyleEngine, StyleQuery
from deployments.style.packs import StyleBook
from deployments.style.painter import Painter
from registry.manifest import Description, ModelVersion, load_manifest
from registry.publish import describe

CLASSICS = ("starry_night", "the_scream", "wave", "composition_vii", "udnie")
PACKS = {"style-fine": "styles-classic-fine", "style-lean": "styles-classic"}


def shipped(model: str) -> ModelVersion:
    (folder,) = (Path(registry.__file__).parent / "starter" / model).iterdir()
    return ModelVersion(load_manifest(folder / "manifest.yaml"), folder)


@pytest.fixture(scope="module", params=PACKS)
def network(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def engine(network: str) -> StyleEngine:
    return StyleEngine(shipped(network), [shipped(PACKS[network])], Runtime())


@pytest.fixture(scope="module")
def portrait() -> Photo:
    return Photo.open(encode(np.ascontiguousarray(data.astronaut()[:320, 60:380]), "image/png"))


@pytest.fixture(scope="module")
def paintings(engine: StyleEngine, portrait: Photo) -> dict[str, Pixels]:
    return dict(zip(CLASSICS, engine.run([StyleQuery.parse(portrait, [name]) for name in CLASSICS]), strict=True))


def distance(a: Pixels, b: Pixels) -> float:
    """Mean difference of colours a person sees as such (CIE 1976, in Lab)."""
    lab = [cv2.cvtColor(np.float32(picture) / 255, cv2.COLOR_RGB2Lab) for picture in (a, b)]
    return float(np.linalg.norm(lab[0] - lab[1], axis=2).mean())


def edges(picture: Pixels) -> np.ndarray:
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 4).astype(np.float32)
    return np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))


def test_the_five_classics_are_offered_with_small_previews(engine) -> None:
    assert tuple(style.name for style in engine.styles) == CLASSICS
    for style in engine.styles:
        assert style.title
        assert style.artist
        assert len(style.preview) <= 20_000


def test_nothing_that_ships_may_be_used_commercially() -> None:
    for model in (*PACKS, *PACKS.values()):
        assert shipped(model).manifest.licence.commercial_use is False
        assert shipped(model).manifest.trained_on


def test_a_photo_of_the_size_that_is_painted_fits_in_one_run(network) -> None:
    """Tiles would take more than twice as long."""
    assert Painter(shipped(network), Runtime()).max_pixels >= WORKING_PIXELS


@pytest.mark.parametrize("name", CLASSICS)
def test_a_painting_is_clearly_not_the_photo(paintings, portrait, name: str) -> None:
    assert distance(paintings[name], portrait.pixels()) > 12


@pytest.mark.parametrize("name", CLASSICS)
def test_a_person_is_still_recognisable(paintings, portrait, name: str) -> None:
    """The large outlines of painting and photo lie in the same places."""
    correlation = np.corrcoef(edges(paintings[name]).ravel(), edges(portrait.pixels()).ravel())[0, 1]
    assert correlation > 0.35


@pytest.mark.parametrize(("one", "other"), tuple(combinations(CLASSICS, 2)))
def test_any_two_styles_look_different(paintings, one: str, other: str) -> None:
    assert distance(paintings[one], paintings[other]) > 8


def test_a_blend_is_a_third_look_between_its_two(engine, portrait, paintings) -> None:
    (both,) = engine.run([StyleQuery.parse(portrait, ["wave", "the_scream"])])
    apart = distance(paintings["wave"], paintings["the_scream"])
    for name in ("wave", "the_scream"):
        assert 4 < distance(both, paintings[name]) < apart


def test_strength_leads_from_the_photo_to_the_painting(engine, portrait) -> None:
    queries = [StyleQuery.parse(portrait, ["udnie"], strength) for strength in (0.0, 0.1, 0.3, 0.6, 1.0)]
    distances = [distance(result, portrait.pixels()) for result in engine.run(queries)]
    assert distances[0] == 0
    assert distances == sorted(distances)


def test_tiles_show_no_seam(portrait, network) -> None:
    """Across the places where tiles meet, neighbouring pixels differ no more than elsewhere, nor from the whole."""
    model = shipped(network)
    vector = StyleBook(model, [shipped(PACKS[network])]).blend([("wave", 1.0)], 1.0)
    photo = cv2.resize(portrait.pixels(), (512, 512), interpolation=cv2.INTER_CUBIC)
    margin = model.manifest.input["receptive_radius"]
    tile = 2 * margin + 160
    (tiled,) = Painter(model, Runtime(), max_pixels=400 * 400, tile=tile).paint([photo], [vector])
    (whole,) = Painter(model, Runtime(), max_pixels=400 * 400, tile=512).paint([photo], [vector])
    error = np.square(tiled.astype(float) - whole).mean()
    assert 10 * np.log10(255**2 / max(error, 1e-9)) > 50
    steps = np.abs(np.diff(tiled.astype(float), axis=1)).mean((0, 2))
    seam = steps[tile - margin - 1]
    assert seam < steps.mean() + 3 * steps.std()


def test_another_pack_changes_no_bit_of_the_styles_that_are_there(
    engine: StyleEngine, network: str, portrait: Photo, tmp_path: Path
) -> None:
    classics = shipped(PACKS[network])
    joined = StyleEngine(shipped(network), [classics, _pack_of_a_mixture(classics, tmp_path)], Runtime())
    assert {style.name for style in joined.styles} - {style.name for style in engine.styles} == {"mixture"}
    for name in CLASSICS:
        query = StyleQuery(portrait, ((name, 1.0),))
        (alone,), (beside_others, _) = (
            engine.run([query]),
            joined.run([query, StyleQuery(portrait, (("mixture", 1.0),))]),
        )
        assert np.array_equal(alone, beside_others), f"{name} is painted otherwise"
    joined.close()


def _pack_of_a_mixture(classics: ModelVersion, folder: Path) -> ModelVersion:
    """A pack with one style between two others, made for the same weights."""
    vectors = load_file(classics.path("styles.safetensors"))
    save_file({"mixture": (vectors["wave"] + vectors["udnie"]) / 2}, folder / "styles.safetensors")
    entry = json.loads(classics.path("styles.json").read_text(encoding="utf-8"))["styles"][0]
    (folder / "preview.jpg").write_bytes(classics.path(entry["preview"]).read_bytes())
    styles = {"styles": [entry | {"name": "mixture", "preview": "preview.jpg"}]}
    (folder / "styles.json").write_text(json.dumps(styles), encoding="utf-8")
    told = {"model": "mixtures", "version": "v1", "task": "style-pack", "format": "safetensors"}
    description = Description(**told, requires=classics.manifest.requires, licence=classics.manifest.licence)
    return ModelVersion(describe(folder, description), folder)
