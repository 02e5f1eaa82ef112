"""Questions answered by a reply: only the bot's own links say what they are about."""

from __future__ import annotations

from datetime import UTC, datetime

from aiogram.types import Chat, Message, MessageEntity, User

from bot.conversation.tickets import NamesFace, ticket

ME = User(id=1, is_bot=True, first_name="Bot", username="a_bot")
ANN = User(id=2, is_bot=False, first_name="Ann")


def message(text: str | None, author: User, url: str | None = None, reply_to: Message | None = None) -> Message:
    entities = None if url is None else [MessageEntity(type="text_link", offset=0, length=1, url=url)]
    return Message(
        message_id=1, date=datetime.now(UTC), chat=Chat(id=2, type="private"), from_user=author, text=text,
        entities=entities, reply_to_message=reply_to,
    )  # fmt: skip


def url_of(link: str) -> str:
    return link.partition('href="')[2].partition('"')[0]


async def test_a_reply_to_the_bots_question_brings_the_photos_it_is_about() -> None:
    question = message("?", ME, url_of(ticket(ME, 42)))
    assert await NamesFace()(message("Grandma", ANN, reply_to=question), ME) == {"bundle_id": 42}


async def test_a_link_in_somebody_elses_message_says_nothing() -> None:
    forged = message("?", ANN, url_of(ticket(ME, 42)))
    assert await NamesFace()(message("Grandma", ANN, reply_to=forged), ME) is False


async def test_other_replies_and_other_links_say_nothing() -> None:
    names_face = NamesFace()
    other_topic = message("?", ME, url_of(ticket(ME, 1)).replace("name-", "blend-"))
    assert await names_face(message("Grandma", ANN, reply_to=other_topic), ME) is False
    assert await names_face(message("hello", ANN), ME) is False
    assert await names_face(message("hello", ANN, reply_to=message("?", ME)), ME) is False
    assert (
        await names_face(message("hello", ANN, reply_to=message("?", ME, "https://t.me/x?ticket=name-1x")), ME) is False
    )
    assert await names_face(message(None, ANN, reply_to=message("?", ME, url_of(ticket(ME, 1)))), ME) is False
