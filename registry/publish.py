"""Publishing a version from files an operator or a training run already has."""

from __future__ import annotations

import shutil
from pathlib import Path

from registry.errors import InvalidVersion
from registry.integrity import sha256_of
from registry.manifest import MANIFEST, Description, Manifest, ModelFile, ModelVersion
from registry.store import Store, unlisted


def describe(folder: Path, description: Description) -> Manifest:
    """The manifest of all files in ``folder`` and below, hashed now.

    Links to files are followed. Raises :class:`InvalidVersion` when there is none, or something that is no file, such as
    a link to a folder, and ``ValueError`` for a name no version may hold.
    """
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    paths = sorted(path for path in found if path != folder / MANIFEST)
    if odd := next((path for path in paths if not path.is_file()), None):
        raise InvalidVersion(f"{odd} is no file, and no link to one: put what is meant there itself, or take it away.")
    if not paths:
        raise InvalidVersion(f"{folder} holds no files.")
    files = tuple(
        ModelFile(name=path.relative_to(folder).as_posix(), sha256=sha256_of(path), size=path.stat().st_size)
        for path in paths
    )
    return Manifest.of(description, files)


def publish_folder(store: Store, manifest: Manifest, folder: Path) -> ModelVersion:
    """Copy the manifest's files, which are to be all there are, out of ``folder`` and publish them.

    Raises as ``Store.publish`` does.
    """
    if extra := unlisted(manifest, folder):
        raise InvalidVersion(f"{manifest.ref}: {extra} in {folder} is not in its manifest; list it, or take it away.")
    with store.stage(manifest.ref) as staged:
        for entry in manifest.files:
            target = staged / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(folder / entry.name, target)
            except FileNotFoundError as error:
                raise InvalidVersion(f"{manifest.ref}: {entry.name} is missing from {folder}.") from error
        return store.publish(manifest, staged)
