"""Every method, whatever it is given, answers or refuses as the Bot API does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.playground.api import METHODS
from bot.playground.api.call import Call, Upload
from bot.playground.telegram.errors import ApiError
from bot.playground.telegram.model import BotProfile

_MARKUP = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}, {"text": "c", "copy_text": {"text": "d"}}]]}
_PHOTO = {"type": "photo", "media": "attach://f", "caption": "<b>a</b>", "parse_mode": "HTML"}
_RESULT = {
    "type": "article",
    "id": "1",
    "title": "t",
    "input_message_content": {"message_text": "<b>a</b>", "parse_mode": "HTML"},
    "reply_markup": _MARKUP,
}
_INVOICE = {
    "title": "t",
    "description": "d",
    "payload": "p",
    "currency": "XTR",
    "prices": [{"label": "l", "amount": 1}],
    "subscription_period": 2_592_000,
    "suggested_tip_amounts": [],
}
# Calls that are all right, to be spoiled in one place each.
_CALLS: dict[str, dict[str, Any]] = {
    "getupdates": {"offset": 1, "limit": 5, "allowed_updates": ["message"]},
    "setwebhook": {
        "url": "http://127.0.0.1:9/",
        "secret_token": "s",
        "max_connections": 1,
        "allowed_updates": ["message"],
    },
    "sendmessage": {
        "text": "<b>a</b>",
        "parse_mode": "HTML",
        "reply_markup": _MARKUP,
        "reply_parameters": {"message_id": 1, "allow_sending_without_reply": True},
    },
    "sendphoto": {"photo": "attach://f", "caption": "<b>a</b>", "parse_mode": "HTML", "has_spoiler": True},
    "senddocument": {"document": "attach://f", "reply_markup": {"keyboard": [[{"text": "a"}]]}},
    "sendmediagroup": {"media": [_PHOTO, _PHOTO]},
    "sendchataction": {"action": "typing"},
    "copymessage": {"from_chat_id": 5_000_000_001, "message_id": 1, "caption": "a"},
    "editmessagetext": {"message_id": 2, "text": "b", "inline_message_id": "x", "reply_markup": _MARKUP},
    "editmessagereplymarkup": {"message_id": 2, "reply_markup": _MARKUP},
    "deletemessage": {"message_id": 2},
    "answercallbackquery": {"callback_query_id": "1", "text": "a"},
    "answerinlinequery": {"inline_query_id": "1", "results": [_RESULT], "button": {"text": "a"}},
    "answerprecheckoutquery": {"pre_checkout_query_id": "1", "ok": True},
    "sendinvoice": _INVOICE,
    "createinvoicelink": _INVOICE,
    "refundstarpayment": {"user_id": 5_000_000_001, "telegram_payment_charge_id": "x"},
    "edituserstarsubscription": {"user_id": 1, "telegram_payment_charge_id": "x", "is_canceled": True},
    "setmycommands": {"commands": [{"command": "a", "description": "b"}], "scope": {"type": "default"}},
    "getfile": {"file_id": "x"},
}
_JUNK = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({}) | st.just([["a"]])


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


def _spoiled(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    copy = value.copy()
    copy[path[0]] = _spoiled(value[path[0]], path[1:], junk)
    return copy


_SPOILT = st.sampled_from(sorted(_CALLS)).flatmap(
    lambda method: st.tuples(
        st.just(method),
        st.sampled_from([("chat_id",), *_places(_CALLS[method])[1:]]),
        _JUNK | st.text().map(json.dumps),
    )
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoilt=_SPOILT)
def test_no_argument_breaks_a_method(
    make_bench: Any, make_picture: Callable[..., bytes], spoilt: tuple[str, tuple[Any, ...], Any]
) -> None:
    method, path, junk = spoilt

    async def run(folder: str) -> None:
        bench = make_bench(Path(folder), BotProfile())
        bench.telegram.post(bench.chat, None, {"text": "a"})
        args = _spoiled({"chat_id": bench.anna.id} | _CALLS[method], path, junk)
        texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in args.items()}
        try:
            answer = await METHODS[method](bench.api, Call(method, texts, {"f": Upload(make_picture())}))
        except ApiError as error:
            assert error.description
            assert error.code in {400, 403}
        else:
            json.dumps(answer)
        await bench.api.drop_webhook()

    with TemporaryDirectory() as folder:
        asyncio.run(run(folder))


@pytest.mark.parametrize("method", sorted(_CALLS.keys() - {"setwebhook"}))
async def test_the_calls_to_be_spoiled_are_understood(
    bench: Any, make_picture: Callable[..., bytes], method: str
) -> None:
    """Else the test above would only ever see the same refusal."""
    bench.telegram.post(bench.chat, None, {"text": "a"})
    args = {"chat_id": bench.anna.id} | _CALLS[method]
    understood = {
        "message can't be edited",
        "invalid file_id",
        "CHARGE_NOT_FOUND",
        "CHARGE_ID_INVALID",
        "query is too old and response timeout expired or query ID is invalid",
    }
    try:
        await bench.call(method, {"f": Upload(make_picture())}, **args)
    except ApiError as error:
        assert error.description.removeprefix("Bad Request: ") in understood


async def test_the_bot_knows_itself(bench: Any) -> None:
    me = await bench.call("getMe")
    assert (me["username"], me["can_read_all_group_messages"]) == ("masquerade_playground_bot", False)


async def test_commands_are_kept_by_scope_and_language(bench: Any) -> None:
    english, russian = ({"command": "start", "description": word} for word in ("Begin", "Начать"))
    assert await bench.call("setMyCommands", commands=[english])
    assert await bench.call("setMyCommands", commands=[russian], language_code="ru")
    assert await bench.call("getMyCommands") == [english]
    assert await bench.call("getMyCommands", language_code="ru") == [russian]


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        ("x", "can't parse commands JSON object"),
        ({}, "expected an Array of BotCommand"),
        ([{"command": "No Spaces", "description": "d"}], "BOT_COMMAND_INVALID"),
        ([{"command": "ok", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": "ok", "description": "d"}] * 101, "BOT_COMMANDS_TOO_MUCH"),
    ],
)
async def test_refused_commands(bench: Any, commands: Any, message: str) -> None:
    assert await bench.refusal("setMyCommands", commands=commands) == f"Bad Request: {message}"


async def test_a_file_is_looked_up(bench: Any) -> None:
    asset = bench.telegram.files.add_file("document", b"data", name="a.txt")
    answer = await bench.call("getFile", file_id=asset.main.file_id)
    assert answer["file_path"].endswith(".txt")
    assert await bench.refusal("getFile") == "Bad Request: file_id not specified"
