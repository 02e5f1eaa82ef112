"""The thin Serve wrapper every capability shares: a slot, dynamic batches, typed answers.

``reconfigure`` follows the rule that keeps a graph alive while versions change: the first call loads the stable version
(a replica without one is not ready), every later call only schedules the staging and returns at once, and a version
that cannot be staged leaves the old one serving.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, TypeVar

import cv2

from deployments.engine import Engine
from deployments.errors import MasqueradeError, Unavailable
from deployments.gpu_memory import OutOfMemory, run_sparing, weigh
from deployments.imaging import stopwatch
from deployments.memory import resident_mb
from deployments.serving.admission import check_kind, check_memory
from deployments.serving.batching import Batcher
from deployments.serving.canary import sees_canary
from deployments.serving.examination import examine
from deployments.serving.load import together
from deployments.serving.metrics import SlotMetrics
from deployments.serving.refusals import log_refusals_in_a_line
from deployments.serving.traffic import TrafficWindow
from deployments.serving.trials import Trial
from deployments.serving.types import Answer, Options, Report
from deployments.serving.user_config import UserConfig
from deployments.slots import Lease, ModelSet, NotLoaded, Pace, Plan, Slot, SlotStatus
from registry.leases import Lease as HeldVersions
from registry.manifest import ModelVersion, parse_ref

Q = TypeVar("Q")
R = TypeVar("R")
A = TypeVar("A")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked(Generic[Q]):
    """A query and when it came."""

    query: Q
    since: float


@dataclass(frozen=True, slots=True)
class _Made(Generic[R]):
    """What the engine of ``models`` made of a query, which of its other versions had a part in it, and its batch's seconds."""

    result: R
    models: ModelSet
    contributors: tuple[str, ...]
    took_s: float


class ModelDeployment(ABC, Generic[Q, R, A]):
    """Base of all model deployments. ``Q`` goes to the engine, ``R`` comes from it, ``A`` travels on."""

    gives_verdicts: ClassVar[bool] = False
    """Whether its answers decide what people may see: a canary's are then compared with the stable version's."""

    def __init__(self, options: Options) -> None:
        self.options = options
        log_refusals_in_a_line()
        cv2.setNumThreads(options.runtime.threads)
        self._store = options.models.open()
        self._held = HeldVersions(self._store)
        self._versions: dict[ModelSet, list[ModelVersion]] = {}
        self._slot: Slot[Q, R] = Slot(self._load, self._examine)
        self._plan: Plan | None = None
        # A batch is for one engine: what goes to the canary never waits for, or joins, what does not.
        self._batchers: dict[bool, Batcher[_Asked[Q], _Made[R]]] = {
            canary: Batcher(functools.partial(self._make, canary=canary), options.max_batch) for canary in (False, True)
        }
        self._traffic = TrafficWindow()
        self._beside: ModelSet | None = None
        self._trial: Trial[Q, R] = Trial(self._slot, canaries=self.gives_verdicts)
        self._metrics = SlotMetrics(type(self).__name__.lower())

    def __del__(self) -> None:
        """What Serve calls when a replica ends in order: its versions are not held until their lease runs out."""
        if (held := getattr(self, "_held", None)) is not None:
            held.close()

    @abstractmethod
    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[Q, R]:
        """Make this capability's engine."""

    @abstractmethod
    async def finish(self, query: Q, result: R) -> A:
        """Turn an engine's result into what travels between deployments (for pictures: encode once, on another thread).

        The engine is at work on the next batch by then.
        """

    def contributors(self, engine: Engine[Q, R], query: Q) -> tuple[str, ...]:
        """The versions, other than the one that gives the engine its name, that had a part in its answer to ``query``."""
        return ()

    def knows(self, engine: Engine[Q, R], query: Q) -> bool:
        """Whether the engine has what ``query`` names: where a canary has not, the stable version answers."""
        return True

    def pace(self, choice: ModelSet, active: Pace | None) -> Pace | None:
        """What the pace of ``choice`` is held against: that of the engine that serves, ``active``, or nothing."""
        return active

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> Q:
        """The query a manifest's probe asks for. Raises ``ValueError`` where this capability cannot be probed."""
        raise ValueError(f"{version.manifest.task} models cannot be probed from a manifest")

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Serve calls this with ``user_config`` at start and at every light update."""
        try:
            plan = UserConfig.model_validate(user_config).plan
        except ValueError:
            if self._slot.status.active is None:
                raise
            log.exception("user_config refused; the active version keeps serving")
            return
        if self._slot.status.active is None:
            await asyncio.wrap_future(self._followed(Plan(plan.stable)))
            manifests = [self._store.manifest(ref) for ref in plan.stable.refs]
            if complaint := await asyncio.to_thread(weigh, manifests, self.options.runtime):
                log.warning(complaint)
        # Not compared with the slot's status: what is still being loaded, and may be taken back now, has no place there yet.
        if plan != self._plan:
            self._followed(plan)

    async def answer(self, query: Q, visitor: str | None = None) -> Answer[A]:
        """Answer one query; queries of many requests share a batch. Raises what the engine raised for this query.

        ``visitor`` stands for whoever asks, and decides whether a canary answers.
        """
        canary = False
        if (percent := self._slot.percent("canary")) and (active := self._slot.status.active):
            canary = sees_canary(visitor, parse_ref(active.model)[0], percent) and self._canary_knows(query)
        asked = _Asked(query, time.perf_counter())
        made = await self._batchers[canary].submit(asked)
        return await self._finished(asked, made, canary=canary)

    def status(self) -> SlotStatus:
        return self._slot.status

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What Serve collects for the scaling policy: the fields of :class:`deployments.serving.load.Load`."""
        return asdict(together([batcher.load() for batcher in self._batchers.values()]))

    async def report(self) -> Report:
        """Everything a coordinator needs to know of this replica."""
        status = self._slot.status
        self._metrics.places(status)
        self._judge_anew(status)
        return Report(status, self._traffic.summary(), self._trial.summary, resident_mb())

    def _judge_anew(self, status: SlotStatus) -> None:
        """Forget what was seen of a version before it was staged anew: it is judged by what it does now."""
        self._trial.follow()
        if status.beside is not None and status.beside != self._beside and status.active:
            for ref in set(status.beside.refs) - set(status.active.refs):
                self._traffic.forget(ref)
        self._beside = status.beside

    def _followed(self, plan: Plan) -> Future[None]:
        began, self._plan = time.perf_counter(), plan

        def noted(refused: bool) -> None:
            self._metrics.swapped(time.perf_counter() - began, refused=refused)
            self._metrics.places(self._slot.status)
            self._keep(self._slot.status)

        return self._slot.follow(plan, noted)

    def _canary_knows(self, query: Q) -> bool:
        with self._slot.lease(canary=True) as lease:
            return self.knows(lease.engine, query)

    async def _make(self, batch: list[_Asked[Q]], *, canary: bool) -> list[_Made[R] | Exception]:
        try:
            with self._slot.lease(canary=canary) as lease:
                try:
                    results, took_s = await self._run(lease, batch)
                except OutOfMemory as error:
                    return [self._failed(asked, error, lease.models) for asked in batch]
                except Exception as error:
                    if len(batch) > 1:
                        # One bad query must not fail its neighbours: answer each by itself.
                        return [(await self._make([asked], canary=canary))[0] for asked in batch]
                    return [self._failed(batch[0], error, lease.models)]
                return [
                    _Made(result, lease.models, self.contributors(lease.engine, asked.query), took_s)
                    for asked, result in zip(batch, results, strict=True)
                ]
        except NotLoaded:
            return [Unavailable("The model is still loading.", retry_after=5) for _ in batch]

    async def _run(self, lease: Lease[Q, R], batch: list[_Asked[Q]]) -> tuple[list[R], float]:
        """The engine's answers, and the seconds they took."""
        queries = [asked.query for asked in batch]

        def timed(engine: Engine[Q, R]) -> tuple[list[R], float, float, float]:
            began = time.perf_counter()
            with stopwatch.watched() as laps:
                results = run_sparing(engine, queries)
            return results, began, time.perf_counter() - began, sum(laps)

        results, began, took_s, decoding_s = await asyncio.wrap_future(lease.call(timed))
        for asked in batch:
            self._metrics.phase(lease.model, "queue", began - asked.since)
        self._metrics.phase(lease.model, "decode", decoding_s)
        self._metrics.phase(lease.model, "infer", took_s - decoding_s)
        return results, took_s

    async def _finished(self, asked: _Asked[Q], made: _Made[R], *, canary: bool) -> Answer[A]:
        began = time.perf_counter()
        try:
            answer = Answer(await self.finish(asked.query, made.result), made.models.model, made.contributors)
        except Exception as error:
            self._failed(asked, error, made.models)
            raise
        self._metrics.phase(answer.model, "encode", time.perf_counter() - began)
        self._count(asked.since, made.models, failed=False)
        busy = self._batchers[False].waiting > 0
        self._trial.offer(asked.query, made.result, made.took_s, model=answer.model, by_canary=canary, busy=busy)
        return answer

    def _failed(self, asked: _Asked[Q], error: Exception, models: ModelSet) -> Exception:
        # What the sender got wrong says nothing about the version.
        self._count(asked.since, models, failed=not isinstance(error, MasqueradeError) or error.status >= 500)
        return error

    def _count(self, since: float, models: ModelSet, *, failed: bool) -> None:
        took_s = time.perf_counter() - since
        # Each for itself: a style pack on trial stands beside the same network as the pack it is to follow.
        for ref in models.refs:
            self._traffic.add(ref, took_s, failed=failed)
        self._metrics.request(models.model, failed=failed)

    def _load(self, choice: ModelSet) -> Engine[Q, R]:
        active = self._slot.status.active
        # Garbage collection must take neither, from before the first file is read.
        self._held.hold({*choice.refs, *(active.refs if active else ())})
        versions = [self._store.verify(ref) for ref in choice.refs]
        if active is not None:
            serving = [version.manifest for version in self._versions[active]]
            check_kind(versions[0].manifest, serving[0])
            check_memory([version.manifest for version in versions], serving, self.options.runtime)
        self._versions[choice] = versions
        return self.build(versions[0], versions[1:])

    def _examine(self, choice: ModelSet, engine: Engine[Q, R], active: Pace | None) -> float:
        return examine(engine, self._versions[choice], self.probe_query, self.pace(choice, active))

    def _keep(self, status: SlotStatus) -> None:
        """Hold on to what is loaded, and to nothing else."""
        loaded = {models for models in (status.active, status.beside) if models is not None}
        self._versions = {models: versions for models, versions in self._versions.items() if models in loaded}
        self._held.hold({ref for models in loaded for ref in models.refs})
