"""The studio's state at a glance, put together from Serve, the metrics of every node and the models in use."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from pydantic import BaseModel

from deployments.slots import SlotStatus
from serve_app.status.figures import CPU, GPU, MEMORY_TOTAL, MEMORY_USED, Look, Series, load, node_share

# Ray pushes metrics every ten seconds; a shorter window would see steps, a longer one the past.
WINDOW_S = 15.0
FORGET_S = 120.0
REST_S = 1.0

Clock = Callable[[], float]
States = Callable[[], Awaitable[Mapping[str, SlotStatus | str]]]


@dataclass(frozen=True, slots=True)
class Served:
    """What Serve says of one deployment: ``running`` of ``wanted`` replicas."""

    name: str
    status: str
    running: int
    wanted: int
    message: str


class Cluster(Protocol):
    """Where the figures come from."""

    async def deployments(self) -> list[Served]:
        """Every deployment of the graph."""
        ...

    async def samples(self) -> dict[Series, float]:
        """The metrics of all nodes that answer."""
        ...


class DeploymentState(BaseModel):
    """One row. Rates are per second over ``window_s``, percentiles in milliseconds; null where nothing was seen."""

    name: str
    status: str
    replicas: int
    target: int
    rps: float | None
    errors_per_s: float | None
    p50_ms: float | None
    p95_ms: float | None
    ongoing: int
    queued: int
    model: str | None
    note: str | None


class StudioState(BaseModel):
    """The whole studio. Shares run from 0 to 1; ``window_s`` is null until two looks are far enough apart."""

    deployments: list[DeploymentState]
    window_s: float | None
    cpu: float | None
    memory: float | None
    gpu: float | None


class StatusBoard:
    """Remembers recent looks, so that whoever asks repeatedly sees rates; nothing runs while nobody asks."""

    def __init__(self, cluster: Cluster, states: States, *, clock: Clock = time.monotonic) -> None:
        self._cluster = cluster
        self._states = states
        self._clock = clock
        self._looks: deque[Look] = deque()
        self._looking = asyncio.Lock()

    async def read(self) -> StudioState:
        """The state now. Asking more often than once a second changes nothing."""
        served, states, now = await asyncio.gather(self._cluster.deployments(), self._states(), self._look())
        before = next(
            (look for look in reversed(self._looks) if look.samples and now.time - look.time >= WINDOW_S - REST_S), None
        )
        models = {name.lower(): state for name, state in states.items()}
        return StudioState(
            deployments=[self._row(entry, models.get(entry.name.lower()), now, before) for entry in served],
            window_s=None if before is None else round(now.time - before.time, 1),
            cpu=node_share(CPU, now),
            memory=node_share(MEMORY_USED, now, MEMORY_TOTAL),
            gpu=node_share(GPU, now),
        )

    async def _look(self) -> Look:
        async with self._looking:
            if not self._looks or self._clock() - self._looks[-1].time >= REST_S:
                samples = await self._cluster.samples()
                self._looks.append(Look(self._clock(), samples))
            while self._looks[-1].time - self._looks[0].time > FORGET_S:
                self._looks.popleft()
            return self._looks[-1]

    def _row(self, served: Served, model: SlotStatus | str | None, now: Look, before: Look | None) -> DeploymentState:
        version, note = None, served.message or None
        if isinstance(model, str):
            # Serve's message first, also of what is at rest: it says when no replica can be started.
            note = note or model
        elif model is not None:
            version = model.active.model if model.active is not None else None
            note = model.error or note
        return DeploymentState(
            name=served.name,
            status=served.status,
            replicas=served.running,
            target=served.wanted,
            model=version,
            note=note,
            **asdict(load(served.name, now, before)),
        )
