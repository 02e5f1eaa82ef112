"""From the catalogue into a store."""

from __future__ import annotations

from dataclasses import dataclass

from registry.catalogue import Entry
from registry.errors import BrokenVersion, LicenceNotAccepted, UnknownModelVersion, VersionExists
from registry.manifest import Manifest, ModelVersion
from registry.recipe import Recipe
from registry.sources import Context, Progress, Wanted, fetch, silent
from registry.store import Store


@dataclass(frozen=True, slots=True)
class Pulled:
    """The version, and whether it had to be fetched or was there already."""

    version: ModelVersion
    fetched: bool


def pull(store: Store, entry: Entry, *, progress: Progress = silent, accept_licence: bool = False) -> Pulled:
    """Fetch a version's files, check them, and publish it.

    A version that is there and whole is left alone; a damaged one is replaced. Interrupted at any point, the store
    holds the version whole or not at all, and the next pull goes on with what is already here.

    Raises :class:`LicenceNotAccepted`, ``FetchFailed``, ``UnsafeFile``, or :class:`VersionExists` when the store holds
    other content under this name.
    """
    try:
        existing = store.verify(entry.ref)
    except UnknownModelVersion:
        pass
    except BrokenVersion as error:
        # What a recipe's first pull recorded still holds: the repair must bring the same bytes.
        if isinstance(entry, Recipe) and error.manifest is not None:
            entry = error.manifest
        store.discard(entry.ref)
    else:
        if isinstance(entry, Manifest) and not existing.manifest.same_content(entry):
            raise VersionExists(
                f"{entry.ref} is in the store with other content than the catalogue's, and versions never change: "
                f"remove {existing.folder} to pull it afresh."
            )
        return Pulled(existing, fetched=False)
    if entry.licence.accept and not accept_licence:
        raise LicenceNotAccepted(
            f"{entry.ref} comes under {entry.licence.name} ({entry.licence.url}), which must be accepted: "
            "read it and pull again with --accept-licence."
        )
    with store.stage(entry.ref) as staged, store.stage(entry.ref) as scratch:
        context = Context(scratch, store.downloads(), progress)
        with context.cleanup:
            files = tuple(fetch(wanted, staged / wanted.name, context) for wanted in _wanted(entry))
        manifest = entry if isinstance(entry, Manifest) else Manifest.of(entry, files)
        return Pulled(store.publish(manifest, staged), fetched=True)


def _wanted(entry: Entry) -> list[Wanted]:
    if isinstance(entry, Recipe):
        return [Wanted(file.name, file.sources, file.max_mb * 2**20) for file in entry.files]
    return [Wanted(file.name, file.sources, file.size, file.sha256, file.size) for file in entry.files]
