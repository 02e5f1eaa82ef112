"""Headers that would pass for others, lift limits, or never end."""

from __future__ import annotations

import json

import pytest

from tests.e2e.attacks.attempts import HUNG_UP, raw


def test_a_request_id_cannot_carry_anything_but_a_word(studio_url: str) -> None:
    for given in (b"a\xff\xfeb", b"a" * 5000, b'"><script>', b"a\tb", b"{}"):
        answer = raw(
            studio_url, b"GET /v1/nope HTTP/1.1\r\nHost: x\r\nX-Request-Id: " + given + b"\r\nConnection: close\r\n\r\n"
        )
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 404 " in head.splitlines()[0]
        assert given not in answer
        assert json.loads(body)["instance"].startswith("urn:request:")


@pytest.mark.parametrize(
    "smuggled",
    [
        b"X-Request-Id: a\r\n Set-Cookie: owned=1",
        b"X-Request-Id: a\nSet-Cookie: owned=1",
        b"X-Request-Id: a\r\n\r\nGET /admin HTTP/1.1",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
        b"Content-Length: 5\r\nContent-Length: 6",
    ],
)
def test_headers_cannot_be_smuggled_in(studio_url: str, smuggled: bytes) -> None:
    answer = raw(
        studio_url, b"POST /v1/nope HTTP/1.1\r\nHost: x\r\n" + smuggled + b"\r\nConnection: close\r\n\r\nhello"
    )
    assert b"owned=1" not in answer
    assert b" 200 " not in answer.splitlines()[0]


def test_a_client_cannot_lift_its_own_time_limit(studio_url: str) -> None:
    for header in (
        b"X-Request-Timeout-Seconds: -1",
        b"X-Request-Disconnect-Disabled: ?1",
        b"serve_multiplexed_model_id: x",
    ):
        answer = raw(studio_url, b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + header + b"\r\nConnection: close\r\n\r\n")
        assert b" 200 " in answer.splitlines()[0]


def test_header_lines_without_end_are_cut_off(studio_url: str) -> None:
    flood = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 2**21
    answer = raw(studio_url, flood)
    assert answer == HUNG_UP or answer.startswith(b"HTTP/1.1 431 ")
