"""Calls to Telegram: limits before sending, refusals obeyed, server errors tried again, broken connections not."""

from __future__ import annotations

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import (
    AnswerCallbackQuery,
    DeleteMessage,
    EditMessageText,
    GetFile,
    SendChatAction,
    SendMediaGroup,
    SendMessage,
    SendPhoto,
)
from aiogram.types import InputMediaPhoto

from bot.delivery.messages import Flooded
from bot.delivery.outbound import ATTEMPTS, Outbound, in_lull

MESSAGE = SendMessage(chat_id=7, text="hello")


class FakeLimiter:
    def __init__(self) -> None:
        self.calls: list[tuple[str, object, float]] = []
        self.pause_s = 0.0

    async def acquire(self, chat_id, messages=1) -> None:
        if self.pause_s:
            raise Flooded(self.pause_s)
        self.calls.append(("acquire", chat_id, messages))

    async def refused(self, chat_id, retry_after) -> None:
        self.calls.append(("refused", chat_id, retry_after))


class Server:
    """Answers calls with what was prepared, in order, and then with success."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.limiter = FakeLimiter()
        self.slept: list[float] = []
        self.now = 1000.0
        self._outbound = Outbound(self.limiter, sleep=self.sleep, clock=lambda: self.now)

    async def make_request(self, bot, method):
        self.calls += 1
        if self.answers:
            raise self.answers.pop(0)
        return "sent"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def call(self, method):
        return await self._outbound(self.make_request, Bot("1:token"), method)


def flood(seconds: int) -> TelegramRetryAfter:
    return TelegramRetryAfter(MESSAGE, "Too Many Requests", seconds)


def broken() -> TelegramServerError:
    return TelegramServerError(MESSAGE, "Internal Server Error")


@pytest.mark.parametrize(
    ("method", "messages"),
    [
        (MESSAGE, 1),
        (SendPhoto(chat_id=7, photo="id"), 1),
        (EditMessageText(chat_id=7, message_id=1, text="new"), 1),
        (SendMediaGroup(chat_id=7, media=[InputMediaPhoto(media="id")] * 4), 4),
    ],
)
async def test_sending_and_editing_wait_for_the_limits(method, messages) -> None:
    server = Server()
    assert await server.call(method) == "sent"
    assert server.limiter.calls == [("acquire", 7, messages)]


@pytest.mark.parametrize(
    "method",
    [
        SendChatAction(chat_id=7, action="typing"),
        DeleteMessage(chat_id=7, message_id=1),
        AnswerCallbackQuery(callback_query_id="1"),
        GetFile(file_id="1"),
        EditMessageText(inline_message_id="1", text="new"),
    ],
)
async def test_what_is_no_message_waits_for_nothing(method) -> None:
    server = Server()
    await server.call(method)
    assert server.limiter.calls == []


async def test_a_long_pause_that_telegram_demanded_is_told_in_its_words() -> None:
    server = Server()
    server.limiter.pause_s = 599.5
    with pytest.raises(TelegramRetryAfter) as told:
        await server.call(MESSAGE)
    assert (told.value.retry_after, server.calls) == (600, 0)


async def test_what_has_found_its_room_leaves_at_once() -> None:
    server = Server()
    with in_lull():
        assert await server.call(MESSAGE) == "sent"
    assert server.limiter.calls == []


@pytest.mark.parametrize("error", [broken(), flood(1)])
async def test_what_might_not_be_true_any_more_is_not_sent_again(error) -> None:
    server = Server(error)
    with in_lull(), pytest.raises(type(error)):
        await server.call(MESSAGE)
    assert server.calls == 1


async def test_a_refusal_of_what_had_found_its_room_is_obeyed_too() -> None:
    server = Server(flood(3))
    with in_lull(), pytest.raises(TelegramRetryAfter):
        await server.call(MESSAGE)
    assert server.limiter.calls == [("refused", 7, 3)]


async def test_a_refused_message_is_sent_again_when_the_limiter_says_so() -> None:
    server = Server(flood(3))
    assert await server.call(MESSAGE) == "sent"
    assert server.limiter.calls == [("acquire", 7, 1), ("refused", 7, 3), ("acquire", 7, 1)]
    assert server.slept == []


async def test_another_refused_call_waits_as_told() -> None:
    server = Server(flood(2))
    assert await server.call(GetFile(file_id="1")) == "sent"
    assert server.slept == [2]


@pytest.mark.parametrize("method", [GetFile(file_id="1"), SendChatAction(chat_id=7, action="typing")])
async def test_a_call_that_was_refused_for_long_is_not_made_before_its_time(method) -> None:
    server = Server(flood(60))
    with pytest.raises(TelegramRetryAfter):
        await server.call(method)
    server.now += 20.5
    with pytest.raises(TelegramRetryAfter) as told:
        await server.call(method)
    assert (server.calls, told.value.retry_after, server.slept) == (1, 40, [])
    server.now += 39.5
    assert await server.call(method) == "sent"
    assert server.calls == 2


async def test_the_last_seconds_of_a_pause_are_waited_for() -> None:
    server = Server(flood(60))
    with pytest.raises(TelegramRetryAfter):
        await server.call(GetFile(file_id="1"))
    server.now += 50
    assert await server.call(GetFile(file_id="2")) == "sent"
    assert server.slept == [10]


async def test_the_answer_to_a_tap_waits_for_no_pause() -> None:
    server, answer = Server(flood(5)), AnswerCallbackQuery(callback_query_id="1")
    for _ in range(2):
        with pytest.raises(TelegramRetryAfter):
            await server.call(answer)
    assert (server.calls, server.slept) == (1, [])
    server.now += 5
    assert await server.call(answer) == "sent"


@pytest.mark.parametrize(
    "other", [AnswerCallbackQuery(callback_query_id="1"), DeleteMessage(chat_id=8, message_id=1), MESSAGE]
)
async def test_a_refusal_holds_up_nothing_but_its_own_kind(other) -> None:
    server = Server(flood(60))
    with pytest.raises(TelegramRetryAfter):
        await server.call(DeleteMessage(chat_id=7, message_id=1))
    assert await server.call(other) == "sent"
    assert server.slept == []


async def test_a_refusal_for_long_is_told_to_the_caller_and_the_limiter() -> None:
    server = Server(flood(300))
    with pytest.raises(TelegramRetryAfter):
        await server.call(MESSAGE)
    assert server.limiter.calls[-1] == ("refused", 7, 300)
    assert server.calls == 1


async def test_a_server_error_is_tried_again_after_growing_pauses() -> None:
    server = Server(broken(), broken())
    assert await server.call(MESSAGE) == "sent"
    assert server.slept == sorted(server.slept)
    assert [call[0] for call in server.limiter.calls] == ["acquire"] * 3


@pytest.mark.parametrize("error", [broken(), flood(1)])
async def test_nothing_is_tried_for_ever(error) -> None:
    server = Server(*[error] * 50)
    with pytest.raises(type(error)):
        await server.call(MESSAGE)
    assert server.calls == ATTEMPTS


@pytest.mark.parametrize(
    "error", [TelegramNetworkError(MESSAGE, "timeout"), TelegramBadRequest(MESSAGE, "chat not found")]
)
async def test_what_may_have_been_done_or_never_will_be_is_not_tried_again(error) -> None:
    server = Server(error)
    with pytest.raises(type(error)):
        await server.call(MESSAGE)
    assert server.calls == 1


@pytest.mark.parametrize("error", [broken(), flood(1)])
async def test_an_activity_is_not_worth_a_second_try(error) -> None:
    server = Server(error)
    with pytest.raises(type(error)):
        await server.call(SendChatAction(chat_id=7, action="typing"))
    assert server.calls == 1
