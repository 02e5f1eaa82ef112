"""People out of folders and catalogues, or a sentence that says what is wrong with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from training.gallery.sources import BadSource, read_source


def test_a_folder_has_one_sub_folder_a_person(tmp_path: Path) -> None:
    for name in ("Grace_Hopper/b.jpg", "Grace_Hopper/a.jpg", "Ada  Lovelace/1.png", "Ada  Lovelace/.hidden", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "stray.jpg").touch()
    (tmp_path / "Nobody").mkdir()
    people = read_source(tmp_path)
    assert [(person.name, [picture.label for picture in person.pictures]) for person in people] == [
        ("Ada Lovelace", ["Ada  Lovelace/1.png"]),
        ("Grace Hopper", ["Grace_Hopper/a.jpg", "Grace_Hopper/b.jpg"]),
        ("Nobody", []),
    ]


def test_a_name_that_is_no_utf8_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"Ren\xe9e Vivien")
    folder.mkdir()
    (folder / os.fsdecode(b"\xe9.jpg")).touch()
    (person,) = read_source(tmp_path)
    assert (person.name, person.pictures[0].label) == ("Ren\ufffde Vivien", "Ren\ufffde Vivien/\ufffd.jpg")
    assert person.pictures[0].path.is_file()


def test_a_catalogue_that_nests_without_end_is_no_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    path.write_text("[" * 100_000)
    with pytest.raises(BadSource, match="cannot be read as JSON"):
        read_source(path)


def test_an_empty_folder_says_what_a_source_looks_like(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="one sub-folder of pictures"):
        read_source(tmp_path)


def test_two_folders_of_one_name_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "Ada_Lovelace").mkdir()
    (tmp_path / "Ada Lovelace").mkdir()
    with pytest.raises(BadSource, match="Ada Lovelace twice"):
        read_source(tmp_path)


def test_a_json_catalogue_says_all_there_is_to_say(tmp_path: Path) -> None:
    path = tmp_path / "people.json"
    person = {
        "name": "Ада Лавлейс",
        "alias": "Enchantress of Numbers",
        "role": "mathematician",
        "links": ["https://example.org/ada"],
        "photos": ["a.jpg", {"path": "b.jpg", "licence": "CC0", "attribution": "M. Carpenter"}],
    }
    path.write_text(json.dumps({"people": [person]}), encoding="utf-8")
    (found,) = read_source(path)
    assert (found.name, found.alias, found.role) == ("Ада Лавлейс", "Enchantress of Numbers", "mathematician")
    assert found.links == ("https://example.org/ada",)
    assert [picture.path for picture in found.pictures] == [tmp_path / "a.jpg", tmp_path / "b.jpg"]
    assert [picture.licence for picture in found.pictures] == [None, "CC0"]


def test_a_csv_catalogue_may_come_from_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "people.CSV"
    path.write_bytes(
        "\ufeffname,alias,links,photos,licence,attribution\r\n"
        'Ada Lovelace,,https://example.org/ada; https://example.org/2,"a.jpg; b.jpg",CC0,Me\r\n'
        "Grace Hopper,Amazing Grace,,c.jpg,,\r\n".encode()
    )
    ada, grace = read_source(path)
    assert ada.alias is None
    assert ada.links == ("https://example.org/ada", "https://example.org/2")
    assert [picture.label for picture in ada.pictures] == ["a.jpg", "b.jpg"]
    assert {picture.licence for picture in ada.pictures} == {"CC0"}
    assert (grace.alias, grace.pictures[0].licence) == ("Amazing Grace", None)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "JSON"),
        ("a.json", "[]", "not a catalogue"),
        ("a.json", '{"people": []}', "list of people is empty"),
        ("a.json", '{"people": [{"name": "", "photos": []}]}', "people.0.name"),
        ("a.json", '{"people": [{"name": "A", "photos": ["a"], "agee": 3}]}', "agee"),
        ("a.json", '{"people": [{"name": "A", "photos": ["a"], "links": ["javascript:x"]}]}', "not a web address"),
        ("a.csv", "name;photos\nA;a.jpg\n", "has the columns name;photos; it needs name and photos"),
        ("a.csv", "name,photos,shoe size\nA,a.jpg,43\n", "needs name and photos"),
        ("a.csv", "name,photos\n", "no line"),
        ("a.csv", 'name,photos\nA,a.jpg\n"",b.jpg\n', "line 3"),
        ("a.csv", "", "needs name and photos"),
        ("a.txt", "", "neither a folder nor"),
    ],
)
def test_a_catalogue_that_cannot_be_used_says_where_and_why(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadSource, match=words):
        read_source(tmp_path / name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=200), suffix=st.sampled_from(["json", "csv"]))
def test_noise_is_a_bad_source_or_people(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f"people.{suffix}"
    path.write_bytes(data)
    try:
        people = read_source(path)
    except BadSource:
        return
    assert all(person.name for person in people)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(st.lists(st.text(max_size=12), max_size=4), max_size=4))
def test_any_lines_under_a_good_head_are_a_bad_source_or_people(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "people.csv"
    text = "\n".join(["name,photos,links", *(",".join(row) for row in rows)])
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        read_source(path)
    except BadSource:
        return
