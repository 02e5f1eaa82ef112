"""A routing is sound or it does not exist, and its history says who decided what."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Conflict, RegistryError
from registry.journal import FolderJournal, dump_entry, load_entry
from registry.routing import AuditEntry, Routing

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def entry(was: Routing | None, now: Routing | None, **told: Any) -> AuditEntry:
    told = {"when": NOON, "who": "ada", "model": "net", "action": "promote", "version": "v1", "why": "better", **told}
    return AuditEntry(was=was, now=now, **told)


@pytest.mark.parametrize(
    "told",
    [
        {"stable": "../v1"},
        {"stable": ""},
        {"stable": "v1", "previous": "v1"},
        {"stable": "v1", "canary": "v1", "percent": 5},
        {"stable": "v1", "shadow": "v1", "sample": 0.5},
        {"stable": "v1", "canary": "v2"},
        {"stable": "v1", "canary": "v2", "percent": 100.1},
        {"stable": "v1", "canary": "v2", "percent": float("nan")},
        {"stable": "v1", "percent": 5},
        {"stable": "v1", "shadow": "v2"},
        {"stable": "v1", "shadow": "v2", "sample": 1.5},
        {"stable": "v1", "sample": 0.5},
        {"stable": "v1", "canary": "v2", "percent": 5, "shadow": "v3", "sample": 0.5},
    ],
)
def test_a_routing_that_makes_no_sense_cannot_be_made(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Routing(**told)


def test_no_more_than_two_versions_are_ever_active() -> None:
    assert Routing("v2", previous="v1").active == ("v2",)
    assert Routing("v2", previous="v1", canary="v3", percent=5).active == ("v2", "v3")
    assert Routing("v2", shadow="v3", sample=0.1).active == ("v2", "v3")


def test_a_routing_reads_like_a_sentence() -> None:
    assert str(Routing("v2", previous="v1", canary="v3", percent=2.5)) == "v2, canary v3 2.5 %"
    assert str(Routing("v2", shadow="v3", sample=0.1)) == "v2, shadow v3 10%"


@pytest.mark.parametrize(
    "told", [{"when": NOON.replace(tzinfo=None)}, {"when": NOON.astimezone(timezone(timedelta(hours=2)))}, {"who": " "}]
)
def test_an_entry_says_who_and_when_in_utc(told: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        entry(None, Routing("v1"), **told)


def test_an_entry_survives_writing_and_reading() -> None:
    made = entry(Routing("v1"), Routing("v2", previous="v1"), why="Größe\n")
    assert load_entry(dump_entry(made), "here") == made


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?", fullmatch=True)


@given(
    names=st.lists(NAMES, min_size=3, max_size=3, unique=True),
    percent=st.floats(0, 100, exclude_min=True),
    why=st.text(),
)
def test_any_decision_survives_writing_and_reading(names: list[str], percent: float, why: str) -> None:
    stable, previous, canary = names
    made = entry(None, Routing(stable, previous, canary, percent), why=why.encode(errors="replace").decode())
    assert load_entry(dump_entry(made), "here") == made


@given(st.binary(max_size=200) | st.sampled_from([b"{}", b"null", dump_entry(entry(None, None))[:-9].encode()]))
def test_any_bytes_are_an_entry_or_a_sentence(data: bytes) -> None:
    with pytest.raises(RegistryError, match="000001.json is no entry"):
        load_entry(data, "000001.json")


def test_the_last_entry_says_what_holds(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path / "history", "net")
    assert journal.last() is None
    first, second = entry(None, Routing("v1")), entry(Routing("v1"), Routing("v2", previous="v1"))
    journal.append(first)
    journal.append(second)
    assert journal.entries() == [first, second]
    assert journal.last() == second


def test_a_decision_on_what_is_no_more_is_refused_with_what_happened(tmp_path: Path) -> None:
    journal = FolderJournal(tmp_path, "net")
    journal.append(entry(None, Routing("v2"), version="v2", who="grace", why="sharper"))
    with pytest.raises(Conflict, match=r"grace, 2026-11-21 12:00:00 UTC, promote v2 \(sharper\); it is now v2"):
        journal.append(entry(None, Routing("v1")))
    assert len(journal.entries()) == 1


def test_of_many_who_decide_at_once_one_wins_and_the_others_are_told(tmp_path: Path) -> None:
    def decide(number: int) -> str:
        try:
            FolderJournal(tmp_path, "net").append(entry(None, Routing(f"v{number}"), who=f"engineer {number}"))
        except Conflict as error:
            return str(error)
        return "won"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(decide, range(8)))
    (kept,) = FolderJournal(tmp_path, "net").entries()
    assert outcomes.count("won") == 1
    assert sum(kept.who in outcome for outcome in outcomes) == 7
    assert [path.name for path in tmp_path.iterdir()] == ["000001.json"]


def test_a_history_someone_scribbled_in_is_named(tmp_path: Path) -> None:
    FolderJournal(tmp_path, "net").append(entry(None, Routing("v1")))
    (tmp_path / "000001.json").write_text("{}")
    with pytest.raises(RegistryError, match="000001.json is no entry"):
        FolderJournal(tmp_path, "net").last()


@pytest.mark.parametrize("name", ["1.json", "7.json", "0000002.json", "١٢.json", "000001 (copy).json"])
def test_a_file_that_is_not_named_like_an_entry_is_none(tmp_path: Path, name: str) -> None:
    FolderJournal(tmp_path, "net").append(entry(None, Routing("v1")))
    (tmp_path / name).write_text("{}")
    assert len(FolderJournal(tmp_path, "net").entries()) == 1


def test_an_entry_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    FolderJournal(tmp_path, "net").append(entry(None, Routing("v1")))
    (tmp_path / "000002.json").symlink_to(tmp_path / "nowhere")
    with pytest.raises(RegistryError, match="000002.json cannot be read"):
        FolderJournal(tmp_path, "net").last()
