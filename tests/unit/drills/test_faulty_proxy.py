"""The proxy does to connections what it was told to, and nothing to the others."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from drills.faulty_proxy import Fault, FaultyProxy

ANSWER = bytes(range(256)) * 4096


@pytest.fixture
def server() -> Iterator[str]:
    """Sends ``ANSWER`` to whoever says anything, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(1)
                    connection.sendall(ANSWER)
                except OSError:
                    pass

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def ask(proxy: FaultyProxy, timeout: float = 20) -> bytes:
    """What arrives before the connection ends. Raises what a client would meet."""
    with socket.create_connection(("127.0.0.1", urlsplit(proxy.address).port or 0), timeout=timeout) as connection:
        connection.sendall(b"?")
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def test_without_faults_everything_passes(server: str) -> None:
    with FaultyProxy(server) as proxy:
        assert ask(proxy) == ANSWER
        assert (proxy.connections, proxy.delivered) == (1, len(ANSWER))


def test_a_cut_ends_the_connection_after_so_many_bytes_and_the_next_one_is_whole(server: str) -> None:
    with FaultyProxy(server, [Fault(after=1000), None]) as proxy:
        assert ask(proxy) == ANSWER[:1000]
        assert ask(proxy) == ANSWER


def test_a_reset_is_no_orderly_end(server: str) -> None:
    with FaultyProxy(server, [Fault(after=1000, reset=True)]) as proxy, pytest.raises(ConnectionResetError):
        ask(proxy)


def test_a_stalled_connection_stays_open_and_silent(server: str) -> None:
    with FaultyProxy(server, [Fault(after=1000, stall=True)]) as proxy:
        with pytest.raises(TimeoutError):
            ask(proxy, timeout=0.3)
        assert proxy.delivered == 1000


def test_a_delay_is_felt(server: str) -> None:
    with FaultyProxy(server, [Fault(delay_s=0.05)]) as proxy:
        began = time.perf_counter()
        assert ask(proxy) == ANSWER
        assert time.perf_counter() - began >= 0.05


def test_while_it_is_gone_nobody_gets_through(server: str) -> None:
    with FaultyProxy(server) as proxy:
        proxy.vanish()
        with pytest.raises(ConnectionError):
            ask(proxy)
        proxy.reappear()
        assert ask(proxy) == ANSWER


def test_a_server_that_is_not_there_is_a_reset() -> None:
    with FaultyProxy("http://127.0.0.1:9") as proxy, pytest.raises(ConnectionError):
        ask(proxy)
