"""Choosing among the model versions that are installed: the one somebody named, or else the best."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from registry import catalogue
from registry.errors import RegistryError
from registry.manifest import Manifest, Task
from registry.references import Manifests, Versions, readable, standing


class Installed(Manifests, Versions, Protocol):
    """As much of a store as choosing takes."""


def wished(store: Installed, task: Task, wish: str) -> Manifest:
    """The version that somebody named. Raises ``RegistryError`` when it is not there or does another task."""
    manifest = store.manifest(wish)
    if manifest.task != task:
        raise RegistryError(f"{manifest.ref} is a {manifest.task} model; a {task} model is needed here")
    return manifest


def ranked(
    store: Installed, manifests: Iterable[Manifest], task: Task, preferred: tuple[str, ...] = ()
) -> list[Manifest]:
    """Those of ``task``, best first: the ``preferred`` in that order, others of the catalogue, what was promoted, the rest."""
    order = {name: rank for rank, name in enumerate(preferred)}

    def rank(manifest: Manifest) -> tuple[int, bool, bool, str]:
        ours = of_the_catalogue(manifest)
        promoted = not ours and store.routing(manifest.model) is not None
        return order.get(manifest.model, len(order)), not ours, not promoted, manifest.model

    return sorted((manifest for manifest in manifests if manifest.task == task), key=rank)


def one(
    store: Installed, manifests: Iterable[Manifest], task: Task, wish: str | None, preferred: tuple[str, ...] = ()
) -> Manifest | None:
    """The version wished for, or else the first of :func:`ranked`. Raises ``RegistryError`` as :func:`wished` does."""
    if wish is not None:
        return wished(store, task, wish)
    return next(iter(ranked(store, manifests, task, preferred)), None)


def fitted(store: Installed, pack: Manifest, network: Manifest) -> Manifest | None:
    """``pack`` (or predictor), or where it was made for other weights of ``network``, its newest version made for these."""
    hashes = {entry.sha256 for entry in network.files}
    if pack.requires.get(network.model) in hashes:
        return pack
    if network.model not in pack.requires:
        return None
    others = (readable(store, f"{pack.model}@{version}") for version in reversed(store.versions(pack.model)))
    return next((other for other in others if other is not None and other.requires.get(network.model) in hashes), None)


def left_behind(store: Installed, before: Manifest | None, network: Manifest) -> list[Manifest]:
    """The packs and predictors that go with the network ``before`` and have no version made for the weights of ``network``.

    Where ``before`` is None, nobody knows what serves: all that were made for other weights. One predictor is enough.
    """
    beside = [manifest for manifest in standing(store) if network.model in manifest.requires]
    left = [manifest for manifest in beside if fitted(store, manifest, network) is None]
    if any(manifest.task == "style-predictor" and manifest not in left for manifest in beside):
        left = [manifest for manifest in left if manifest.task != "style-predictor"]
    gone = (manifest if before is None else fitted(store, manifest, before) for manifest in left)
    return [manifest for manifest in gone if manifest is not None]


def of_the_catalogue(manifest: Manifest) -> bool:
    """Whether it is a model that can be pulled, and not one of somebody's own."""
    return any(entry.model == manifest.model for entry in catalogue.known())
