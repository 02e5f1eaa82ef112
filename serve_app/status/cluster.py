"""Serve's word on its deployments and Ray's metrics, asked from inside the cluster."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import ray

from serve_app.deployed import state_of
from serve_app.status.board import Served
from serve_app.status.figures import Series, parse

log = logging.getLogger(__name__)

TIMEOUT = aiohttp.ClientTimeout(total=5.0)


class RayCluster:
    """The cluster this process belongs to, seen through one Serve application."""

    def __init__(self, application: str) -> None:
        self._application = application

    async def deployments(self) -> list[Served]:
        return await asyncio.to_thread(self._deployments)

    def _deployments(self) -> list[Served]:
        application = state_of(self._application)
        if application is None:
            return []
        if not application.deployments:
            # While Serve builds an application anew, and after it failed to, it names none.
            status = str(application.status.value).lower().replace("_", " ")
            return [Served(self._application, status, running=0, wanted=0, message=application.message)]
        return [
            Served(
                name,
                state.status.lower().replace("_", " "),
                running=state.replicas["RUNNING"],
                wanted=state.replicas.total() - state.replicas["STOPPING"],
                message=state.message,
            )
            for name, state in sorted(application.deployments.items())
        ]

    async def samples(self) -> dict[Series, float]:
        """The metrics of every node that answers within five seconds."""
        nodes = await asyncio.to_thread(ray.nodes)
        addresses = [f"{node['NodeManagerAddress']}:{node['MetricsExportPort']}" for node in nodes if node["Alive"]]
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            pages = await asyncio.gather(*(_fetch(session, address) for address in addresses))
        samples: dict[Series, float] = {}
        for page in pages:
            samples |= await asyncio.to_thread(parse, page)
        return samples


async def _fetch(session: aiohttp.ClientSession, address: str) -> str:
    # Addresses come from Ray's own list of nodes, never from a request.
    try:
        async with session.get(f"http://{address}/metrics") as response:
            return await response.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        log.warning("a node exports no metrics", extra={"node": address, "reason": type(error).__name__})
        return ""
