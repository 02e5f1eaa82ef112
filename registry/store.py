"""Where model versions live: the interface of a store, and the store that is a folder.

Layout of a :class:`FolderStore`::

    <root>/<model>/<version>/manifest.yaml and files    immutable once there
    <root>/<model>/.removed/<version>/                  empty: a version that is gone, whose name is not given again
    <root>/<model>/.history/<number>.json               who decided what; the last one says which version is stable
    <root>/.leases/<holder>.json                        which versions a running replica uses
    <root>/.staging/                                    versions being put together, swept when stale
    <root>/.downloads/                                  halves of interrupted downloads, resumed by the next pull

No model or version starts with a dot, so the dotted names can never be mistaken for one.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from registry.errors import BrokenVersion, InUse, InvalidVersion, RegistryError, UnknownModelVersion, VersionExists
from registry.formats import check_version
from registry.integrity import flush_to_disk, mismatch, replace_text
from registry.journal import FolderJournal
from registry.leases import FolderLeases, Held
from registry.manifest import MANIFEST, NAMES, Manifest, ModelVersion, dump_manifest, is_name, load_manifest
from registry.references import natural, resolve, unknown
from registry.routing import AuditEntry, Routing
from registry.sources.context import Progress, silent

_STALE_AFTER_S = 24 * 3600


class Store(Protocol):
    """Immutable model versions and the routings that point at them.

    A reference is ``name`` (the alias ``stable`` where set, else the newest version), ``name@version`` or
    ``name@alias``. Methods that take one raise :class:`UnknownModelVersion` when it leads nowhere.
    """

    progress: Progress
    """Told of every file that travels between the store and this machine. May be set at any time."""

    @property
    def where(self) -> str:
        """What to call the store towards people."""

    def models(self) -> list[str]:
        """Every model with at least one version, sorted."""

    def versions(self, model: str) -> list[str]:
        """The model's versions in natural order (v2 before v10), newest last; empty for an unknown model."""

    def removed(self, model: str) -> list[str]:
        """The versions that somebody took away, or set out to, in no particular order; empty for an unknown model."""

    def routing(self, model: str) -> Routing | None:
        """Which versions answer now; ``None`` while nobody has decided, and the newest version is meant."""

    def change(self, entry: AuditEntry) -> None:
        """Turn the model's routing from ``entry.was`` into ``entry.now`` and remember who did it and why, in one step.

        Raises :class:`Conflict`, and changes nothing, when the routing is not ``entry.was`` any more. This is the bare
        step: what may become what is for :mod:`registry.promotions` to say.
        """

    def audit(self, model: str) -> list[AuditEntry]:
        """Everything that was ever decided about the model, oldest first."""

    def resolve(self, ref: str) -> tuple[str, str]:
        """The model and the version a reference stands for now."""

    def manifest(self, ref: str) -> Manifest:
        """What is said of the version, whether or not its files are on the local disk."""

    def get(self, ref: str) -> ModelVersion:
        """The version with its files on the local disk. Raises :class:`BrokenVersion` when one is missing or short."""

    def verify(self, ref: str) -> ModelVersion:
        """As :meth:`get`, after hashing every file again."""

    def hold(self, held: Held) -> None:
        """Write down what a replica uses; replaces what this holder held before. See :class:`registry.leases.Lease`."""

    def leases(self) -> list[Held]:
        """Every lease in force."""

    def stage(self, ref: str) -> AbstractContextManager[Path]:
        """A folder to put a version's files into before :meth:`publish`; gone when the context ends."""

    def publish(self, manifest: Manifest, staged: Path) -> ModelVersion:
        """Turn a staged folder into a version, atomically.

        Publishing again what is there already is no error. Raises :class:`InvalidVersion` or ``UnsafeFile`` when the
        files are not what the manifest says, and :class:`VersionExists` when the version holds other content.
        """

    def discard(self, ref: str, *, veto: Callable[[], str | None] | None = None) -> None:
        """Take a version away as a whole.

        ``veto`` is asked once nobody can find the version any more: when it gives a reason ("held by …"), the version
        is put back and :class:`InUse` raised. What it raises itself passes through, and the version is put back too.
        """

    def sweep(self) -> None:
        """Remove what interrupted publications and removals left behind more than a day ago, and leases of the dead."""

    def downloads(self) -> Path:
        """A folder that keeps unfinished downloads from one run to the next."""


class FolderStore:
    """A :class:`Store` in a local folder, which is made when first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.progress: Progress = silent
        self._leases = FolderLeases(root / ".leases")

    @property
    def where(self) -> str:
        return str(self.root)

    def models(self) -> list[str]:
        return sorted(name for name in _folders(self.root) if self.versions(name))

    def versions(self, model: str) -> list[str]:
        if not is_name(model):
            return []
        folder = self.root / model
        return sorted((name for name in _folders(folder) if (folder / name / MANIFEST).is_file()), key=natural)

    def removed(self, model: str) -> list[str]:
        return _folders(self.root / model / ".removed") if is_name(model) else []

    def routing(self, model: str) -> Routing | None:
        last = self._journal(model).last()
        return last.now if last else None

    def change(self, entry: AuditEntry) -> None:
        self._journal(entry.model).append(entry)

    def audit(self, model: str) -> list[AuditEntry]:
        return self._journal(model).entries()

    def resolve(self, ref: str) -> tuple[str, str]:
        return resolve(self, ref)

    def manifest(self, ref: str) -> Manifest:
        return self._manifest(*self.resolve(ref))

    def get(self, ref: str) -> ModelVersion:
        return self._load(*self.resolve(ref), hashed=False)

    def verify(self, ref: str) -> ModelVersion:
        return self._load(*self.resolve(ref), hashed=True)

    def hold(self, held: Held) -> None:
        self._leases.put(held)

    def leases(self) -> list[Held]:
        return self._leases.all()

    @contextmanager
    def stage(self, ref: str) -> Iterator[Path]:
        staging = self.root / ".staging"
        staging.mkdir(parents=True, exist_ok=True)
        _sweep(staging)
        folder = staging / f"{ref}-{os.urandom(6).hex()}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, manifest: Manifest, staged: Path) -> ModelVersion:
        check_staged(manifest, staged)
        # The manifest last: a folder that has one is complete.
        replace_text(staged / MANIFEST, dump_manifest(manifest))
        _settle(staged)
        final = self.root / manifest.model / manifest.version
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            # The one moment the version appears. It fails on a folder that is there and not empty.
            staged.rename(final)
        except OSError:
            if (final / MANIFEST).is_file():
                return self._already_published(manifest)
            if final.exists():
                raise VersionExists(f"{final} is in the way and is no model version; remove it first.") from None
            raise
        flush_to_disk(final.parent)
        return ModelVersion(manifest, final)

    def discard(self, ref: str, *, veto: Callable[[], str | None] | None = None) -> None:
        model, version = self.resolve(ref)
        place, tomb = self.root / model / version, self.root / model / ".removed" / version
        # First: whoever dies before the removal is on record leaves a name that is taken all the same.
        tomb.mkdir(parents=True, exist_ok=True)
        flush_to_disk(tomb.parent)
        with self.stage(f"{model}@{version}") as folder:
            try:
                # As old as the version is, whoever sweeps now would take it for a leftover before it can be put back.
                os.utime(place)
                place.rename(folder)
            except FileNotFoundError as error:
                raise unknown(self, model, version) from error
            with ExitStack() as undo:
                undo.callback(_put_back, folder, place)
                if veto is not None and (reason := veto()) is not None:
                    raise InUse(f"{model}@{version} is {reason}.")
                undo.pop_all()

    def sweep(self) -> None:
        for folder in (self.root / ".staging", self.root / ".downloads"):
            if folder.is_dir():
                _sweep(folder)
        self._leases.sweep()

    def downloads(self) -> Path:
        folder = self.root / ".downloads"
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        return folder

    def _manifest(self, model: str, version: str) -> Manifest:
        folder = self.root / model / version
        ref = f"{model}@{version}"
        try:
            manifest = load_manifest(folder / MANIFEST)
        except FileNotFoundError as error:
            raise unknown(self, model, version) from error
        except ValueError as error:
            raise BrokenVersion(f"The manifest of {ref} cannot be read. {_remedy(folder)}") from error
        if manifest.ref != ref:
            raise BrokenVersion(f"The folder of {ref} holds the manifest of {manifest.ref}. {_remedy(folder)}")
        return manifest

    def _load(self, model: str, version: str, *, hashed: bool) -> ModelVersion:
        manifest = self._manifest(model, version)
        folder = self.root / model / version
        try:
            defect = _defect(manifest, folder, hashed=hashed)
        except FileNotFoundError as error:
            defect = f"is damaged: {error.filename} is missing."
        if defect is None:
            return ModelVersion(manifest, folder)
        if not (folder / MANIFEST).exists():
            # Not damaged: somebody took the version away while it was looked at.
            raise unknown(self, model, version)
        raise BrokenVersion(f"{manifest.ref} {defect} {_remedy(folder)}", manifest)

    def _already_published(self, manifest: Manifest) -> ModelVersion:
        published = self.get(manifest.ref)
        if not published.manifest.same_content(manifest):
            raise VersionExists(
                f"{manifest.ref} is already published with other content, and versions never change: "
                f"publish under a new version, or remove {published.folder} first."
            )
        return published

    def _journal(self, model: str) -> FolderJournal:
        if not is_name(model):
            raise UnknownModelVersion(f"{model!r} cannot be the name of a model: use {NAMES}.")
        return FolderJournal(self.root / model / ".history", model)


def _defect(manifest: Manifest, folder: Path, *, hashed: bool) -> str | None:
    """What is wrong with a version's files, as a sentence to follow its name; with hashes where asked for."""
    for entry in manifest.files:
        if problem := mismatch(folder / entry.name, entry, hashed=hashed):
            return f"is damaged: {problem}."
    if not hashed:
        return None
    if extra := unlisted(manifest, folder):
        return f"is damaged: {extra} is not in its manifest."
    # Publishing checked this too, but a folder can also have been copied here by hand.
    try:
        check_version(manifest, folder)
    except RegistryError as error:
        return f"is not fit to load: {error}"
    return None


def _remedy(folder: Path) -> str:
    return f"Remove {folder} and pull or import it again."


def _put_back(folder: Path, place: Path) -> None:
    """Move a version back to its place, unless somebody has published it again meanwhile."""
    try:
        folder.rename(place)
    except OSError:
        if not (place / MANIFEST).is_file():
            raise


def _folders(parent: Path) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(parent) if entry.is_dir() and is_name(entry.name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def check_staged(manifest: Manifest, staged: Path) -> None:
    """Raise :class:`InvalidVersion` or ``UnsafeFile`` unless the folder holds what the manifest says, and only that."""
    for entry in manifest.files:
        path = staged / entry.name
        if path.exists() and not stat.S_ISREG(path.lstat().st_mode):
            raise InvalidVersion(f"{manifest.ref}: {entry.name} is not a plain file.")
        if problem := mismatch(path, entry):
            raise InvalidVersion(f"{manifest.ref}: {problem}.")
    if extra := unlisted(manifest, staged):
        raise InvalidVersion(f"{manifest.ref}: {extra} is not in its manifest.")
    check_version(manifest, staged)


def unlisted(manifest: Manifest, folder: Path) -> str | None:
    """A file that lies in the folder without being listed, such as weights some loader would prefer to ours."""
    listed = {entry.name for entry in manifest.files} | {MANIFEST}
    entries = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    found = (path.relative_to(folder).as_posix() for path in entries)
    return next((name for name in found if name not in listed), None)


def _settle(staged: Path) -> None:
    """Make every file read-only, and everything durable."""
    for folder, _, names in os.walk(staged):
        for name in names:
            path = Path(folder, name)
            path.chmod(0o444)
            flush_to_disk(path)
        flush_to_disk(Path(folder))


def _sweep(folder: Path) -> None:
    """Remove what killed publishers and abandoned downloads left behind."""
    for entry in folder.iterdir():
        with suppress(OSError):
            if time.time() - entry.stat().st_mtime < _STALE_AFTER_S:
                continue
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()
