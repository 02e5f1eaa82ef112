"""The sample photos that come with the starter models: what the demo shows and the page offers to try."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.imaging import sniff
from registry.manifest import ModelVersion
from registry.store import Store


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
    """Every sample photo of the store, in the order of its manifest; none when the model is not installed."""
    return tuple(sample for version in _versions(store) for sample in _read(version))


def _versions(store: Store) -> list[ModelVersion]:
    return [store.get(name) for name in store.models() if store.manifest(name).task == "samples"]


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
