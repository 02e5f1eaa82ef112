"""What strangers try, against the real studio: each attempt is refused in good time, and everybody else is served on.

Forged tokens and keys outside their scopes are in ``tests/unit/serve_app/access``, bodies that trickle in
``tests/unit/serve_app/proxy/test_middlewares.py``, hostile picture bytes in ``tests/unit/deployments/imaging``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.png import png

from .conftest import Studio

PHOTO_SIZE = (64, 48)
PATIENCE_S = 15.0


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", PHOTO_SIZE, (40, 120, 60)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def client(studio_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=studio_url, timeout=60) as client:
        yield client


@pytest.fixture(autouse=True)
def still_serving(client: httpx.Client) -> Iterator[None]:
    """After every attack an honest request is served."""
    yield
    assert client.post("/v1/moderate", files={"image": photo()}).status_code == 200


HUNG_UP = b"<hung up>"


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
    assert response.headers["content-type"] == "application/problem+json", response.text[:300]
    assert response.json()["status"] == response.status_code
    assert "Traceback" not in response.text
    return response.status_code


# Oversized and endless bodies


def test_a_body_that_is_too_large_is_refused_by_its_declared_length(studio_url: str) -> None:
    head = "POST /v1/style HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 999999999999\r\n\r\n"
    assert b" 413 " in raw(studio_url, head.encode()).splitlines()[0]


def test_a_body_of_undeclared_length_is_refused_when_it_has_become_too_large(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
        for _ in range(1024):
            yield bytes(2**17)

    try:
        response = client.post(
            "/v1/moderate", content=endless(), headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
    except httpx.WriteError:
        return  # hung up on in the middle of the upload, as it should be
    assert response.status_code == 413


# Bombs


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises what its few bytes of zeros would unpack to."""
    return png(width, height, bytes(10 * 2**20), colours=0)


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 1), (16_385, 8)])
def test_decompression_bombs_are_refused_by_their_header(client: httpx.Client, size: tuple[int, int]) -> None:
    began = time.monotonic()
    assert problem(client.post("/v1/moderate", files={"image": bomb(*size)})) == 413
    assert time.monotonic() - began < PATIENCE_S


def test_a_picture_with_more_data_than_its_header_says_costs_no_more_than_its_header(client: httpx.Client) -> None:
    response = client.post("/v1/moderate", files={"image": bomb(8, 8)})
    assert response.status_code in {200, 422}


def test_a_compressed_body_is_not_unpacked(client: httpx.Client) -> None:
    packed = zlib.compress(bytes(50 * 2**20))
    headers = {"Content-Encoding": "deflate", "Content-Type": "multipart/form-data; boundary=b"}
    assert problem(client.post("/v1/moderate", content=packed, headers=headers)) == 415


# Paths and names


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


# Requests that would make the server call somebody


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


# Headers


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


# Multipart and JSON


def part(name: str, value: str = "x") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


ABUSES = {
    "thousands of fields": b"".join(part(f"f{number}") for number in range(5000)) + b"--b--\r\n",
    "thousands of files": b'--b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nx\r\n' * 5000
    + b"--b--\r\n",
    "one field of megabytes": part("style", "x" * 3 * 2**20) + b"--b--\r\n",
    "a boundary that never comes": b"x" * 2**20,
    "no end": part("style"),
    "part headers without end": b"--b\r\n" + b"X: y\r\n" * 100_000,
    "a part without a name": b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    "nothing": b"",
}


@pytest.mark.parametrize("abuse", ABUSES)
def test_multipart_abuses_are_refused_quickly(client: httpx.Client, abuse: str) -> None:
    began = time.monotonic()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert problem(client.post("/v1/style", content=ABUSES[abuse], headers=headers)) in {400, 413, 422}
    assert time.monotonic() - began < PATIENCE_S


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "b" * 5000,
        "text/plain",
        "",
    ],
)
def test_a_form_without_a_proper_boundary_is_refused(client: httpx.Client, kind: str) -> None:
    assert problem(client.post("/v1/style", content=part("style"), headers={"Content-Type": kind})) in {400, 415, 422}


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a":' * 200_000, b'{"a": 1e999999999}', b"\xff\xfe", b"9" * 100_000]
)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/models/style/promote"])
def test_json_of_any_depth_is_refused(client: httpx.Client, path: str, body: bytes) -> None:
    response = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert problem(response) in {400, 401, 404, 405, 415, 422}


# Slow clients


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


# Administration, and the cluster behind it


@pytest.mark.parametrize("token", [None, "mq_000000000000_" + "A" * 43, "' OR 1=1 --", "null", "a" * 7000])
@pytest.mark.parametrize("call", ["promote", "canary", "rollback"])
def test_the_admin_api_is_shut_to_those_without_the_key(client: httpx.Client, call: str, token: str | None) -> None:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    assert problem(client.post(f"/v1/models/style-lean/{call}", headers=headers)) == 401


def test_ray_lets_nobody_in_without_its_token(studio: Studio, tmp_path: Path) -> None:
    """The control store tells a process with the token of this studio what it holds, and one with another nothing."""
    (tmp_path / "token").write_text("0" * 64)
    code = (
        f"from ray._raylet import GcsClient as C; C('{studio.ray_address()}').internal_kv_keys(b'', None, timeout=10)"
    )
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray/auth_token"))
    assert token.stat().st_mode & 0o077 == 0, "nobody else on this machine can read the token"

    def ask(token: Path) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "", "HOME": str(tmp_path), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    assert ask(token).returncode == 0
    refused = ask(tmp_path / "token")
    assert refused.returncode != 0
    assert "token" in refused.stderr.lower()


def test_no_page_of_the_cluster_answers_other_machines(studio: Studio) -> None:
    assert studio.url.startswith("http://127.0.0.1:")
    answers = {}
    for name, port in sorted(studio.open_ports()):
        for path in ("/", "/v1/models", "/api/version", "/api/jobs/", "/api/serve/applications/"):
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}{path}", timeout=3)
            except httpx.HTTPError:
                continue  # speaks another protocol, or nothing to strangers
            # Numbers for Prometheus, whatever the path, are for the network's own firewall to guard.
            if answer.status_code < 400 and not answer.text.startswith("# HELP"):
                answers[name, port, path] = answer.text[:200]
    assert answers == {}


# Secrets


def ray_token() -> bytes:
    """What lets a driver into Ray here."""
    named = os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray/auth_token")
    return os.environ.get("RAY_AUTH_TOKEN", Path(named).read_text()).strip().encode()


def test_no_secret_stands_in_any_log_of_a_run(client: httpx.Client, studio: Studio) -> None:
    secret = "mq_00000000abcd_" + "S" * 43
    client.get("/v1/models", headers={"Authorization": f"Bearer {secret}"})
    client.get("/v1/styles", params={"token": "hunter2-in-a-query"})
    client.post("/v1/moderate", files={"image": ("diary-of-alice.jpg", photo())})
    logs = studio.logs()
    assert logs
    for path in logs:
        text = path.read_bytes()
        for private in (secret.encode(), b"hunter2-in-a-query", b"diary-of-alice", ray_token()):
            assert private not in text, path.name


def test_nobody_else_on_the_machine_can_read_what_a_studio_writes(client: httpx.Client, studio: Studio) -> None:
    order = client.post("/v1/jobs", data={"kind": "moderate"}, files={"image": ("photo.jpg", photo())}).json()["id"]
    assert client.get(f"/v1/jobs/{order}").status_code == 200

    def open_to_others(path: Path) -> bool:
        # Whoever cannot enter a folder reads nothing in it.
        within = [path, *(parent for parent in path.parents if parent.name.startswith("session_"))]
        return all(part.stat().st_mode & stat.S_IRWXO for part in within)

    database = [*studio.folder.glob("masquerade.db*")]
    logs = [path for path in studio.logs() if path.parent != studio.folder]
    assert database
    assert logs
    assert not [path for path in database + logs if open_to_others(path)]


def test_the_logs_name_no_job_so_that_its_reader_could_have_its_result(client: httpx.Client, studio: Studio) -> None:
    order = client.post("/v1/jobs", data={"kind": "moderate"}, files={"image": ("photo.jpg", photo())}).json()["id"]
    assert client.get(f"/v1/jobs/{order}").status_code == 200
    told = [path.name for path in studio.logs() if order.encode() in path.read_bytes()]
    assert not told
