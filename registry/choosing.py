"""Choosing among the model versions that are installed: the one somebody named, or else the best."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from registry.errors import BrokenVersion, RegistryError
from registry.manifest import Manifest, Task

log = logging.getLogger(__name__)


class Installed(Protocol):
    """As much of a store as choosing takes."""

    @property
    def where(self) -> str: ...

    def models(self) -> list[str]: ...

    def versions(self, model: str) -> list[str]: ...

    def manifest(self, ref: str) -> Manifest: ...


def all_installed(store: Installed) -> list[Manifest]:
    """The version of every model that its bare name stands for; those that cannot be read keep nobody from serving."""
    return [manifest for name in store.models() if (manifest := readable(store, name)) is not None]


def readable(store: Installed, ref: str) -> Manifest | None:
    """The manifest of ``ref``; ``None``, and a line in the log, where it cannot be read."""
    try:
        return store.manifest(ref)
    except BrokenVersion as error:
        log.warning("%s is passed over: %s", ref, error)
        return None


def wished(store: Installed, task: Task, wish: str) -> Manifest:
    """The version that somebody named. Raises ``RegistryError`` when it is not there or does another task."""
    manifest = store.manifest(wish)
    if manifest.task != task:
        raise RegistryError(f"{manifest.ref} is a {manifest.task} model; a {task} model is needed here")
    return manifest


def ranked(manifests: Iterable[Manifest], task: Task, preferred: tuple[str, ...] = ()) -> list[Manifest]:
    """Those of ``task``: models of one's own by name, then the ``preferred`` ones in that order."""
    order = {name: rank for rank, name in enumerate(preferred)}
    candidates = [manifest for manifest in manifests if manifest.task == task]
    return sorted(candidates, key=lambda manifest: (order.get(manifest.model, -1), manifest.model))


def one(
    store: Installed, manifests: Iterable[Manifest], task: Task, wish: str | None, preferred: tuple[str, ...] = ()
) -> Manifest | None:
    """The version wished for, or else the first of :func:`ranked`. Raises ``RegistryError`` as :func:`wished` does."""
    if wish is not None:
        return wished(store, task, wish)
    return next(iter(ranked(manifests, task, preferred)), None)
