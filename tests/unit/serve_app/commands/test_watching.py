"""``masquerade top`` and ``masquerade diff`` against what is no studio."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from serve_app.commands import diff, top
from tests.unit.serve_app.commands.conftest import Answers

STATE = {"deployments": [], "window_s": 15.0, "cpu": 0.5, "memory": None, "gpu": None}
APPS = {"top": top.app, "diff": diff.app}


@pytest.fixture(autouse=True)
def admin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_ADMIN_KEY", "a-key-nobody-will-guess-in-a-year")


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "studio.example", "http://[broken", "http://127.0.0.1:port", "http://a b"]
)
def test_an_address_of_nothing_is_told_in_a_sentence(name: str, url: str) -> None:
    outcome = CliRunner().invoke(APPS[name], ["--url", url])
    assert isinstance(outcome.exception, SystemExit)
    assert outcome.exit_code in {1, 2}
    assert url in outcome.output


@pytest.mark.parametrize("interval", ["0", "nan", "inf"])
def test_an_interval_that_nobody_could_wait_for_is_refused(interval: str) -> None:
    assert CliRunner().invoke(top.app, ["--interval", interval, "--url", "http://127.0.0.1:1"]).exit_code == 2


@pytest.mark.parametrize("name", APPS)
def test_a_proxy_that_answers_for_the_studio_is_quoted(name: str, answers: Answers) -> None:
    answers.status, answers.body = 502, b"<h1>Bad Gateway</h1>"
    outcome = CliRunner().invoke(APPS[name], ["--url", answers.url])
    assert isinstance(outcome.exception, SystemExit)
    assert "502: Bad Gateway" in outcome.output


@pytest.mark.parametrize("name", APPS)
def test_what_speaks_no_http_is_told_apart(name: str, shell: str) -> None:
    outcome = CliRunner().invoke(APPS[name], ["--url", shell])
    assert isinstance(outcome.exception, SystemExit)
    assert "answers, but not as a studio does." in outcome.stderr


@pytest.mark.parametrize("name", APPS)
@pytest.mark.parametrize("body", [b"{}", b"[]", b"5", b"hello"])
def test_what_is_no_studio_is_told_apart(name: str, body: bytes, answers: Answers) -> None:
    answers.body = body
    outcome = CliRunner().invoke(APPS[name], ["--url", answers.url])
    assert isinstance(outcome.exception, SystemExit)
    assert outcome.stdout == ""
    assert "answers, but not as a studio does." in outcome.stderr


@pytest.mark.parametrize("options", [["--json"], ["--once", "--json"]])
def test_json_is_one_look_for_scripts(options: list[str], answers: Answers) -> None:
    answers.body = json.dumps(STATE).encode()
    outcome = CliRunner().invoke(top.app, [*options, "--url", answers.url])
    assert json.loads(outcome.stdout) == STATE


def test_a_pipe_gets_one_look(answers: Answers) -> None:
    answers.body = json.dumps(STATE).encode()
    outcome = CliRunner().invoke(top.app, ["--url", answers.url])
    assert outcome.exit_code == 0
    assert "cpu 50%" in outcome.stdout


@pytest.mark.parametrize("name", APPS)
def test_the_admin_key_is_not_taken_along_to_somebody_else(name: str, answers: Answers) -> None:
    elsewhere = answers.url.replace("127.0.0.1", "localhost") + "/elsewhere"
    answers.moved = dict.fromkeys(("/v1/status", "/v1/models"), elsewhere)
    outcome = CliRunner().invoke(APPS[name], ["--url", answers.url])
    assert isinstance(outcome.exception, SystemExit)
    assert f"sends on to {elsewhere}; if the studio is there, give that address." in outcome.stderr
    assert "/elsewhere" not in dict(answers.asked)


def test_a_studio_that_sends_on_within_itself_is_followed(answers: Answers) -> None:
    answers.moved, answers.documents = {"/v1/status": "/studio/v1/status"}, {"/studio/v1/status": STATE}
    outcome = CliRunner().invoke(top.app, ["--once", "--json", "--url", answers.url])
    assert json.loads(outcome.stdout) == STATE
    assert dict(answers.asked)["/studio/v1/status"] == "Bearer a-key-nobody-will-guess-in-a-year"
