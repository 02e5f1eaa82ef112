"""What is wrong with a ``cluster.yaml``: by the launcher's schema, and by what would leave a cluster open or stuck."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema
from ray.autoscaler._private.util import prepare_config, validate_config

from serve_app.checking.document import Document, Problem, nearest, repetitions, reversed_range
from serve_app.wording import Place


def launcher_problems(document: Document) -> Iterator[Problem]:
    """Every problem of the file."""
    yield from repetitions(document)
    content = document.content
    try:
        validate_config(prepare_config(copy.deepcopy(content)))
    except jsonschema.ValidationError as error:
        yield _schema_problem(document, error)
    except (ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        yield document.problem((), f"Ray refuses this: {error}", "Compare with what `masquerade render` writes.")
    types = content.get("available_node_types")
    types = types if isinstance(types, dict) else {}
    head = content.get("head_node_type")
    if not isinstance(head, str) or head not in types:
        yield document.problem(("head_node_type",), f"there is no node type {head}", nearest(head, types))
    for name, kind in types.items():
        if isinstance(kind, dict):
            yield from _node_type(document, ("available_node_types", name), name, kind, is_head=name == head)
    yield from _ray_commands(document)


def _node_type(
    document: Document, place: Place, name: str, kind: dict[str, Any], *, is_head: bool
) -> Iterator[Problem]:
    yield from reversed_range(document, place, kind, ("min_workers", "max_workers"), name)
    resources = kind.get("resources") or {}
    if not isinstance(resources, dict):
        return
    if isinstance(resources.get("GPU"), int) and resources["GPU"] > 1:
        yield document.problem(
            (*place, "resources", "GPU"),
            f"{name} has {resources['GPU']} GPUs; fractions on such a node hide from the autoscaler that another is needed",
            "Use machines with one GPU.",
        )
    if is_head and resources.get("CPU") != 0:
        yield document.problem(
            (*place, "resources"),
            "the head would run replicas, and is lost with them when it is overloaded",
            "Set its resources to {CPU: 0}.",
        )


def _ray_commands(document: Document) -> Iterator[Problem]:
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        commands = document.content.get(key)
        starts = [
            (number, command)
            for number, command in enumerate(commands if isinstance(commands, list) else [])
            if isinstance(command, str) and " start " in command
        ]
        for number, command in starts:
            if "RAY_AUTH_MODE=token" not in command:
                yield document.problem(
                    (key, number), "Ray starts without token authentication: whoever reaches it runs code",
                    "Put RAY_AUTH_MODE=token before `ray start`.",
                )  # fmt: skip
            if "--head" in command and "--dashboard-host=127.0.0.1" not in command:
                yield document.problem(
                    (key, number), "Ray's dashboard would listen to the network", "Add --dashboard-host=127.0.0.1."
                )


def _schema_problem(document: Document, error: jsonschema.ValidationError) -> Problem:
    place: Place = tuple(error.absolute_path)
    known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        unknown = next((key for key in error.instance if key not in known), None)
        if unknown is not None:
            return document.problem((*place, unknown), f"{unknown} is not a key here", nearest(unknown, known))
    return document.problem(place, error.message.splitlines()[0], "Correct the value.")
