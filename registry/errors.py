"""What can go wrong with model versions. Every message is one sentence or two that say what to do.

The registry knows nothing of HTTP; rooms above translate these into their own answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.manifest import Manifest


class RegistryError(Exception):
    """Base of everything the registry refuses to do."""


class UnknownModelVersion(RegistryError):
    """No such model, version or alias in the store or the catalogue."""


class InvalidVersion(RegistryError):
    """What was to be published does not make a version: files missing, unlisted, or not what the manifest says."""


class BrokenVersion(RegistryError):
    """A published version no longer matches its manifest and must not be loaded.

    ``manifest`` is the one it was published with, where that can still be read.
    """

    def __init__(self, message: str, manifest: Manifest | None = None) -> None:
        super().__init__(message)
        self.manifest = manifest


class VersionExists(RegistryError):
    """The version is already published with other content. Versions never change."""


class UnsafeFile(RegistryError):
    """A model file that could run code, reach outside its folder, or is not of the format it claims."""


class RoutingRefused(RegistryError):
    """The change would leave the model in a state that makes no sense, or that could not serve."""


class Conflict(RegistryError):
    """Somebody else changed the model's routing first. Nothing was written."""


class InUse(RegistryError):
    """Something still points at the version, or a replica holds it, and so it stays."""


class StoreUnavailable(RegistryError):
    """The server of the store cannot be reached, does not answer in time, or denies access. What is here stays good."""


class LicenceNotAccepted(RegistryError):
    """The licence asks for consent and none was given."""


class FetchFailed(RegistryError):
    """No source delivered the file. ``reasons`` holds one ``(source, sentence)`` per attempt, in order."""

    def __init__(self, file: str, reasons: Sequence[tuple[str, str]]) -> None:
        self.file = file
        self.reasons = tuple(reasons)
        tried = "; ".join(f"{source}: {reason}" for source, reason in reasons) or "its manifest lists no source"
        super().__init__(f"{file} could not be fetched. {tried}.")


class SourceFailed(RegistryError):
    """One source did not deliver. The message is the reason, without a full stop, as it stands in a list of reasons."""
