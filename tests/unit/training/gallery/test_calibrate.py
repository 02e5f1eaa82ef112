"""Per cent mean what they say: the share of people less alike to their own closest double."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from training.gallery.calibrate import MEASURED_FROM, REFERENCES, Spread, calibrate
from training.gallery.collection import Collection
from training.gallery.indexing import build_index, unit


def pictures_of(people: int, each: int, dimensions: int = 64, seed: int = 0) -> Collection:
    rng = np.random.default_rng(seed)
    faces = unit(rng.standard_normal((people, dimensions), dtype=np.float32))
    owners = np.repeat(np.arange(people, dtype=np.int32), each)
    noise = rng.standard_normal((people * each, dimensions), dtype=np.float32) * 0.06
    return Collection(unit(faces[owners] + noise), np.zeros((len(owners), 256), np.float32), owners)


def calibrated(pictures: Collection, space: str = "unknown-space"):
    templates = pictures.templates(int(pictures.owners.max()) + 1)
    return templates, calibrate(space, pictures, templates, build_index(templates).index)


def test_strangers_spread_evenly_over_the_per_cent() -> None:
    templates, curve = calibrated(pictures_of(600, 2))
    assert (curve.basis, curve.people) == ("gallery", 600)
    strangers = unit(np.random.default_rng(9).standard_normal((2_000, 64), dtype=np.float32))
    shown = np.array([curve.percent(float(best)) for best in (strangers @ templates.T).max(axis=1)])
    for share in (10, 25, 50, 75, 90):
        assert np.mean(shown < share) == pytest.approx(share / 100, abs=0.06)


def test_another_picture_of_somebody_in_the_gallery_is_as_alike_as_can_be() -> None:
    pictures = pictures_of(300, 3)
    templates, curve = calibrated(pictures)
    alike = np.einsum("pd,pd->p", pictures.vectors, templates[pictures.owners])
    assert min(curve.percent(float(cosine)) for cosine in alike) == 99


def test_a_persons_own_pictures_are_not_their_double() -> None:
    one_each, many_each = (calibrated(pictures_of(200, each))[1] for each in (1, 5))
    assert one_each.percent(0.9) == many_each.percent(0.9) == 99
    assert one_each.percent(0.3) == pytest.approx(many_each.percent(0.3), abs=25)


@pytest.mark.parametrize("people", [1, 3, 8, 50])
def test_a_small_gallery_is_judged_by_what_one_of_its_size_would_show(people: int) -> None:
    _, curve = calibrated(pictures_of(people, 1), space="dlib-resnet-v1")
    assert (curve.basis, curve.people) == ("reference", people)
    pairs = REFERENCES["dlib-resnet-v1"]
    # The best of N is below the median of their best with probability one half.
    assert curve.percent(pairs.quantile(0.5 ** (1 / people))) == pytest.approx(50, abs=1)


def test_in_a_gallery_of_one_the_per_cent_are_the_share_of_pairs_less_alike() -> None:
    _, curve = calibrated(pictures_of(1, 1), space="dlib-resnet-v1")
    assert curve.percent(0.8349) == pytest.approx(50, abs=0.5)
    assert curve.percent(0.8776) == pytest.approx(90, abs=0.5)


def test_without_a_reference_the_gallerys_own_pairs_tell() -> None:
    pictures = pictures_of(60, 1)
    _, curve = calibrated(pictures)
    cosines = (pictures.vectors @ pictures.vectors.T)[np.triu_indices(60, 1)]
    middle = NormalDist(float(cosines.mean()), float(cosines.std())).inv_cdf(0.5 ** (1 / 60))
    assert curve.percent(middle) == pytest.approx(50, abs=2)


def test_every_size_gives_a_curve_that_rises() -> None:
    for people in (1, 2, 4, 5, MEASURED_FROM - 1, MEASURED_FROM):
        _, curve = calibrated(pictures_of(people, 1))
        shown = [curve.percent(cosine) for cosine in np.linspace(-1, 1, 400)]
        assert shown == sorted(shown)
        assert (shown[0], shown[-1]) == (1, 99)


def test_a_gallery_full_of_doubles_still_has_a_curve() -> None:
    pictures = pictures_of(100, 1)
    doubled = Collection(
        np.concatenate([pictures.vectors, pictures.vectors]),
        np.zeros((200, 256), np.float32),
        np.arange(200, dtype=np.int32),
    )
    _, curve = calibrated(doubled)
    assert curve.percent(0.5) <= curve.percent(1.0)


def test_quantiles_of_a_normal_spread_are_those_of_the_normal_distribution() -> None:
    spread = Spread.normal(0.1, 0.05)
    for share in (0.001, 0.3, 0.5, 0.99, 0.99995):
        assert spread.quantile(share) == pytest.approx(NormalDist(0.1, 0.05).inv_cdf(share), abs=1e-6)
