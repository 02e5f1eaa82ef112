"""What a replica does beside answering: it keeps the store's record of what it holds, off the path of requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from pathlib import Path

import pytest

from deployments.runtime import Runtime
from deployments.serving.deployment import ModelDeployment
from deployments.serving.types import Options
from deployments.slots import Plan, Slot
from registry.leases import Held
from registry.manifest import ModelVersion
from registry.opening import StoreAddress
from registry.store import FolderStore
from tests import versions


class Echo:
    def warm_up(self) -> None:
        pass

    def run(self, batch: Sequence[int]) -> list[int]:
        return list(batch)

    def close(self) -> None:
        pass


class Echoing(ModelDeployment[int, int, int]):
    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Echo:
        return Echo()

    async def finish(self, query: int, result: int) -> int:
        return result


class Signing(Echoing):
    """Signs with whoever had a part in it: even numbers are the first extra's work, odd ones the second's."""

    def contributors(self, engine: Echo, query: int) -> tuple[str, ...]:
        return (f"extra-{query % 2}@v1",)


async def test_an_answer_names_every_version_that_had_a_part_in_it(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    ref = versions.publish(store).ref
    signing = Signing(Options(StoreAddress(str(tmp_path)), Runtime(), max_batch=2))
    await signing.reconfigure({"stable": {"model": ref, "extras": []}})
    answers = await asyncio.gather(*(signing.answer(number) for number in (2, 3)))
    assert [answer.models for answer in answers] == [(ref, "extra-0@v1"), (ref, "extra-1@v1")]


async def test_what_is_held_is_written_down_by_a_thread_that_no_request_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease in a bucket takes a request over the network, also where nothing has to be loaded first."""
    store = FolderStore(tmp_path)
    refs = [versions.publish(store, version=version).ref for version in ("v1", "v2")]
    writers: list[threading.Thread] = []
    hold, follow = FolderStore.hold, Slot.follow

    def noting(to: FolderStore, held: Held) -> None:
        if to.root == tmp_path:  # A replica of an earlier test may only now be collected, here, and let go of its own.
            writers.append(threading.current_thread())
        hold(to, held)

    def done_at_once(slot: Slot[int, int], plan: Plan, *told: Callable[[bool], None]) -> Future[None]:
        followed = follow(slot, plan, *told)
        wait([followed], 10)
        return followed

    monkeypatch.setattr(FolderStore, "hold", noting)
    monkeypatch.setattr(Slot, "follow", done_at_once)
    replica = Echoing(Options(StoreAddress(str(tmp_path)), Runtime()))
    for beside in ({}, {"canary": {"model": refs[1], "percent": 5}}, {}):
        await replica.reconfigure({"stable": {"model": refs[0]}, **beside})
    assert [held.refs for held in store.leases()] == [(refs[0],)]
    assert threading.current_thread() not in writers
