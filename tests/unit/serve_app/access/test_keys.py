"""Keys are shown once, remembered as hashes, and end when they are revoked."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from serve_app.access.keys import FORM, KeyBook
from serve_app.access.scopes import ADMIN, SCOPES, required
from serve_app.commands.keys import app


def test_only_the_hash_of_a_key_is_stored(issue, tmp_path: Path) -> None:
    _, text = issue("style")
    secret = FORM.fullmatch(text).group(2)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("masquerade.db*"))
    assert b"api_keys" in stored
    assert secret.encode() not in stored


def test_a_key_is_found_by_its_text_alone(issue, with_keys) -> None:
    key, text = issue("style", "jobs")
    found = with_keys(lambda book: book.find(text))
    assert (found.id, found.scopes) == (key.id, ("jobs", "style"))
    for wrong in (text[:-1] + ("A" if text[-1] != "A" else "B"), text.upper(), "", f"mq_{key.id}_", "mq_' OR 1=1 --"):
        assert with_keys(lambda book, wrong=wrong: book.find(wrong)) is None


def test_a_revoked_key_opens_nothing_and_is_revoked_once(issue, with_keys) -> None:
    key, text = issue()
    assert with_keys(lambda book: book.revoke(key.id)) is True
    assert with_keys(lambda book: book.find(text)) is None
    assert with_keys(lambda book: book.revoke(key.id)) is False


def test_when_a_key_was_last_used_is_known(issue, with_keys) -> None:
    _, text = issue()
    assert [key.used for key in with_keys(KeyBook.all)] == [None]
    with_keys(lambda book: book.find(text))
    assert [key.used is not None for key in with_keys(KeyBook.all)] == [True]


def test_a_key_was_last_used_at_a_time_known_to_the_minute(issue, with_keys) -> None:
    key, text = issue()

    async def used_after_calls_at(book: KeyBook, *moments: float) -> list[float]:
        seen = []
        for moment in moments:
            book._clock = lambda moment=moment: key.created + moment
            await book.find(text)
            seen.append((await book.all())[0].used - key.created)
        return seen

    assert with_keys(lambda book: used_after_calls_at(book, 10, 60, 80)) == pytest.approx([10, 10, 80])


def test_keys_are_listed_oldest_first(with_keys) -> None:
    async def listed(book: KeyBook) -> list[str]:
        for moment in (3.0, 1.0, 2.0):
            book._clock = lambda moment=moment: moment
            await book.issue(f"of {moment:g}", ["style"], per_minute=1, burst=1)
        return [key.name for key in await book.all()]

    assert with_keys(listed) == ["of 1", "of 2", "of 3"]


@pytest.mark.parametrize(
    ("name", "scopes", "rate", "said"),
    [
        ("", ["style"], 1, "name"),
        ("a\nb", ["style"], 1, "name"),
        ("app", ["styles"], 1, "no scope 'styles'"),
        ("app", [], 1, "opens nothing"),
        ("app", ["style"], 0, "at least 1"),
    ],
)
def test_impossible_keys_are_refused_in_words(with_keys, name, scopes, rate, said) -> None:
    with pytest.raises(ValueError, match=said):
        with_keys(lambda book: book.issue(name, scopes, per_minute=rate, burst=1))


@given(method=st.sampled_from(["POST", "PUT", "DELETE", "PATCH"]), word=st.text(min_size=1, max_size=8))
def test_no_work_under_v1_is_open_by_oversight(method: str, word: str) -> None:
    assert required(method, f"/v1/{word}/more") is not None or not word.strip("/")


def test_reading_what_is_on_offer_needs_no_key() -> None:
    for path in (
        "/",
        "/v1",
        "/v1/",
        "/healthz",
        "/readyz",
        "/docs",
        "/v1/styles",
        "/v1/styles/wave/preview.jpg",
        "/v1/artworks",
    ):
        assert required("GET", path) is None
    assert required("GET", "/v1/jobs/1") == "jobs"
    assert required("GET", "/v1/models") == required("POST", "/v1/models/style/promote") == ADMIN


def test_the_command_line_issues_lists_and_revokes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path))
    run = CliRunner().invoke
    assert "no keys yet" in run(app, ["list"]).stdout
    made = run(app, ["create", "gallery app", "--scope", "style", "--scope", "jobs"])
    assert made.exit_code == 0
    assert "60 a minute, 20 at once." in made.stderr
    key_id = re.fullmatch(FORM, made.stdout.strip()).group(1)
    secret = re.fullmatch(FORM, made.stdout.strip()).group(2)
    listed = run(app, ["list"]).stdout
    assert key_id in listed
    assert "at once" in listed
    assert secret not in listed
    assert run(app, ["revoke", key_id]).exit_code == 0
    assert run(app, ["revoke", key_id]).exit_code == 1
    with sqlite3.connect(tmp_path / "masquerade.db") as database:
        assert database.execute("SELECT count(*) FROM api_keys WHERE revoked IS NOT NULL").fetchone() == (1,)
    database.close()


def test_a_misspelt_scope_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path))
    refused = CliRunner().invoke(app, ["create", "x", "--scope", "paint"])
    assert refused.exit_code == 2
    assert SCOPES[0] in refused.stderr
