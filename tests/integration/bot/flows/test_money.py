"""Credits and the subscription, from the list to the receipt and back."""

from __future__ import annotations

from typing import Any

import pytest
from aiogram.exceptions import TelegramBadRequest
from aiogram.methods import GetMe
from aiogram.types import BotCommandScopeAllPrivateChats
from sqlalchemy import delete, select

from bot.accounts.tables import Invoice, Payment, User
from bot.conversation.visit import Visit
from bot.delivery.messages import Rejected
from bot.playground.client import Person
from bot.playground.host import Playground
from bot.playground.telegram.cashier import PaymentFailed
from bot.running import RunningBot
from bot.updates import latecomers
from tests.integration.bot.flows.stand_ins import FINE
from tests.integration.bot.flows.steps import buy_credits, handled, invoice, offers, send, subscribe


async def credits(running: RunningBot, person: Person) -> int:
    async with running.services.sessions() as session:
        return (await running.services.credits.balance(session, person.user.id)).credits


async def test_a_pack_is_paid_for_and_its_credits_are_there(either: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann", stars=60)
    await buy_credits(ann)
    assert await credits(either, ann) == 10
    assert ann.stars == 10
    assert "Credits: 10" in (await offers(ann)).text


@pytest.mark.parametrize("offer", ["10 credits", "pictures a day"])
async def test_who_buys_in_a_group_and_never_opened_the_private_chat_is_shown_the_way_there(
    running: RunningBot, playground: Playground, offer: str
) -> None:
    ann = playground.person("Ann")
    group = playground.group("Family", ann)
    await ann.say("/plans", to=group)
    await ann.tap(await group.chat.find("Credits:"), offer)
    shown = await group.chat.find("in private only")
    await ann.follow(shown, "Open our chat")
    await ann.tap(await ann.chat.find("Credits:"), "10 credits")
    await ann.chat.find(lambda reply: reply.kind == "invoice")


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("Bad Request: STARS_INVOICE_INVALID", "Something went wrong, and it is our fault"),
        ("Bad Request: not enough rights to send photos to the chat", "This group does not let me send pictures"),
    ],
)
async def test_what_telegram_does_not_take_is_not_answered_with_silence(
    running: RunningBot,
    playground: Playground,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    problem: str,
    said: str,
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise TelegramBadRequest(GetMe(), problem)

    monkeypatch.setattr(running.bot, "send_invoice", refuse)
    ann = playground.person("Ann")
    await ann.tap(await offers(ann), "10 credits")
    await ann.chat.find(said)
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors == (["Telegram does not take an answer"] if "our fault" in said else [])


async def test_an_answer_that_is_too_late_is_no_fault_of_ours(
    running: RunningBot,
    playground: Playground,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise TelegramBadRequest(GetMe(), "Bad Request: query is too old and response timeout expired")

    monkeypatch.setattr(running.bot, "send_invoice", refuse)
    ann = playground.person("Ann")
    await ann.tap(await offers(ann), "10 credits")
    await handled(running, 2)
    assert len(ann.chat.replies) == 1
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_whoever_has_paid_is_not_told_to_try_again_when_thanks_are_not_taken(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> None:
        raise Rejected("Bad Request: can't parse entities")

    ann = playground.person("Ann")
    offer = await invoice(ann)
    with monkeypatch.context() as patched:
        patched.setattr(Visit, "say", refuse)
        await ann.pay(offer)
        await handled(running, 4)
    assert await credits(running, ann) == 10
    assert len(ann.chat.replies) == 2


async def test_a_payment_whose_account_goes_while_it_is_booked_is_booked_all_the_same(
    running: RunningBot, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> None:
        monkeypatch.undo()
        raise LookupError("there is no such account")

    ann = playground.person("Ann")
    await ann.tap(await offers(ann), "10 credits")
    monkeypatch.setattr(running.services.payments, "paid", gone)
    await ann.pay(await ann.chat.find(lambda reply: reply.kind == "invoice"))
    await ann.chat.find("10 credits are yours")
    assert await credits(running, ann) == 10


async def test_a_payment_that_breaks_the_bot_is_left_to_the_operators(
    open_bot: Any, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(latecomers, "ATTEMPTS", 2)
    ann, boss = playground.person("Ann"), playground.person("Boss")
    async with open_bot(admins=[boss.user.id]) as running:
        await boss.start()
        await ann.say("/language")
        choice = await ann.chat.find("Which language")
        await ann.tap(choice, "Русский")
        await ann.chat.edited(choice, "по-русски")
        await ann.say("/plans")
        await ann.tap(await ann.chat.find("Кредиты:"), "10 кредитов")
        monkeypatch.setattr(running.services.payments, "paid", broken)
        charge = await ann.pay(await ann.chat.find(lambda reply: reply.kind == "invoice"))
        await ann.chat.find("за что он — неясно")
        told = await boss.chat.find("could not be booked")
        assert told.text.startswith(f"50 Stars came from {ann.user.id} and could not be booked.")
        await boss.say(f"/refund {charge.id}")
        await boss.chat.find("50 Stars went back")
        assert charge.refunded


async def test_a_success_that_is_announced_twice_counts_once(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    charge = await buy_credits(ann)
    ann.repeat_success(charge)
    await offers(ann)
    assert await credits(running, ann) == 10


async def test_the_subscription_gives_a_larger_quota_and_can_be_ended(
    either: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    shown = await offers(ann)
    await subscribe(ann, shown)
    await ann.tap(shown, "pictures a day")
    await ann.chat.find("subscribed already")
    plans = await offers(ann)
    assert "20 of 20" in plans.text
    assert "End the subscription" in plans.labels
    await ann.tap(plans, "End the subscription")
    await ann.tap(await ann.chat.find("Shall I end it?"), "Yes, end it")
    await ann.chat.find("will not be renewed")


async def test_in_a_group_nobody_ends_their_subscription_by_another_persons_button(
    running: RunningBot, playground: Playground
) -> None:
    ann, bob = playground.person("Ann"), playground.person("Bob")
    for person in (ann, bob):
        await subscribe(person, await offers(person))
    group = playground.group("Family", ann, bob)
    await ann.say("/plans", to=group)
    shown = await group.chat.find("20 of 20")
    await bob.answer(await bob.tap(shown, "End the subscription"))
    await ann.tap(shown, "End the subscription")
    sure = await group.chat.find("Shall I end it?")
    await bob.answer(await bob.tap(sure, "Yes, end it"))
    await ann.tap(sure, "Yes, end it")
    await group.chat.find("will not be renewed")
    assert "End the subscription" in (await offers(bob)).labels
    assert "End the subscription" not in (await offers(ann)).labels


async def test_a_slip_of_the_finger_ends_no_subscription(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    subscription = await subscribe(ann, await offers(ann))
    await ann.tap(await offers(ann), "End the subscription")
    await ann.chat.find("Shall I end it?")
    assert not subscription.canceled_by_bot
    assert "End the subscription" in (await offers(ann)).labels


async def test_the_subscription_promises_what_it_brings_here(
    open_bot: Any, playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = playground.person("Ann")
    for features, albums, words in (
        (
            {"style", "swap"},
            10,
            "20 pictures a day, larger albums, and faces swapped in photos of your own, for 250 ⭐",
        ),
        ({"style", "swap"}, 3, "20 pictures a day and faces swapped in photos of your own for 250 ⭐"),
        ({"style"}, 10, "20 pictures a day and larger albums for 250 ⭐"),
        ({"style"}, 3, "20 pictures a day for 250 ⭐"),
    ):
        tariff = {"free_album": 3, "plus_album": albums, "subscription": {"stars": 250, "daily": 20}}
        async with open_bot(tariff=tariff) as running:
            monkeypatch.setattr(running.services.catalogue, "features", frozenset(features))
            await ann.tap(await offers(ann), "pictures a day")
            offer = await ann.chat.find("You can end it at any time")
            assert offer.text.startswith(words)


async def test_the_operators_hear_of_a_payment_that_nothing_explains(open_bot: Any, playground: Playground) -> None:
    ann, boss, deputy = (playground.person(name) for name in ("Ann", "Boss", "Deputy, who never said a word"))
    async with open_bot(admins=[deputy.user.id, boss.user.id]) as running:
        await boss.start()
        charge = await buy_credits(ann)
        # The books were restored from a copy that is older than the offer.
        async with running.services.sessions.begin() as session:
            for table in (Payment, Invoice):
                await session.execute(delete(table))
        ann.repeat_success(charge)
        await ann.chat.find("cannot tell what it was for")
        told = await boss.chat.find("for nothing that was offered")
        assert f"50 Stars came from {ann.user.id}" in told.text
        ann.repeat_success(charge)
        await boss.say(f"/refund {charge.id}")
        await boss.chat.find("50 Stars went back")
        assert len([reply for reply in boss.chat.replies if "for nothing" in reply.text]) == 1


async def test_a_subscription_cancelled_at_telegrams_is_told(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    subscription = await subscribe(ann, await offers(ann))
    ann.cancel(subscription)
    await ann.chat.find("will not be renewed")
    ann.resume(subscription)
    await ann.chat.find("goes on")


async def test_an_offer_that_is_gone_is_refused_at_the_checkout(open_bot: Any, playground: Playground) -> None:
    ann = playground.person("Ann")
    async with open_bot():
        offer = await invoice(ann)
    async with open_bot(tariff={"packs": []}):
        with pytest.raises(PaymentFailed, match="not on offer any more"):
            await ann.pay(offer)


async def test_the_operator_gives_stars_back(open_bot: Any, playground: Playground) -> None:
    ann, boss = playground.person("Ann", stars=50), playground.person("Boss")
    async with open_bot(admins=[boss.user.id]) as running:
        await buy_credits(ann)
        await ann.say("/paysupport")
        support = await ann.chat.find("Help with payments")
        assert "the operator of this bot and" in support.text
        async with running.services.sessions() as session:
            charge = (await session.execute(select(Payment.charge_id))).scalar_one()
        assert charge in support.text
        await boss.say(f"/refund {charge}")
        await boss.chat.find("50 Stars went back")
        await boss.say(f"/refund {charge}")
        await boss.chat.find("went back already")
        assert ann.stars == 50
        assert await credits(running, ann) == 0


async def test_what_telegram_gives_back_by_itself_takes_the_credits_back_and_is_told(
    either: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    charge = await buy_credits(ann)
    await either.bot.refund_star_payment(ann.user.id, charge.id)
    await ann.chat.find("50 ⭐ went back to you")
    assert await credits(either, ann) == 0
    async with either.services.sessions() as session:
        assert (await session.get_one(Payment, charge.id)).status == "refunded"
        # It was told in the bot's name: the bot is nobody who came.
        assert (await session.execute(select(User.id))).scalars().all() == [ann.user.id]


async def test_whoever_owes_for_a_refund_hears_how_much_of_what_they_buy_goes_into_that(
    running: RunningBot, playground: Playground
) -> None:
    ann = playground.person("Ann")
    shown = await offers(ann)
    await ann.tap(shown, "10 credits")
    charge = await ann.pay(await ann.chat.find(lambda reply: reply.kind == "invoice"))
    assert "owed" not in (await ann.chat.find("10 credits are yours")).text
    async with running.services.sessions.begin() as session:
        # Five of the day and four of those bought.
        await running.services.credits.reserve(session, ann.user.id, 9, "job")
        await running.services.credits.settle(session, "job")
    await running.bot.refund_star_payment(ann.user.id, charge.id)
    await ann.chat.find("4 had been spent already")
    await ann.tap(shown, "10 credits")
    await ann.pay(await ann.chat.find(lambda reply: reply.kind == "invoice"))
    assert "Of them, 4 made up for what was owed" in (await ann.chat.find("10 credits are yours")).text
    assert await credits(running, ann) == 6


async def test_whoever_needs_help_with_a_payment_hears_whom_to_write_to(open_bot: Any, playground: Playground) -> None:
    ann = playground.person("Ann")
    async with open_bot(support="@help <desk>"):
        await ann.say("/paysupport")
        assert "Describe it to @help <desk> and" in (await ann.chat.find("Help with payments")).text


async def test_what_somebody_paid_is_listed_in_private_only(running: RunningBot, playground: Playground) -> None:
    ann = playground.person("Ann")
    charge = await buy_credits(ann)
    await ann.say("/paysupport")
    assert charge.id in (await ann.chat.find("Help with payments")).text
    group = playground.group("Family", ann)
    await ann.say("/paysupport", to=group)
    told = await group.chat.find("Help with payments")
    assert charge.id not in told.text
    assert "In our own chat" in told.text


async def test_a_checkout_of_somebody_banned_is_refused(open_bot: Any, playground: Playground) -> None:
    ann, boss = playground.person("Ann"), playground.person("Boss")
    async with open_bot(admins=[boss.user.id]):
        offer = await invoice(ann)
        await boss.say(f"/ban {ann.user.id}")
        await boss.chat.find("banned")
        with pytest.raises(PaymentFailed, match="cannot buy"):
            await ann.pay(offer)


async def test_where_nothing_is_sold_nothing_looks_as_if_it_were(open_bot: Any, playground: Playground) -> None:
    ann = playground.person("Ann")
    async with open_bot(tariff={"packs": [], "subscription": None, "free_daily": 0}) as running:
        await ann.start()
        assert "🖼 Pictures left" in (await ann.chat.find("Hello")).labels
        commands = await running.bot.get_my_commands(scope=BotCommandScopeAllPrivateChats())
        assert "🖼 Pictures left" in [command.description for command in commands]
        await ann.say("/plans")
        assert (await ann.chat.find("Today:")).text == "Today: 0 of 0 pictures left."
        await ann.say("/terms")
        assert "Credits" not in (await ann.chat.find("House rules")).text
        await ann.say("/delete")
        assert "subscription" not in (await ann.chat.find("cannot be undone")).text
        await send(ann, FINE, then="The Wave")
        refusal = await ann.chat.find("This counts as one")
        assert refusal.text == "This counts as one picture, and you have none left."
        assert refusal.labels == []


async def test_where_nothing_is_free_nobody_is_told_of_none_of_no_pictures(
    open_bot: Any, playground: Playground
) -> None:
    async with open_bot(tariff={"free_daily": 0}):
        ann = playground.person("Ann")
        assert (await offers(ann)).text.startswith("Credits: 0\n")


async def test_who_has_bought_all_there_is_is_offered_no_more(open_bot: Any, playground: Playground) -> None:
    ann = playground.person("Ann")
    async with open_bot(tariff={"packs": [], "subscription": {"stars": 250, "daily": 20}}):
        await subscribe(ann, await offers(ann))
        await ann.say("/plans")
        plans = await ann.chat.find("Subscription paid until")
        assert plans.labels == ["End the subscription"]
        assert "You can get more" not in plans.text
