"""How a running graph differs from the configuration file it was deployed from, and from what its store asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

MISSING = "(not set)"


def differences(wanted: Any, live: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Every place where ``live`` is not as ``wanted``: its path, and both values as text.

    Lists of things with a ``name`` are matched by it. What ``wanted`` does not mention may be anything: those are
    Serve's own defaults.
    """
    wanted, live = _by_name(wanted), _by_name(live)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        for name, value in wanted.items():
            yield from differences(value, live.get(name, MISSING), f"{path}.{name}" if path else str(name))
    elif wanted != live:
        yield path, _text(wanted), _text(live)


def without_versions(configuration: dict[str, Any]) -> dict[str, Any]:
    """The configuration less its ``user_config``: those are the store's to decide."""
    deployments = [
        {name: value for name, value in entry.items() if name != "user_config"}
        for entry in configuration.get("deployments", [])
    ]
    return configuration | {"deployments": deployments}


def application(document: str, name: str) -> dict[str, Any]:
    """The application called ``name`` of a configuration file's text. Raises ``ValueError`` when it has none."""
    try:
        parsed = yaml.safe_load(document)
        found = next(entry for entry in parsed["applications"] if entry["name"] == name)
    except (yaml.YAMLError, TypeError, KeyError, StopIteration) as error:
        raise ValueError(f"this is no Serve configuration with an application {name!r}") from error
    return dict(found)


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
