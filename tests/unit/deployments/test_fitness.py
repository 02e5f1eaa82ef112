"""Who publishes a version that no engine could read is told so before anybody promotes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments.fitness import check_fitness
from tests.versions import version_of


@pytest.mark.parametrize("config", [{"id2label": {"1": "dog", "0": "cat"}}, {"label_names": ["cat", "dog"]}])
@pytest.mark.parametrize(("task", "told"), [("moderation", "it reads"), ("authenticity", "what is real")])
def test_labels_that_nobody_can_read_are_told(tmp_path: Path, config: object, task: str, told: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    version = version_of(tmp_path, task=task, format="transformers", backend="transformers")
    with pytest.raises(ValueError, match=f"net@v1 has the labels cat, dog, which .*{told}"):
        check_fitness(version)


@pytest.mark.parametrize(
    ("task", "labels"), [("moderation", ["normal", "nsfw"]), ("authenticity", ["real", "fake"]), ("moderation", None)]
)
def test_labels_that_can_be_read_pass_and_so_does_what_names_none(
    tmp_path: Path, task: str, labels: list[str] | None
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({} if labels is None else {"id2label": dict(enumerate(labels))}))
    check_fitness(version_of(tmp_path, task=task, format="transformers", backend="transformers"))
