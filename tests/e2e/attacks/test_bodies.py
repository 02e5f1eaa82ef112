"""Bodies without end, bombs, and forms and JSON that no decent client would write."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.attacks.attempts import PATIENCE_S, part, problem, raw
from tests.png import png


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
