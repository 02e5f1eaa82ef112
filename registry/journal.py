"""A model's history as a folder of numbered files, one per decision, each written once and never changed.

The next number can be taken only once: that is the whole of the locking. A process killed while it writes leaves a
temporary file nobody reads.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from registry.errors import RegistryError
from registry.integrity import create_text
from registry.routing import AuditEntry, conflict

_ENTRY = TypeAdapter(AuditEntry)


def dump_entry(entry: AuditEntry) -> str:
    """The entry as one line of JSON."""
    return _ENTRY.dump_json(entry).decode()


def load_entry(text: str | bytes, where: str) -> AuditEntry:
    """Read what :func:`dump_entry` wrote. Raises :class:`RegistryError` when it is something else."""
    try:
        return _ENTRY.validate_json(text)
    except ValidationError as error:
        raise RegistryError(f"{where} is no entry of a model's history; put back what was there.") from error


class FolderJournal:
    """The history of one model in a local folder. Needs a file system with hard links."""

    def __init__(self, folder: Path, model: str) -> None:
        self._folder = folder
        self._model = model

    def entries(self) -> list[AuditEntry]:
        """Everything that was decided, oldest first."""
        return [self._read(number) for number in self._numbers()]

    def last(self) -> AuditEntry | None:
        """The decision that holds now."""
        numbers = self._numbers()
        return self._read(numbers[-1]) if numbers else None

    def append(self, entry: AuditEntry) -> None:
        """Add a decision. Raises :class:`Conflict` unless the routing is still what ``entry.was`` says."""
        numbers = self._numbers()
        last = self._read(numbers[-1]) if numbers else None
        if entry.was != (last.now if last else None):
            raise conflict(self._model, last)
        try:
            create_text(self._path(numbers[-1] + 1 if numbers else 1), dump_entry(entry))
        except FileExistsError:
            raise conflict(self._model, self.last()) from None

    def _numbers(self) -> list[int]:
        # What is called otherwise (a copy somebody made, "1.json") is no entry.
        named = ((int(path.stem), path) for path in self._folder.glob("*.json") if path.stem.isdecimal())
        return sorted(number for number, path in named if path == self._path(number))

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.json"

    def _read(self, number: int) -> AuditEntry:
        path = self._path(number)
        try:
            text = path.read_bytes()
        except OSError as error:
            raise RegistryError(f"{path} cannot be read ({error.strerror}); put back what was there.") from error
        return load_entry(text, str(path))
