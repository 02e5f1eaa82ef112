"""What people ask of the drilled studio: several kinds of calls, by a client of ours or by a bare one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from benchmarks.load import Reply
from drills.telling import say
from serve_app.client import StudioClient, StudioRefusal

DEADLINE_S = 30.0
JOB_S = 150.0
"""A worker's lease and then some: what a killed gateway had in hand is taken over when it ends."""


@dataclass(frozen=True, slots=True)
class Call:
    """One kind: a GET without a photo, or a POST with one."""

    path: str
    fields: dict[str, str] = field(default_factory=dict)
    photo: bool = True


PAINT = Call("/v1/style", {"style": "wave"})
MODERATE = Call("/v1/moderate")
JUDGE = Call("/v1/authenticity")
LIST = Call("/v1/styles", photo=False)
ORDER = Call("/v1/jobs", {"kind": "style", "style": "wave"})
MIX = (PAINT, MODERATE, PAINT, JUDGE, PAINT, LIST, MODERATE, ORDER)


def patient(client: StudioClient, photo: bytes, jobs: list[str]) -> Callable[[int], Awaitable[Reply]]:
    """Requests of the mix in turn by our client; ``jobs`` gathers the ids of those that were ordered."""

    async def send(number: int) -> Reply:
        call = MIX[number % len(MIX)]
        try:
            answer = await (
                client.post(call.path, {"image": photo}, **call.fields) if call.photo else client.get(call.path)
            )
        except StudioRefusal as refusal:
            return Reply(refusal.status, detail=f"{call.path}: {refusal.slug}: {refusal.detail}")
        if call is ORDER:
            jobs.append(str(answer.json()["id"]))
        return Reply(200, answer.model)

    return send


def bare(http: aiohttp.ClientSession, photo: bytes) -> Callable[[int], Awaitable[Reply]]:
    """The same by a client that asks once and takes what it gets."""

    async def send(number: int) -> Reply:
        call = MIX[number % len(MIX)]
        async with asked(http, call, photo) as response:
            body = await response.read()
            return Reply(200) if response.ok else Reply(response.status, detail=f"{call.path}: {body[:200]!r}")

    return send


def asked(http: aiohttp.ClientSession, call: Call, photo: bytes) -> aiohttp.client._RequestContextManager:
    """One call, once."""
    if not call.photo:
        return http.get(call.path)
    form = aiohttp.FormData()
    form.add_field("image", photo, filename="photo.jpg", content_type="image/jpeg")
    for name, value in call.fields.items():
        form.add_field(name, value)
    return http.post(call.path, data=form)


async def delivered(client: StudioClient, jobs: list[str]) -> int:
    """How many of the jobs have a result within :data:`JOB_S` seconds from now."""
    ends = time.monotonic() + JOB_S

    async def has_result(job: str) -> bool:
        while time.monotonic() < ends:
            try:
                return bool((await client.get(f"/v1/jobs/{job}/result")).data)
            except StudioRefusal as refusal:
                if refusal.status != 409:
                    say(f"  job {job}: {refusal.status} {refusal.detail}")
                    return False
            await asyncio.sleep(1)
        say(f"  job {job}: {json.loads((await client.get(f'/v1/jobs/{job}')).data)}")
        return False

    results = [await has_result(job) for job in jobs]
    return sum(results)
