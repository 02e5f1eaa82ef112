"""The thin Serve wrapper every capability shares: a slot, dynamic batches, typed answers.

``reconfigure`` follows the rule that keeps a graph alive while versions change: the first call loads the model (a
replica without one is not ready), every later call only schedules the staging and returns at once, and a version that
cannot be staged leaves the old one serving.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import cv2
from pydantic import BaseModel, ConfigDict

from deployments.batching import Batcher
from deployments.engine import Engine
from deployments.errors import Unavailable
from deployments.gpu_memory import OutOfMemory, weigh
from deployments.runtime import Runtime
from deployments.slots import ModelSet, Slot, SlotStatus
from registry.manifest import ModelVersion
from registry.opening import StoreAddress

Q = TypeVar("Q")
R = TypeVar("R")
A = TypeVar("A")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """A result and the model version it came from (``name@version``)."""

    value: A
    model: str


@dataclass(frozen=True, slots=True)
class Options:
    """What a replica is told at start: where the versions lie, its share of the machine, its largest batch."""

    models: StoreAddress
    runtime: Runtime
    max_batch: int = 1


class UserConfig(BaseModel):
    """The light part of a deployment's configuration: which versions serve."""

    model_config = ConfigDict(extra="forbid")
    stable: ModelSet


class ModelDeployment(ABC, Generic[Q, R, A]):
    """Base of all model deployments. ``Q`` goes to the engine, ``R`` comes from it, ``A`` travels on."""

    def __init__(self, options: Options) -> None:
        self.options = options
        cv2.setNumThreads(options.runtime.threads)
        self._store = options.models.open()
        self._slot: Slot[Q, R] = Slot(self._load)
        self._batcher: Batcher[Q, Answer[A]] = Batcher(self._answer_batch, options.max_batch)

    @abstractmethod
    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[Q, R]:
        """Make this capability's engine."""

    @abstractmethod
    def finish(self, query: Q, result: R) -> A:
        """Turn an engine's result into what travels between deployments (for pictures: encode once)."""

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Serve calls this with ``user_config`` at start and at every light update."""
        try:
            choice = UserConfig.model_validate(user_config).stable
        except ValueError:
            if self._slot.status.active is None:
                raise
            log.exception("user_config refused; the active version keeps serving")
            return
        first = self._slot.status.active is None
        staged = self._slot.stage(choice)
        if first:
            await asyncio.wrap_future(staged)
            manifests = [self._store.get(ref).manifest for ref in (choice.model, *choice.extras)]
            if complaint := await asyncio.to_thread(weigh, manifests, self.options.runtime):
                log.warning(complaint)

    async def answer(self, query: Q) -> Answer[A]:
        """Answer one query; queries of many requests share a batch. Raises what the engine raised for this query."""
        return await self._batcher.submit(query)

    def status(self) -> SlotStatus:
        return self._slot.status

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What Serve collects for the scaling policy: the fields of :class:`deployments.load.Load`."""
        return asdict(self._batcher.load())

    async def _answer_batch(self, queries: list[Q]) -> list[Answer[A] | Exception]:
        try:
            with self._slot.lease() as lease:
                try:
                    results = await asyncio.wrap_future(lease.submit(queries))
                except OutOfMemory as error:
                    return [error] * len(queries)
                except Exception as error:
                    if len(queries) == 1:
                        return [error]
                    # One bad query must not fail its neighbours: answer each by itself.
                    return [await self._alone(query) for query in queries]
                return list(
                    await asyncio.gather(
                        *(
                            self._finished(query, result, lease.model)
                            for query, result in zip(queries, results, strict=True)
                        )
                    )
                )
        except LookupError:
            return [Unavailable("The model is still loading.", retry_after=5) for _ in queries]

    async def _alone(self, query: Q) -> Answer[A] | Exception:
        with self._slot.lease() as lease:
            try:
                (result,) = await asyncio.wrap_future(lease.submit([query]))
            except Exception as error:
                return error
            return await self._finished(query, result, lease.model)

    async def _finished(self, query: Q, result: R, model: str) -> Answer[A] | Exception:
        try:
            return Answer(await asyncio.to_thread(self.finish, query, result), model)
        except Exception as error:
            return error

    def _load(self, choice: ModelSet) -> Engine[Q, R]:
        versions = [self._store.get(ref) for ref in (choice.model, *choice.extras)]
        for version in versions:
            self._store.verify(version.ref)
        return self.build(versions[0], versions[1:])
