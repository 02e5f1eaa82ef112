"""Swapping any number of faces of a picture: safety, suitability, one backend, optional restoration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from deployments.errors import FaceUnsuitable
from deployments.imaging import Pixels
from deployments.runtime import Runtime
from deployments.swap import mapping, safety
from deployments.swap.backend import Job, Obstacle, Swapper
from deployments.swap.embedded import EmbeddedSwapper
from deployments.swap.inswapper import InSwapper
from deployments.swap.restoration import Damaged, Restorer
from deployments.swap.safety import BlockList
from deployments.swap.suitability import common_obstacle, same_face
from deployments.swap.types import Reason, Skipped, SourceFace, SwapQuery, SwapResult
from registry.manifest import ModelVersion

__all__ = ["Skipped", "SourceFace", "SwapEngine", "SwapQuery", "SwapResult", "build"]


@dataclass(slots=True)
class _Plan:
    """A query on its way: ``answer`` is what its patches are laid into."""

    query: SwapQuery
    answer: Pixels = field(repr=False)
    jobs: list[Job]
    swapped: list[tuple[int, int]]
    skipped: list[Skipped]


class SwapEngine:
    """Faces of many requests go through the backend, and through the restoration network, together."""

    def __init__(
        self,
        swapper: Swapper,
        restorer: Restorer | None = None,
        blocked: BlockList | None = None,
    ) -> None:
        self._swapper = swapper
        self._restorer = restorer
        self._blocked = blocked

    def warm_up(self) -> None:
        """Send a made-up face through every network."""
        self._swapper.warm_up()
        if self._restorer is not None:
            self._restorer.warm_up()

    def run(self, batch: Sequence[SwapQuery]) -> list[SwapResult]:
        """Swap as the mappings say.

        A pair that cannot be swapped well is left as it was and named in ``skipped`` with the reason.

        Raises :class:`FaceUnsuitable` when that goes for every pair of a query or somebody looks under age,
        :class:`Refused` for a source on the block list and :class:`InvalidField` for a face that is not there; all of
        them before a pixel of any query is computed.
        """
        plans = [self._plan(query) for query in batch]
        jobs = [(plan, job) for plan in plans for job in plan.jobs]
        for (plan, _), patch in zip(jobs, self._swapper.swap([job for _, job in jobs]), strict=True):
            patch.onto(plan.answer)
        if self._restorer is not None:
            damaged = [Damaged(plan.answer, job.target_face) for plan, job in jobs]
            for (plan, _), patch in zip(jobs, self._restorer.restore(damaged), strict=True):
                patch.onto(plan.answer)
        return [SwapResult(plan.answer, tuple(plan.swapped), tuple(plan.skipped)) for plan in plans]

    def close(self) -> None:
        self._swapper.close()
        if self._restorer is not None:
            self._restorer.close()

    def _plan(self, query: SwapQuery) -> _Plan:
        mapping.check(query.mapping, len(query.sources), len(query.target_faces))
        safety.check(query, self._blocked)
        pixels = np.require(query.target.pixels(), requirements=["C", "W"])
        plan = _Plan(query, pixels, [], [], [])
        for source, target in query.mapping:
            job = Job(query.sources[source], pixels, query.target_faces[target])
            obstacle = _identity(query, source, target) or common_obstacle(job) or self._swapper.obstacle(job)
            if obstacle is None:
                plan.jobs.append(job)
                plan.swapped.append((source, target))
            else:
                plan.skipped.append(Skipped(source, target, obstacle.reason, obstacle.message))
        if plan.skipped and not plan.swapped:
            first = plan.skipped[0]
            raise FaceUnsuitable(first.message, reason=first.reason.value, skipped=len(plan.skipped))
        if len(plan.jobs) > 1:
            # The first patch is laid in before the second is computed, and neighbours are to be seen as they were.
            plan.answer = pixels.copy()
        return plan


def build(version: ModelVersion, runtime: Runtime, extras: Sequence[ModelVersion] = ()) -> SwapEngine:
    """The engine of a ``face-swap`` version: backend ``embedded`` (no files) or ``inswapper``.

    ``extras`` may hold one ``face-restoration`` version and one ``face-block-list`` version, the block list. Raises
    ``ValueError`` for anything else.
    """
    swapper: Swapper
    if version.manifest.backend == "embedded":
        swapper = EmbeddedSwapper()
    elif version.manifest.backend == "inswapper":
        swapper = InSwapper(version, runtime)
    else:
        raise ValueError(f"{version.ref}: {version.manifest.backend!r} is not a backend for swapping faces")
    restorer: Restorer | None = None
    blocked: BlockList | None = None
    for extra in extras:
        if extra.manifest.task == "face-restoration" and restorer is None:
            restorer = Restorer(extra, runtime)
        elif extra.manifest.task == "face-block-list" and blocked is None:
            blocked = BlockList.load(extra)
        else:
            raise ValueError(f"{extra.ref} ({extra.manifest.task}) has no place beside {version.ref}")
    return SwapEngine(swapper, restorer, blocked)


def _identity(query: SwapQuery, source: int, target: int) -> Obstacle | None:
    giver = query.sources[source]
    if giver.photo.digest == query.target.digest and same_face(giver.face, query.target_faces[target]):
        return Obstacle(Reason.SAME_FACE, "Source and target are the same face of the same picture.")
    return None
