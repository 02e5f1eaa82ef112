"""The crowd drill: a thousand people within a minute, one of them with fifty photos, and Telegram's limits in force."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final

import numpy as np
from sqlalchemy import select

from benchmarks.figures import Figure, never
from bot.accounts.tariff import Tariff
from bot.playground.client import Person
from bot.playground.telegram.model import Event
from drills import databases
from drills.bot.numbered import photo
from drills.bot.stage import Setting, Stage, stage
from drills.bot.studio import STYLES, Pace
from drills.bot.troupe import memory_mb
from drills.telling import Tell
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

TARIFF: Final = Tariff(free_daily=50, free_album=10)
SAMPLE_S: Final = 1.0
A_WHILE_S: Final = 8.0
AHEAD: Final = re.compile(r"In the queue: (one|\d+) picture")


@dataclass(frozen=True, slots=True)
class Scale:
    """``people`` send a photo each within ``send_s`` seconds; one of them sends ``many`` at the very beginning."""

    people: int = 1000
    many: int = 50
    send_s: float = 60.0
    processes: int = 2
    workers: int = 4
    patience_s: float = 420.0


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody read at ``when`` that ``ahead`` pictures come before theirs."""

    person: int
    when: float
    ahead: int


@dataclass(frozen=True, slots=True)
class Work:
    """When a person's job was ordered, begun and delivered (Unix seconds), by the ledger."""

    person: int
    created: float
    started: float
    delivered: float


@dataclass(slots=True)
class Seen:
    """What was noted while the crowd was there. ``memory`` holds (seconds, MB) of all the bot's processes together."""

    told: list[Told] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


async def run(database: databases.Kind, scale: Scale, seed: int, tell: Tell) -> list[Figure]:
    """Drill once."""
    setting = Setting(database, "webhook", scale.processes, scale.workers, TARIFF, Pace(0.3, 0.7))
    began = time.monotonic()
    async with stage(setting, patience=scale.patience_s) as running:
        drill = CrowdDrill(running, scale, random.Random(seed), tell)
        await drill.run()
        works = await drill.works()
        traffic, refusals = running.playground.traffic, running.playground.refusals
        complaints = running.complaints()
    flooded = [refusal for refusal in refusals if "Too Many Requests" in refusal and "setwebhook" not in refusal]
    ordered = scale.people - 1 + scale.many
    return [
        Figure("photos sent", ordered),
        Figure("results delivered", len(works), bar=ordered),
        Figure("messages sent", traffic.messages),
        never("messages beyond Telegram's limits", traffic.refused + len(flooded)),
        Figure("most within a second", traffic.overall_peak_per_second, bar=30, higher_is_better=False),
        *fairness(works, drill.greedy),
        *truthfulness(drill.seen.told, works),
        *candour(drill.seen.told, works),
        *growth(drill.seen.memory),
        running.troupe.breakages(),
        never("errors logged", len(complaints)),
        Figure("time taken", time.monotonic() - began, unit="s"),
    ]


class CrowdDrill:
    """One run on a stage. ``greedy`` is who sends fifty photos."""

    def __init__(self, running: Stage, scale: Scale, dice: random.Random, tell: Tell) -> None:
        self.seen = Seen()
        self._stage = running
        self._scale = scale
        self._dice = dice
        self._tell = tell
        self._people = [running.playground.person(f"Person {number}") for number in range(1, scale.people + 1)]
        self.greedy = self._people[0].user.id
        running.playground.telegram.listeners.append(self._hear)

    async def run(self) -> None:
        """Send everything, and wait until everybody has their pictures."""
        weighing = asyncio.create_task(self._weigh())
        try:
            began = time.monotonic()
            for number in range(self._scale.many):
                await self._send(self._people[0], number + 1)
            moments = sorted(self._dice.uniform(0, self._scale.send_s) for _ in self._people[1:])
            for number, (person, moment) in enumerate(zip(self._people[1:], moments, strict=True), start=1):
                await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
                await self._send(person, self._scale.many + number)
                self._tell("people arrive", number, self._scale.people)
            await self._served()
        finally:
            weighing.cancel()
            await asyncio.gather(weighing, return_exceptions=True)

    async def works(self) -> list[Work]:
        """The jobs that were delivered."""
        async with self._stage.sessions() as session:
            jobs = (await session.execute(select(Job).where(Job.state == State.DELIVERED))).scalars().all()
        return [
            Work(int(job.owner.removeprefix("tg:")), job.created, job.started or 0.0, job.delivered or 0.0)
            for job in jobs
        ]

    async def _send(self, person: Person, number: int) -> None:
        await person.send_photo(photo(number), self._dice.choice(STYLES))

    async def _served(self) -> None:
        wanted = self._scale.people - 1 + self._scale.many
        deadline = time.monotonic() + self._scale.patience_s
        while (served := len(await self.works())) < wanted and time.monotonic() < deadline:
            self._tell("people are served", served, wanted)
            await asyncio.sleep(SAMPLE_S)

    async def _weigh(self) -> None:
        """Note the memory of the bot's processes every second."""
        troupe = self._stage.troupe
        while True:
            weights = [memory_mb(pid) for name in troupe.names if (pid := troupe.pid(name)) is not None]
            self.seen.memory.append((time.monotonic(), sum(weight for weight in weights if weight is not None)))
            await asyncio.sleep(SAMPLE_S)

    def _hear(self, event: Event) -> None:
        """Note what people read about the queue."""
        message = event.message
        if message is None or not message.by_bot or event.kind not in {"message", "edit"} or message.chat.user is None:
            return
        text = str(message.content.get("text", ""))
        found = AHEAD.match(text)
        if found is None and text != "You are next.":
            return
        ahead = 0 if found is None else 1 if found[1] == "one" else int(found[1])
        self.seen.told.append(Told(message.chat.user.id, time.time(), ahead))


def fairness(works: Sequence[Work], greedy: int) -> list[Figure]:
    """How long people waited, and how much of the wait of any of them went into the greedy one's photos."""
    others = [work for work in works if work.person != greedy]
    fifty = sorted(work.started for work in works if work.person == greedy)
    waits = [work.delivered - work.created for work in others]
    before = [sum(work.created < started < work.started for started in fifty) for work in others]
    jobs_before = [sum(work.created < other.started < work.started for other in works) for work in others]
    share = max((mine / total for mine, total in zip(before, jobs_before, strict=True) if total >= 20), default=0.0)
    return [
        Figure("from order to result, median", median(waits), unit="s"),
        Figure("from order to result, 95 %", quantiles(waits, n=20)[-1], unit="s"),
        Figure("the fifty photos' share of any wait, at most", share, bar=0.25, higher_is_better=False),
        Figure(
            "the last of the fifty, after", max(w.delivered - w.created for w in works if w.person == greedy), unit="s"
        ),
    ]


def truthfulness(told: Sequence[Told], works: Sequence[Work]) -> list[Figure]:
    """What people with one photo read about the queue, against how many jobs were begun until theirs was.

    An answer is off by what begins while it travels, so small differences are no lies.
    """
    single = {work.person: work for work in works if sum(other.person == work.person for other in works) == 1}
    starts = np.sort([work.started for work in works])
    off: list[float] = []
    for word in told:
        work = single.get(word.person)
        if work is None:
            continue
        # What is told when the work has begun already is off by all of it.
        really = max(0, int(np.searchsorted(starts, work.started) - np.searchsorted(starts, word.when)))
        off.append(abs(word.ahead - really) / (10 + really))
    shares = np.array(off) if off else np.array([np.nan])
    return [
        Figure("positions told", len(off)),
        Figure("off by, median", 100 * float(np.median(shares)), bar=10, unit="%", higher_is_better=False),
        Figure("off by, 95 %", 100 * float(np.quantile(shares, 0.95)), bar=50, unit="%", higher_is_better=False),
    ]


def candour(told: Sequence[Told], works: Sequence[Work]) -> list[Figure]:
    """Whether people whose result takes a while hear where they stand. Everybody sees an activity beside it."""
    informed = {word.person for word in told}
    waiting = [work.person in informed for work in works if work.delivered - work.created > A_WHILE_S]
    if not waiting:
        return []
    return [
        Figure(f"of those who waited over {A_WHILE_S:.0f} s, told a place", 100 * float(np.mean(waiting)), unit="%")
    ]


def growth(memory: Sequence[tuple[float, float]]) -> list[Figure]:
    """How memory grew in the second half of the time, when everything had been used once."""
    half = memory[len(memory) // 2 :]
    seconds, megabytes = np.array(half).T
    slope = float(np.polyfit(seconds, megabytes, 1)[0]) * 60
    return [
        Figure("memory of all processes, at most", max(weight for _, weight in memory), unit="MB"),
        Figure("memory growth, second half", slope, bar=20, unit="MB/min", higher_is_better=False),
    ]
