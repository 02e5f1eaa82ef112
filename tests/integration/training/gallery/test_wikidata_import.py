"""The importer against a stand-in for Wikidata and Commons: what it takes, what it names, and how it behaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from training.gallery.commons import Commons
from training.gallery.importer import Imported, import_people
from training.gallery.polite import Polite, Unreachable
from training.gallery.sources import read_source
from training.gallery.wikidata import Wish

ACTORS = Wish(("Q33999",), sitelinks=10, limit=500)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def imported(wiki: Any, folder: Path, clock: Clock, wish: Wish = ACTORS) -> Imported:
    async with aiohttp.ClientSession(headers={"User-Agent": "Masquerade/test (me@example.org)"}) as session:
        polite = Polite(session, pause_s=1.0, sleep=clock.sleep, clock=clock)
        commons = Commons(f"{wiki.address}/w/api.php", polite)
        return await import_people(wish, folder, polite, f"{wiki.address}/sparql", commons, lambda *_: None)


def catalogue(folder: Path) -> list[dict[str, Any]]:
    people: list[dict[str, Any]] = json.loads((folder / "catalogue.json").read_text())["people"]
    return people


async def test_people_come_with_pictures_licences_and_authors(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Ada 1.jpg", "Public domain", artist='<span class="fn">M. Carpenter</span>')
    wiki.file("Ada 2.jpg", "CC BY-SA 4.0")
    wiki.person("Q7259", "Ada Lovelace", "Ada 1.jpg", "Ada 2.jpg", description="English mathematician")
    found = await imported(wiki, tmp_path, clock)
    assert (found.people, found.skipped) == (1, 0)
    (ada,) = catalogue(tmp_path)
    assert (ada["name"], ada["role"]) == ("Ada Lovelace", "English mathematician")
    assert ada["links"] == ["https://en.wikipedia.org/wiki/Q7259", "https://www.wikidata.org/wiki/Q7259"]
    first, second = ada["photos"]
    assert (first["licence"], first["attribution"]) == ("Public domain", "M. Carpenter, via Wikimedia Commons")
    assert second["attribution"] == "Photographer 1 & Co., via Wikimedia Commons"
    assert (tmp_path / first["path"]).read_bytes() == next(iter(wiki.pictures.values()))


async def test_what_is_imported_can_be_built_from(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Ada.jpg")
    wiki.person("Q7259", "Ada Lovelace", "Ada.jpg")
    found = await imported(wiki, tmp_path, clock)
    (person,) = read_source(found.catalogue)
    assert person.name == "Ada Lovelace"
    assert person.pictures[0].path.is_file()


async def test_titles_that_the_wiki_writes_another_way_are_found(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Ada.jpg")
    wiki.person("Q7259", "Ada Lovelace", "ada.jpg")
    assert (await imported(wiki, tmp_path, clock)).people == 1


async def test_drawings_unlicensed_and_missing_files_are_left_out(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Drawing.svg", mime="image/svg+xml")
    wiki.file("Unclear.jpg", licence=None)
    wiki.file("Good.jpg")
    wiki.person("Q1", "Drawn", "Drawing.svg")
    wiki.person("Q2", "Unclear", "Unclear.jpg")
    wiki.person("Q3", "Gone", "Gone.jpg")
    wiki.person("Q4", "Good", "Good.jpg", "Gone.jpg")
    found = await imported(wiki, tmp_path, clock)
    assert (found.people, found.skipped) == (1, 3)
    assert [person["name"] for person in catalogue(tmp_path)] == ["Good"]


async def test_two_people_of_one_name_stay_two(wiki, tmp_path: Path, clock: Clock) -> None:
    for item in ("Q1", "Q2"):
        wiki.file(f"{item}.jpg")
        wiki.person(item, "Chris Evans", f"{item}.jpg")
    await imported(wiki, tmp_path, clock)
    assert [person["name"] for person in catalogue(tmp_path)] == ["Chris Evans", "Chris Evans (Q2)"]
    assert len(read_source(tmp_path / "catalogue.json")) == 2


async def test_people_without_a_name_in_any_wished_language_are_left_out(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("A.jpg")
    wiki.file("B.jpg")
    wiki.person("Q1", "Q1", "A.jpg")
    wiki.person("Q2", "Somebody", "B.jpg", article=False)
    await imported(wiki, tmp_path, clock)
    (person,) = catalogue(tmp_path)
    assert (person["name"], person["links"]) == ("Somebody", ["https://www.wikidata.org/wiki/Q2"])


async def test_many_people_are_asked_for_in_pages_and_titles_in_fifties(wiki, tmp_path: Path, clock: Clock) -> None:
    for number in range(230):
        wiki.file(f"P{number}.jpg")
        wiki.person(f"Q{number + 1}", f"Person {number}", f"P{number}.jpg")
    found = await imported(wiki, tmp_path, clock)
    assert found.people == 230
    assert len(wiki.asked("/sparql")) == 3
    assert len(wiki.asked("/w/api.php")) == 5
    assert [person["name"] for person in catalogue(tmp_path)] == [f"Person {number}" for number in range(230)]


async def test_the_limit_is_kept(wiki, tmp_path: Path, clock: Clock) -> None:
    for number in range(10):
        wiki.file(f"P{number}.jpg")
        wiki.person(f"Q{number + 1}", f"Person {number}", f"P{number}.jpg")
    assert (await imported(wiki, tmp_path, clock, Wish(("Q33999",), limit=4))).people == 4


async def test_every_request_names_us_and_waits_its_turn(wiki, tmp_path: Path, clock: Clock) -> None:
    for number in range(3):
        wiki.file(f"P{number}.jpg")
        wiki.person(f"Q{number + 1}", f"Person {number}", f"P{number}.jpg")
    await imported(wiki, tmp_path, clock)
    assert {request.headers["User-Agent"] for request in wiki.requests} == {"Masquerade/test (me@example.org)"}
    assert clock.now >= len(wiki.requests) - 1
    assert all(request.query["maxlag"] == "5" for request in wiki.asked("/w/api.php"))


async def test_a_second_run_fetches_no_picture_again(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Ada.jpg")
    wiki.person("Q7259", "Ada Lovelace", "Ada.jpg")
    await imported(wiki, tmp_path, clock)
    before = catalogue(tmp_path)
    await imported(wiki, tmp_path, clock)
    assert len(wiki.asked("/thumb")) == 1
    assert catalogue(tmp_path) == before


async def test_a_run_that_got_no_further_than_a_page_is_gone_on_with(wiki, tmp_path: Path, clock: Clock) -> None:
    for number in range(210):
        wiki.file(f"P{number}.jpg")
        wiki.person(f"Q{number + 1}", f"Person {number}", f"P{number}.jpg")
    whole, wiki.people = wiki.people, wiki.people[:200]
    await imported(wiki, tmp_path, clock)
    fetched = len(wiki.asked("/thumb"))
    wiki.people = whole
    assert (await imported(wiki, tmp_path, clock)).people == 210
    assert len(wiki.asked("/thumb")) == fetched + 10


@pytest.mark.parametrize("path", ["/sparql", "/w/api.php", "/thumb"])
async def test_a_busy_server_is_asked_again_when_it_says(wiki, tmp_path: Path, clock: Clock, path: str) -> None:
    wiki.file("Ada.jpg")
    wiki.person("Q7259", "Ada Lovelace", "Ada.jpg")
    wiki.faults[path] = [
        web.Response(status=429, headers={"Retry-After": "42"}),
        web.Response(status=503, headers={"Retry-After": "17"}),
    ]
    assert (await imported(wiki, tmp_path, clock)).people == 1
    assert {42.0, 17.0} <= {round(seconds) for seconds in clock.slept}


async def test_a_database_that_lags_is_given_time(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Ada.jpg")
    wiki.person("Q7259", "Ada Lovelace", "Ada.jpg")
    lag = {"error": {"code": "maxlag", "info": "Waiting for a database server: 6.1 seconds lagged"}}
    wiki.faults["/w/api.php"] = [web.json_response(lag, headers={"Retry-After": "5"})]
    assert (await imported(wiki, tmp_path, clock)).people == 1
    assert len(wiki.asked("/w/api.php")) == 2
    assert 5 in [round(seconds) for seconds in clock.slept]


async def test_a_server_that_stays_down_is_given_up_with_its_name(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.faults["/sparql"] = [web.Response(status=502) for _ in range(50)]
    with pytest.raises(Unreachable, match="/sparql could not be used: it answers 502"):
        await imported(wiki, tmp_path, clock)
    assert len(wiki.requests) < 10
    assert clock.slept == sorted(clock.slept)


@pytest.mark.parametrize("body", ["<html>busy</html>", "[]", '{"results": 3}', '{"results": {"bindings": [{}]}}'])
async def test_an_answer_that_is_none_is_said_to_be_none(wiki, tmp_path: Path, clock: Clock, body: str) -> None:
    wiki.faults["/sparql"] = [web.Response(text=body, content_type="application/json") for _ in range(50)]
    with pytest.raises(Unreachable, match="did not answer with"):
        await imported(wiki, tmp_path, clock)


async def test_a_picture_that_is_far_too_large_is_left_out(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Huge.jpg")
    wiki.file("Good.jpg")
    wiki.pictures[wiki.files["Huge.jpg"]["sha1"]] = b"x" * (21 * 2**20)
    wiki.person("Q1", "Huge", "Huge.jpg")
    wiki.person("Q2", "Good", "Good.jpg")
    found = await imported(wiki, tmp_path, clock)
    assert (found.people, found.skipped) == (1, 1)
    assert not list(tmp_path.rglob("*.part"))


async def test_nobody_found_is_no_success(wiki, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(Unreachable, match="nobody was found"):
        await imported(wiki, tmp_path, clock)


async def test_only_grown_up_people_of_the_occupation_are_asked_for(wiki, tmp_path: Path, clock: Clock) -> None:
    wiki.file("Ada.jpg")
    wiki.person("Q7259", "Ada Lovelace", "Ada.jpg")
    await imported(wiki, tmp_path, clock, Wish(("Q33999", "Q10800557"), sitelinks=25, limit=10, language="de"))
    query = wiki.asked("/sparql")[0].query["query"]
    for part in (
        "wd:Q33999 wd:Q10800557",
        "?sitelinks >= 25",
        "wdt:P569 ?born",
        '"de,en,mul"',
        "https://de.wikipedia.org/",
    ):
        assert part in query
