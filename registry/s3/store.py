"""A store in a bucket of an S3-compatible server, seen through a bounded cache on this machine.

Layout under ``s3://bucket/prefix``::

    <model>/<version>/files/<sha256>       content, named by what it is
    <model>/<version>/manifest.yaml        written last, and only once: a version that has one is complete
    <model>/.removed/<version>.yaml        the manifest of a version that is gone: its name is not given again
    <model>/.history/<number>.json         who decided what; each number can be taken once
    .leases/<holder>.json                  which versions a running replica uses, or somebody publishes right now
    .conditional-writes                    empty: shows whether the server honours conditions

Nothing is ever overwritten, so a reader sees a whole version or none, and an interrupted publication can be taken up
by anybody who has the same files. Writing needs a server with conditional writes (``If-None-Match``), which is checked
before the first one; reading needs nothing special.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from registry.cache import Cache
from registry.errors import (
    BrokenVersion,
    InUse,
    InvalidVersion,
    RegistryError,
    StoreUnavailable,
    UnknownModelVersion,
    VersionExists,
)
from registry.integrity import disk_full
from registry.journal import dump_entry, load_entry
from registry.leases import Held, dump_held, holders, load_held
from registry.manifest import (
    ALIASES,
    MANIFEST,
    NAMES,
    Manifest,
    ModelFile,
    ModelVersion,
    dump_manifest,
    is_name,
    parse_manifest,
    parse_ref,
)
from registry.references import natural, resolve, unknown
from registry.routing import AuditEntry, Routing, conflict
from registry.s3.bucket import Bucket
from registry.s3.client import make_client
from registry.s3.transfers import allocate, deliver, discard, transfers
from registry.sources.context import Progress, silent
from registry.store import check_staged

_ABANDONED = timedelta(days=1)
_SHA256 = re.compile("[0-9a-f]{64}")


class S3Store:
    """A :class:`~registry.store.Store` in a bucket. Once a version is in the cache, using it needs no network."""

    def __init__(self, bucket: Bucket, cache_dir: Path, cache_bytes: int) -> None:
        """The cache, of up to ``cache_bytes``, is a folder of its own in ``cache_dir``.

        What another store calls by the same name is another version.
        """
        self.progress: Progress = silent
        self._bucket = bucket
        self._cache_dir = cache_dir
        self._cache_bytes = cache_bytes
        self._manifests: dict[str, Manifest] = {}
        self._reporting = threading.Lock()
        self._entries: dict[str, list[AuditEntry]] = {}

    @property
    def where(self) -> str:
        return str(self._bucket)

    @cached_property
    def _cache(self) -> Cache:
        return Cache(self._cache_dir / self._bucket.identity, self._cache_bytes)

    def models(self) -> list[str]:
        return sorted({key.split("/")[0] for key, _ in self._bucket.list("") if _is_manifest(key)})

    def versions(self, model: str) -> list[str]:
        if not is_name(model):
            return []
        found = (key.split("/")[1] for key, _ in self._bucket.list(f"{model}/") if _is_manifest(key))
        return sorted(found, key=natural)

    def removed(self, model: str) -> list[str]:
        if not is_name(model):
            return []
        prefix = f"{model}/.removed/"
        return [key.removeprefix(prefix).removesuffix(".yaml") for key, _ in self._bucket.list(prefix)]

    def routing(self, model: str) -> Routing | None:
        entries = self.audit(model)
        return entries[-1].now if entries else None

    def audit(self, model: str) -> list[AuditEntry]:
        if not is_name(model):
            raise UnknownModelVersion(f"{model!r} cannot be the name of a model: use {NAMES}.")
        # Entries never change: only what came after the last one known is asked for.
        known = list(self._entries.get(model, ()))
        for key, _ in list(self._bucket.list(f"{model}/.history/", after=_entry_key(model, len(known)))):
            text = self._bucket.read(key)
            if key == _entry_key(model, len(known) + 1) and text is not None:
                known.append(load_entry(text, f"{self.where}/{key}"))
        self._entries[model] = known
        return list(known)

    def change(self, entry: AuditEntry) -> None:
        entries = self.audit(entry.model)
        last = entries[-1] if entries else None
        if entry.was != (last.now if last else None):
            raise conflict(entry.model, last)
        if not self._bucket.create(_entry_key(entry.model, len(entries) + 1), dump_entry(entry).encode()):
            entries = self.audit(entry.model)
            raise conflict(entry.model, entries[-1] if entries else None)

    def resolve(self, ref: str) -> tuple[str, str]:
        with suppress(ValueError):
            model, version = parse_ref(ref)
            # A full reference to something at hand stays good while the server is away.
            if version is not None and version not in ALIASES and self._at_hand(ref) is not None:
                return model, version
        return resolve(self, ref)

    def manifest(self, ref: str) -> Manifest:
        model, version = self.resolve(ref)
        return self._at_hand(f"{model}@{version}") or self._read_manifest(model, version)

    def get(self, ref: str) -> ModelVersion:
        model, version = self.resolve(ref)
        name = f"{model}@{version}"
        return self._cache.get(name) or self._fetched(model, version)

    def verify(self, ref: str) -> ModelVersion:
        version = self.get(ref)
        try:
            return self._cache.folder.verify(version.ref)
        except UnknownModelVersion:
            # Another process of this machine made room meanwhile.
            return self._cache.folder.verify(self.get(version.ref).ref)
        except BrokenVersion:
            # Only this machine's copy can have changed since it was fetched: replace it.
            self._cache.forget(version.ref)
            return self._fetched(version.manifest.model, version.manifest.version)

    def hold(self, held: Held) -> None:
        # Here first: the cache must know even when the server is away.
        self._cache.folder.hold(held)
        key = _lease_key(held.holder)
        if held.refs:
            self._bucket.write(key, dump_held(held).encode())
        else:
            self._bucket.remove(key)

    def leases(self) -> list[Held]:
        return [held for _, held in self._leases() if not held.expired]

    def stage(self, ref: str) -> AbstractContextManager[Path]:
        return self._cache.folder.stage(ref)

    def downloads(self) -> Path:
        return self._cache.folder.downloads()

    def publish(self, manifest: Manifest, staged: Path) -> ModelVersion:
        check_staged(manifest, staged)
        # The files are on this disk already and stay there: what is in their way goes now, or nothing is published.
        self._cache.make_room(manifest.ref)
        published = self._published(manifest)
        claim = Held(f"publishing-{manifest.ref}", (manifest.ref,), datetime.now(UTC) + _ABANDONED)
        if published is None:
            # Files that an earlier attempt brought may be old enough to be swept, and are not sent again.
            self.hold(claim)
        # Of a version that is there, this sends only what was lost or damaged since.
        with transfers(self._bucket) as moving:
            for entry in manifest.files:
                moving.upload(_file_key(manifest, entry), staged / entry.name, self._report(entry))
        if published is None:
            text = dump_manifest(manifest).encode()
            created = self._bucket.create(_manifest_key(manifest.model, manifest.version), text)
            with suppress(StoreUnavailable):
                self.hold(replace(claim, refs=()))
            published = None if created else self._published(manifest)
        with self._cache.fetching(manifest.ref):
            # Ours may be worded differently from the one that was there first.
            return self._cache.add(published or manifest, staged)

    def discard(self, ref: str, *, veto: Callable[[], str | None] | None = None) -> None:
        model, version = resolve(self, ref)
        key = _manifest_key(model, version)
        text = self._bucket.read(key)
        if text is not None:
            # Copies of it may lie in caches: its name will never stand for other content.
            self._bucket.write(_tombstone_key(model, version), text)
        # Without its manifest it is no version any more; the files follow once nobody objects.
        self._bucket.remove(key)
        with ExitStack() as undo:
            if text is not None:
                undo.callback(self._bucket.create, key, text)
            if veto is not None and (reason := veto()) is not None:
                raise InUse(f"{model}@{version} is {reason}.")
            undo.pop_all()
        # It is gone, which the caller is to put on record whatever becomes of the files: sweeping takes those that stay.
        with suppress(StoreUnavailable):
            for found, _ in list(self._bucket.list(f"{model}/{version}/")):
                self._bucket.remove(found)
        self._manifests.pop(f"{model}@{version}", None)
        self._cache.forget(f"{model}@{version}")

    def sweep(self) -> None:
        self._bucket.abort_uploads(_ABANDONED)
        files: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for key in self._bucket.untouched(_ABANDONED):
            if (owner := _owner(key)) is not None:
                files[owner].append(key)
        # Asked before the manifests: who publishes lets go only when the manifest is there.
        leases = list(self._leases())
        for key, lease in leases:
            if lease.abandoned:
                self._bucket.remove(key)
        held = holders(lease for _, lease in leases if not lease.expired)
        for (model, version), keys in files.items():
            if f"{model}@{version}" not in held and self._orphaned(model, version):
                for key in keys:
                    self._bucket.remove(key)

    def _leases(self) -> Iterator[tuple[str, Held]]:
        for key, _ in list(self._bucket.list(".leases/")):
            text = self._bucket.read(key)
            if text and (held := load_held(text)) is not None:
                yield key, held

    def _orphaned(self, model: str, version: str) -> bool:
        """Whether there is no manifest, and no removal under way that may put it back."""
        if self._bucket.age(_manifest_key(model, version)) is not None:
            return False
        removed = self._bucket.age(_tombstone_key(model, version))
        return removed is None or removed > _ABANDONED

    def _at_hand(self, ref: str) -> Manifest | None:
        """What is known of a version without asking the server: versions never change."""
        if ref not in self._manifests:
            with suppress(UnknownModelVersion, BrokenVersion):
                self._manifests[ref] = self._cache.folder.manifest(ref)
        return self._manifests.get(ref)

    def _read_manifest(self, model: str, version: str) -> Manifest:
        text = self._bucket.read(_manifest_key(model, version))
        if text is None:
            raise unknown(self, model, version)
        manifest = self._manifests[f"{model}@{version}"] = self._parsed(text, f"{model}@{version}")
        return manifest

    def _parsed(self, text: bytes, ref: str) -> Manifest:
        try:
            manifest = parse_manifest(text.decode())
        except ValueError as error:
            raise BrokenVersion(f"The manifest of {ref} in {self.where} cannot be read; publish it anew.") from error
        if manifest.ref != ref:
            raise BrokenVersion(f"In {self.where}, {ref} holds the manifest of {manifest.ref}; publish it anew.")
        return manifest

    def _published(self, manifest: Manifest) -> Manifest | None:
        """The version of this name that is there already. Raises :class:`VersionExists` when it is another one."""
        there = self._bucket.read(_manifest_key(manifest.model, manifest.version))
        text = there or self._bucket.read(_tombstone_key(manifest.model, manifest.version))
        if text is None:
            return None
        published = self._parsed(text, manifest.ref)
        if not published.same_content(manifest):
            state = "is already" if there else "was once"
            raise VersionExists(
                f"{manifest.ref} {state} published in {self.where} with other content, and versions never change: "
                "publish under a new version."
            )
        return published if there else None

    def _fetched(self, model: str, version: str) -> ModelVersion:
        """Bring a version here, once per machine however many ask."""
        ref = f"{model}@{version}"
        with self._cache.fetching(ref):
            if (there := self._cache.get(ref)) is not None:
                return there
            manifest = self._read_manifest(model, version)
            downloads = self.downloads()
            # Two files may hold the same bytes.
            parts = {
                entry: downloads / f"{ref}-{number}-{entry.sha256}.part" for number, entry in enumerate(manifest.files)
            }
            with self._disk(manifest, parts):
                with self._cache.room(ref, lambda: _missing(parts)):
                    for entry, part in parts.items():
                        allocate(part, entry.size)
                with transfers(self._bucket) as moving:
                    for entry, part in parts.items():
                        moving.download(_file_key(manifest, entry), entry.size, part, self._report(entry))
            with self.stage(ref) as staged:
                for entry, part in parts.items():
                    deliver(part, staged / entry.name)
                try:
                    return self._cache.add(manifest, staged)
                except InvalidVersion as error:
                    raise BrokenVersion(f"{self.where} delivers {ref} damaged: {error}", manifest) from error

    @contextmanager
    def _disk(self, manifest: Manifest, parts: dict[ModelFile, Path]) -> Iterator[None]:
        """Says what to do about a full disk, and gives back what was taken of it."""
        try:
            yield
        except OSError as error:
            if not disk_full(error):
                raise
            for part in parts.values():
                discard(part)
            raise RegistryError(
                f"The disk of the cache {self._cache.folder.root} is full: {manifest.ref} takes "
                f"{sum(entry.size for entry in parts) / 1e6:,.1f} MB. Free some, or set MASQUERADE_MODELS_CACHE_DIR."
            ) from error

    def _report(self, entry: ModelFile) -> Callable[[int], None]:
        done = 0

        def more(count: int) -> None:
            nonlocal done
            with self._reporting:
                done += count
                self.progress(entry.name, done, entry.size)

        return more


def open_s3_store(where: str, cache_dir: Path, cache_bytes: int) -> S3Store:
    """The store at ``s3://bucket/prefix``. Nothing is asked of the server yet."""
    name, _, prefix = where.removeprefix("s3://").partition("/")
    return S3Store(Bucket(name, prefix.strip("/"), make_client), cache_dir, cache_bytes)


def _is_manifest(key: str) -> bool:
    parts = key.split("/")
    # A version called "manifest" leaves a tombstone of just this shape, but under no version's name.
    return len(parts) == 3 and parts[2] == MANIFEST and is_name(parts[0]) and is_name(parts[1])


def _manifest_key(model: str, version: str) -> str:
    return f"{model}/{version}/{MANIFEST}"


def _tombstone_key(model: str, version: str) -> str:
    return f"{model}/.removed/{version}.yaml"


def _missing(parts: dict[ModelFile, Path]) -> int:
    """Bytes that the files will take up beyond what their parts take up already."""
    there = sum(part.stat().st_size for part in parts.values() if part.exists())
    return max(0, sum(entry.size for entry in parts) - there)


def _file_key(manifest: Manifest, entry: ModelFile) -> str:
    return f"{manifest.model}/{manifest.version}/files/{entry.sha256}"


def _owner(key: str) -> tuple[str, str] | None:
    """The model and the version whose file this is; ``None`` for any other object, which may be somebody else's."""
    match key.split("/"):
        case [model, version, "files", name] if is_name(model) and is_name(version) and _SHA256.fullmatch(name):
            return model, version
    return None


def _entry_key(model: str, number: int) -> str:
    return f"{model}/.history/{number:06d}.json"


def _lease_key(holder: str) -> str:
    return f".leases/{holder}.json"
