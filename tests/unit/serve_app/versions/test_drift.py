"""The running graph against its file and its store."""

from __future__ import annotations

from pathlib import Path

import pytest

from serve_app.rendering import rendered
from serve_app.rendering.serving import serve_config
from serve_app.versions.drift import application, differences, without_versions


def test_what_the_file_does_not_mention_may_be_anything() -> None:
    assert list(differences({"a": 1}, {"a": 1, "b": 2})) == []


def test_deployments_are_matched_by_name_and_differences_named_by_path() -> None:
    wanted = {"deployments": [{"name": "Style", "num_replicas": 2}, {"name": "Swap", "max": {"a": 1}}]}
    live = {"deployments": [{"name": "Swap", "max": {"a": 3}}, {"name": "Style", "num_replicas": 2}]}
    assert list(differences(wanted, live)) == [("deployments.Swap.max.a", "1", "3")]


def test_a_deployment_that_is_not_there_is_a_difference() -> None:
    (found,) = differences({"deployments": [{"name": "Style", "num_replicas": 2}]}, {"deployments": [{"name": "Swap"}]})
    assert found[0] == "deployments.Style"


def test_the_rendered_file_does_not_differ_from_itself(tmp_path: Path) -> None:
    file = tmp_path / "serve_config.yaml"
    file.write_text(rendered()["serve_config.yaml"], encoding="utf-8")
    ours = application(file, "graph")
    live = serve_config()["applications"][0]
    assert list(differences(without_versions(ours), live)) == []


@pytest.mark.parametrize("text", ["", "[", "applications: 3", "applications: [{name: other}]"])
def test_another_file_is_named_as_such(text: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(text)
    with pytest.raises(ValueError, match="other.yaml: this is no Serve configuration"):
        application(tmp_path / "other.yaml", "graph")
