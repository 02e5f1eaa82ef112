"""Callback, inline and pre-checkout queries are answered in time or not at all."""

from __future__ import annotations

from typing import Any

import pytest

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest.fixture
def tap(bench: Any) -> Any:
    message = bench.telegram.post(bench.chat, None, {"text": "a"})
    return bench.interactions.tap(bench.anna, message, "go")


async def test_a_tap_is_answered_once(bench: Any, tap: Any) -> None:
    assert bench.heard()[0].body["data"] == "go"
    assert await bench.call("answerCallbackQuery", callback_query_id=tap.id, text="hi", show_alert=True)
    assert tap.answer == {"text": "hi", "show_alert": True, "url": ""}
    assert tap.answered.is_set()
    assert await bench.refusal("answerCallbackQuery", callback_query_id=tap.id) == TOO_OLD


async def test_a_late_answer_to_a_tap_is_refused(bench: Any, tap: Any) -> None:
    bench.clock.advance(16)
    assert await bench.refusal("answerCallbackQuery", callback_query_id=tap.id) == TOO_OLD
    assert await bench.refusal("answerCallbackQuery", callback_query_id="1") == TOO_OLD


async def test_answers_to_taps_are_short(bench: Any, tap: Any) -> None:
    refusal = await bench.refusal("answerCallbackQuery", callback_query_id=tap.id, text="a" * 201)
    assert refusal == "Bad Request: MESSAGE_TOO_LONG"


def article(**fields: Any) -> dict[str, Any]:
    return {"type": "article", "id": "1", "title": "T", "input_message_content": {"message_text": "shared"}} | fields


async def test_an_inline_result_is_posted_where_the_person_chooses(open_bench: Any) -> None:
    bench = open_bench
    group = bench.telegram.add_group("Friends", [bench.anna])
    query = bench.interactions.ask_inline(bench.anna, "mine")
    assert bench.heard()[0].body["query"] == "mine"
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    assert await bench.call("answerInlineQuery", inline_query_id=query.id, results=[article(reply_markup=markup)])
    message = bench.people.share(bench.anna, query.answer["results"][0], group, query)
    posted, chosen = bench.heard()
    assert posted.body["via_bot"]["id"] == bench.telegram.bot.id
    assert chosen.body["result_id"] == "1"
    edited = await bench.call("editMessageText", inline_message_id=chosen.body["inline_message_id"], text="edited")
    assert edited is True
    assert message.content["text"] == "edited"
    bench.interactions.tap(bench.anna, message, "go")
    assert bench.heard()[0].body["inline_message_id"] == message.inline_message_id


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({}, "expected an Array of inline query results"),
        ([article()] * 51, "too many inline query results specified"),
        ([article(), article()], "RESULT_ID_DUPLICATE"),
        ([article(id="a" * 65)], "RESULT_ID_INVALID"),
        ([article(type=None)], "can't parse inline query result: Can't find field \"type\""),
        ([article(input_message_content=None)], "can't parse inline query result: Can't find field \"message_text\""),
        ([{"type": "photo", "id": "1"}], "can't parse inline query result: Can't find field \"photo_file_id\""),
        ([{"type": "photo", "id": "1", "photo_file_id": "x"}], "wrong file identifier/HTTP URL specified"),
    ],
)
async def test_refused_inline_results(bench: Any, results: Any, message: str) -> None:
    query = bench.interactions.ask_inline(bench.anna, "")
    args = {"inline_query_id": query.id, "results": results or {"not": "a list"}}
    assert await bench.refusal("answerInlineQuery", **args) == f"Bad Request: {message}"


async def test_inline_queries_are_answered_within_half_a_minute(bench: Any) -> None:
    query = bench.interactions.ask_inline(bench.anna, "")
    bench.clock.advance(31)
    assert await bench.refusal("answerInlineQuery", inline_query_id=query.id, results=[article()]) == TOO_OLD
