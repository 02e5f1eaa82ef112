"""What is wrong with a RayService: its serve config, its worker groups, and whether strangers are kept out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from serve_app.checking.document import Document, Place, Problem, Unreadable, repetitions
from serve_app.checking.serving import serve_problems

SERVE_CONFIG: Place = ("spec", "serveConfigV2")
CLUSTER: Place = ("spec", "rayClusterConfig")


def service_problems(document: Document) -> Iterator[Problem]:
    """Every problem of the file. Variables count as set where the pods' containers name them."""
    yield from repetitions(document)
    spec = document.content.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    cluster = spec.get("rayClusterConfig")
    cluster = cluster if isinstance(cluster, dict) else {}
    groups = [group for group in cluster.get("workerGroupSpecs") or [] if isinstance(group, dict)]
    served = spec.get("serveConfigV2")
    if isinstance(served, str):
        try:
            # The text of a block begins on the line below its key.
            inner = Document.parse(served, document.file, document.line(SERVE_CONFIG) + 1)
            yield from serve_problems(inner, dict.fromkeys(_variables(groups), "by reference"))
        except Unreadable as error:
            yield error.problem
    else:
        yield document.problem(SERVE_CONFIG, "serveConfigV2 is missing or not a text", "Run `masquerade render`.")
    auth = cluster.get("authOptions")
    if not isinstance(auth, dict) or auth.get("mode") != "token":
        yield document.problem(
            (*CLUSTER, "authOptions"),
            "Ray starts without token authentication: whoever reaches it runs code",
            "Set authOptions to {mode: token, secretName: …}.",
        )
    for number, group in enumerate(groups):
        low, high = group.get("minReplicas", 0), group.get("maxReplicas")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            yield document.problem(
                (*CLUSTER, "workerGroupSpecs", number, "minReplicas"),
                f"{group.get('groupName')}: minReplicas {low} is over maxReplicas {high}",
                f"Lower minReplicas to {high} or raise maxReplicas.",
            )


def _variables(groups: list[dict[str, Any]]) -> set[str]:
    found: list[set[str]] = []
    for group in groups:
        containers = group.get("template", {}).get("spec", {}).get("containers") or [{}]
        found.append({str(entry.get("name")) for entry in containers[0].get("env") or []})
    return set.intersection(*found) if found else set()
