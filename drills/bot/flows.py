"""Everything a person can do with the bot, step by step, in whatever language they speak."""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.playground.client import Person
from bot.playground.conversation import Reply
from bot.playground.host import Playground
from bot.presentation.translations import Words

MARKUP = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Pictures:
    """What people send: ``alone`` shows one face, ``many`` shows several, and the one of ``tiny`` is too small to use."""

    alone: bytes
    tiny: bytes
    many: bytes


class Guest:
    """A person who reads the bot's words in ``words``' language, and taps what they say."""

    def __init__(self, person: Person, words: Words, pictures: Pictures, playground: Playground) -> None:
        self.person = person
        self.chat = person.chat
        self.words = words
        self.pictures = pictures
        self.playground = playground

    def told(self, key: str, **values: str | float) -> str:
        """The first line of a message, as it is read."""
        return html.unescape(MARKUP.sub("", self.words.html(key, **values))).strip().splitlines()[0]

    async def hears(self, key: str, **values: str | float) -> Reply:
        return await self.chat.find(self.told(key, **values))

    async def taps(self, reply: Reply, key: str, **values: str | float) -> None:
        await self.person.tap(reply, self.words.plain(key, **values))

    async def button(self, reply: Reply, label: str) -> None:
        """Wait until a message has this button."""
        await self.chat.until(lambda: label in reply.labels or None, f"button {label!r}")

    async def shows(self, photo: bytes, caption: str = "") -> Reply:
        """Send a photo; the question what shall be made of it."""
        await self.person.send_photo(photo, caption)
        return await self.hears("ask-wish")

    async def result(self) -> Reply:
        """The next finished picture."""
        share = self.words.plain("button-share")
        return await self.chat.find(lambda reply: reply.kind in {"photo", "document"} and share in reply.labels)


async def greeting(guest: Guest) -> None:
    """Start, help, language and settings, and the pages about the house."""
    await guest.person.start()
    home = await guest.hears("start", name=guest.person.user.first_name)
    await guest.taps(home, "button-help")
    await guest.hears("help-intro")
    await guest.taps(home, "button-language")
    languages = await guest.hears("ask-language")
    await guest.taps(languages, "language-name")
    await guest.chat.edited(languages, guest.told("language-set"))
    await guest.taps(home, "button-settings")
    settings = await guest.hears("settings")
    for switch in ("setting-as-file", "setting-keep-history"):
        for before, after in (("off", "on"), ("on", "off")):
            await guest.taps(settings, switch, state=before)
            await guest.button(settings, guest.words.plain(switch, state=after))
    await guest.person.tap(settings, "50 %")
    await guest.button(settings, "• 50 %")
    kept, longer = guest.words.plain("lasts-hours", count=1), guest.words.plain("lasts-days", count=30)
    for page in ("privacy", "terms", "paysupport"):
        await guest.person.say(f"/{page}")
        await guest.hears(page, kept=kept, longer=longer, yours=kept, money="yes", support="nobody")
    await guest.person.say("/plans")
    await guest.hears("plans-credits", credits=0)


async def painting(guest: Guest) -> None:
    """A style from the album, another strength, a blend, the same again, and another style."""
    question = await guest.shows(guest.pictures.alone)
    first, second = question.labels[:2]
    await guest.person.tap(question, first)
    result = await guest.result()
    assert first in result.text, result
    await guest.taps(result, "button-strength")
    await guest.button(result, "50 %")
    await guest.person.tap(result, "50 %")
    weaker = await guest.result()
    assert "50\u202f%" in weaker.text, weaker
    await guest.taps(weaker, "button-blend")
    await guest.button(weaker, f"+ {second}")
    await guest.person.tap(weaker, f"+ {second}")
    blended = await guest.result()
    assert first in blended.text, blended
    assert second in blended.text, blended
    await guest.taps(blended, "button-again")
    again = await guest.hears("result-again")
    await guest.taps(again, "button-as-file")
    await guest.hears("result-file")
    await guest.taps(again, "button-another-style")
    await guest.hears("ask-wish")


async def albums(guest: Guest) -> None:
    """Three photos with a caption that names a style come back as three paintings."""
    question = await guest.shows(guest.pictures.alone)
    style = question.labels[0]
    await guest.person.send_album([guest.pictures.alone, guest.pictures.many, guest.pictures.alone], style)
    await guest.hears("album-done")
    done = [reply for reply in guest.chat.replies if reply.message.media_group_id is not None and style in reply.text]
    group = done[-1].message.media_group_id
    assert len([reply for reply in guest.chat.replies if reply.message.media_group_id == group]) == 3


async def files(guest: Guest) -> None:
    """A photo sent as a file, with a caption in the person's own words."""
    caption = {"ru": "размой лица"}.get(guest.words.language, "blur the faces")
    await guest.person.send_document(guest.pictures.alone, caption=caption)
    assert guest.told("result-anonymize") in (await guest.result()).text


async def lookalike(guest: Guest) -> None:
    """A collage of the three most alike."""
    await guest.taps(await guest.shows(guest.pictures.alone), "button-lookalike")
    assert guest.told("result-lookalike") in (await guest.result()).text


async def hiding(guest: Guest) -> None:
    """Every face behind a mask."""
    await guest.taps(await guest.shows(guest.pictures.many), "button-hide")
    await guest.taps(await guest.hears("ask-method"), "button-replace")
    assert guest.told("result-anonymize") in (await guest.result()).text


async def realness(guest: Guest) -> None:
    """An opinion with its probability."""
    await guest.taps(await guest.shows(guest.pictures.alone), "button-authenticity")
    assert "%" in (await guest.hears("result-authenticity-note")).text


async def art(guest: Guest) -> None:
    """One's face into a work of art with several: they are numbered, and the rest stay as they are."""
    await guest.taps(await guest.shows(guest.pictures.alone), "button-swap")
    await guest.taps(await guest.hears("swap-ask-source", own="no"), "button-artworks")
    works = await guest.hears("artworks-ask")
    await guest.person.tap(works, works.labels[-1])
    await guest.hears("artworks-numbers-one")
    question = await guest.chat.find(lambda reply: guest.words.plain("button-put-face") in reply.labels)
    await guest.taps(question, "button-put-face")
    await guest.chat.edited(question)
    await guest.taps(question, "button-leave-rest")
    await guest.result()


async def faces(guest: Guest) -> None:
    """A face is saved and named, goes into a work of art, and is forgotten."""
    await guest.taps(await guest.shows(guest.pictures.alone), "button-swap")
    await guest.taps(await guest.hears("swap-ask-source", own="no"), "button-keep-face")
    await guest.person.say("Eileen", reply_to=await guest.hears("ask-face-name"))
    await guest.hears("face-kept", name="Eileen")
    await guest.person.say("/faces")
    saved = await guest.chat.find(lambda reply: "🗑 Eileen" in reply.labels)
    await guest.person.tap(saved, "🖼 Eileen")
    works = await guest.hears("artworks-ask")
    await guest.person.tap(works, works.labels[-1])
    question = await guest.chat.find(lambda reply: "Eileen" in reply.labels)
    await guest.person.tap(question, "Eileen")
    await guest.taps(await guest.chat.edited(question), "button-leave-face")
    await guest.chat.edited(question)
    await guest.taps(question, "button-leave-rest")
    await guest.result()
    await guest.person.tap(saved, "🗑 Eileen")
    await guest.chat.edited(saved, guest.told("face-forgotten", name="Eileen"))


async def subscribing(guest: Guest) -> None:
    """Into one's own photo it takes the subscription; with it, faces of two photos are mapped by their numbers."""
    await guest.person.send_album([guest.pictures.alone, guest.pictures.many])
    question = await guest.hears("ask-wish")
    await guest.taps(question, "button-swap")
    refused = await guest.chat.find(lambda reply: guest.words.plain("button-plans") in reply.labels)
    await guest.taps(refused, "button-plans")
    plans = await guest.hears("plans-offer")
    await guest.person.tap(plans, plans.labels[-1])
    offer = await guest.chat.find(lambda reply: any("url" in button for row in reply.rows for button in row))
    await guest.person.pay(str(next(button["url"] for row in offer.rows for button in row if "url" in button)))
    await guest.chat.find(guest.told("paid-plus", until="|").partition("|")[0].strip())
    await guest.taps(question, "button-swap")
    await guest.chat.album()
    mapped = await guest.hears("swap-ask-face", face=1, faces=6)
    await guest.person.tap(mapped, "1")
    await guest.chat.edited(mapped)
    await guest.taps(mapped, "button-leave-rest")
    assert guest.told("result-swap") in (await guest.result()).text


async def groups(guest: Guest) -> None:
    """In a group, a mention is heard; a result is shared inline with another chat."""
    group = guest.playground.group("Семья" if guest.words.language == "ru" else "Family", guest.person)
    await guest.person.say("…", to=group)
    await guest.person.send_photo(guest.pictures.alone, f"@{guest.playground.bot.username}", to=group)
    question = await group.chat.find(guest.told("ask-wish"))
    await guest.person.tap(question, question.labels[0])
    share = guest.words.plain("button-share")
    result = await group.chat.find(lambda reply: share in reply.labels)
    job = str(result.button(share)["switch_inline_query"])
    query = await guest.person.inline(job)
    offered = query.answer["results"] if query.answer else []
    assert [offer["id"] for offer in offered] == [job], offered
    guest.person.choose(query, job, to=group)


async def refusals(guest: Guest) -> None:
    """What cannot be worked with is turned away at once, and kindly."""
    await guest.person.send_other("video")
    await guest.hears("not-taken-video")
    await guest.person.send_other("sticker")
    await guest.hears("not-taken-sticker")
    await guest.person.say("?")
    await guest.hears("not-taken-text")
    await guest.person.send_document(b"no picture at all", "photo.jpg")
    await guest.hears("error-not-an-image")


async def leaving(guest: Guest) -> None:
    """Everything is removed, and what it was is said."""
    await guest.person.send_photo(guest.pictures.alone)
    await guest.hears("ask-wish")
    await guest.person.say("/delete")
    question = await guest.hears("delete-ask", money="yes")
    await guest.taps(question, "button-delete-really")
    await guest.chat.edited(question, guest.told("deleted", photos=1, jobs=0, faces=0))


FLOWS: Mapping[str, Callable[[Guest], Awaitable[None]]] = {
    flow.__name__: flow
    for flow in (
        greeting, painting, albums, files, lookalike, hiding, realness, art, faces, subscribing, groups, refusals,
        leaving,
    )
}  # fmt: skip
"""By name, in the order they are tried."""
