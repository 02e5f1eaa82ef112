"""What a reference (``name``, ``name@version``, ``name@alias``) stands for in a store."""

from __future__ import annotations

import re
from typing import Protocol

from registry.errors import UnknownModelVersion
from registry.manifest import ALIASES, parse_ref
from registry.routing import AuditEntry, Routing


class Shelf(Protocol):
    """As much of a store as it takes to follow a reference. ``where`` names it to people."""

    @property
    def where(self) -> str: ...

    def versions(self, model: str) -> list[str]: ...

    def routing(self, model: str) -> Routing | None: ...

    def audit(self, model: str) -> list[AuditEntry]: ...


def resolve(shelf: Shelf, ref: str) -> tuple[str, str]:
    """The model and the version ``ref`` stands for now. Raises :class:`UnknownModelVersion`."""
    try:
        model, wanted = parse_ref(ref)
    except ValueError as error:
        raise UnknownModelVersion(f"{error}.") from error
    versions = shelf.versions(model)
    if not versions:
        raise unknown(shelf, model, wanted)
    version = wanted
    if wanted is None or wanted in ALIASES:
        routing = shelf.routing(model)
        aliases = {str(alias): named for alias, named in routing.aliases().items()} if routing else {}
        version = aliases.get(wanted or "stable", wanted or versions[-1])
    if version not in versions:
        via = f" (alias {wanted or 'stable'})" if version != wanted else ""
        raise unknown(shelf, model, f"{version}{via}")
    return model, str(version)


def unknown(shelf: Shelf, model: str, version: str | None) -> UnknownModelVersion:
    """The error for a version, or a model, that is not there."""
    if versions := shelf.versions(model):
        return UnknownModelVersion(f"{model} has no version {version}; it has {', '.join(versions)}.")
    return UnknownModelVersion(
        f"{model} is not in {shelf.where}; `masquerade models pull {model}` fetches it where the catalogue has it."
    )


def natural(version: str) -> tuple[list[str | int], str]:
    """A sort key that puts v2 before v10, and v01 before v1: no two versions share a place."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)], version


def next_version(shelf: Shelf, model: str) -> str:
    """The number after the highest version the model ever had: v1, v2 and so on. Names are never given twice.

    Gaps are not filled, and what was removed counts as long as the history speaks of it. Raises
    :class:`UnknownModelVersion` for what cannot be the name of a model.
    """
    known = {*shelf.versions(model), *(entry.version for entry in shelf.audit(model))}
    numbered = [int(version[1:]) for version in known if version[:1] == "v" and version[1:].isdecimal()]
    return f"v{max(numbered, default=0) + 1}"
