"""Clients that send or read slowly: how long they are waited for, and that they wait outside the application."""

from __future__ import annotations

import asyncio
import json
import sys

from hypothesis import given
from hypothesis import strategies as st

from serve_app.proxy.slow_clients import PIECE, Anteroom, BodyPace

MOST_OF_ONE = 2**20
SCOPE = {"type": "http", "headers": [(b"x-request-id", b"slow-1")]}


def declared(size: int) -> dict:
    return {"type": "http", "headers": [*SCOPE["headers"], (b"content-length", str(size).encode())]}


class Conversation:
    """A client that sends ``parts`` of a body, each when it is due by a clock of its own, and hears the answer.

    It sends nothing more while ``sends`` is clear, and reads nothing while ``reads`` is.
    """

    def __init__(self, *parts: tuple[float, bytes]) -> None:
        self.parts = list(parts)
        self.now = 0.0
        self.sent: list[dict] = []
        self.sends, self.reads = asyncio.Event(), asyncio.Event()
        self.sends.set()
        self.reads.set()

    async def receive(self) -> dict:
        await self.sends.wait()
        if not self.parts:
            await asyncio.Event().wait()
        due, body = self.parts.pop(0)
        self.now = max(self.now, due)
        return {"type": "http.request", "body": body, "more_body": bool(self.parts)}

    async def send(self, message: dict) -> None:
        await self.reads.wait()
        self.sent.append(message)

    @property
    def statuses(self) -> list[int]:
        return [message["status"] for message in self.sent if "status" in message]


async def read_whole(scope, receive, send) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"fine"})


class Echo:
    """An application that knows how many requests are with it, and what they said."""

    def __init__(self) -> None:
        self.inside = 0
        self.heard: list[bytes] = []

    async def __call__(self, scope, receive, send) -> None:
        self.inside += 1
        body, more = b"", True
        while more:
            message = await receive()
            body += message["body"]
            more = message["more_body"]
        self.heard.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await send({"type": "http.response.body", "body": body[1:]})
        self.inside -= 1


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# How long a body may take


async def test_a_body_that_keeps_coming_is_waited_for() -> None:
    client = Conversation(*((second, b"x" * 16_384) for second in range(1, 60)))
    await BodyPace(read_whole, clock=lambda: client.now)(SCOPE, client.receive, client.send)
    assert client.statuses == [200]


async def test_a_body_that_stalls_and_makes_up_for_it_is_waited_for() -> None:
    client = Conversation((0, b"x"), (19, b"x"), (19.5, b"x" * 10**6), (38, b"x"))
    await BodyPace(read_whole, clock=lambda: client.now)(SCOPE, client.receive, client.send)
    assert client.statuses == [200]


async def test_a_body_that_trickles_is_answered_408_and_given_up() -> None:
    client = Conversation((0.0, b"x"), (0.0, b"y"), (0.0, b"never"))

    async def stalls() -> dict:
        if len(client.parts) == 1:
            await asyncio.Event().wait()
        return await client.receive()

    await BodyPace(read_whole, grace_s=0.05)(SCOPE, stalls, client.send)
    assert client.statuses == [408]
    problem = json.loads(client.sent[1]["body"])
    assert (problem["type"], problem["instance"]) == ("urn:masquerade:problem:request-timeout", "urn:request:slow-1")


async def test_a_quick_beginning_earns_no_long_silence() -> None:
    client = Conversation((0.0, b"x" * 40 * 2**20), (0.0, b"never"))

    async def stalls() -> dict:
        if len(client.parts) == 1:
            await asyncio.Event().wait()
        return await client.receive()

    async with asyncio.timeout(5):
        await BodyPace(read_whole, grace_s=0.05)(SCOPE, stalls, client.send)
    assert client.statuses == [408]


async def test_an_answer_that_has_begun_is_not_mixed_with_another() -> None:
    client = Conversation()

    async def eager(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": []})
        assert (await receive())["type"] == "http.disconnect"
        await send({"type": "http.response.body", "body": b"late"})

    await BodyPace(eager, grace_s=0.01)(SCOPE, client.receive, client.send)
    assert client.statuses == [413]
    assert len(client.sent) == 1


# Where they wait


async def test_a_request_goes_in_when_all_of_it_is_here() -> None:
    app, client = Echo(), Conversation((0, b"ab"), (0, b"cd"))
    client.sends.clear()
    request = asyncio.create_task(Anteroom(app, MOST_OF_ONE)(SCOPE, client.receive, client.send))
    await settle()
    assert app.inside == 0
    client.sends.set()
    await request
    assert app.heard == [b"abcd"]
    assert b"".join(message.get("body", b"") for message in client.sent) == b"abcd"


async def test_who_does_not_read_the_answer_holds_no_place() -> None:
    app, client = Echo(), Conversation((0, b"abcd"))
    client.reads.clear()
    request = asyncio.create_task(Anteroom(app, MOST_OF_ONE)(SCOPE, client.receive, client.send))
    await settle()
    assert (app.heard, app.inside, client.sent) == ([b"abcd"], 0, [])
    client.reads.set()
    await request
    assert client.statuses == [200]
    assert b"".join(message.get("body", b"") for message in client.sent) == b"abcd"


async def test_the_application_learns_that_the_client_left() -> None:
    left = []

    async def app(scope, receive, send) -> None:
        assert (await receive())["more_body"] is False
        left.append(await receive())

    client = Conversation((0, b"x"))

    async def receive() -> dict:
        return await client.receive() if client.parts else {"type": "http.disconnect"}

    await Anteroom(app, MOST_OF_ONE)(SCOPE, receive, client.send)
    assert left == [{"type": "http.disconnect"}]


async def test_who_leaves_while_sending_never_was_there() -> None:
    app, client = Echo(), Conversation((0, b"x"), (0, b"never"))

    async def receive() -> dict:
        return await client.receive() if len(client.parts) == 2 else {"type": "http.disconnect"}

    room = Anteroom(app, MOST_OF_ONE, most_of_all=1)
    for _ in range(3):
        client.parts[:] = [(0, b"x"), (0, b"never")]
        await room(SCOPE, receive, client.send)
    assert (app.heard, client.sent) == ([], [])


async def test_a_body_declared_too_long_to_keep_goes_in_at_once() -> None:
    app, client = Echo(), Conversation((0, b"x" * 9))
    client.sends.clear()
    request = asyncio.create_task(Anteroom(app, most_of_one=8)(declared(9), client.receive, client.send))
    await settle()
    assert app.inside == 1
    client.sends.set()
    await request
    assert client.statuses == [200]


async def test_who_asks_before_sending_so_much_is_refused_before_being_told_to_go_on() -> None:
    client = Conversation()
    asked = []

    async def receive() -> dict:
        asked.append(client.statuses)
        return {"type": "http.disconnect"}

    async def eager(scope, receive, send) -> None:
        # As Serve does: it wants the body before the application has a say.
        wanted = asyncio.ensure_future(receive())
        await settle()
        await send({"type": "http.response.start", "status": 413, "headers": []})
        await wanted

    scope = declared(9)
    scope["headers"].append((b"expect", b"100-continue"))
    await Anteroom(eager, most_of_one=8)(scope, receive, client.send)
    assert asked == [[413]]


async def test_nothing_of_a_request_is_kept_while_its_answer_is_read() -> None:
    body = bytes(1000)
    references = sys.getrefcount(body)
    client = Conversation((0, body))
    client.reads.clear()
    request = asyncio.create_task(Anteroom(read_whole, MOST_OF_ONE)(SCOPE, client.receive, client.send))
    await settle()
    assert (client.parts, client.sent) == ([], [])
    assert sys.getrefcount(body) == references
    client.reads.set()
    await request
    assert client.statuses == [200]


async def test_a_large_answer_is_handed_out_in_pieces() -> None:
    client = Conversation((0, bytes(range(256)) * 1000))
    await Anteroom(Echo(), MOST_OF_ONE)(SCOPE, client.receive, client.send)
    assert b"".join(message.get("body", b"") for message in client.sent) == bytes(range(256)) * 1000
    assert max(len(message.get("body", b"")) for message in client.sent) == PIECE
    assert [message["more_body"] for message in client.sent[1:]] == [True] * (len(client.sent) - 2) + [False]


# Who makes room


class Halfway(Conversation):
    """Sends the last part when it is told to."""

    def __init__(self, *parts: tuple[float, bytes]) -> None:
        super().__init__(*parts)
        self.goes_on = asyncio.Event()

    async def receive(self) -> dict:
        if len(self.parts) == 1:
            await self.goes_on.wait()
        return await super().receive()


async def test_who_has_been_sending_longest_makes_room_and_is_told_to_come_again() -> None:
    room = Anteroom(Echo(), MOST_OF_ONE, most_of_all=10)
    slow, later, quick = (Halfway((0, part), (0, b"!")) for part in (b"1234", b"1234", b"12345"))
    quick.goes_on.set()
    requests = [asyncio.create_task(room(SCOPE, client.receive, client.send)) for client in (slow, later)]
    await settle()
    await room(SCOPE, quick.receive, quick.send)
    assert quick.statuses == [200]
    await settle()
    assert (slow.statuses, later.statuses) == ([429], [])
    assert dict(slow.sent[0]["headers"])[b"retry-after"] == b"5"
    assert json.loads(slow.sent[1]["body"])["type"] == "urn:masquerade:problem:busy"
    later.goes_on.set()
    await asyncio.gather(*requests)
    assert later.statuses == [200]


async def test_who_has_been_reading_longest_is_hung_up_on_when_room_is_needed() -> None:
    room = Anteroom(Echo(), MOST_OF_ONE, most_of_all=10)
    unread, other = Conversation((0, b"12345678")), Conversation((0, b"123456"))
    unread.reads.clear()
    request = asyncio.create_task(room(SCOPE, unread.receive, unread.send))
    await settle()
    await room(SCOPE, other.receive, other.send)
    assert other.statuses == [200]
    await request
    assert unread.sent == []


async def test_what_is_worked_on_makes_no_room_and_its_answer_is_never_given_up_for_want_of_it() -> None:
    done = asyncio.Event()

    async def slow_echo(scope, receive, send) -> None:
        if (message := await receive())["body"] == b"12345678":
            await done.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": 2 * message["body"]})

    room = Anteroom(slow_echo, MOST_OF_ONE, most_of_all=10)
    working, late = Conversation((0, b"12345678")), Conversation((0, b"123456"))
    request = asyncio.create_task(room(SCOPE, working.receive, working.send))
    await settle()
    await room(SCOPE, late.receive, late.send)
    assert late.statuses == [429]
    done.set()
    await request
    assert working.statuses == [200]
    assert working.sent[1]["body"] == b"1234567812345678"
    late.parts.append((0, b"123456"))
    await room(SCOPE, late.receive, late.send)
    assert late.statuses == [429, 200], "what was read is kept no longer"


async def test_an_answer_to_a_body_too_long_to_keep_counts_as_well() -> None:
    async def refuses(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": []})
        await send({"type": "http.response.body", "body": bytes(8)})

    room = Anteroom(refuses, most_of_one=4, most_of_all=10)
    unread, other = Conversation(), Conversation()
    unread.reads.clear()
    request = asyncio.create_task(room(declared(9), unread.receive, unread.send))
    await settle()
    await room(declared(9), other.receive, other.send)
    assert other.statuses == [413]
    await request
    assert unread.sent == []


@given(parts=st.lists(st.binary(max_size=6), min_size=1, max_size=8), most=st.integers(0, 20))
def test_not_a_byte_is_lost_however_a_body_comes(parts: list[bytes], most: int) -> None:
    async def conversation() -> None:
        app, client = Echo(), Conversation(*((0, part) for part in parts))
        await Anteroom(app, most_of_one=most)(SCOPE, client.receive, client.send)
        assert app.heard == [b"".join(parts)]
        assert b"".join(message.get("body", b"") for message in client.sent) == b"".join(parts)

    asyncio.run(conversation())
