"""A TCP proxy that delays, cuts, stalls and resets connections, or is not there: a bad network on one machine."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, repeat
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls one connection.

    Every chunk towards the client waits ``delay_s``. After ``after`` bytes towards the client the connection ends: it
    is closed, ``reset`` (RST), or with ``stall`` kept open without a further byte until the client gives up.
    """

    after: int | None = None
    delay_s: float = 0.0
    reset: bool = False
    stall: bool = False


class FaultyProxy:
    """Stands between clients and one server for the length of a ``with`` block.

    ``faults`` are used up one per connection, ``None`` meaning none; when they run out, everything passes.
    """

    def __init__(self, server: str, faults: Iterable[Fault | None] = ()) -> None:
        """``server`` is an address such as ``http://127.0.0.1:5000``."""
        parts = urlsplit(server)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._faults: Iterator[Fault | None] = iter(())
        self.befall(faults)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._gone = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, name="faulty-proxy", daemon=True)]
        self.connections = 0
        self.delivered = 0
        """Bytes that went to clients."""

    @property
    def address(self) -> str:
        """What clients connect to instead of the server."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def befall(self, faults: Iterable[Fault | None]) -> None:
        """From now on, one of these per connection."""
        self._faults = chain(faults, repeat(None))

    def vanish(self) -> None:
        """Reset every connection, and every new one at once."""
        self._gone.set()
        with self._lock:
            for end in self._open:
                _reset(end)

    def reappear(self) -> None:
        """Be there again."""
        self._gone.clear()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing a listening socket does not wake who waits on it; shutting it down does.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.vanish()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._gone.is_set():
                _reset(client)
                client.close()
                continue
            fault = next(self._faults) or Fault()
            thread = threading.Thread(target=self._serve, args=(client, fault), name="faulty-proxy", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, fault: Fault) -> None:
        try:
            server = socket.create_connection(self._upstream)
        except OSError:
            _reset(client)
            client.close()
            return
        with client, server:
            with self._lock:
                self._open |= {client, server}
            if self._gone.is_set():
                _reset(client)
            upward = threading.Thread(target=self._pump_up, args=(client, server), name="faulty-proxy", daemon=True)
            upward.start()
            try:
                self._pump_down(server, client, fault)
                if fault.stall:
                    upward.join()
            finally:
                # Only wakes the other thread: a goodbye towards the client would spoil a reset.
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RD)
                with suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                upward.join()
                with self._lock:
                    self._open -= {client, server}

    @staticmethod
    def _pump_up(client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(_CHUNK):
                # A server that hung up reads no more; the client is none the wiser while its connection stalls.
                with suppress(OSError):
                    server.sendall(data)
        with suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _pump_down(self, server: socket.socket, client: socket.socket, fault: Fault) -> None:
        left = fault.after
        with suppress(OSError):
            while left is None or left > 0:
                data = server.recv(_CHUNK if left is None else min(_CHUNK, left))
                if not data:
                    return
                time.sleep(fault.delay_s)
                client.sendall(data)
                self.delivered += len(data)
                left = None if left is None else left - len(data)
            if fault.stall:
                # Takes what still comes, so that the server is rid of it.
                while server.recv(_CHUNK):
                    pass
            elif fault.reset:
                _reset(client)


def _reset(end: socket.socket) -> None:
    """Make closing this end a reset instead of an orderly goodbye, and wake whoever waits on it."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        end.shutdown(socket.SHUT_RD)
