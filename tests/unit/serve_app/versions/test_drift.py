"""The running graph against its file and its store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from serve_app.commands import diff
from serve_app.rendering import rendered
from serve_app.rendering.serving import serve_config
from serve_app.versions.drift import application, differences, without_versions

KEY = "a-key-nobody-will-guess-in-a-year"


def test_what_the_file_does_not_mention_may_be_anything() -> None:
    assert list(differences({"a": 1}, {"a": 1, "b": 2})) == []


def test_deployments_are_matched_by_name_and_differences_named_by_path() -> None:
    wanted = {"deployments": [{"name": "Style", "num_replicas": 2}, {"name": "Swap", "max": {"a": 1}}]}
    live = {"deployments": [{"name": "Swap", "max": {"a": 3}}, {"name": "Style", "num_replicas": 2}]}
    assert list(differences(wanted, live)) == [("deployments.Swap.max.a", "1", "3")]


def test_a_deployment_that_is_not_there_is_a_difference() -> None:
    (found,) = differences({"deployments": [{"name": "Style", "num_replicas": 2}]}, {"deployments": [{"name": "Swap"}]})
    assert found[0] == "deployments.Style"


def test_the_rendered_file_does_not_differ_from_itself() -> None:
    ours = application(rendered()["serve_config.yaml"], "graph")
    live = serve_config()["applications"][0]
    assert list(differences(without_versions(ours), live)) == []


@pytest.mark.parametrize("text", ["", "[", "applications: 3", "applications: [{name: other}]"])
def test_another_file_is_named_as_such(text: str) -> None:
    with pytest.raises(ValueError, match="no Serve configuration"):
        application(text, "graph")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    def ran(models: dict[str, Any], configuration: dict[str, Any] | None = None, *arguments: str):
        answers = {"/v1/models": models, "/v1/config": {"configuration": configuration or {}}}
        monkeypatch.setattr(
            diff, "_ask", lambda address, key, part: json.loads(json.dumps(answers["/v1/" + address.rsplit("/", 1)[1]]))
        )
        monkeypatch.setenv("MASQUERADE_ADMIN_KEY", KEY)
        return CliRunner().invoke(diff.app, list(arguments))

    return ran


def told(state: str, stable: str = "v2") -> dict[str, Any]:
    versions = [
        {"model": "judge", "version": "v1", "state": "active" if state != "active" else "idle", "serves": "moderation", "reason": None},
        {"model": "judge", "version": "v2", "state": state, "serves": None, "reason": "NaN" if state == "refused" else None},
    ]  # fmt: skip
    routing = {"stable": stable, "canary": None, "shadow": None}
    return {"coordinated": True, "models": versions, "routings": [{"model": "judge", "routing": routing}]}


def test_a_graph_that_follows_its_store_differs_in_nothing(run) -> None:
    result = run(told("active"))
    assert (result.exit_code, result.output.strip()) == (0, "Nothing differs.")


def test_a_version_that_is_not_in_its_place_is_shown_with_the_reason(run) -> None:
    result = run(told("refused"))
    assert result.exit_code == 1
    for word in ("judge active", "v2", "v1 (NaN)"):
        assert word in result.output


def test_without_a_key_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASQUERADE_ADMIN_KEY", raising=False)
    result = CliRunner().invoke(diff.app, [])
    assert result.exit_code == 2
    assert "MASQUERADE_ADMIN_KEY" in result.output
