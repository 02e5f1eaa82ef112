"""Every method, whatever it is given, answers or refuses as the Bot API does."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.playground.api import METHODS
from bot.playground.call import Call, Upload
from bot.playground.errors import ApiError
from bot.playground.model import BotProfile

_ARGUMENTS = (
    "chat_id message_id from_chat_id text caption parse_mode entities caption_entities reply_markup reply_parameters "
    "reply_to_message_id photo document media action message_ids callback_query_id inline_query_id results button "
    "pre_checkout_query_id ok error_message title description payload currency prices subscription_period user_id "
    "telegram_payment_charge_id is_canceled offset limit allowed_updates commands scope language_code name file_id "
    "inline_message_id result show_alert url secret_token"
).split()
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from(["type", "photo", "article"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "id", "text", "media", "message_id", "amount", "label", "offset"]), inner),
    max_leaves=8,
)
_values = st.text(max_size=6) | st.integers().map(str) | _json.map(json.dumps) | st.just("attach://f")
_calls = st.tuples(
    # These two wait, for updates or for a connection.
    st.sampled_from(sorted(METHODS.keys() - {"getupdates", "setwebhook"})),
    st.dictionaries(st.sampled_from(_ARGUMENTS), _values, max_size=8),
)


@pytest.fixture(scope="module")
def make_bench(request: pytest.FixtureRequest) -> Any:
    conftest = request.config.pluginmanager.getplugin(str(Path(__file__).with_name("conftest.py")))
    return conftest.Bench


@settings(max_examples=6000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(_calls, min_size=1, max_size=5))
def test_no_arguments_break_a_method(make_bench: Any, calls: list[tuple[str, dict[str, str]]]) -> None:
    async def run() -> None:
        with TemporaryDirectory() as folder:
            bench = make_bench(Path(folder), BotProfile())
            message = bench.telegram.post(bench.chat, None, {"text": "a"})
            for method, args in calls:
                real = {"chat_id": str(bench.anna.id), "message_id": str(message.id), "user_id": str(bench.anna.id)}
                try:
                    answer = await METHODS[method](bench.api, Call(method, real | args, {"f": Upload(b"data")}))
                except ApiError as error:
                    assert error.description
                    assert error.code in {400, 403, 413, 429}
                else:
                    json.dumps(answer)

    asyncio.run(run())


async def test_the_bot_knows_itself(bench: Any) -> None:
    me = await bench.call("getMe")
    assert (me["username"], me["can_read_all_group_messages"]) == ("masquerade_playground_bot", False)


async def test_commands_are_kept_by_scope_and_language(bench: Any) -> None:
    english, russian = ({"command": "start", "description": word} for word in ("Begin", "Начать"))
    assert await bench.call("setMyCommands", commands=[english])
    assert await bench.call("setMyCommands", commands=[russian], language_code="ru")
    assert await bench.call("getMyCommands") == [english]
    assert await bench.call("getMyCommands", language_code="ru") == [russian]
    assert await bench.call("deleteMyCommands", language_code="ru")
    assert await bench.call("getMyCommands", language_code="ru") == []


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


async def test_texts_about_the_bot_are_kept_by_language(bench: Any) -> None:
    assert await bench.call("setMyDescription", description="Paints", language_code="en")
    assert await bench.call("getMyDescription", language_code="en") == {"description": "Paints"}
    assert await bench.call("getMyDescription", language_code="ru") == {"description": ""}
    assert await bench.call("getMyName") == {"name": "Masquerade"}


async def test_members_of_a_chat(bench: Any) -> None:
    group = bench.telegram.add_group("Friends", [bench.anna])
    member = await bench.call("getChatMember", chat_id=group.id, user_id=bench.anna.id)
    assert member["status"] == "member"
    stranger = bench.telegram.add_user("Stranger")
    assert (await bench.call("getChatMember", chat_id=group.id, user_id=stranger.id))["status"] == "left"
    assert await bench.refusal("getChatMember", chat_id=group.id, user_id=5) == "Bad Request: user not found"
    assert await bench.call("getChatMemberCount", chat_id=group.id) == 2


async def test_a_file_is_looked_up(bench: Any) -> None:
    asset = bench.telegram.files.add_file("document", b"data", name="a.txt")
    answer = await bench.call("getFile", file_id=asset.main.file_id)
    assert answer["file_path"].endswith(".txt")
    assert await bench.refusal("getFile") == "Bad Request: file_id not specified"
