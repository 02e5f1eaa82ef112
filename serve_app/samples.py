"""The sample photos that come with the starter models: what the demo shows and the page offers to try."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from deployments.imaging import sniff
from registry.errors import RegistryError
from registry.manifest import ModelVersion
from registry.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo with where it comes from. ``faces`` is how many people it shows."""

    name: str
    title: str
    faces: int
    attribution: str
    data: bytes

    @property
    def media_type(self) -> str:
        return sniff(self.data)


def installed_samples(store: Store) -> tuple[Sample, ...]:
    """Every sample photo of the store, in the order of its manifest; none when the model is not installed.

    What cannot be read now, or the whole of a store that is away, is left out: no studio is to stay closed over it.
    """
    try:
        names = store.models()
    except (RegistryError, OSError) as error:
        log.warning("no photos to try are offered: %s", error)
        return ()
    return tuple(sample for name in names for sample in _samples(store, name))


def _samples(store: Store, name: str) -> list[Sample]:
    """The photos of one model."""
    try:
        return _read(store.get(name)) if store.manifest(name).task == "samples" else []
    except (RegistryError, OSError, LookupError, TypeError, ValueError) as error:
        log.warning("no photos to try are taken from %s: %s", name, error)
        return []


def _read(version: ModelVersion) -> list[Sample]:
    entries = version.manifest.input["photos"]
    return [
        Sample(
            entry["name"],
            entry["title"],
            int(entry["faces"]),
            entry["attribution"],
            version.path(entry["file"]).read_bytes(),
        )
        for entry in entries
    ]
