"""The bot's processes: started, killed at any moment, started again, and closed in order at the end."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from benchmarks.figures import Figure, never
from drills.bot.replica import Part, play

PATIENCE_S = 180.0

_CONTEXT = multiprocessing.get_context("forkserver")


@dataclass(frozen=True, slots=True)
class Kill:
    """A SIGKILL: when (Unix seconds), and to which process."""

    when: float
    name: str


class Troupe:
    """Keeps one process per part running. A process that ends without having been killed is a fault of the bot's."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.kills: list[Kill] = []
        self.faults: list[str] = []
        """Processes that ended by themselves, with their exit codes."""
        self._parts = {f"{part.role}-{number}": part for number, part in enumerate(parts, start=1)}
        self._processes: dict[str, ForkServerProcess] = {}
        self._up: dict[str, asyncio.Event] = {name: asyncio.Event() for name in self._parts}
        self._closing = False

    @property
    def names(self) -> list[str]:
        return list(self._parts)

    def pid(self, name: str) -> int | None:
        """The process that plays a part now, if any does."""
        process = self._processes.get(name)
        return process.pid if process is not None and process.is_alive() else None

    def breakages(self) -> Figure:
        """How many processes ended by themselves, and how."""
        name = ": ".join(["processes that broke", *filter(None, ["; ".join(self.faults)])])
        return never(name, len(self.faults))

    def kill(self, *names: str) -> None:
        """SIGKILL these processes at once, all of them without names; they are started again."""
        for name in names or self.names:
            process = self._processes.get(name)
            if process is not None and process.is_alive():
                process.kill()
                self._up[name].clear()
                self.kills.append(Kill(time.time(), name))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Every process stands still (SIGSTOP) until the block ends."""
        pids = [process.pid for process in self._processes.values() if process.is_alive() and process.pid]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    async def whole(self) -> None:
        """Return when every process is at work."""
        for up in self._up.values():
            async with asyncio.timeout(PATIENCE_S):
                await up.wait()

    @contextlib.asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Run the processes until the block ends, then ask them to end."""
        await asyncio.to_thread(_await_fork_server)
        keepers = [asyncio.create_task(self._keep(name, part)) for name, part in self._parts.items()]
        try:
            await self.whole()
            yield
        finally:
            self._closing = True
            await self._close(keepers)

    async def _keep(self, name: str, part: Part) -> None:
        """Start this process, and start it again whenever it has ended."""
        while not self._closing:
            ours, theirs = _CONTEXT.Pipe(duplex=False)
            process = _CONTEXT.Process(target=play, args=(part, theirs), name=name, daemon=True)
            # Not in a thread: starting looks after the processes before, and of two who read how one ended the second
            # reads nothing, which counts as 255.
            process.start()
            self._processes[name] = process
            theirs.close()
            with ours:
                await _readable(ours.fileno())
                # It is readable at the end too, when the process died before it was ready.
                with contextlib.suppress(EOFError):
                    ours.recv_bytes()
                    self._up[name].set()
            await _readable(process.sentinel)
            self._up[name].clear()
            process.join()
            if not self._closing and not self._was_killed(name, process):
                self.faults.append(f"{name} ended with {process.exitcode}")

    def _was_killed(self, name: str, process: ForkServerProcess) -> bool:
        return process.exitcode == -9 and any(kill.name == name for kill in self.kills)

    async def _close(self, keepers: Sequence[asyncio.Task[None]]) -> None:
        for process in self._processes.values():
            process.terminate()
        _, late = await asyncio.wait(keepers, timeout=PATIENCE_S)
        for process in self._processes.values():
            if process.is_alive():
                self.faults.append(f"{process.name} did not end within {PATIENCE_S:.0f} s of being asked to")
                process.kill()
        for keeper in late:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


def _await_fork_server() -> None:
    """Return when the fork server has imported the bot, and starting a process takes no time any more."""
    first = _CONTEXT.Process(target=_nothing)
    first.start()
    first.join()


def _nothing() -> None:
    """What the first process does."""


def warm_up() -> None:
    """Let the fork server import the bot before the first process is asked for."""
    _CONTEXT.set_forkserver_preload([play.__module__])


async def rain(troupe: Troupe, dice: random.Random, pause_s: tuple[float, float]) -> None:
    """Kill one process after the other, and now and then all of them at once, until cancelled."""
    while True:
        await asyncio.sleep(dice.uniform(*pause_s))
        if dice.random() < 0.2:
            troupe.kill()
        else:
            troupe.kill(dice.choice(troupe.names))


def memory_mb(pid: int) -> float | None:
    """A process's resident memory, without the pages it shares with the server it was forked from."""
    with contextlib.suppress(OSError):
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
        return (int(resident) - int(shared)) * 4096 / 2**20
    return None


async def _readable(descriptor: int) -> None:
    """Wait until a descriptor can be read from."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
