"""The client asks again within its deadline what may be asked again, and says what the studio said otherwise."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from serve_app.client import StudioClient, StudioRefusal


class Studio:
    """A server that gives the ``answers`` in turn, the last one for ever; None hangs up without an answer."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]] | None] = [(200, {})]
        self.asked: list[tuple[float, web.BaseRequest, bytes]] = []
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((time.monotonic(), request, await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers = answer
        if status < 400:
            return web.Response(status=status, headers={"X-Model": "style@v1"}, body=b'{"id": "7"}')
        problem = {"type": "urn:masquerade:problem:no-face", "detail": "There is nobody."}
        if state := headers.get("State"):
            problem["state"] = state
        return web.json_response(problem, status=status, headers=headers, content_type="application/problem+json")


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    serving = Studio()
    runner = web.ServerRunner(web.Server(serving.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    serving.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield serving
    await runner.cleanup()


@pytest.fixture
async def client(studio: Studio) -> AsyncIterator[StudioClient]:
    async with StudioClient(studio.url, key="mq_1", deadline_s=20) as client:
        yield client


async def test_photos_and_fields_arrive_with_the_key(studio: Studio, client: StudioClient) -> None:
    answer = await client.post("/v1/style", {"image": b"a photo"}, style="wave", preserve_color=True)
    assert (answer.model, answer.json()) == ("style@v1", {"id": "7"})
    _, request, body = studio.asked[0]
    assert request.headers["Authorization"] == "Bearer mq_1"
    assert b"a photo" in body
    assert b"wave" in body
    assert b"true" in body


async def test_a_field_with_several_values_is_sent_as_often(studio: Studio, client: StudioClient) -> None:
    await client.post("/v1/style", {"image": b"a photo"}, style=["wave:0.7", "udnie:0.3"], strength=0.5)
    body = studio.asked[0][2]
    assert body.count(b'name="style"') == 2
    assert b"\r\nwave:0.7\r\n" in body
    assert b"\r\nudnie:0.3\r\n" in body
    assert b"\r\n0.5\r\n" in body


@pytest.mark.parametrize("passing", [None, (503, {}), (429, {"Retry-After": "0"}), (502, {})])
async def test_what_passes_is_asked_again(studio: Studio, client: StudioClient, passing: object) -> None:
    studio.answers = [passing, passing, (200, {})]  # type: ignore[list-item]
    assert (await client.post("/v1/faces", {"image": b"x"})).status == 200
    assert len(studio.asked) == 3


async def test_retry_after_is_waited_for(studio: Studio, client: StudioClient) -> None:
    studio.answers = [(429, {"Retry-After": "1"}), (200, {})]
    await client.get("/v1/styles")
    (first, _, _), (second, _, _) = studio.asked
    assert second - first >= 1


async def test_a_wait_beyond_the_deadline_is_told_at_once(studio: Studio, client: StudioClient) -> None:
    studio.answers = [(429, {"Retry-After": "3600"})]
    with pytest.raises(StudioRefusal) as caught:
        await client.get("/v1/styles")
    assert (caught.value.status, caught.value.retry_after_s) == (429, 3600)
    assert len(studio.asked) == 1


async def test_a_refusal_is_final_and_says_why(studio: Studio, client: StudioClient) -> None:
    studio.answers = [(422, {}), (200, {})]
    with pytest.raises(StudioRefusal, match="nobody") as caught:
        await client.post("/v1/faces", {"image": b"x"})
    assert (caught.value.status, caught.value.slug) == (422, "no-face")


@pytest.mark.parametrize(("told", "seconds"), [("7", 7.0), ("-1", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", None)])
async def test_a_refusal_says_how_long_to_wait_where_that_is_a_number(
    studio: Studio, client: StudioClient, told: str, seconds: float | None
) -> None:
    studio.answers = [(422, {"Retry-After": told})]
    with pytest.raises(StudioRefusal) as caught:
        await client.post("/v1/faces", {"image": b"x"})
    assert caught.value.retry_after_s == seconds


async def test_how_a_job_ended_is_not_asked_again(studio: Studio, client: StudioClient) -> None:
    studio.answers = [(503, {"Retry-After": "0", "State": "failed"}), (200, {})]
    with pytest.raises(StudioRefusal, match="nobody") as caught:
        await client.get("/v1/jobs/7/result")
    assert (caught.value.status, caught.value.ended, len(studio.asked)) == (503, True, 1)


async def test_a_job_is_ordered_under_one_key_however_often(studio: Studio, client: StudioClient) -> None:
    studio.answers = [None, (202, {})]
    await client.post("/v1/jobs", {"image": b"x"}, kind="style")
    await client.post("/v1/jobs", {"image": b"x"}, kind="style")
    first, again, other = (request.headers["Idempotency-Key"] for _, request, _ in studio.asked)
    assert first == again != other


async def test_what_changes_the_studio_is_asked_once(studio: Studio, client: StudioClient) -> None:
    studio.answers = [None, (200, {})]
    with pytest.raises(aiohttp.ClientError):
        await client.post("/v1/models/style/rollback", {})
    assert len(studio.asked) == 1


async def test_a_studio_that_is_away_is_found_when_it_is_back(studio: Studio) -> None:
    async with StudioClient(studio.url, deadline_s=20) as client:
        studio.answers = [None] * 3 + [(200, {})]
        assert (await client.get("/v1/styles")).status == 200


@pytest.mark.parametrize("answers", [[None], [(503, {})]])
async def test_the_deadline_ends_all_tries(studio: Studio, answers: list[tuple[int, dict[str, str]] | None]) -> None:
    studio.answers = answers
    async with StudioClient(studio.url, deadline_s=0.5) as client:
        with pytest.raises((TimeoutError, StudioRefusal, aiohttp.ClientError)):
            await asyncio.wait_for(client.get("/v1/styles"), 10)
    assert len(studio.asked) > 1
    limits = [float(request.headers["x-request-timeout-seconds"]) for _, request, _ in studio.asked]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] <= 0.5


async def test_a_missed_deadline_says_which_call_and_how_long() -> None:
    gone = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with StudioClient(f"http://127.0.0.1:{port}", deadline_s=0.3) as client:
            with pytest.raises(TimeoutError, match=r"GET /v1/styles was not answered within 0\.3 s"):
                await client.get("/v1/styles")
        await gone.wait()


async def test_a_studio_that_is_not_reached_is_no_missed_deadline_where_it_is_asked_once(
    studio: Studio, client: StudioClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreached(*_: object, **_more: object) -> None:
        raise aiohttp.ConnectionTimeoutError("Connection timeout to host")

    monkeypatch.setattr(client._http, "request", unreached)
    with pytest.raises(aiohttp.ClientError, match="Connection timeout to host"):
        await client.post("/v1/models/style/rollback", {})


def test_retries_are_not_printed_where_nobody_configured_logging(capfd: pytest.CaptureFixture[str]) -> None:
    program = "import serve_app.client, logging; logging.getLogger('stamina').warning('stamina.retry_scheduled')"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert capfd.readouterr().err == ""
