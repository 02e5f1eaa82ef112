"""What the gateway refuses, and the problem that each refusal is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.testclient import TestClient

from deployments.style.query import MAX_STYLES
from registry.errors import StoreUnavailable
from serve_app.settings import Settings, UploadLimits

from .asking import problem, send
from .conftest import FACELESS, FINE, REFUSED, StandIns, picture


@pytest.mark.parametrize(
    ("style_image", "fields", "expected"),
    [
        (FINE, {"style": "wave"}, (422, "invalid-field")),
        (FINE, {"strength": "2"}, (422, "invalid-field")),
        (b"GIF89a" + bytes(50), {}, (415, "not-an-image")),
        (picture(9, 9, 9, (400, 400), "image/jpeg")[:900], {}, (422, "undecodable")),
        (REFUSED, {}, (451, "refused")),
    ],
)
def test_a_bad_style_picture_is_refused_as_a_bad_photo_is(
    client: TestClient, style_image: bytes, fields: dict[str, str], expected: tuple[int, str]
) -> None:
    response = client.post("/v1/style", files={"image": FINE, "style_image": style_image}, data=fields)
    assert problem(response) == expected
    if "style" in fields:
        assert "either a style or a picture" in response.json()["detail"]


BAD: dict[str, tuple[bytes, dict[str, Any], tuple[int, str]]] = {
    "zero bytes": (b"", {"style": "wave"}, (415, "not-an-image")),
    "a GIF": (b"GIF89a" + bytes(50), {"style": "wave"}, (415, "not-an-image")),
    "HTML": (b"<html><script>alert(1)</script>", {"style": "wave"}, (415, "not-an-image")),
    "half a picture": (picture(9, 9, 9, (400, 400), "image/jpeg")[:900], {"style": "wave"}, (422, "undecodable")),
    "no style": (FINE, {}, (422, "invalid-field")),
    "an unknown style": (FINE, {"style": "nope"}, (404, "unknown-style")),
    "an unknown field": (FINE, {"style": "wave", "stile": "wave"}, (422, "invalid-field")),
    "a negative weight": (FINE, {"style": "wave:-1"}, (422, "invalid-field")),
    "a weight in words": (FINE, {"style": "wave:lots"}, (422, "invalid-field")),
    "a weight in other digits": (FINE, {"style": "wave:１"}, (422, "invalid-field")),
    "too many styles": (FINE, {"style": ["wave"] * 9}, (422, "invalid-field")),
    "a field that comes twice": (FINE, {"style": "wave", "strength": ["0.2", "0.9"]}, (422, "invalid-field")),
    "weights of nothing": (FINE, {"style": ["wave:0", "night:0"]}, (422, "invalid-field")),
    "a weight that is not a number": (FINE, {"style": "wave:nan"}, (422, "invalid-field")),
    "too much strength": (FINE, {"style": "wave", "strength": "1.5"}, (422, "invalid-field")),
    "strength with an underscore": (FINE, {"style": "wave", "strength": "0_1"}, (422, "invalid-field")),
    "strength that is not a number": (FINE, {"style": "wave", "strength": "nan"}, (422, "invalid-field")),
    "a refused picture": (REFUSED, {"style": "wave"}, (451, "refused")),
}


def test_the_document_allows_as_many_styles_as_can_be_blended(client: TestClient) -> None:
    forms = client.get("/openapi.json").json()["components"]["schemas"]
    assert {forms[form]["properties"]["style"]["maxItems"] for form in ("StyleForm", "JobForm")} == {MAX_STYLES}
    assert send(client, "/v1/style", style=["wave"] * MAX_STYLES).status_code == 200


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_its_contract_answer(client: TestClient, case: str) -> None:
    photo, fields, expected = BAD[case]
    assert problem(send(client, "/v1/style", photo, **fields)) == expected
    assert send(client, "/v1/style", style="wave").status_code == 200, "the service goes on serving"


@pytest.mark.parametrize(
    ("path", "twice", "once"),
    [
        ("/v1/style", "image", None),
        ("/v1/faces", "image", None),
        ("/v1/swap", "source", "target"),
        ("/v1/swap", "target", "source"),
        ("/v1/jobs", "image", None),
    ],
)
def test_of_two_photos_in_one_place_neither_is_taken(
    client: TestClient, stand_ins: StandIns, path: str, twice: str, once: str | None
) -> None:
    files = [(name, ("photo.jpg", FINE)) for name in (twice, twice, once) if name is not None]
    fields = {"/v1/style": {"style": "wave"}, "/v1/jobs": {"kind": "faces"}}.get(path, {})
    response = client.post(path, files=files, data=fields)
    assert problem(response) == (422, "invalid-field")
    assert response.json()["field"] == twice
    assert stand_ins.calls == []


@pytest.mark.parametrize("path", ["/v1/lookalike", "/v1/jobs"])
def test_a_number_is_written_without_underscores(client: TestClient, path: str) -> None:
    kind = {"kind": "lookalike"} if path == "/v1/jobs" else {}
    response = send(client, path, top="1_0", **kind)
    assert problem(response) == (422, "invalid-field")
    assert response.json()["detail"] == "top: Input should be a number, without underscores"


@pytest.mark.parametrize("path", ["/v1/anonymize?method=replace", "/v1/jobs?method=replace", "/v1/moderate?method="])
def test_a_field_that_stands_in_the_address_is_refused(client: TestClient, stand_ins: StandIns, path: str) -> None:
    response = send(client, path, **({"kind": "anonymize"} if "jobs" in path else {}))
    assert problem(response) == (422, "invalid-field")
    assert response.json()["detail"] == "method: send it in the body, not in the address."
    assert response.json()["field"] == "method"
    assert stand_ins.calls == []


@pytest.mark.parametrize(
    ("path", "field", "entries"),
    [("/v1/style", "style", "wave"), ("/v1/anonymize", "keep", "0"), ("/v1/swap", "mapping", "0:0")],
)
def test_empty_entries_of_a_list_do_not_count_and_a_list_of_nothing_else_is_refused(
    client: TestClient, path: str, field: str, entries: str
) -> None:
    files = {"source": FINE, "target": FINE} if path == "/v1/swap" else {"image": FINE}
    for value, status in ((f"{entries},", 200), (f" ,{entries}, ,", 200), (",", 422), (" , ", 422)):
        assert client.post(path, files=files, data={field: value}).status_code == status, value


@pytest.mark.parametrize("path", ["/v1/lookalike", "/v1/anonymize"])
def test_a_photo_without_faces_is_422_where_one_is_needed(client: TestClient, path: str) -> None:
    assert problem(send(client, path, FACELESS)) == (422, "no-face")


def test_a_missing_or_written_out_image_is_a_field_error(client: TestClient) -> None:
    assert problem(client.post("/v1/style", data={"style": "wave"})) == (422, "invalid-field")
    assert problem(client.post("/v1/style", data={"style": "wave", "image": "text"})) == (422, "invalid-field")
    # By its filename a part of a form is known as a file, and some programs leave that out.
    unnamed = client.post("/v1/faces", files={"image": (None, FINE)})
    assert problem(unnamed) == (422, "invalid-field")
    assert unnamed.json()["detail"] == "image: Send a file here, under a filename, not text"


def test_a_refusal_repeats_little_of_what_was_sent(client: TestClient) -> None:
    names = [f"{number}{'x' * 5000}" for number in range(900)]
    for path in ("/v1/faces", "/v1/jobs"):
        response = client.post(path, data=dict.fromkeys(names, "1"))
        assert problem(response) == (422, "invalid-field")
        assert len(response.content) < 5000
        assert response.json()["errors"][-1]["field"].endswith("xxx")
    long_name = "x" * 5000
    told = client.post("/v1/faces", params={long_name: "1"}, files={"image": FINE}).json()
    assert (told["field"], len(told["detail"])) == (
        long_name[:40],
        len("x: send it in the body, not in the address.") + 39,
    )


def test_an_upload_over_the_limit_is_413_by_its_length_or_while_it_arrives(
    client_for: Callable[[Settings], TestClient], settings: Settings
) -> None:
    limited = settings.model_copy(update={"limits": UploadLimits(max_bytes=100_000)})
    client = client_for(limited)
    big = bytes(2_000_000)
    assert problem(send(client, "/v1/style", big, style="wave"))[0] == 413

    def drip() -> Any:
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
        for _ in range(30):
            yield bytes(100_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert problem(client.post("/v1/style", content=drip(), headers=headers))[0] == 413
    noise = picture(3, 4, 5, (64, 64)) + bytes(150_000)
    assert problem(send(client, "/v1/style", noise, style="wave")) == (413, "too-large")


def test_too_many_pixels_are_413(client_for: Callable[[Settings], TestClient], settings: Settings) -> None:
    client = client_for(settings.model_copy(update={"limits": UploadLimits(max_pixels=1000)}))
    assert problem(send(client, "/v1/style", style="wave")) == (413, "too-large")


def test_a_bug_shows_no_traceback(client: TestClient, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("serve_app.pipeline.Pipeline.styles", lambda self: broken())
    response = client.get("/v1/styles")
    assert problem(response) == (500, "internal")
    assert "secret detail" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff", "it is an answer like every other"


@pytest.mark.parametrize(
    ("path", "fields", "field"),
    [
        ("/v1/style", {"style": "wave:much"}, "style"),
        ("/v1/style", {"style": ["wave:0", "night:0"]}, "style"),
        ("/v1/style", {"style": "wave:nan"}, "style"),
        ("/v1/style", {"style": ["wave"] * 9}, "style"),
        ("/v1/anonymize", {"keep": "first"}, "keep"),
        ("/v1/swap", {"mapping": "0-1"}, "mapping"),
        ("/v1/swap", {"mapping": ["0:0", "1:0"]}, "mapping"),
    ],
)
def test_a_field_that_cannot_be_meant_is_refused_before_anything_is_worked_on(
    client: TestClient, stand_ins: StandIns, path: str, fields: dict[str, Any], field: str
) -> None:
    files = {"source": FINE, "target": FINE} if path == "/v1/swap" else {"image": FINE}
    response = client.post(path, files=files, data=fields)
    assert problem(response) == (422, "invalid-field")
    assert response.json()["field"] == field
    assert stand_ins.calls == []


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [("/v1/style", "style", "w" * 129), ("/v1/anonymize", "keep", "0," * 501), ("/v1/swap", "mapping", "0:1 " * 251)],
)
def test_a_field_that_would_take_long_to_read_is_not_read(
    client: TestClient, path: str, field: str, value: str
) -> None:
    files = {"source": FINE, "target": FINE} if path == "/v1/swap" else {"image": FINE}
    response = client.post(path, files=files, data={field: value})
    assert problem(response) == (422, "invalid-field")
    assert response.json()["errors"][0]["field"] == f"{field}.0"
    assert len(response.content) < 1000, "and it is not sent back either"


def test_field_errors_speak_of_fields_and_not_of_classes(client: TestClient) -> None:
    for data in ({"style": "wave", "image": "text"}, {"style": ""}, {}):
        detail = client.post("/v1/style", data=data).json()["detail"]
        assert "Value error" not in detail
        assert "<class" not in detail
    both = client.post("/v1/style", files={"image": FINE, "style_image": FINE}, data={"style": "wave"})
    assert both.json()["detail"] == "request: send either a style or a picture as style_image"


def test_a_body_and_a_picture_that_are_too_large_are_one_problem(
    client_for: Callable[[Settings], TestClient], settings: Settings
) -> None:
    client = client_for(settings.model_copy(update={"limits": UploadLimits(max_bytes=100_000)}))
    body, photo = (send(client, "/v1/style", bytes(size), style="wave") for size in (2_000_000, 150_000))
    assert problem(body) == problem(photo) == (413, "too-large")
    assert body.json()["title"] == photo.json()["title"]


class Told(Exception):
    """What asyncpg raises, by its code."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def told(sqlstate: str, *, invalidated: bool = False) -> DBAPIError:
    return DBAPIError("SELECT 1", {}, Told(sqlstate), connection_invalidated=invalidated)


@pytest.mark.parametrize(
    "trouble",
    [
        told("08006"),
        told("53300"),
        told("57P01"),
        told("57P03"),
        told("XX000", invalidated=True),
        OperationalError("SELECT 1", {}, sqlite3.OperationalError("unable to open database file")),
        ConnectionRefusedError(111, "Connection refused"),
        PoolTimeout("QueuePool limit reached"),
    ],
)
def test_a_database_that_is_away_is_told_with_a_time_to_come_again(
    client_for: Callable[[Settings], TestClient],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Exception,
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr("serve_app.jobs.desk.Desk.job", away)
    monkeypatch.setattr("serve_app.jobs.ledger.Ledger.submit", away)
    monkeypatch.setattr("serve_app.access.keys.KeyBook.find", away)
    client = client_for(settings)
    ordered = client.post("/v1/jobs", files={"image": FINE}, data={"kind": "moderate"})
    keyed = client.get("/v1/jobs/1", headers={"Authorization": "Bearer mq_x"})
    for response in (ordered, client.get("/v1/jobs/1"), keyed):
        assert problem(response) == (503, "unavailable")
        assert int(response.headers["retry-after"]) > 0
    assert send(client, "/v1/moderate").status_code == 200, "what needs no database goes on"


def test_a_database_that_is_there_and_finds_fault_is_a_bug_of_ours(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise told("22021")

    monkeypatch.setattr("serve_app.jobs.desk.Desk.job", broken)
    monkeypatch.setattr("serve_app.access.keys.KeyBook.find", broken)
    for headers in ({}, {"Authorization": "Bearer mq_x"}):
        assert problem(client.get("/v1/jobs/1", headers=headers)) == (500, "internal")


def test_a_store_of_models_that_is_away_is_told_with_a_time_to_come_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise StoreUnavailable("s3://models cannot be reached")

    monkeypatch.setattr("registry.store.FolderStore.models", away)
    response = client.get("/v1/models")
    assert problem(response) == (503, "unavailable")
    assert int(response.headers["retry-after"]) > 0
