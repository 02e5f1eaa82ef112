"""What a reference (``name``, ``name@version``, ``name@alias``) stands for in a store."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Protocol

from registry.errors import BrokenVersion, UnknownModelVersion
from registry.manifest import ALIASES, Manifest, parse_ref
from registry.routing import AuditEntry, Routing

log = logging.getLogger(__name__)


class Manifests(Protocol):
    """As much of a store as finding out takes what there is."""

    def models(self) -> list[str]: ...

    def manifest(self, ref: str) -> Manifest: ...


class Versions(Protocol):
    """As much of a store as telling its versions apart takes."""

    @property
    def where(self) -> str: ...

    def versions(self, model: str) -> list[str]: ...

    def routing(self, model: str) -> Routing | None: ...


class Names(Versions, Protocol):
    """As much of a store as finding a name takes that no version ever had."""

    def removed(self, model: str) -> list[str]: ...

    def audit(self, model: str) -> list[AuditEntry]: ...


def resolve(store: Versions, ref: str) -> tuple[str, str]:
    """The model and the version ``ref`` stands for now. Raises :class:`UnknownModelVersion`."""
    try:
        model, wanted = parse_ref(ref)
    except ValueError as error:
        raise UnknownModelVersion(f"{error}.") from error
    versions = store.versions(model)
    if not versions:
        raise unknown(store, model, wanted)
    version = wanted
    if wanted is None or wanted in ALIASES:
        routing = store.routing(model)
        aliases = {str(alias): named for alias, named in routing.aliases().items()} if routing else {}
        version = aliases.get(wanted or "stable", wanted or versions[-1])
    if version not in versions:
        via = f" (alias {wanted or 'stable'})" if version != wanted else ""
        raise unknown(store, model, f"{version}{via}")
    return model, str(version)


def unknown(store: Versions, model: str, version: str | None) -> UnknownModelVersion:
    """The error for a version, or a model, that is not there."""
    if versions := store.versions(model):
        return UnknownModelVersion(f"{model} has no version {version}; it has {', '.join(versions)}.")
    return UnknownModelVersion(
        f"{model} is not in {store.where}; `masquerade models pull {model}` fetches it where the catalogue has it."
    )


def readable(store: Manifests, ref: str) -> Manifest | None:
    """The manifest of ``ref``; ``None``, and a line in the log, where it is damaged."""
    try:
        return store.manifest(ref)
    except BrokenVersion as error:
        log.warning("%s is passed over: %s", ref, error)
        return None


def standing(store: Manifests) -> Iterator[Manifest]:
    """The version of every model that its bare name stands for; of models nobody asked for a damaged one is no matter."""
    return (manifest for name in store.models() if (manifest := readable(store, name)) is not None)


def natural(version: str) -> tuple[list[str | int], str]:
    """A sort key that puts v2 before v10, and v01 before v1: no two versions share a place."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", version)], version


def check_version_name(version: str) -> None:
    """Raise ``ValueError`` for what reads like v1 and is something else, such as v-1, which would come after v10."""
    if odd := re.fullmatch(r"v[._-]+(\d.*)", version):
        raise ValueError(
            f"{version!r} is easily taken for v{odd[1]} and is sorted after it: call the version v{odd[1]}"
        )


def next_version(store: Names, model: str) -> str:
    """The number after the highest version the model ever had: v1, v2 and so on. Names are never given twice.

    Gaps are not filled, and what was removed counts, whether or not its removal came on record. Raises
    :class:`UnknownModelVersion` for what cannot be the name of a model.
    """
    known = {*store.versions(model), *store.removed(model), *(entry.version for entry in store.audit(model))}
    numbered = [int(version[1:]) for version in known if version[:1] == "v" and version[1:].isdecimal()]
    return f"v{max(numbered, default=0) + 1}"
