"""The HTTP contract, route by route: what goes in, what comes out, and which error answers what."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from deployments.serving.types import Answer
from deployments.slots import SlotStatus
from deployments.style.engine import StyleInfo
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.selection import Selection
from serve_app.settings import Settings

from .asking import problem, send
from .conftest import FACELESS, FINE, REFUSED, StandIns, picture

KEY = "a-key-nobody-will-guess-in-a-year"


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
    assert document.pop("method").startswith("A network compares the picture")
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


def test_a_photos_own_colours_are_kept_where_that_is_asked_for(client: TestClient) -> None:
    """The night of the stand-ins is blue, and of the red they refuse where the photo's colours are to stay."""
    painted = {keep: send(client, "/v1/style", style="night", preserve_color=keep) for keep in ("false", "true")}
    assert [painted[keep].status_code for keep in ("false", "true")] == [200, 451]


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


def test_a_wish_on_several_lines_is_one_wish(client: TestClient) -> None:
    for path in ("/v1/faces", "/v1/lookalike"):
        wishes = [("Accept", "text/html"), ("Accept", "image/jpeg")]
        response = client.post(path, files={"image": FINE}, headers=wishes)
        assert response.headers["content-type"] == "image/jpeg"


def test_whoever_would_rather_have_words_gets_words(client: TestClient) -> None:
    for path in ("/v1/faces", "/v1/lookalike"):
        rather = {"Accept": "image/jpeg;q=0.1, application/json"}
        answer = client.post(path, files={"image": FINE}, headers=rather)
        assert answer.headers["content-type"] == "application/json"


def test_faces_can_be_kept_while_the_others_are_hidden(client: TestClient, stand_ins: StandIns) -> None:
    assert send(client, "/v1/anonymize", method="pixelate", keep="1").status_code == 200
    assert "anonymize pixelate (1,)" in stand_ins.calls


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


def test_a_studio_that_is_not_ready_says_so_as_a_problem(
    client_for: Callable[[Settings], TestClient],
    settings: Settings,
    stand_ins: StandIns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def loading() -> SlotStatus:
        return SlotStatus(None, "judge@v1", None)

    graph = replace(stand_ins.graph(), states={"moderation": loading})
    monkeypatch.setattr(stand_ins, "graph", lambda: graph)
    answer = client_for(settings).get("/readyz")
    assert problem(answer) == (503, "not-ready")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["ready"] is False
    assert answer.json()["capabilities"] == {"moderation": "loading"}


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


@pytest.mark.parametrize("path", ["/", "/models", "/status", "/docs.js", "/docs/assets/swagger-ui-bundle.js"])
def test_a_page_that_is_known_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/v1/styles/wave/preview.jpg", "/v1/artworks/night", "/v1/gallery/ada.jpg"])
def test_a_small_picture_that_is_known_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    for known in (first.headers["etag"], f'"old", W/{first.headers["etag"]}', "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert client.get(path, headers={"If-None-Match": '"old"'}).content == first.content


def test_the_preview_of_another_version_is_seen_at_once(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    before = client.get("/v1/styles/wave/preview.jpg")
    promoted = picture(9, 9, 9)

    async def styles() -> Answer[tuple[StyleInfo, ...]]:
        return Answer((StyleInfo("wave", "Wave", "Anon", 1889, "public domain", promoted),), "painter@v2")

    monkeypatch.setattr("serve_app.pipeline.Pipeline.styles", lambda _: styles())
    after = client.get("/v1/styles/wave/preview.jpg", headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.content) == (200, promoted)


def test_a_licence_that_cannot_be_read_allows_nothing_and_costs_no_result(tmp_path: Path) -> None:
    inventory = Inventory(FolderStore(tmp_path), Selection())
    assert inventory.commercial_use("nowhere@v1") is False


def test_what_a_page_needs_travels_small_and_pictures_as_they_are(client: TestClient) -> None:
    for path in ("/openapi.json", "/", "/js/swap.js", "/css/easel.css"):
        response = client.get(path)
        assert response.headers["content-encoding"] == "gzip", path
        assert int(response.headers.get("content-length", "0")) < len(response.content) / 2, path
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == response.content
    assert "content-encoding" not in send(client, "/v1/style", style="wave").headers
