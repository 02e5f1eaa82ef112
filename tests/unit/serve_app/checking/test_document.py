"""Files that are hardly deployment files: said to be none, at once and without a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from serve_app.checking import check
from serve_app.checking.document import Document, Unreadable

from .files import KEY, LAUNCHER, SERVE, broken, the_problem


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a: [1, 2\nb: 3\n", "not YAML"), ("", "not a table"), ("- 1\n", "not a table"), ("a: 1\n", "not a deployment file"),
        ("applications: []\nproxy_location: HeadOnly\nproxy_location: EveryNode\n", "proxy_location stands twice"),
        ("applications: 3\n", "applications"), ("provider: {}\n", "node type"), ("kind: RayService\n", "serveConfigV2"),
        ("a: \x00", "not YAML"), ("when: 2026-13-45\napplications: []", "not YAML"),
        ("? [a]\n: 1\napplications: []", "not YAML"), ("applications: &a [*a]", "not YAML"),
    ],
)  # fmt: skip
def test_files_that_are_hardly_files(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "file.yaml"
    path.write_text(content)
    assert any(text in problem.text for problem in check(path, KEY))


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        (LAUNCHER, "    min_workers: 1", "    1.5: 1", "1.5 is not a key here"),
        (LAUNCHER, "  type: aws", "  type: nowhere", "Unsupported node provider: nowhere"),
        (SERVE, "release:", "1.5:", "1.5 is not a setting"),
    ],
)
def test_what_is_no_word_is_a_problem_where_one_is_expected(
    tmp_path: Path, name: str, old: str, new: str, text: str
) -> None:
    path, _ = broken(tmp_path, name, old, new)
    assert any(text in problem.text for problem in check(path, KEY))


@pytest.mark.parametrize(("opening", "between"), [("[", ", "), ("{<<: [", ", ")])
def test_a_bomb_of_aliases_is_refused_at_once(tmp_path: Path, opening: str, between: str) -> None:
    closing = {"[": "]", "{<<: [": "]}"}[opening]
    first = "a0: &a0 {k: v}"
    more = [f"a{n}: &a{n} {opening}{between.join([f'*a{n - 1}'] * 9)}{closing}" for n in range(1, 10)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join([first, *more, "applications: *a9"]))
    assert "aliases stand for over" in the_problem(path).text


def test_a_file_may_repeat_itself_by_aliases(tmp_path: Path) -> None:
    path, _ = broken(tmp_path, SERVE, "engines:", "engines: &engines")
    assert check(path, KEY) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read" in the_problem(tmp_path / "none.yaml").text


@given(st.text(max_size=200))
@settings(max_examples=60)
def test_any_text_is_a_document_or_said_to_be_none(text: str) -> None:
    try:
        document = Document.parse(text, "file")
    except Unreadable as error:
        assert error.problem.line >= 1
    else:
        assert isinstance(document.content, dict)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(
        ["name", "deployments", "applications", "args", "engines", "autoscaling_config", "ray_actor_options", "num_gpus",
         "import_path", "min_replicas", "policy", "spec", "available_node_types", "resources"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.sampled_from(["applications", "available_node_types", "spec"]), values, st.booleans())
@settings(max_examples=80)
def test_any_nonsense_of_the_right_shape_is_answered_without_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, top: str, content: object, service: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "nonsense.yaml"
    path.write_text(yaml.safe_dump({top: content} | ({"kind": "RayService"} if service else {})))
    assert isinstance(check(path, KEY), list)
