"""The HTTP contract, route by route: what goes in, what comes out, and which error answers what."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.testclient import TestClient

from registry.errors import StoreUnavailable
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.selection import Selection
from serve_app.settings import Settings, UploadLimits

from .conftest import FACELESS, FINE, REFUSED, StandIns, picture

KEY = "a-key-nobody-will-guess-in-a-year"


def send(client: TestClient, path: str, photo: bytes = FINE, field: str = "image", **fields: Any) -> Any:
    return client.post(path, files={field: ("photo.jpg", photo)}, data=fields)


def problem(response: Any) -> tuple[int, str]:
    """Status and slug of a problem document that is well-formed."""
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["detail"]
    assert "Traceback" not in response.text
    return response.status_code, document["type"].rsplit(":", 1)[-1]


def test_a_painted_picture_has_the_photos_size_and_names_its_model(client: TestClient) -> None:
    response = send(client, "/v1/style", picture(1, 90, 3, (123, 45)), style="wave")
    assert response.status_code == 200
    assert response.headers["x-model"] == "painter@v1"
    assert response.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(response.content)).size == (123, 45)


def test_a_photo_is_painted_like_another_picture(client: TestClient) -> None:
    photo = picture(1, 90, 3, (123, 45))
    response = client.post("/v1/style", files={"image": photo, "style_image": picture(200, 180, 10)})
    assert response.status_code == 200
    painted = Image.open(io.BytesIO(response.content))
    assert painted.size == (123, 45)
    assert abs(painted.getpixel((5, 5))[0] - 200) < 6


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


def test_styles_are_listed_with_previews(client: TestClient) -> None:
    document = client.get("/v1/styles").json()
    assert [style["name"] for style in document["styles"]] == ["night", "wave"]
    assert document["model"] == "painter@v1"
    preview = client.get(document["styles"][0]["preview"])
    assert preview.status_code == 200
    assert problem(client.get("/v1/styles/nothing/preview.jpg")) == (404, "unknown-style")


def test_moderation_answers_with_scores(client: TestClient) -> None:
    assert send(client, "/v1/moderate").json() == {
        "allowed": True, "scores": {"nsfw": 0.01}, "rule": None, "model": "judge@v1"
    }  # fmt: skip
    refused = send(client, "/v1/moderate", REFUSED)
    assert refused.status_code == 200
    assert refused.json()["allowed"] is False


def test_authenticity_is_an_opinion_with_its_doubts(client: TestClient) -> None:
    response = send(client, "/v1/authenticity")
    document = response.json()
    assert document.pop("method").startswith("Statistics of the pixels")
    assert document == {
        "verdict": "unsure", "probability_ai": 0.5234, "unsure": [0.3, 0.7], "model": "detector@v1"
    }  # fmt: skip
    assert response.headers["x-model"] == "detector@v1"


def test_faces_are_numbered_left_to_right(client: TestClient) -> None:
    response = send(client, "/v1/faces")
    faces = response.json()["faces"]
    assert [face["box"][0] for face in faces] == [10, 50]
    assert len(faces[0]["landmarks"]) == 5
    assert response.headers["x-model"] == "finder@v1"


def test_no_face_is_an_empty_list_where_faces_are_asked_for(client: TestClient) -> None:
    assert send(client, "/v1/faces", FACELESS).json()["faces"] == []


def test_lookalikes_carry_portraits_and_the_meaning_of_the_number(client: TestClient) -> None:
    document = send(client, "/v1/lookalike", top="2").json()
    match = document["faces"][0]["matches"][0]
    assert (match["name"], match["similarity"]) == ("Ada <b>Lovelace</b>", 97.5)
    assert document["gallery"] == "stars@v1"
    assert document["method"]
    assert client.get(match["image"]).status_code == 200


def test_a_collage_is_the_same_answer_as_a_picture(client: TestClient) -> None:
    response = client.post("/v1/lookalike", files={"image": FINE}, headers={"Accept": "image/jpeg"})
    assert response.headers["content-type"] == "image/jpeg"


def test_a_swap_takes_two_photos(client: TestClient) -> None:
    files = {"source": FINE, "target": picture(1, 2, 3, (77, 88))}
    response = client.post("/v1/swap", files=files, data={"mapping": "0:1"})
    assert Image.open(io.BytesIO(response.content)).size == (77, 88)
    assert response.headers["x-model"] == "swapper@v1, finder@v1"


def test_an_artwork_takes_the_place_of_a_target(client: TestClient) -> None:
    (entry,) = client.get("/v1/artworks").json()["artworks"]
    assert (entry["title"], entry["artist"]) == ("Night", "Anon")
    assert client.get(entry["image"]).status_code == 200
    response = send(client, "/v1/swap", field="source", artwork=entry["id"])
    assert Image.open(io.BytesIO(response.content)).size == (80, 60)
    assert problem(send(client, "/v1/swap", field="source", artwork="mona")) == (404, "unknown-artwork")
    assert problem(client.get("/v1/artworks/mona")) == (404, "unknown-artwork")


def test_a_swap_needs_one_target_and_not_two(client: TestClient) -> None:
    assert problem(send(client, "/v1/swap", field="source")) == (422, "invalid-field")
    both = client.post("/v1/swap", files={"source": FINE, "target": FINE}, data={"artwork": "night"})
    assert problem(both) == (422, "invalid-field")


def test_faces_come_back_as_a_picture_with_their_numbers(client: TestClient) -> None:
    response = client.post("/v1/faces", files={"image": FINE}, headers={"Accept": "image/jpeg"})
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["x-model"] == "finder@v1"


def test_whoever_would_rather_have_words_gets_words(client: TestClient) -> None:
    for path in ("/v1/faces", "/v1/lookalike"):
        rather = {"Accept": "image/jpeg;q=0.1, application/json"}
        answer = client.post(path, files={"image": FINE}, headers=rather)
        assert answer.headers["content-type"] == "application/json"


def test_faces_can_be_kept_while_the_others_are_hidden(client: TestClient, stand_ins: StandIns) -> None:
    assert send(client, "/v1/anonymize", method="pixelate", keep="1").status_code == 200
    assert "anonymize pixelate (1,)" in stand_ins.calls


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
    "weights of nothing": (FINE, {"style": ["wave:0", "night:0"]}, (422, "invalid-field")),
    "a weight that is not a number": (FINE, {"style": "wave:nan"}, (422, "invalid-field")),
    "too much strength": (FINE, {"style": "wave", "strength": "1.5"}, (422, "invalid-field")),
    "strength that is not a number": (FINE, {"style": "wave", "strength": "nan"}, (422, "invalid-field")),
    "a refused picture": (REFUSED, {"style": "wave"}, (451, "refused")),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_its_contract_answer(client: TestClient, case: str) -> None:
    photo, fields, expected = BAD[case]
    assert problem(send(client, "/v1/style", photo, **fields)) == expected
    assert send(client, "/v1/style", style="wave").status_code == 200, "the service goes on serving"


@pytest.mark.parametrize("path", ["/v1/lookalike", "/v1/anonymize"])
def test_a_photo_without_faces_is_422_where_one_is_needed(client: TestClient, path: str) -> None:
    assert problem(send(client, path, FACELESS)) == (422, "no-face")


def test_a_missing_or_written_out_image_is_a_field_error(client: TestClient) -> None:
    assert problem(client.post("/v1/style", data={"style": "wave"})) == (422, "invalid-field")
    assert problem(client.post("/v1/style", data={"style": "wave", "image": "text"})) == (422, "invalid-field")


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


def test_a_style_left_empty_counts_as_not_sent(client: TestClient) -> None:
    assert send(client, "/v1/style", style="", strength="").status_code == 422
    pictures = {"image": FINE, "style_image": FINE}
    assert client.post("/v1/style", files=pictures, data={"style": ""}).status_code == 200
    job = client.post("/v1/jobs", files=pictures, data={"kind": "style", "style": ["", " "]})
    assert job.status_code == 202


def test_unknown_paths_and_methods_are_problems_too(client: TestClient) -> None:
    assert problem(client.get("/v1/nothing"))[0] == 404
    assert problem(client.get("/v1/moderate"))[0] == 405


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/jobs/" + "0" * 32, "GET, HEAD, DELETE"), ("/v1/jobs", "POST"), ("/v1/styles", "GET, HEAD"), ("/", "GET, HEAD"),
        ("/docs/assets/swagger-ui.css", "GET, HEAD"),
    ],
)  # fmt: skip
def test_a_method_that_is_not_allowed_is_told_all_that_are(client: TestClient, path: str, allowed: str) -> None:
    response = client.put(path)
    assert problem(response)[0] == 405
    assert response.headers["allow"] == allowed


def test_a_slash_too_many_leads_to_the_same_place_whatever_it_is_called(client: TestClient) -> None:
    response = client.post("/v1/style/?a=b", headers={"Host": "elsewhere"}, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (307, "/v1/style?a=b")
    assert client.get("/docs/").status_code == 200


def test_a_bug_shows_no_traceback(client: TestClient, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken() -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("serve_app.pipeline.Pipeline.styles", lambda self: broken())
    response = client.get("/v1/styles")
    assert problem(response) == (500, "internal")
    assert "secret detail" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff", "it is an answer like every other"


def test_models_need_the_admin_key_where_one_is_set(
    client_for: Callable[[Settings], TestClient], settings: Settings
) -> None:
    assert client_for(settings).get("/v1/models").status_code == 200
    guarded = client_for(Settings(data_dir=settings.data_dir, admin_key=KEY))
    assert problem(guarded.get("/v1/models"))[0] == 401
    assert problem(guarded.get("/v1/models", headers={"Authorization": "Bearer wrong"}))[0] == 401
    assert guarded.get("/v1/models", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200


def test_health_and_readiness(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "capabilities": {"moderation": "ready"}}


def test_the_page_and_the_documentation_come_from_here_alone(client: TestClient) -> None:
    for path in ("/", "/docs"):
        page = client.get(path)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "https://" not in page.text.replace("https://www.w3.org", "")
    assert client.get("/docs/assets/swagger-ui-bundle.js").status_code == 200
    assert client.get("/openapi.json").json()["info"]["title"] == "Masquerade"


def test_answers_carry_security_headers(client: TestClient) -> None:
    headers = client.get("/healthz").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/docs", "/v1/styles", "/v1/styles/wave/preview.jpg"])
def test_what_can_be_got_can_be_asked_for_its_head(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code == 200
    assert head.content == b""
    for name in ("content-type", "content-length", "x-content-type-options"):
        assert head.headers[name] == got.headers[name]


def test_a_head_opens_no_other_door(client_for: Callable[[Settings], TestClient], settings: Settings) -> None:
    assert client_for(settings).head("/v1/models").status_code == 200
    guarded = client_for(Settings(data_dir=settings.data_dir, admin_key=KEY))
    assert guarded.head("/v1/models").status_code == 401
    refused = guarded.head("/v1/style")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/models", "/status", "/docs.js"])
def test_a_page_that_is_known_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


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


@pytest.mark.parametrize(
    "trouble",
    [
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


def test_a_store_of_models_that_is_away_is_told_with_a_time_to_come_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise StoreUnavailable("s3://models cannot be reached")

    monkeypatch.setattr("registry.store.FolderStore.models", away)
    response = client.get("/v1/models")
    assert problem(response) == (503, "unavailable")
    assert int(response.headers["retry-after"]) > 0


def test_a_licence_that_cannot_be_read_allows_nothing_and_costs_no_result(tmp_path: Path) -> None:
    inventory = Inventory(FolderStore(tmp_path), Selection())
    assert inventory.commercial_use("nowhere@v1") is False
