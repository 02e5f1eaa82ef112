"""A client for the HTTP API that survives what a studio survives: it asks again, within its deadline, where that is safe.

    async with StudioClient("http://127.0.0.1:8000") as studio:
        painted = await studio.post("/v1/style", {"image": photo}, style="wave")
        Path("wave.jpg").write_bytes(painted.data)

What comes back as busy, restarting or not at all is asked again until the deadline: after what ``Retry-After`` says,
or else soon and then less and less often. Jobs are ordered under an ``Idempotency-Key``, so a repeated order is one job.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
import stamina

from serve_app.http.problem_document import MEDIA_TYPE
from serve_app.proxy.replay import IDEMPOTENCY_KEY, JOBS, repeatable

CONNECT_S = 2.0
# Shorter than the 5 s for which the server keeps an idle connection: one it closes at the moment of its next use is lost.
KEPT_S = 4.0
FIRST_PAUSE_S, LONGEST_PAUSE_S, JITTER_S = 0.05, 0.25, 0.1

# Retries are logged for whoever configures logging; on the terminals of others they are noise.
logging.getLogger("stamina").addHandler(logging.NullHandler())

# Busy, or for the moment not there. Other refusals stay what they are however often one asks.
_PASSING = frozenset({408, 429, 502, 503, 504})


Value = str | float | bool
Field = Value | Sequence[Value]
"""A form field's value, or the values of one that may be sent more than once."""


class StudioRefusal(Exception):
    """The studio said no, or kept failing until the deadline.

    ``status`` is the HTTP status, ``slug`` the last part of the problem's type (``no-face``; "" where what stands before
    the studio answered), ``retry_after_s`` what the studio asks to wait. ``ended`` where it is how a job ended: the same
    question has no other answer any more.
    """

    def __init__(
        self, status: int, slug: str, detail: str, retry_after_s: float | None = None, *, ended: bool = False
    ) -> None:
        super().__init__(detail)
        self.ended = ended
        self.status = status
        self.slug = slug
        self.detail = detail
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class StudioAnswer:
    """What the studio answered: a picture or a JSON document. ``model`` is the version behind it, "" for none."""

    data: bytes
    media_type: str
    model: str
    status: int

    def json(self) -> Any:
        """The document. Raises ``ValueError`` where the answer is a picture."""
        return json.loads(self.data)


class StudioClient:
    """One studio at ``url``; ``key`` is an API key. Every call takes at most ``deadline_s`` seconds, all tries together.

    Calls raise :class:`StudioRefusal`, or where no answer came in time ``TimeoutError`` or ``aiohttp.ClientError``.
    """

    def __init__(self, url: str, *, key: str | None = None, deadline_s: float = 60.0) -> None:
        self._deadline_s = deadline_s
        self._http = aiohttp.ClientSession(
            url,
            headers={} if key is None else {"Authorization": f"Bearer {key}"},
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_S),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:  # fmt: skip
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        await self._http.close()

    async def get(self, path: str, **query: str) -> StudioAnswer:
        """Ask for a document or a picture."""
        return await self._call("GET", path, params=query)

    async def post(
        self, path: str, photos: Mapping[str, bytes], *, accept: str = "*/*", **fields: Field
    ) -> StudioAnswer:
        """Send photos (by form field: ``image``, ``source``, ``target``) and plain fields; for work and for jobs.

        A field with several values is sent as often: ``style=["wave:0.7", "udnie:0.3"]``.
        """
        return await self._call("POST", path, photos, fields, headers={"Accept": accept})

    async def delete(self, path: str) -> StudioAnswer:
        """Withdraw a job."""
        return await self._call("DELETE", path)

    async def _call(
        self,
        method: str,
        path: str,
        photos: Mapping[str, bytes] | None = None,
        fields: Mapping[str, Field] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> StudioAnswer:
        sent = dict(headers or {})
        if path == JOBS:
            sent[IDEMPOTENCY_KEY] = uuid.uuid4().hex
        again = repeatable(method, path, sent)
        ends = time.monotonic() + self._deadline_s

        def passes(error: Exception) -> bool | float:
            """Whether to ask again, and where the studio said so, after how many seconds."""
            if not again:
                return False
            if not isinstance(error, StudioRefusal):
                return isinstance(error, aiohttp.ClientError)
            if error.ended or (error.status not in _PASSING and not (error.status == 500 and not error.slug)):
                return False
            pause_s = error.retry_after_s
            if pause_s is None:
                return True
            return False if time.monotonic() + pause_s > ends else pause_s

        tries = stamina.retry_context(
            on=passes,
            attempts=None,
            timeout=self._deadline_s,
            wait_initial=FIRST_PAUSE_S,
            wait_max=LONGEST_PAUSE_S,
            wait_jitter=JITTER_S,
        )
        try:
            async with asyncio.timeout(self._deadline_s):
                async for attempt in tries:
                    with attempt:
                        # The studio need not work on what nobody waits for any more.
                        sent["x-request-timeout-seconds"] = f"{max(0.001, ends - time.monotonic()):.3f}"
                        form = None if photos is None else _form(photos, fields or {})
                        async with self._http.request(method, path, data=form, headers=sent, params=params) as response:
                            return await _read(response)
        except TimeoutError as error:
            # aiohttp's own, of a studio that it did not reach within ``CONNECT_S``: without another try the deadline is far.
            if isinstance(error, aiohttp.ClientError) and not again:
                raise
            raise TimeoutError(f"{method} {path} was not answered within {self._deadline_s:g} s") from error
        raise AssertionError("the last try ends the loop")


def _form(photos: Mapping[str, bytes], fields: Mapping[str, Field]) -> aiohttp.FormData:
    form = aiohttp.FormData()
    for name, data in photos.items():
        form.add_field(name, data, filename="photo", content_type="application/octet-stream")
    for name, given in fields.items():
        for value in [given] if isinstance(given, str | float | int) else given:
            form.add_field(name, str(value).lower() if isinstance(value, bool) else str(value))
    return form


async def _read(response: aiohttp.ClientResponse) -> StudioAnswer:
    data = await response.read()
    if response.ok:
        return StudioAnswer(data, response.content_type, response.headers.get("x-model", ""), response.status)
    slug, detail, ended = "", data[:500].decode(errors="replace"), False
    if response.content_type == MEDIA_TYPE:
        problem = json.loads(data)
        ended = problem.get("state") == "failed"
        slug, detail = str(problem.get("type", "")).rpartition(":")[2], str(problem.get("detail", ""))
    raise StudioRefusal(response.status, slug, detail, _seconds(response.headers.get("retry-after")), ended=ended)


def _seconds(retry_after: str | None) -> float | None:
    try:
        return None if retry_after is None else max(0.0, float(retry_after))
    except ValueError:
        return None  # A date, which no studio sends.
