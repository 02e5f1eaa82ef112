"""Everything the bot consists of, put together once: what handlers are given, and what runs behind them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from bot.accounts.accounts import CHANNEL, Accounts, Keeping
from bot.accounts.bank import StarBank
from bot.accounts.cashier import Cashier
from bot.accounts.credits import Credits
from bot.accounts.payments import Payments
from bot.delivery.broadcast import Broadcaster
from bot.delivery.courier import Courier
from bot.delivery.handover import Handover
from bot.delivery.limiter import Limiter
from bot.delivery.messages import Sender
from bot.delivery.outbound import Outbound
from bot.delivery.places import Places
from bot.delivery.progress import Progress
from bot.delivery.telegram import BotSender
from bot.intake.counter import Counter
from bot.intake.flood import FloodGate
from bot.intake.inbox import Inbox
from bot.intake.orders import Intake
from bot.intake.photos import Photos
from bot.intake.waiting import WaitingRoom
from bot.performer import Performer
from bot.presentation.answers import Answers
from bot.presentation.artworks import Artworks
from bot.presentation.captions import Captions
from bot.presentation.catalogue import Catalogue, features_of
from bot.presentation.showcase import Showcase
from bot.presentation.translations import Translations
from bot.retention.erasure import Erasure
from bot.retention.janitor import Janitor
from bot.settings import BotSettings
from serve_app.database import bring_up_to_date, connect
from serve_app.inventory import Inventory, artworks_of
from serve_app.jobs.ledger import Ledger
from serve_app.jobs.worker import Around, Worker
from serve_app.objects import ObjectStore, open_objects
from serve_app.pipeline import Graph, Pipeline
from serve_app.rates import Buckets, RedisBuckets, SqlBuckets
from serve_app.settings import Settings

MAX_ATTEMPTS = 5
"""A job that took so many processes down is to blame itself. Fewer could be an unlucky hour."""

MOST_HANDED_OUT = 20 * 2**20
"""Telegram lets bots have no larger files, nor does a Bot API server of one's own without ``--local``."""


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers work with. ``vault`` holds the crops of saved faces; ``inline``: the bot has that mode.

    ``max_upload`` is what the studio and Telegram both let through, in bytes.
    """

    settings: BotSettings
    translations: Translations
    sessions: async_sessionmaker[AsyncSession]
    pipeline: Pipeline
    catalogue: Catalogue
    captions: Captions
    artworks: Artworks
    showcase: Showcase
    accounts: Accounts
    credits: Credits
    payments: Payments
    cashier: Cashier
    erasure: Erasure
    objects: ObjectStore
    vault: ObjectStore
    photos: Photos
    inbox: Inbox
    waiting: WaitingRoom
    gate: FloodGate
    buckets: Buckets
    sender: Sender
    counter: Counter
    max_upload: int
    inline: bool

    workers: tuple[Worker, ...]
    courier: Courier
    progress: Progress
    janitor: Janitor
    broadcaster: Broadcaster


def make_bot(settings: BotSettings) -> Bot:
    """The Bot that speaks to Telegram, or to the Bot API server that ``api_url`` names."""
    session = AiohttpSession()
    if settings.api_url is not None:
        session = AiohttpSession(api=TelegramAPIServer.from_base(settings.api_url))
    return Bot(settings.token.get_secret_value(), session=session)


@contextlib.asynccontextmanager
async def open_services(
    bot: Bot, settings: BotSettings, studio: Settings, graph: Graph, inventory: Inventory
) -> AsyncIterator[Services]:
    """Bring the database up to date and put everything together; ``bot``'s session obeys the limits from then on.

    Raises ``NoDatabase``.
    """
    await asyncio.to_thread(bring_up_to_date, studio.sql_url)
    engine = connect(studio.sql_url)
    redis = None if settings.redis_url is None else Redis.from_url(settings.redis_url.get_secret_value())
    try:
        # Where the only connection is still being opened by a task that is called off, those waiting for it wait on.
        async with engine.connect():
            pass
        yield await _put_together(
            bot, settings, studio, graph, inventory, async_sessionmaker(engine, expire_on_commit=False), redis
        )
    finally:
        if redis is not None:
            await redis.aclose()
        await engine.dispose()


async def _put_together(
    bot: Bot,
    settings: BotSettings,
    studio: Settings,
    graph: Graph,
    inventory: Inventory,
    sessions: async_sessionmaker[AsyncSession],
    redis: Redis | None,
) -> Services:
    buckets: Buckets = SqlBuckets(sessions) if redis is None else RedisBuckets(redis)
    limiter = Limiter(buckets)
    bot.session.middleware(Outbound(limiter))
    inline = bool((await bot.me()).supports_inline_queries)
    sender = BotSender(bot)
    lease_s = settings.takeover_s
    ledger = Ledger(lease_s=lease_s, max_attempts=MAX_ATTEMPTS)
    # Not the folder of the HTTP jobs, which is swept by that side's shorter time to live.
    objects, vault = (open_objects(studio, name) for name in ("bot-objects", "bot-faces"))
    money = Credits(settings.tariff)
    accounts = Accounts(money, settings.pseudonym_key)
    payments = Payments(settings.tariff, money)
    cashier = Cashier(sessions, payments, StarBank(bot))
    pipeline = Pipeline(graph, studio.limits.for_photos(), artworks_of(studio))
    artworks, showcase = Artworks(pipeline), Showcase(sessions, sender, buckets)
    catalogue = Catalogue(pipeline, features_of(graph))
    translations = Translations.load(settings.default_language)
    answers = Answers(sessions, accounts, translations, catalogue, artworks, inline=inline)
    keeping = Keeping(settings.keep_s, settings.history_keep_s)
    photos = Photos(sessions, objects, pipeline.open, keeping=keeping, prompt_lease_s=lease_s)
    intake = Intake(sessions, objects, ledger, money, settings.tariff, keeping=keeping)
    inbox = Inbox(sessions, lease_s=lease_s)
    progress = Progress(Places(ledger), sessions, sender, answers, limiter)
    handover = Handover(ledger, sessions, objects, sender, answers, money)
    beat_s = lease_s / 4
    courier = Courier(
        ledger, sessions, handover, limiter, hands=settings.couriers, drain_s=settings.drain_s, heartbeat_s=beat_s
    )
    performer = Performer(pipeline, inventory, lambda language: translations.words(language).plain("lookalike-method"))
    around = _around(progress, courier)
    workers = tuple(
        Worker(ledger, sessions, objects, performer.perform, channel=CHANNEL, heartbeat_s=beat_s, around=around)
        for _ in range(settings.workers)
    )
    return Services(
        settings=settings,
        translations=translations,
        sessions=sessions,
        pipeline=pipeline,
        catalogue=catalogue,
        captions=Captions(translations, catalogue),
        artworks=artworks,
        showcase=showcase,
        accounts=accounts,
        credits=money,
        payments=payments,
        cashier=cashier,
        erasure=Erasure(sessions, accounts, cashier, ledger, objects, vault),
        objects=objects,
        vault=vault,
        photos=photos,
        inbox=inbox,
        waiting=WaitingRoom(sessions, lease_s=lease_s),
        gate=FloodGate(buckets, settings.flood),
        buckets=buckets,
        sender=sender,
        counter=Counter(intake, sender, progress, workers),
        max_upload=min(studio.limits.max_bytes, MOST_HANDED_OUT),
        inline=inline,
        workers=workers,
        courier=courier,
        progress=progress,
        broadcaster=Broadcaster(bot, sessions, sender),
        janitor=Janitor(sessions, objects, vault, ledger, inbox, keep_s=min(settings.keep_s, settings.history_keep_s)),
    )


def _around(progress: Progress, courier: Courier) -> Around:
    """People see that somebody is at it, and the courier hears at once when it is done."""

    @contextlib.asynccontextmanager
    async def around(job_id: str) -> AsyncIterator[None]:
        try:
            async with progress.acting(job_id):
                yield
        finally:
            courier.notice()

    return around
