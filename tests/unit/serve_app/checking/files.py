"""The rendered deployment files, broken in one place."""

from __future__ import annotations

from pathlib import Path

from serve_app.checking import Problem, check
from serve_app.rendering import rendered

SERVE, LAUNCHER, SERVICE = "serve_config.yaml", "cluster.yaml", "deploy/kuberay/rayservice.yaml"


DATABASE = {"MASQUERADE_DATABASE_URL": "postgresql+asyncpg://studio@db/studio"}


KEY = DATABASE | {"MASQUERADE_ADMIN_KEY": "k" * 32}


def broken(tmp_path: Path, name: str, old: str, new: str) -> tuple[Path, int]:
    """The rendered file with the first ``old`` replaced, and the line of the change."""
    text = rendered()[name]
    assert old in text
    path = tmp_path / Path(name).name
    path.write_text(text.replace(old, new, 1))
    return path, text[: text.index(old)].count("\n") + 1 + new[: len(new) - len(new.lstrip("\n"))].count("\n")


def the_problem(path: Path, environment: dict[str, str] | None = None) -> Problem:
    problems = check(path, KEY if environment is None else environment)
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]
