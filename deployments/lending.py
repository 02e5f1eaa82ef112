"""Things that serve one thread at a time, shared by several threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Lending(Generic[T]):
    """Lends each of ``things`` to one borrower at a time."""

    def __init__(self, things: Iterable[T]) -> None:
        self._idle: SimpleQueue[T] = SimpleQueue()
        for thing in things:
            self._idle.put(thing)

    @contextmanager
    def one(self) -> Iterator[T]:
        """Any of them, until the block ends however it ends. Waits until one is back."""
        thing = self._idle.get()
        try:
            yield thing
        finally:
            self._idle.put(thing)
