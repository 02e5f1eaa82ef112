"""How a running graph differs from the configuration file it was deployed from, and from what its store asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from serve_app.versions.documents import Models

MISSING = "(not set)"


class Difference(NamedTuple):
    """What differs, and both values as text."""

    what: str
    wanted: str
    found: str


def misplaced(told: Models) -> list[Difference]:
    """Models whose routing says one thing and whose replicas do another."""
    if not told.coordinated:
        return [Difference("versions", "looked after", "nobody can say what the replicas hold")]
    found: list[Difference] = []
    for entry in told.routings:
        states = {one.version: one for one in told.models if one.model == entry.model}
        if not any(one.serves for one in states.values()):
            continue
        routing = entry.routing
        for place, version in (("active", routing.stable), ("canary", routing.canary), ("shadow", routing.shadow)):
            held = sorted(name for name, one in states.items() if one.state == place)
            if held == ([version] if version else []):
                continue
            holds = ", ".join(held) or "none"
            if version in states and (reason := states[version].reason):
                holds = f"{holds} ({reason})"
            found.append(Difference(f"{entry.model} {place}", version or "none", holds))
    return found


def differences(wanted: Any, live: Any, path: str = "") -> Iterator[Difference]:
    """Every place where ``live`` is not as ``wanted``, by its path.

    Lists of things with a ``name`` are matched by it. What ``wanted`` does not mention may be anything: those are
    Serve's own defaults.
    """
    wanted, live = _by_name(wanted), _by_name(live)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name, value in wanted.items():
            yield from differences(value, live.get(name, MISSING), f"{path}.{name}" if path else str(name))
    elif wanted != live:
        yield Difference(path, _text(wanted), _text(live))


def without_versions(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration less its ``user_config``: those are the store's to decide."""
    deployments = [
        {name: value for name, value in entry.items() if name != "user_config"}
        for entry in configuration.get("deployments", [])
    ]
    return configuration | {"deployments": deployments}


def application(file: Path, name: str) -> dict[str, Any]:
    """The application called ``name`` of a configuration file. Raises ``ValueError`` when it has none, or ``OSError``."""
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        found = dict(next(entry for entry in document["applications"] if entry["name"] == name))
        # What is no list of tables ends here as well.
        return found | {"deployments": [dict(entry) for entry in found.get("deployments", [])]}
    except (yaml.YAMLError, ValueError, TypeError, KeyError, StopIteration) as error:
        raise ValueError(f"{file}: this is no Serve configuration with an application {name!r}.") from error


def _by_name(value: Any) -> Any:
    if isinstance(value, list) and value and all(isinstance(entry, dict) and "name" in entry for entry in value):
        return {entry["name"]: entry for entry in value}
    return value


def _text(value: Any) -> str:
    return (
        value
        if isinstance(value, str)
        else yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("...").strip()
    )
