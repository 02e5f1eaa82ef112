"""Steps that many conversations with the bot have in common."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from bot.accounts.tables import User
from bot.intake.tables import SeenUpdate
from bot.playground.client import Person
from bot.playground.conversation import Reply
from bot.playground.telegram.payments import Charge, Subscription
from bot.running import RunningBot
from tests.integration.bot.flows.stand_ins import ALONE, FINE

WAVE, NIGHT = (10, 10, 200), (10, 10, 100)


def is_result(reply: Reply) -> bool:
    """A picture alone with buttons, unlike the albums of styles and of works of art."""
    return reply.kind in {"photo", "document"} and reply.message.media_group_id is None


def is_status(reply: Reply) -> bool:
    """What is said while one waits; a free studio has begun before there was anything to say of a queue."""
    return reply.text.startswith(("You are next", "On it"))


async def send(person: Person, *photos: bytes, then: str) -> None:
    """Send a photo, or an album, and say by the button ``then`` what is to be done with it."""
    if len(photos) == 1:
        await person.send_photo(photos[0])
    else:
        await person.send_album(photos)
    await person.tap(await person.chat.find("Choose a style"), then)


async def painted(person: Person, style: str = "The Wave") -> Reply:
    await send(person, FINE, then=style)
    return await person.chat.find(is_result)


async def asked_for_a_name(person: Person, photo: bytes = ALONE) -> Reply:
    """Say that the face of a photo is to be saved; the question what it is called."""
    await send(person, photo, then="Swap faces")
    await person.tap(await person.chat.find("Whose face"), "Save this face")
    return await person.chat.find("What is this face called")


async def save_face(person: Person, name: str) -> None:
    await person.say(name, reply_to=await asked_for_a_name(person))
    await person.chat.find("Saved as")


async def tap_later(person: Person, reply: Reply, label: str) -> None:
    """Tap a button of a message that is too old to be shown to bots."""
    reply.message.deleted = True
    await person.tap(reply, label)
    reply.message.deleted = False


async def offers(person: Person) -> Reply:
    await person.say("/plans")
    return await person.chat.find("Credits:")


async def invoice(person: Person) -> Reply:
    """Ask for the pack of ten credits."""
    await person.tap(await offers(person), "10 credits")
    return await person.chat.find(lambda reply: reply.kind == "invoice")


async def buy_credits(person: Person) -> Charge:
    """Buy the pack of ten credits."""
    charge = await person.pay(await invoice(person))
    await person.chat.find("10 credits are yours")
    return charge


async def subscribe(person: Person, shown: Reply) -> Subscription:
    """Take the subscription that an answer to /plans offers."""
    await person.tap(shown, "pictures a day")
    charge = await person.pay((await person.chat.find("20 pictures a day")).button("Subscribe")["url"])
    await person.chat.find("paid until")
    assert charge.subscription is not None
    return charge.subscription


async def delete_everything(person: Person) -> Reply:
    """Ask for it and say yes; the question, which says by then what became of everything."""
    await person.say("/delete")
    question = await person.chat.find("cannot be undone")
    await person.tap(question, "Yes, delete everything")
    return await person.chat.edited(question, "Everything is gone")


async def prefer_files(person: Person) -> None:
    """Have results sent as files from now on."""
    await person.say("/settings")
    settings = await person.chat.find("Settings")
    await person.tap(settings, "Send results as files")
    await person.chat.edited(settings)
    assert settings.labels[0] == "Send results as files: yes"


async def known(running: RunningBot) -> list[int]:
    """Who has an account."""
    async with running.services.sessions() as session:
        return list((await session.execute(select(User.id))).scalars())


async def quota_left(running: RunningBot, person: Person) -> int:
    async with running.services.sessions() as session:
        return (await running.services.credits.balance(session, person.user.id)).quota_left


async def settled(running: RunningBot, person: Person, left: int) -> None:
    """Wait until so much of the day is left: a message is there a moment before it is paid for."""
    async with asyncio.timeout(20):
        while await quota_left(running, person) != left:
            await asyncio.sleep(0.02)


async def handled(running: RunningBot, updates: int) -> None:
    """Wait until so many updates were handled to the end."""
    done = select(func.count()).select_from(SeenUpdate).where(SeenUpdate.done)
    async with asyncio.timeout(20):
        while True:
            async with running.services.sessions() as session:
                if (await session.execute(done)).scalar_one() >= updates:
                    return
            await asyncio.sleep(0.02)
