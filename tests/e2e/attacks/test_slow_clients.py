"""Clients that trickle, never read or hang up, many at a time."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from tests.e2e.attacks.attempts import PATIENCE_S, part, photo


@contextlib.contextmanager
def many_connections(url: str) -> Iterator[list[socket.socket]]:
    """More connections than the gateway has places, none of which reads much ahead."""
    address = urlsplit(url)
    with contextlib.ExitStack() as opened:
        slow = []
        for _ in range(200):
            connection = opened.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(PATIENCE_S)
            connection.connect((address.hostname, address.port))
            slow.append(connection)
        yield slow


def assert_nobody_waits(client: httpx.Client) -> None:
    for _ in range(5):
        began = time.monotonic()
        assert client.post("/v1/moderate", files={"image": photo()}).status_code == 200
        assert time.monotonic() - began < PATIENCE_S


def test_clients_that_never_finish_their_headers_keep_nobody_waiting(client: httpx.Client, studio_url: str) -> None:
    with many_connections(studio_url) as slow:
        for connection in slow:
            connection.sendall(b"POST /v1/style HTTP/1.1\r\nHost: x\r\nX-")
        assert_nobody_waits(client)


def test_clients_that_trickle_their_bodies_keep_nobody_waiting(client: httpx.Client, studio_url: str) -> None:
    head = b"POST /v1/style HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n"
    with many_connections(studio_url) as slow:
        for connection in slow:
            connection.sendall(head + part("style"))
        assert_nobody_waits(client)


def test_clients_that_never_read_keep_nobody_waiting(client: httpx.Client, studio_url: str) -> None:
    sample = client.get("/v1/samples").json()["samples"][0]["image"]
    with many_connections(studio_url) as slow:
        for connection in slow:
            connection.sendall(f"GET {sample} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 100)
        assert_nobody_waits(client)


def test_clients_that_hang_up_in_the_middle_leave_nothing_behind(client: httpx.Client, studio_url: str) -> None:
    head = b"POST /v1/style HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
    address = urlsplit(studio_url)
    for _ in range(50):
        with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
            connection.sendall(head + part("style"))
    assert client.get("/readyz").status_code == 200
