"""The crash drill: jobs under load while the bot's processes are killed, updates come thrice and sends are refused."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from statistics import median

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.figures import Figure, never
from bot.accounts.credits import EntryKind
from bot.accounts.tables import Entry, Wallet
from bot.accounts.tariff import Tariff
from bot.delivery.tables import Delivery
from bot.intake.tables import Upload
from bot.playground.client import Person
from bot.playground.conversation import NothingCame, Reply
from bot.playground.faults import Faults
from bot.playground.telegram.model import Event, Message
from drills import databases
from drills.bot.evidence import Arrival, Evidence, Promise
from drills.bot.numbered import number_of, photo
from drills.bot.orders import Order, plan
from drills.bot.stage import BAD_WEATHER, Mode, Setting, Stage, stage
from drills.bot.studio import STYLES, Pace
from drills.bot.troupe import rain
from drills.telling import Tell
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job

ENDOWMENT = 1000
TARIFF = Tariff(free_daily=0, free_album=10)
PACE = Pace(0.1, 0.6)
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything.

    ``people`` send ``photos`` within ``send_s`` seconds. For ``kill_s`` seconds a process is killed every ``pause_s``;
    ``aimed`` is the share of results at whose arrival every process is killed, before it can record it.
    """

    photos: int = 200
    people: int = 60
    send_s: float = 35.0
    kill_s: float = 45.0
    pause_s: tuple[float, float] = (1.0, 4.0)
    aimed: float = 0.03
    processes: int = 3
    workers: int = 2
    takeover_s: float = 10.0
    patience_s: float = 300.0


async def run(
    database: databases.Kind, mode: Mode, scale: Scale, seed: int, tell: Tell, faults: Faults = BAD_WEATHER
) -> list[Figure]:
    """Drill once."""
    setting = Setting(database, mode, scale.processes, scale.workers, TARIFF, PACE, takeover_s=scale.takeover_s)
    began = time.monotonic()
    async with stage(setting, faults=faults, patience=scale.patience_s) as running:
        drill = CrashDrill(running, scale, random.Random(seed), tell)
        await drill.run()
        evidence = await drill.evidence()
        injected, traffic, complaints = running.playground.injected, running.playground.traffic, running.complaints()
    refusals = injected.get("too_many_requests", 0) + injected.get("server_error", 0)
    return [
        *evidence.verdict().figures(),
        Figure("processes killed", len(evidence.kills), bar=1),
        Figure("sends answered 429 or 500", refusals),
        Figure("updates delivered once more", injected.get("repeated", 0)),
        never("messages beyond Telegram's limits", traffic.refused),
        running.troupe.breakages(),
        never("errors logged", len(complaints)),
        Figure("from photo to result, median", drill.median_wait(evidence), unit="s"),
        Figure("time taken", time.monotonic() - began, unit="s"),
    ]


class CrashDrill:
    """One run on a stage."""

    def __init__(self, running: Stage, scale: Scale, dice: random.Random, tell: Tell) -> None:
        self._stage = running
        self._scale = scale
        self._dice = dice
        self._tell = tell
        self._people = [running.playground.person(f"Person {number}") for number in range(1, scale.people + 1)]
        self._orders = plan(scale.photos, scale.people, scale.send_s, dice)
        self._sent: dict[int, tuple[int, float]] = {}
        """By the message a photo was sent in: its number and when."""
        self._came: list[tuple[float, Message]] = []
        self._killing = False
        running.playground.telegram.listeners.append(self._hear)

    async def run(self) -> None:
        """Send everything while processes die, then wait until the bot has come to rest."""
        await self._stage.endow(self._people, ENDOWMENT)
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks, self._killed():
            for order in self._orders:
                await asyncio.sleep(max(0.0, began + order.at - time.monotonic()))
                tasks.create_task(self._place(order))
                self._tell("sending photos and killing processes", order.numbers[-1], self._scale.photos)
            await asyncio.sleep(max(0.0, began + self._scale.kill_s - time.monotonic()))
        await self._rest()

    async def evidence(self) -> Evidence:
        """What came, and what the bot says of it."""
        numbers = {message_id: number for message_id, (number, _) in self._sent.items()}
        async with self._stage.sessions() as session:
            promises = await _promises(session, numbers)
            balances = {wallet.user_id: wallet.balance for wallet in (await session.execute(select(Wallet))).scalars()}
        return Evidence(
            owners={n: self._people[order.person].user.id for order in self._orders for n in order.numbers},
            endowment=ENDOWMENT,
            arrivals=self._arrivals(),
            promises=promises,
            balances=balances,
            kills=[kill.when for kill in self._stage.troupe.kills],
        )

    def median_wait(self, evidence: Evidence) -> float:
        """Seconds from a photo to the first copy of its result."""
        sent = dict(self._sent.values())
        first: dict[int, float] = {}
        for arrival in evidence.arrivals:
            first[arrival.number] = min(first.get(arrival.number, arrival.when), arrival.when)
        return median(when - sent[number] for number, when in first.items()) if first else float("nan")

    async def _place(self, order: Order) -> None:
        """Send an order; where the bot asks, tap a style."""
        person = self._people[order.person]
        style = self._dice.choice(STYLES)
        pictures = [photo(number) for number in order.numbers]
        when = time.time()
        if order.way == "album":
            messages = await person.send_album(pictures, style)
        else:
            messages = [await person.send_photo(pictures[0], style if order.way == "caption" else "")]
        self._sent |= {m.id: (number, when) for m, number in zip(messages, order.numbers, strict=True)}
        if order.way == "tap":
            # A question that never comes shows as a result that is lost.
            with contextlib.suppress(NothingCame):
                await person.tap(await _question(person, messages[0]), style.capitalize())

    @contextlib.asynccontextmanager
    async def _killed(self) -> AsyncIterator[None]:
        """Kill processes until the block ends, and see all of them up again."""
        self._killing = True
        raining = asyncio.create_task(rain(self._stage.troupe, self._dice, self._scale.pause_s))
        try:
            yield
        finally:
            self._killing = False
            raining.cancel()
            await asyncio.gather(raining, return_exceptions=True)
        await self._stage.troupe.whole()

    def _hear(self, event: Event) -> None:
        """Note the pictures that come, and sometimes kill the bot before it knows that they have arrived."""
        message = event.message
        if event.kind == "message" and message is not None and message.by_bot and "photo" in message.content:
            self._came.append((time.time(), message))
            if self._killing and self._dice.random() < self._scale.aimed:
                self._stage.troupe.kill()

    async def _rest(self) -> None:
        """Wait until every job has come to an end that its owner knows of, and no update is left."""
        deadline = time.monotonic() + self._scale.patience_s
        while time.monotonic() < deadline:
            async with self._stage.sessions() as session:
                ended = await _ended(session)
            self._tell("waiting for the last results", ended, self._scale.photos)
            if ended >= self._scale.photos and not self._stage.playground.updates.outstanding():
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _arrivals(self) -> list[Arrival]:
        files = self._stage.playground.telegram.files
        found = [(when, message.chat.id, number_of(Reply(message, files).file())) for when, message in self._came]
        return [Arrival(number, owner, when) for when, owner, number in found if number is not None]


async def _question(person: Person, sent: Message) -> Reply:
    """The bot's question about a photo."""

    def look() -> Reply | None:
        asked = (r for r in person.chat.replies if r.rows and r.kind == "text" and r.message.reply_to is sent)
        return next(asked, None)

    return await person.chat.until(look, "question about a photo")


async def _ended(session: AsyncSession) -> int:
    over = or_(Job.state.in_([State.DELIVERED, State.CANCELLED]), Job.delivered.is_not(None))
    return (await session.execute(select(func.count()).select_from(Job).where(over))).scalar_one()


async def _promises(session: AsyncSession, numbers: Mapping[int, int]) -> list[Promise]:
    """The bot's jobs; ``numbers`` are those of the photos by the message they came in (0: no photo of ours)."""
    uploads = {upload.key: upload.message_id for upload in (await session.execute(select(Upload))).scalars()}
    bookings: dict[str, dict[str, int]] = {}
    charges: dict[str, int] = {}
    jobs_entries = select(Entry).where(Entry.kind.in_([EntryKind.RESERVE, EntryKind.SETTLE, EntryKind.RELEASE]))
    for entry in (await session.execute(jobs_entries)).scalars():
        kinds = bookings.setdefault(entry.reference, {})
        kinds[entry.kind] = kinds.get(entry.kind, 0) + 1
        charges[entry.reference] = charges.get(entry.reference, 0) - entry.credits - entry.quota
    return [
        Promise(
            number=numbers.get(uploads.get(job.inputs.get("image", ""), 0), 0),
            owner=slip.user_id,
            delivered=job.state == State.DELIVERED and slip.sent is not None,
            repeats=slip.repeats,
            charges=charges.get(job.id, 0),
            bookings=bookings.get(job.id, {}),
        )
        for job, slip in (await session.execute(select(Job, Delivery).join(Delivery, Delivery.job_id == Job.id)))
    ]
