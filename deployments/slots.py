"""A versioned model slot: stage -> verify -> warm up -> activate -> release.

One slot holds the engine that answers requests, and at most one more beside it: a version that is staged to take over,
a canary that answers some users, or a shadow whose answers are only compared. A version is loaded and examined on a
background thread; only when it has passed does one reference change. Requests hold a *lease* on the engine they started
with, and an engine that was swapped out is closed when its last lease ends; until it is, nothing further is loaded. A
version that cannot be staged leaves everything as it was and its reason in :attr:`SlotStatus.error`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from deployments.engine import Engine
from deployments.gpu_memory import run_sparing
from deployments.memory import give_back
from registry.manifest import parse_ref

Q = TypeVar("Q")
R = TypeVar("R")
T = TypeVar("T")

Role = Literal["staging", "canary", "shadow"]

log = logging.getLogger(__name__)


class NotLoaded(LookupError):
    """No version stands in the place that was asked for."""


@dataclass(frozen=True, slots=True)
class ModelSet:
    """What one engine is made of: the model that gives its name, and versions that go with it.

    Examples of ``extras`` are style packs, an age model beside a face pipeline, or the other voters of a moderation
    vote. All references are full (``name@version``), so that every replica builds the same engine.
    """

    model: str
    extras: tuple[str, ...] = ()

    @property
    def refs(self) -> tuple[str, ...]:
        """Every version of the set, the one that gives the name first."""
        return (self.model, *self.extras)

    def unlike(self, other: ModelSet) -> tuple[str, str] | None:
        """The first version of this set that ``other`` has not, and what it is held against; None where there is none.

        That is the version in whose place it stands; for what only joined, the one that gives ``other`` its name.
        """
        theirs = {parse_ref(ref)[0]: ref for ref in other.refs}
        held = [(ref, theirs.get(parse_ref(ref)[0])) for ref in self.refs if ref not in other.refs]
        # The engine's own version before what goes with it, and of that what took a place before what joined.
        held.sort(key=lambda pair: (pair[0] != self.model, pair[1] is None))
        return next(((ref, before or other.model) for ref, before in held), None)


@dataclass(frozen=True, slots=True)
class Second:
    """The version beside the stable one: what it is there for, and the per cent of its share of users or requests."""

    models: ModelSet
    role: Role = "staging"
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a slot is to hold."""

    stable: ModelSet
    second: Second | None = None

    @property
    def beside(self) -> ModelSet | None:
        """What is to stand beside the stable version."""
        return self.second.models if self.second is not None else None


@dataclass(frozen=True, slots=True)
class SlotStatus:
    """What a slot can tell about itself.

    ``staging`` is being loaded now; ``second`` is loaded, has passed its examination and stands beside ``active``.
    ``error`` is why ``refused`` was, or None.
    """

    active: ModelSet | None
    staging: ModelSet | None
    error: str | None
    second: Second | None = None
    refused: ModelSet | None = None

    @property
    def beside(self) -> ModelSet | None:
        """What stands beside ``active``."""
        return self.second.models if self.second is not None else None


class _Loaded(Generic[Q, R]):
    """An engine with the one thread that runs it, and a count of the requests that use it."""

    def __init__(self, choice: ModelSet, engine: Engine[Q, R], pace_s: float) -> None:
        self.choice = choice
        self.engine = engine
        self.pace_s = pace_s
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=choice.model)
        self.leases = 0
        self.released = False


@dataclass(frozen=True, slots=True)
class Lease(Generic[Q, R]):
    """The right to use one engine until the ``with`` block ends.

    :meth:`submit` and :meth:`call` work on the engine's own thread; ``engine`` itself is for what any thread may ask it.
    """

    models: ModelSet
    engine: Engine[Q, R]
    _thread: ThreadPoolExecutor

    @property
    def model(self) -> str:
        """The version that gives the engine its name."""
        return self.models.model

    def submit(self, batch: Sequence[Q]) -> Future[list[R]]:
        """Run a batch on the engine's own thread, in halves where it runs out of GPU memory."""
        return self._thread.submit(run_sparing, self.engine, batch)

    def call(self, work: Callable[[Engine[Q, R]], T]) -> Future[T]:
        """Do ``work`` with the engine on its own thread."""
        return self._thread.submit(work, self.engine)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the active engine is: ``seconds`` for a warm-up when it was staged, and ``again``, measured now."""

    seconds: float
    again: Callable[[], float]


Examine = Callable[[ModelSet, Engine[Q, R], Pace | None], float]


class Slot(Generic[Q, R]):
    """Holds one active engine and swaps it without a pause. Safe to use from several threads."""

    def __init__(
        self,
        load: Callable[[ModelSet], Engine[Q, R]],
        examine: Examine[Q, R],
    ) -> None:
        """``load`` builds an engine and raises when the version is not what it claims to be.

        ``examine`` warms an engine up and raises when it is not fit to serve; it is told the pace of the active engine
        (None while there is none) and returns this one's, in seconds.
        """
        self._load = load
        self._examine = examine
        self._changed = threading.Condition()
        self._stager = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stage")
        self._plan: Plan | None = None
        self._active: _Loaded[Q, R] | None = None
        self._second: _Loaded[Q, R] | None = None
        self._leaving: list[_Loaded[Q, R]] = []
        self._staging: ModelSet | None = None
        self._refused: tuple[ModelSet, str] | None = None

    @property
    def status(self) -> SlotStatus:
        with self._changed:
            active = self._active.choice if self._active else None
            refused, error = self._refused or (None, None)
            return SlotStatus(active, self._staging, error, self._beside, refused)

    def follow(self, plan: Plan, then: Callable[[bool], None] | None = None) -> Future[None]:
        """Turn to ``plan``; returns at once. What is loaded already changes its place before this returns.

        The future ends when everything is in its place (or ``plan`` was overtaken by a later one), and carries the
        exception when a version could not be staged. Just before that ``then`` is told, on the thread that stages and
        never on the caller's, whether one was refused.
        """
        with self._changed:
            self._plan = plan
            self._refused = None
            leaving = self._arrange(plan)
            self._changed.notify_all()
        self._retire(leaving)
        return self._stager.submit(self._pursue_to_the_end, plan, then)

    def percent(self, role: Role) -> float:
        """The share of users that a loaded canary answers, or of requests that a shadow computes; 0 where there is none."""
        second = self.status.second
        return second.percent if second is not None and second.role == role else 0.0

    @contextmanager
    def lease(self, *, canary: bool = False) -> Iterator[Lease[Q, R]]:
        """Hold the active engine, or the canary while there is one. Raises :class:`NotLoaded` while there is none."""
        with self._changed:
            loaded = self._take((self._in_role("canary") if canary else None) or self._active)
        with self._held(loaded) as lease:
            yield lease

    @contextmanager
    def lease_shadow(self) -> Iterator[Lease[Q, R]]:
        """Hold the shadow. Raises :class:`NotLoaded` while there is none."""
        with self._changed:
            loaded = self._take(self._in_role("shadow"))
        with self._held(loaded) as lease:
            yield lease

    def close(self) -> None:
        """Stop staging and let go of the engines once their last requests end."""
        with self._changed:
            self._plan = None
            self._changed.notify_all()
        self._stager.shutdown(wait=True, cancel_futures=True)
        with self._changed:
            leaving = [loaded for loaded in (self._active, self._second) if loaded is not None]
            self._active = self._second = None
            self._leaving += leaving
        self._retire(leaving)

    @property
    def _beside(self) -> Second | None:
        """What the plan wants beside the stable version, once that is loaded. The lock is held."""
        wanted = self._plan.second if self._plan else None
        return wanted if wanted and self._second and self._second.choice == wanted.models else None

    def _in_role(self, role: Role) -> _Loaded[Q, R] | None:
        beside = self._beside
        return self._second if beside and beside.role == role else None

    @staticmethod
    def _take(loaded: _Loaded[Q, R] | None) -> _Loaded[Q, R]:
        if loaded is None:
            raise NotLoaded("no model version is loaded there")
        loaded.leases += 1
        return loaded

    @contextmanager
    def _held(self, loaded: _Loaded[Q, R]) -> Iterator[Lease[Q, R]]:
        try:
            yield Lease(loaded.choice, loaded.engine, loaded.thread)
        finally:
            with self._changed:
                loaded.leases -= 1
                leaving = loaded in self._leaving
            if leaving:
                self._retire([loaded])

    def _arrange(self, plan: Plan, *, keep_second: bool = True) -> list[_Loaded[Q, R]]:
        """Put what is loaded into the places ``plan`` has for it; returns what has none. The lock is held."""
        loaded = {entry.choice: entry for entry in (self._second, self._active) if entry is not None}
        stable = loaded.get(plan.stable) or self._active
        second = loaded.get(plan.second.models) if plan.second is not None and keep_second else None
        if second is stable:
            second = None
        leaving = [entry for entry in loaded.values() if entry is not stable and entry is not second]
        if stable is not self._active and stable is not None:
            log.info("%s is active", stable.choice.model)
        self._active, self._second = stable, second
        self._leaving += leaving
        return leaving

    def _pursue_to_the_end(self, plan: Plan, then: Callable[[bool], None] | None) -> None:
        refused = True
        try:
            self._pursue(plan)
            refused = False
        finally:
            if then is not None:
                then(refused)

    def _pursue(self, plan: Plan) -> None:
        """Load what ``plan`` wants and the slot has not, the stable version first."""
        for choice in (plan.stable, plan.beside):
            if choice is None or not self._make_room(plan, choice):
                continue
            try:
                loaded = self._stage(choice)
            except Exception as error:
                log.exception("staging %s failed", choice.model)
                with self._changed:
                    if self._plan is plan:
                        self._refused = (choice, f"{choice.model}: {error}")
                raise
            finally:
                with self._changed:
                    self._staging = None
            with self._changed:
                overtaken = self._plan is not plan
                if overtaken:
                    leaving = [loaded]
                    self._leaving.append(loaded)
                else:
                    # The one it stands beside, or takes over from, keeps its place until the plan says otherwise.
                    self._second = loaded
                    leaving = self._arrange(plan)
            self._retire(leaving)

    def _make_room(self, plan: Plan, choice: ModelSet) -> bool:
        """Wait until one engine at most is loaded. False when there is nothing to load, or ``plan`` was overtaken."""
        with self._changed:
            if self._plan is not plan or any(
                entry and entry.choice == choice for entry in (self._active, self._second)
            ):
                return False
            leaving = self._arrange(plan, keep_second=False)
        self._retire(leaving)
        with self._changed:
            self._changed.wait_for(lambda: not self._leaving or self._plan is not plan)
            if self._plan is not plan:
                return False
            self._staging = choice
            return True

    def _stage(self, choice: ModelSet) -> _Loaded[Q, R]:
        engine = self._load(choice)
        try:
            return _Loaded(choice, engine, self._examine(choice, engine, self._active_pace()))
        except BaseException:
            engine.close()
            del engine
            give_back()
            raise

    def _active_pace(self) -> Pace | None:
        with self._changed:
            if self._active is None:
                return None
            known = self._active.pace_s

        def again() -> float:
            with self.lease() as lease:
                return lease.call(_timed_warm_up).result()

        return Pace(known, again)

    def _retire(self, leaving: list[_Loaded[Q, R]]) -> None:
        for loaded in leaving:
            with self._changed:
                due = loaded.leases == 0 and not loaded.released
                loaded.released = loaded.released or due
            if due:
                loaded.thread.submit(self._release, loaded)
                loaded.thread.shutdown(wait=False)

    def _release(self, loaded: _Loaded[Q, R]) -> None:
        try:
            loaded.engine.close()
        except Exception:
            log.exception("%s did not close cleanly", loaded.choice.model)
        del loaded.engine
        give_back()
        with self._changed:
            self._leaving.remove(loaded)
            self._changed.notify_all()


def _timed_warm_up(engine: Engine[Q, R]) -> float:
    began = time.perf_counter()
    engine.warm_up()
    return time.perf_counter() - began
