"""Subscriptions as Telegram's word of them comes: twice, late, and in the wrong order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.playground.client import Person
from bot.playground.host import Playground
from bot.playground.telegram.payments import Subscription
from bot.running import RunningBot
from tests.integration.bot.flows.steps import delete_everything, offers, subscribe


async def two_subscriptions(person: Person) -> tuple[Subscription, Subscription]:
    """One that was cancelled, a second one bought by the old buttons, and the first taken up again at Telegram's."""
    shown = await offers(person)
    first = await subscribe(person, shown)
    person.cancel(first)
    await person.chat.find("will not be renewed")
    second = await subscribe(person, shown)
    person.resume(first)
    await person.chat.find("goes on")
    return first, second


async def test_whoever_ends_the_subscription_is_charged_for_none(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    both = await two_subscriptions(ann)
    await ann.tap(await offers(ann), "End the subscription")
    await ann.tap(await ann.chat.find("Shall I end it?"), "Yes, end it")
    await ann.chat.find("will not be renewed")
    assert all(subscription.canceled_by_bot for subscription in both)
    assert "End the subscription" not in (await offers(ann)).labels


async def test_plans_say_whether_the_subscription_will_be_renewed(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    subscription = await subscribe(ann, await offers(ann))
    assert "will not be renewed" not in (await offers(ann)).text
    ann.cancel(subscription)
    await ann.chat.find("will not be renewed")
    assert "will not be renewed. It is paid until" in (await offers(ann)).text
    ann.resume(subscription)
    await ann.chat.find("goes on")
    assert "will not be renewed" not in (await offers(ann)).text


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", r"paid until \d{1,2} [A-Z][a-z]+ 20\d\d\."), ("ru", r"оплачена до \d{1,2} [а-я]+[ая] 20\d\d года\.")],
)
async def test_dates_are_written_as_people_write_them(
    running: RunningBot, playground: Playground, language: str, said: str
) -> None:
    ann = playground.person("Ann", language=language)
    await ann.say("/plans")
    await ann.tap(await ann.chat.find("Telegram"), "250 ⭐")
    offer = await ann.chat.find(lambda reply: any("url" in button for row in reply.rows for button in row))
    await ann.pay(offer.rows[0][0]["url"])
    await ann.chat.find(lambda reply: re.search(said, reply.text) is not None)


async def test_whoever_deletes_everything_is_charged_for_no_subscription(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    both = await two_subscriptions(ann)
    assert "The subscription has ended" in (await delete_everything(ann)).text
    assert all(subscription.canceled_by_bot for subscription in both)


async def test_whose_old_month_is_given_back_hears_that_there_will_be_no_other(
    open_bot: Any, playground: Playground
) -> None:
    ann, boss = playground.person("Ann"), playground.person("Boss")
    async with open_bot(admins=[boss.user.id]):
        subscription = await subscribe(ann, await offers(ann))
        ann.renew(subscription)
        await ann.chat.find("paid until")
        await boss.say(f"/refund {subscription.charges[0].id}")
        assert "the subscription will not be renewed" in (await boss.chat.find("250 Stars went back")).text
        assert "will not be renewed" in (await ann.chat.find("250 ⭐ went back to you")).text
        assert subscription.canceled_by_bot
        assert "End the subscription" not in (await offers(ann)).labels
