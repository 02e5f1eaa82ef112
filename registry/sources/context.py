"""What every kind of source needs to know of one pull, and what it hands back."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from registry.errors import SourceFailed
from registry.manifest import Source

MAX_ARCHIVE_BYTES = 2 * 2**30
"""An archive around a model file may be this large; the file itself is bounded by its own entry."""


class Progress(Protocol):
    """Told what is being downloaded, how many bytes of it are here, and how many there will be (if known)."""

    def __call__(self, label: str, done: int, total: int | None) -> None: ...


def silent(label: str, done: int, total: int | None) -> None:
    """The progress nobody looks at."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to be fetched. ``sha256`` and ``size`` are ``None`` on the first pull of a recipe.

    ``limit`` bounds in bytes what may be written for it, whatever a server says.
    """

    name: str
    sources: tuple[Source, ...]
    limit: int
    sha256: str | None = None
    size: int | None = None

    def check_offer(self, size: int) -> None:
        """Raise :class:`SourceFailed` when a source announces a size that cannot be right."""
        if self.size is not None and size != self.size:
            raise SourceFailed(f"offers {size:,} bytes instead of {self.size:,}")
        if size > self.limit:
            raise SourceFailed(f"offers {size:,} bytes, more than the {self.limit:,} allowed")


@dataclass(slots=True)
class Context:
    """One pull. ``scratch`` vanishes with it; ``downloads`` keeps halves for the next one.

    ``archives`` remembers, by what identifies them, the archives already here: several files may come out of one.
    ``cleanup`` runs when the pull ends, however it ends.
    """

    scratch: Path
    downloads: Path
    progress: Progress = silent
    archives: dict[str, Path] = field(default_factory=dict)
    cleanup: ExitStack = field(default_factory=ExitStack)
