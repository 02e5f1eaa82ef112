"""A studio to be drilled: its own process on a store of its own, and the admin's hands on it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.ports import free_port
from drills.processes import below, resident_mb

KEY = "an-admin-key-for-drills-and-nothing-else"
START_S, CONVERGE_S = 180.0, 90.0
POLL_S = 0.25
"""Seldom enough that asking is no load of its own."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A decision or a version that was turned down, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Studio:
    """A running studio. ``pid`` is its first process, from which all others descend."""

    url: str
    pid: int
    client: httpx.AsyncClient

    async def models(self) -> dict[str, Any]:
        """The document of ``/v1/models``; asked again while the studio mends itself."""
        deadline = time.monotonic() + CONVERGE_S
        while True:
            try:
                response = await self.client.get("/v1/models")
                if response.is_success and response.json()["coordinated"]:
                    document: dict[str, Any] = response.json()
                    return document
            except httpx.HTTPError:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError("the studio does not say what it serves")
            await asyncio.sleep(POLL_S)

    async def active(self, model: str) -> str:
        """The version of ``model`` that answers."""
        (version,) = [
            entry["version"]
            for entry in (await self.models())["models"]
            if entry["model"] == model and entry["state"] == "active"
        ]
        return str(version)

    async def decide(self, model: str, action: str, **fields: Any) -> Refused | None:
        """Promote, roll back and so on; None when it was accepted."""
        response = await self.client.post(f"/v1/models/{model}/{action}", json=fields)
        return None if response.status_code == 202 else Refused(response.json()["detail"])

    async def staging(self, model: str, version: str) -> bool:
        """Wait until ``version`` is on its way; False when it has arrived before that was seen."""
        while True:
            states = {
                entry["version"]: entry["state"] for entry in (await self.models())["models"] if entry["model"] == model
            }
            if states[version] in {"staging", "active"}:
                return bool(states[version] == "staging")
            await asyncio.sleep(POLL_S / 10)

    async def settled(self, model: str, version: str) -> None:
        """Wait until ``version`` is active and the only one of ``model`` in memory."""
        await self._until(lambda entries: entries[version]["state"] == "active" and _held(entries) == {version}, model)

    async def refused(self, model: str, version: str) -> str:
        """Wait until ``version`` was turned down and nothing of it is held; why."""
        entries = await self._until(
            lambda entries: entries[version]["state"] == "refused" and version not in _held(entries), model
        )
        return str(entries[version]["reason"])

    async def _until(self, holds: Any, model: str) -> dict[str, dict[str, Any]]:
        deadline = time.monotonic() + CONVERGE_S
        while True:
            document = await self.models()
            entries = {entry["version"]: entry for entry in document["models"] if entry["model"] == model}
            if holds(entries):
                return entries
            if time.monotonic() > deadline:
                raise TimeoutError(f"{model}: {entries}")
            await asyncio.sleep(POLL_S)

    def kill(self, title: str) -> None:
        """SIGKILL to the one process whose title holds ``title``, such as ``ServeReplica:graph:Moderation``."""
        (process,) = below(psutil.Process(self.pid), title)
        process.kill()

    def resident_mb(self, title: str) -> float:
        """Memory of the processes with such a title, in MiB."""
        return resident_mb(below(psutil.Process(self.pid), title))


@asynccontextmanager
async def studio(folder: Path, **variables: str) -> AsyncIterator[Studio]:
    """A studio with these ``MASQUERADE_*`` variables, ready; ended when the block does."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MASQUERADE_")} | {
        "MASQUERADE_DATA_DIR": str(folder / "data"),
        "MASQUERADE_ADMIN_KEY": KEY,
        "MASQUERADE_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "RAY_SERVE_LOG_TO_STDERR": "0",
        **variables,
    }
    log = folder / "studio.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "serve_app", "serve", "--port", str(port),
            env=environment, stdout=output, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {KEY}"}
    try:
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
            await _ready(client, process, log)
            yield Studio(url, process.pid, client)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(60):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.returncode is not None:
            raise RuntimeError(f"the studio ended with {process.returncode}:\n{log.read_text()[-3000:]}")
        try:
            if (await client.get("/readyz")).is_success:
                return
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.25)
    raise TimeoutError(f"the studio was not ready within {START_S:.0f} s:\n{log.read_text()[-3000:]}")


def _held(entries: dict[str, dict[str, Any]]) -> set[str]:
    return {version for version, entry in entries.items() if entry["replicas"]}
