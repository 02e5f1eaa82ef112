"""Names and addresses in requests: none leads out of the house, and none is ever called."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.attacks.attempts import PHOTO_SIZE, photo, problem, raw


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/js/../../../../../etc/passwd", "/js/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/css/%2e%2e/%2e%2e/settings.py", "/js//etc/passwd", "/docs/assets/../../../../../../etc/passwd",
        "/v1/gallery/..%2f..%2f..%2fetc%2fpasswd", "/v1/samples/..%2f..%2fmanifest.yaml", "/v1/artworks/%2e%2e%2fx",
        "/v1/jobs/..%2f..%2fetc%2fpasswd/result", "/v1/styles/..%2f..%2fetc/preview.jpg", "/js/%00main.js",
        "/v1/gallery/%ff%fe", "/v1/jobs/' OR '1'='1",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_house(studio_url: str, path: str) -> None:
    request = f"GET {path.replace(' ', '%20')} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = raw(studio_url, request.encode())
    status = int(answer.split(b" ", 2)[1])
    assert status in {400, 404, 405, 422}
    assert b"root:" not in answer
    assert b"class Settings" not in answer


@pytest.mark.parametrize(
    "name",
    [
        "../../../../tmp/owned.jpg",
        "C:\\windows\\x.jpg",
        "a\x00b.jpg",
        "x" * 20_000,
        '"; rm -rf /; ".jpg',
        "\u202egpj.exe",
    ],
)
def test_a_file_name_means_nothing(client: httpx.Client, name: str) -> None:
    response = client.post("/v1/moderate", files={"image": (name, photo(), "text/x-php")})
    assert response.status_code in {200, 400}
    assert not Path("/tmp/owned.jpg").exists()


@pytest.mark.parametrize("key", ["../../../etc/passwd", "in/" + "0" * 32, "up/../../masquerade.db", "s3://other/x"])
def test_no_key_of_an_upload_leads_out_of_the_house(client: httpx.Client, key: str) -> None:
    assert problem(client.post("/v1/jobs", data={"kind": "faces", "image_key": key})) == 422


class Listener(HTTPServer):
    """Somebody inside the network whom a stranger would like the studio to call."""

    def __init__(self) -> None:
        self.called: list[str] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.called.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def inside() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_no_address_in_a_request_is_ever_called(client: httpx.Client, inside: Listener) -> None:
    url = f"http://127.0.0.1:{inside.server_port}/latest/meta-data"
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a href="{url}"/><!DOCTYPE a [<!ENTITY b SYSTEM "{url}">]></x:xmpmeta>'
    buffer = io.BytesIO()
    Image.new("RGB", PHOTO_SIZE).save(buffer, "JPEG", xmp=xmp.encode(), comment=url.encode())
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>'.encode()
    headers = {"Referer": url, "X-Forwarded-Host": url, "Forwarded": f"host={url}", "Origin": url}
    for data in (url.encode(), svg, buffer.getvalue()):
        client.post("/v1/style", files={"image": data}, data={"style": "wave"}, headers=headers)
    for field in ("image", "image_url", "artwork", "style"):
        client.post("/v1/style", data={field: url}, headers=headers)
    client.post("/v1/swap", files={"source": photo()}, data={"artwork": url})
    client.post("/v1/jobs", data={"kind": "faces", "image_key": url})
    client.get(f"/v1/artworks/{url}")
    assert inside.called == []
