"""What those who attack a studio send, and how its answers are read."""

from __future__ import annotations

import io
import socket
from urllib.parse import urlsplit

import httpx
from PIL import Image

PHOTO_SIZE = (64, 48)
PATIENCE_S = 15.0
HUNG_UP = b"<hung up>"


def photo() -> bytes:
    """An honest one, as a JPEG of :data:`PHOTO_SIZE`."""
    buffer = io.BytesIO()
    Image.new("RGB", PHOTO_SIZE, (40, 120, 60)).save(buffer, "JPEG")
    return buffer.getvalue()


def raw(url: str, data: bytes) -> bytes:
    """Everything the server answers to bytes that no decent client would send, and whether it hung up over them."""
    address = urlsplit(url)
    answer = b""
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as connection:
        try:
            connection.sendall(data)
            while received := connection.recv(65536):
                answer += received
                # Whoever was promised more body than ever comes need not hang up.
                connection.settimeout(1.0)
        except ConnectionError:
            answer += HUNG_UP
        except TimeoutError:
            pass
    return answer


def problem(response: httpx.Response) -> int:
    """The status of an answer, which has to be a problem document that shows nothing of the inside."""
    assert response.headers["content-type"] == "application/problem+json", response.text[:300]
    assert response.json()["status"] == response.status_code
    assert "Traceback" not in response.text
    return response.status_code


def part(name: str, value: str = "x") -> bytes:
    """A field of a form whose boundary is ``b``."""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
