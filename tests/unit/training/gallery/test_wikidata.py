"""Nothing but items and languages gets into a query, and odd rows do not get out of an answer."""

from __future__ import annotations

import pytest

from training.gallery.wikidata import Wish, _people


@pytest.mark.parametrize("occupation", ["33999", "Q", "Q0", "q33999", "Q1 } ?x ?y ?z {", "wd:Q1", ""])
def test_an_occupation_has_to_be_an_item(occupation: str) -> None:
    with pytest.raises(ValueError, match="not a Wikidata item"):
        Wish((occupation,))


@pytest.mark.parametrize("language", ["", "english", "EN", 'en" }', "e"])
def test_a_language_has_to_be_a_code(language: str) -> None:
    with pytest.raises(ValueError, match="code of a language"):
        Wish(("Q33999",), language=language)


def test_somebody_has_to_be_looked_for() -> None:
    with pytest.raises(ValueError, match="at least one occupation"):
        Wish(())


def row(item: str, label: str, image: str) -> dict[str, dict[str, str]]:
    return {
        "person": {"value": f"http://www.wikidata.org/entity/{item}"},
        "personLabel": {"value": label},
        "image": {"value": image},
    }


def test_rows_of_one_person_become_one_person() -> None:
    place = "http://commons.wikimedia.org/wiki/Special:FilePath/"
    rows = [
        row("Q1", "Zoë  Kravitz", f"{place}Zo%C3%AB_1.jpg"),
        row("Q1", "Zoë Kravitz", f"{place}Zo%C3%AB%201.jpg"),
        row("Q1", "Zoë Kravitz", f"{place}B.jpg"),
        row("Q2", "Q2", f"{place}C.jpg"),
        row("Q3", "Nobody", place),
    ]
    (person,) = _people(rows)
    assert (person.item, person.name, person.pictures) == ("Q1", "Zoë Kravitz", ("Zoë 1.jpg", "B.jpg"))
    assert person.description is None
    assert person.links == ("https://www.wikidata.org/wiki/Q1",)
