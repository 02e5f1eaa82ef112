"""A versioned model slot: stage -> verify -> warm up -> activate -> release.

One slot holds the engine that answers requests. A new version is staged beside it on a background thread; only when it
has been loaded and warmed up does one reference change. Requests hold a *lease* on the engine they started with, and
an engine that was swapped out is closed when its last lease ends. A version that cannot be staged leaves everything as
it was and its reason in :attr:`SlotStatus.error`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from deployments.engine import Engine
from deployments.gpu_memory import run_sparing

Q = TypeVar("Q")
R = TypeVar("R")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelSet:
    """What one engine is made of: the model that gives its name, and versions that go with it.

    Examples of ``extras`` are style packs, an age model beside a face pipeline, or the other voters of a moderation
    vote. All references are full (``name@version``), so that every replica builds the same engine.
    """

    model: str
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """What a slot can tell about itself; ``error`` is why the last staging failed, or None."""

    active: ModelSet | None
    staging: ModelSet | None
    error: str | None


class _Loaded(Generic[Q, R]):
    """An engine with the one thread that may touch it, and a count of the requests that use it."""

    def __init__(self, choice: ModelSet, engine: Engine[Q, R]) -> None:
        self.choice = choice
        self.engine = engine
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=choice.model)
        self.leases = 0
        self.retired = False

    def release(self) -> None:
        self.thread.submit(self.engine.close)
        self.thread.shutdown(wait=False)


@dataclass(frozen=True, slots=True)
class Lease(Generic[Q, R]):
    """The right to use one engine until the ``with`` block ends."""

    model: str
    engine: Engine[Q, R]
    _thread: ThreadPoolExecutor

    def submit(self, batch: Sequence[Q]) -> Future[list[R]]:
        """Run a batch on the engine's own thread, in halves where it runs out of GPU memory."""
        return self._thread.submit(run_sparing, self.engine, batch)


class Slot(Generic[Q, R]):
    """Holds one active engine and swaps it without a pause. Safe to use from several threads."""

    def __init__(self, load: Callable[[ModelSet], Engine[Q, R]]) -> None:
        """``load`` builds an engine and raises when the version is not what it claims to be."""
        self._load = load
        self._lock = threading.Lock()
        self._stager = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stage")
        self._active: _Loaded[Q, R] | None = None
        self._wanted: ModelSet | None = None
        self._error: str | None = None

    @property
    def status(self) -> SlotStatus:
        with self._lock:
            active = self._active.choice if self._active else None
            staging = self._wanted if self._wanted != active and self._error is None else None
            return SlotStatus(active, staging, self._error)

    def stage(self, choice: ModelSet) -> Future[None]:
        """Ask for ``choice``; returns at once.

        The future ends when it is active (or already was, or was overtaken by a later wish), and carries the exception
        when it could not be staged.
        """
        with self._lock:
            self._wanted = choice
            self._error = None
        return self._stager.submit(self._stage, choice)

    @contextmanager
    def lease(self) -> Iterator[Lease[Q, R]]:
        """Hold the active engine. Raises ``LookupError`` while there is none."""
        with self._lock:
            loaded = self._active
            if loaded is None:
                raise LookupError("no model version is active yet")
            loaded.leases += 1
        try:
            yield Lease(loaded.choice.model, loaded.engine, loaded.thread)
        finally:
            with self._lock:
                loaded.leases -= 1
                ended = loaded.retired and loaded.leases == 0
            if ended:
                loaded.release()

    def close(self) -> None:
        """Stop staging and let go of the engine once its last request ends."""
        self._stager.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            old, self._active = self._active, None
        self._retire(old)

    def _stage(self, choice: ModelSet) -> None:
        with self._lock:
            overtaken = self._wanted != choice
            serving = self._active is not None and self._active.choice == choice
        if overtaken or serving:
            return
        try:
            engine = self._load(choice)
            try:
                engine.warm_up()
            except BaseException:
                engine.close()
                raise
        except Exception as error:
            log.exception("staging %s failed", choice.model)
            with self._lock:
                if self._wanted == choice:
                    self._error = f"{choice.model}: {error}"
            raise
        with self._lock:
            old, self._active = self._active, _Loaded(choice, engine)
        log.info("%s is active", choice.model)
        self._retire(old)

    def _retire(self, old: _Loaded[Q, R] | None) -> None:
        if old is None:
            return
        with self._lock:
            old.retired = True
            idle = old.leases == 0
        if idle:
            old.release()
