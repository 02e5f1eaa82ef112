"""Painting: choosing a style, then more of it, less of it, another one, or two at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiogram import Bot, Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from bot.conversation.asking import ask_wish
from bot.conversation.visit import Visit
from bot.conversation.wishes import painting
from bot.delivery import archive
from bot.delivery.messages import Attachment, Outgoing, Rejected
from bot.delivery.tables import Delivery
from bot.presentation import keyboards
from bot.presentation.callbacks import Adjust, Again, AsFile, Blend, Else, Paint, Strength, Styles
from deployments.errors import Expired
from serve_app.jobs.tables import Job


async def styles(_query: CallbackQuery, callback_data: Styles, visit: Visit) -> None:
    """Show the styles for a photo: another page of them, or all anew under a result."""
    bundle, _ = await visit.services.photos.bundle(callback_data.bundle, visit.account.id)
    await ask_wish(visit, bundle, callback_data.page)


async def anything_else(_query: CallbackQuery, callback_data: Else, visit: Visit) -> None:
    """Ask anew what to do with photos of which something was made, or could not be."""
    bundle, _ = await visit.services.photos.bundle(callback_data.bundle, visit.account.id)
    await ask_wish(visit, bundle)


async def paint(_query: CallbackQuery, callback_data: Paint, visit: Visit) -> None:
    """Order a painting as strong as the person likes them."""
    style = await visit.services.catalogue.by_code(callback_data.style)
    await visit.order(painting([style.name], visit.account.strength), callback_data.bundle)


async def adjust(query: CallbackQuery, callback_data: Adjust, bot: Bot, visit: Visit) -> None:
    """Change the buttons under a result."""
    job, slip = await _mine(visit, callback_data.job)
    match callback_data.panel:
        case "strength":
            await _show(bot, query, keyboards.strengths(visit.words, job.id, job.request["strength"]))
        case "blend":
            others = await visit.services.catalogue.others(job.request["style"])
            await _show(bot, query, keyboards.blends(visit.words, job.id, others))
        case "main":
            await _show_main(visit, bot, query, job, slip)


async def strength(query: CallbackQuery, callback_data: Strength, bot: Bot, visit: Visit) -> None:
    """From now on begin with this, and paint it again this strongly, unless it is: it would come out the same."""
    job, slip = await _mine(visit, callback_data.job)
    chosen = callback_data.percent / 100
    async with visit.services.sessions.begin() as session:
        await visit.services.accounts.save(session, visit.account.id, strength=chosen)
    if chosen == job.request["strength"]:
        await _show_main(visit, bot, query, job, slip)
        return
    await visit.order(painting(job.request["style"], chosen), _bundle(slip))


async def blend(_query: CallbackQuery, callback_data: Blend, visit: Visit) -> None:
    """Paint it again, half in its first style and half in this one."""
    job, slip = await _mine(visit, callback_data.job)
    second = await visit.services.catalogue.by_code(callback_data.style)
    first = job.request["style"][0].partition(":")[0]
    wish = painting([f"{first}:0.5", f"{second.name}:0.5"], job.request["strength"])
    await visit.order(wish, _bundle(slip))


async def again(query: CallbackQuery, callback_data: Again, visit: Visit) -> None:
    """The same picture once more. It would come out the same, so it costs nothing: Telegram still has it."""
    job, slip = await _mine(visit, callback_data.job)
    # Who taps at once is faster than the record of the delivery; the message under the button has the picture anyhow.
    file_id, as_file = _pictured(query) or (slip.file_id, slip.as_file)
    if file_id is None:
        raise Expired("This picture is no longer here.")
    keyboard = await _painted(visit, job, slip, single=True, as_file=as_file)
    picture = Attachment("masquerade.jpg", file_id=file_id)
    once_more = Outgoing(visit.words.html("result-again"), (picture,), as_file, keyboard)
    try:
        await visit.answer(once_more)
    except Rejected:
        # A file does not stay valid for ever, and not for a bot with another token.
        await visit.answer(replace(once_more, pictures=(await _made(visit, job),)))


async def as_file(_query: CallbackQuery, callback_data: AsFile, visit: Visit) -> None:
    """The result as a file: every pixel and what says how it was made, which Telegram's photos lose."""
    job, _ = await _mine(visit, callback_data.job)
    await visit.answer(Outgoing(visit.words.html("result-file"), (await _made(visit, job),), as_file=True))


async def _show_main(visit: Visit, bot: Bot, query: CallbackQuery, job: Job, slip: Delivery) -> None:
    """Put the first buttons back under a result, or under the closing words of an album."""
    single = query.message.text is None if isinstance(query.message, Message) else job.batch is None
    await _show(bot, query, await _painted(visit, job, slip, single=single, as_file=slip.as_file))


async def _show(bot: Bot, query: CallbackQuery, markup: InlineKeyboardMarkup) -> None:
    """Put buttons in the place of the tapped one's: also under what is too old to be shown to bots."""
    if query.message is not None:
        chat_id, message_id = query.message.chat.id, query.message.message_id
        await bot.edit_message_reply_markup(chat_id=chat_id, message_id=message_id, reply_markup=markup)


async def _painted(visit: Visit, job: Job, slip: Delivery, *, single: bool, as_file: bool) -> InlineKeyboardMarkup:
    services = visit.services
    return keyboards.painted(
        visit.words,
        job.id,
        slip.bundle_id,
        single=single,
        as_file=as_file,
        blends=await services.catalogue.blends(job.request["style"]),
        inline=services.inline,
    )


async def _mine(visit: Visit, job_id: str) -> tuple[Job, Delivery]:
    """A person's own job and where it was delivered. Raises ``Expired``, also for other people's."""
    async with visit.services.sessions() as session:
        job, slip = await session.get(Job, job_id), await archive.result(session, visit.account.id, job_id)
    if job is None or slip is None or not job.request:
        raise Expired("This picture is no longer here.")
    return job, slip


async def _made(visit: Visit, job: Job) -> Attachment:
    """A job's result as it was made. Raises ``Expired``."""
    try:
        data = await asyncio.to_thread(visit.services.objects.get, (job.result or {}).get("key", ""))
    except KeyError:
        raise Expired("This picture is no longer here.") from None
    return Attachment("masquerade.jpg", data)


def _pictured(query: CallbackQuery) -> tuple[str, bool] | None:
    """The picture of the message that was tapped, and if it is a file; None where Telegram no longer shows it to bots."""
    message = query.message
    if not isinstance(message, Message):
        return None
    if message.photo:
        return message.photo[-1].file_id, False
    return (message.document.file_id, True) if message.document else None


def _bundle(slip: Delivery) -> int:
    if slip.bundle_id is None:
        raise Expired("The photo is no longer here.")
    return slip.bundle_id


def router() -> Router:
    router = Router(name="paint")
    router.callback_query.register(styles, Styles.filter())
    router.callback_query.register(anything_else, Else.filter())
    router.callback_query.register(paint, Paint.filter())
    router.callback_query.register(adjust, Adjust.filter())
    router.callback_query.register(strength, Strength.filter())
    router.callback_query.register(blend, Blend.filter())
    router.callback_query.register(again, Again.filter())
    router.callback_query.register(as_file, AsFile.filter())
    return router
