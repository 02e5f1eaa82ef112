"""Is a deployment file what it seems to be? Asked before anything is touched, answered with file, line and remedy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from serve_app.checking.document import Document, Problem, Unreadable
from serve_app.checking.kubernetes import service_problems
from serve_app.checking.launcher import launcher_problems
from serve_app.checking.serving import serve_problems

__all__ = ["Problem", "check"]


def check(path: Path, environment: Mapping[str, str]) -> list[Problem]:
    """Every problem of a serve config, a cluster file or a RayService, in the order of their lines."""
    try:
        document = Document.read(path)
    except Unreadable as error:
        return [error.problem]
    if document.content.get("kind") == "RayService":
        found = service_problems(document)
    elif "available_node_types" in document.content or "provider" in document.content:
        found = launcher_problems(document)
    elif "applications" in document.content:
        found = serve_problems(document, environment)
    else:
        remedy = "It takes serve_config.yaml, cluster.yaml and deploy/kuberay/rayservice.yaml."
        return [Problem(str(path), 1, "not a deployment file that check knows", remedy)]
    return sorted(dict.fromkeys(found), key=lambda problem: problem.line)
