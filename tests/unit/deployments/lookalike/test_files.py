"""People and portraits as they lie in a gallery version."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployments.lookalike.files import Person, Portraits, read_people, write_people, write_portraits

PICTURE = "0123456789abcdef0123456789abcdef.jpg"
FULL = Person(
    name="Анна Павлова",
    alias="the Swan",
    role="ballerina",
    links=("https://example.org/a",),
    licence="Public domain",
    attribution="unknown",
    picture=PICTURE,
    pictures=3,
)


def test_people_are_read_as_they_were_written(tmp_path: Path) -> None:
    people = (FULL, Person(name="Nobody in particular", picture=PICTURE))
    write_people(tmp_path / "people.json", people)
    assert read_people(tmp_path / "people.json") == people


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": None},
        {"links": ["javascript:alert(1)"]},
        {"links": ["file:///etc/passwd"]},
        {"picture": "../../secret.jpg"},
        {"picture": "portrait.png"},
        {"pictures": 0},
        {"unknown": 1},
    ],
)
def test_a_person_that_cannot_be_shown_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "people.json"
    path.write_text(json.dumps({"people": [json.loads(FULL.model_dump_json()) | change]}))
    with pytest.raises(ValueError, match=r"people\.json"):
        read_people(path)


def test_people_of_a_later_format_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text('{"format": 2, "people": []}')
    with pytest.raises(ValueError, match=r"people\.json"):
        read_people(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 400), change=st.binary(min_size=1, max_size=4))
def test_damaged_people_are_refused_or_still_people(tmp_path: Path, place: int, change: bytes) -> None:
    path = tmp_path / "people.json"
    write_people(path, [FULL])
    data = path.read_bytes()
    path.write_bytes(data[:place] + change + data[place + len(change) :])
    try:
        people = read_people(path)
    except ValueError:
        return
    assert all(link.startswith("http") for person in people for link in person.links)


@given(data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_noise_is_no_list_of_people(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "people.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"people\.json"):
        read_people(path)


def test_portraits_are_read_by_name_and_kept_once(tmp_path: Path) -> None:
    path = tmp_path / "portraits.zip"
    write_portraits(path, iter([("a.jpg", b"first"), ("b.jpg", b"second"), ("a.jpg", b"first")]))
    portraits = Portraits(path)
    assert (portraits.read("a.jpg"), portraits.read("b.jpg")) == (b"first", b"second")
    assert "a.jpg" in portraits
    assert "c.jpg" not in portraits
    with pytest.raises(KeyError):
        portraits.read("c.jpg")
    portraits.close()


def test_the_same_portraits_make_the_same_archive(tmp_path: Path) -> None:
    for name in ("one.zip", "two.zip"):
        write_portraits(tmp_path / name, iter([("a.jpg", b"first")]))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_an_archive_that_would_swell_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "portraits.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", b"\0" * 10_000_000)
    with pytest.raises(ValueError, match="something else than portraits"):
        Portraits(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 400), change=st.binary(min_size=1, max_size=4))
def test_a_damaged_archive_is_refused_or_read_without_harm(tmp_path: Path, place: int, change: bytes) -> None:
    path = tmp_path / "portraits.zip"
    write_portraits(path, iter([("a.jpg", b"first" * 20), ("b.jpg", b"second" * 20)]))
    data = path.read_bytes()
    place %= len(data)
    path.write_bytes(data[:place] + change + data[place + len(change) :])
    try:
        portraits = Portraits(path)
    except ValueError:
        return
    for name in ("a.jpg", "b.jpg"):
        try:
            portraits.read(name)
        except (ValueError, KeyError):
            continue
    portraits.close()
