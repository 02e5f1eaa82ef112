"""What a gallery's portraits may be used for."""

from __future__ import annotations

import pytest

from deployments.lookalike.files import Person
from registry.manifest import Licence
from training.gallery.terms import allows_commercial_use, licence_of

FREE = Licence(name="MIT", commercial_use=True)
RESEARCH = Licence(name="research", commercial_use=False)


@pytest.mark.parametrize(
    "licence",
    [
        "CC BY 4.0",
        "CC-BY-4.0",
        "CC BY-SA 3.0",
        "CC BY-SA 2.0 de",
        "CC0",
        "CC0-1.0",
        "Public domain",
        "PD-USGov",
        "cc-by-2.0",
    ],
)
def test_free_licences_allow_commercial_use(licence: str) -> None:
    assert allows_commercial_use(licence)


@pytest.mark.parametrize(
    "licence",
    [
        None,
        "",
        "CC BY-NC 4.0",
        "CC BY-NC-SA 2.0",
        "CC BY-ND 4.0",
        "All rights reserved",
        "LicenseRef-unknown",
        "fair use",
    ],
)
def test_anything_else_does_not(licence: str | None) -> None:
    assert not allows_commercial_use(licence)


def people(*licences: str | None) -> list[Person]:
    return [Person(name="A", picture="0" * 32 + ".jpg", licence=licence) for licence in licences]


def test_a_gallery_is_as_free_as_its_least_free_portrait() -> None:
    assert licence_of(people("CC0", "CC BY 4.0"), FREE).commercial_use
    assert not licence_of(people("CC0", None), FREE).commercial_use
    assert not licence_of(people("CC0", "CC BY-NC 4.0"), FREE).commercial_use


def test_a_gallery_is_no_freer_than_the_face_model_that_made_it() -> None:
    assert not licence_of(people("CC0"), RESEARCH).commercial_use


def test_one_licence_is_named_and_several_are_called_mixed() -> None:
    assert licence_of(people("CC0", "CC0"), FREE).name == "CC0"
    assert licence_of(people("CC0", "CC BY 4.0"), FREE).name == "LicenseRef-mixed"
    assert licence_of(people(None), FREE).name == "LicenseRef-unknown"
