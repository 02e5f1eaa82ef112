"""Forms as they travel: whole, cut off, in a content coding, in pieces, or none at all."""

from __future__ import annotations

import gzip

import pytest
from starlette.testclient import TestClient

from .asking import problem
from .conftest import FINE, StandIns


@pytest.mark.parametrize("kind", ["image/jpeg", "application/json", "multipart/mixed; boundary=B", "nonsense", ""])
@pytest.mark.parametrize("path", ["/v1/style", "/v1/faces", "/v1/jobs"])
def test_what_is_no_form_is_told_to_come_as_one(client: TestClient, stand_ins: StandIns, path: str, kind: str) -> None:
    response = client.post(path, content=FINE, headers={"Content-Type": kind} if kind else {})
    assert problem(response) == (415, "unsupported-media-type")
    assert "multipart/form-data" in response.json()["detail"]
    assert response.headers["accept"] == "multipart/form-data"
    assert stand_ins.calls == []


@pytest.mark.parametrize("kind", ["", "multipart/form-data; boundary=B", "application/x-www-form-urlencoded"])
def test_of_nothing_at_all_the_fields_are_missed(client: TestClient, kind: str) -> None:
    content = b"--B--\r\n" if "boundary" in kind else b""
    response = client.post("/v1/faces", content=content, headers={"Content-Type": kind} if kind else {})
    assert problem(response) == (422, "invalid-field")
    assert response.json()["detail"] == "image: Field required"


def test_a_photo_in_the_place_of_a_form_is_told_what_is_missing(client: TestClient) -> None:
    # As curl --data-binary sends it: it falls into fields at every "&", and some come twice.
    names = {"Content-Type": "application/x-www-form-urlencoded"}
    response = client.post("/v1/faces", content=b"\xff\xd8&&<=&<=" + FINE, headers=names)
    assert problem(response) == (422, "invalid-field")
    assert response.json()["detail"].startswith("image: Field required; ")


def written(*fields: tuple[str, bytes]) -> bytes:
    """A form with the boundary ``B`` as it travels, without its end."""
    return b"".join(
        b'--B\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n'
        % (name.encode(), b'; filename="photo.jpg"' if name == "image" else b"", value)
        for name, value in fields
    )


FORM = written(("image", FINE), ("style", b"wave"), ("strength", b"0"))


AS_A_FORM = {"Content-Type": "multipart/form-data; boundary=B"}


@pytest.mark.parametrize("path", ["/v1/style", "/v1/jobs"])
@pytest.mark.parametrize("missing", [1, 2, 6, 200])
def test_a_form_that_is_cut_off_is_refused_with_all_its_fields(
    client: TestClient, stand_ins: StandIns, path: str, missing: int
) -> None:
    form = written(("kind", b"style")) + FORM if path == "/v1/jobs" else FORM
    response = client.post(path, content=(form + b"--B--")[:-missing], headers=AS_A_FORM)
    assert problem(response) == (400, "bad-request")
    assert response.json()["detail"] == "The form is cut off: its closing boundary is missing."
    assert stand_ins.calls == []


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
@pytest.mark.parametrize("path", ["/v1/style", "/v1/jobs"])
def test_a_body_in_a_content_coding_is_told_to_come_without(
    client: TestClient, stand_ins: StandIns, path: str, coding: str
) -> None:
    body = gzip.compress(FORM + b"--B--")
    response = client.post(path, content=body, headers=AS_A_FORM | {"Content-Encoding": coding})
    assert problem(response) == (415, "unsupported-media-type")
    assert "Content-Encoding" in response.json()["detail"]
    assert response.headers["accept-encoding"] == "identity"
    assert stand_ins.calls == []


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_a_body_as_it_is_may_say_so(client: TestClient, coding: str) -> None:
    response = client.post("/v1/style", content=FORM + b"--B--", headers=AS_A_FORM | {"Content-Encoding": coding})
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"\r\n", b""),
        (b"", b" \r\nBye --B-- \r\n--B\r\n"),
        (b"Hello --B-- \r\n-- B\n--\r\n", b""),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_form_may_have_words_around_it_and_come_in_any_pieces(
    client: TestClient, before: bytes, after: bytes, size: int
) -> None:
    form = before + FORM + b"--B--" + after
    pieces = (form[start : start + size] for start in range(0, len(form), size))
    response = client.post("/v1/style", content=pieces, headers=AS_A_FORM)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png"), "the photo, at strength 0"


def test_a_form_without_fields_is_whole(client: TestClient) -> None:
    assert problem(client.post("/v1/style", content=b"--B--\r\n", headers=AS_A_FORM)) == (422, "invalid-field")
