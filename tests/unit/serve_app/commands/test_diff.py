"""``masquerade diff`` shows every difference as it is, and says in its exit status whether there are any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from serve_app.commands import diff
from serve_app.versions.documents import LastDecision, ModelRouting, Models, ModelState, RoutingEntry
from tests.unit.serve_app.commands.conftest import Answers

KEY = "a-key-nobody-will-guess-in-a-year"

Run = Callable[..., Result]


@pytest.fixture
def run(answers: Answers, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MASQUERADE_ADMIN_KEY", KEY)

    def ran(models: Models, configuration: dict[str, Any] | None = None, *arguments: str) -> Result:
        answers.documents = {
            "/v1/models": models.model_dump(mode="json"),
            "/v1/config": {"configuration": configuration or {}},
        }
        return CliRunner().invoke(diff.app, [*arguments, "--url", answers.url])

    return ran


def told(state: str) -> Models:
    """judge@v2 is stable by the store and in ``state``; while it is not active, v1 serves."""
    common = {"model": "judge", "task": "moderation", "backend": "", "licence": "MIT", "commercial_use": True}
    common |= {"embedding_space": None, "memory_mb": 0, "metrics": {}}
    versions = [
        ModelState(**common, version="v1", serves="moderation", state="active" if state != "active" else "idle"),
        ModelState(**common, version="v2", serves=None, state=state, reason="NaN" if state == "refused" else None),
    ]
    last = LastDecision(when="2026-01-01T00:00:00Z", who="ada", action="promote", version="v2", why="better")
    routing = ModelRouting(model="judge", routing=RoutingEntry(stable="v2"), last=last)
    return Models(models=versions, missing={}, routings=[routing], coordinated=True)


def test_a_graph_that_follows_its_store_differs_in_nothing(run: Run) -> None:
    result = run(told("active"))
    assert (result.exit_code, result.output.strip()) == (0, "Nothing differs.")


def test_a_version_that_is_not_in_its_place_is_shown_with_the_reason(run: Run) -> None:
    result = run(told("refused"))
    assert result.exit_code == 1
    for word in ("judge active", "v2", "v1 (NaN)"):
        assert word in result.output


def test_values_in_brackets_are_shown_as_they_are(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "serve_config.yaml"
    file.write_text("applications: [{name: graph, args: {models: {moderation: [open-nsfw]}, folders: [/srv/models]}}]")
    result = run(told("active"), {"args": {"models": {"moderation": ["falconsai"]}, "folders": []}}, str(file))
    assert result.exit_code == 1
    for shown in ("[open-nsfw]", "[falconsai]", "[/srv/models]"):
        assert shown in result.output


@pytest.mark.parametrize(
    "text", ["no configuration", "applications: {name: graph}", "applications: [{name: graph, deployments: [Style]}]"]
)
def test_a_file_that_is_none_is_told_before_any_studio_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    monkeypatch.setenv("MASQUERADE_ADMIN_KEY", KEY)
    file = tmp_path / "notes.txt"
    file.write_text(text)
    result = CliRunner().invoke(diff.app, [str(file), "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 2
    assert result.stderr.strip() == f"{file}: this is no Serve configuration with an application 'graph'."


def test_without_a_key_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASQUERADE_ADMIN_KEY", raising=False)
    result = CliRunner().invoke(diff.app, [])
    assert result.exit_code == 2
    assert "MASQUERADE_ADMIN_KEY" in result.output
