"""The one replica that looks after versions: a coordinator in a loop, behind a Serve handle."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from ray.serve.exceptions import DeploymentUnavailableError
from ray.serve.handle import DeploymentHandle

from deployments.serving.types import Report
from deployments.slots import Plan
from serve_app.settings import Settings
from serve_app.telemetry.logs import to_stderr
from serve_app.versions.coordinator import Coordinator, State
from serve_app.versions.live import LiveConfig

log = logging.getLogger(__name__)

IDLE_S, BUSY_S = 5.0, 0.2
REPORT_TIMEOUT_S = 10.0


class Versions:
    """Keeps the graph at what the store asks for. Serve restarts it where it dies; nothing is lost with it."""

    def __init__(
        self, settings: Settings, application: str, built: Mapping[str, Plan], handles: dict[str, DeploymentHandle[Any]]
    ) -> None:
        """``built`` and ``handles`` are by capability."""
        to_stderr()
        self._handles = handles
        self._config = LiveConfig(application)
        deployments = {capability: handle.deployment_name for capability, handle in handles.items()}
        store = settings.model_store.open()
        self._coordinator = Coordinator(store, settings.models, built, deployments, self._config, self._ask)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def check_health(self) -> None:
        """Serve asks when the replica starts and every few seconds: a loop that ended begins again."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def notice(self) -> None:
        """The store has changed: look now instead of at the next turn."""
        self._wake.set()

    async def state(self) -> State:
        """What the last look at the graph saw."""
        return self._coordinator.state

    async def configuration(self) -> dict[str, Any]:
        """The live configuration of the application, as a configuration file has it."""
        return await self._config.document()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                more = await self._coordinator.step()
            except Exception:
                log.exception("the versions could not be looked after; trying again")
                more = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BUSY_S if more else IDLE_S):
                    await self._wake.wait()

    async def _ask(self, capability: str) -> list[Report]:
        try:
            answers = (
                await self._handles[capability]
                .broadcast("report")
                .results_async(timeout_s=REPORT_TIMEOUT_S, return_exceptions=True)
            )
        except (DeploymentUnavailableError, TimeoutError):
            return []
        return [answer for answer in answers if isinstance(answer, Report)]
