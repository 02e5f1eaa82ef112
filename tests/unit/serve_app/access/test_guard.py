"""The door of the API: 401 without a good key, 403 outside a key's scopes, 429 over its rate; nothing is read before."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.testclient import TestClient

from deployments.faces.types import FaceQuery, FaceSet
from deployments.serving.types import Answer
from serve_app.access.scopes import ADMIN, SCOPES, required
from serve_app.jobs.kinds import PERFORM
from serve_app.jobs.routes import FORMS
from serve_app.settings import JobLimits, Settings
from serve_app.visitors import visitor
from tests.eventually import at_last

from ..conftest import FINE, StandIns
from .conftest import ADMIN_KEY


def call(client: TestClient, path: str, key: str | None = None, **fields: Any) -> Any:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return client.post(path, files={"image": ("photo.jpg", FINE)}, data=fields, headers=headers)


def problem(response: Any) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    return response.status_code, response.json()["type"].rsplit(":", 1)[-1]


@pytest.fixture
def guarded(client_for, studio: Settings) -> TestClient:
    return client_for(studio)


def security(client: TestClient, method: str, path: str) -> list[dict[str, list[str]]]:
    document = client.get("/openapi.json").json()
    assert (
        document["components"]["securitySchemes"]["key"] | {"type": "http", "scheme": "bearer"}
        == (document["components"]["securitySchemes"]["key"])
    )
    needed: list[dict[str, list[str]]] = document["paths"][path][method]["security"]
    return needed


def test_the_document_says_which_calls_need_a_key(guarded: TestClient) -> None:
    assert security(guarded, "post", "/v1/style") == [{"key": ["style"]}]
    assert security(guarded, "get", "/v1/jobs/{job_id}") == [{"key": ["jobs"]}]
    assert security(guarded, "get", "/v1/models") == [{"key": ["admin"]}]
    assert security(guarded, "get", "/v1/styles") == []


def test_the_document_of_an_open_studio_says_what_may_go_without(client: TestClient) -> None:
    assert security(client, "post", "/v1/style") == [{}, {"key": ["style"]}]
    assert security(client, "get", "/v1/models") == [{}, {"key": ["admin"]}]
    assert security(client, "post", "/v1/models/{model}/promote") == [{"key": ["admin"]}]


def test_without_a_key_nothing_is_worked_on(guarded: TestClient, stand_ins: StandIns) -> None:
    response = call(guarded, "/v1/style", style="wave")
    assert problem(response) == (401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert stand_ins.calls == []


@pytest.mark.parametrize(
    "token", ["", "x", "mq_000000000000_" + "A" * 43, "Bearer", "mq_000000000000_" + "A" * 42 + "\xe9", "a" * 5000]
)
def test_forged_tokens_are_refused(guarded: TestClient, token: str) -> None:
    headers = {"Authorization": b"Bearer " + token.encode("latin-1")}
    response = guarded.post("/v1/style", files={"image": FINE}, data={"style": "wave"}, headers=headers)
    assert problem(response) == (401, "unauthorized")


def test_a_key_opens_its_scopes_and_no_others(guarded: TestClient, issue) -> None:
    _, key = issue("style")
    assert call(guarded, "/v1/style", key, style="wave").status_code == 200
    assert problem(call(guarded, "/v1/faces", key)) == (403, "forbidden")
    models = guarded.get("/v1/models", headers={"Authorization": f"Bearer {key}"})
    assert problem(models) == (403, "forbidden")


def test_the_same_person_is_the_same_visitor_now_and_in_a_job_whatever_the_key(
    client_for, studio: Settings, issue, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    find = stand_ins.faces

    async def noted(query: FaceQuery) -> Answer[FaceSet]:
        seen.append(visitor())
        return await find(query)

    monkeypatch.setattr(stand_ins, "faces", noted)
    client = client_for(studio)
    _, key = issue("faces", "jobs")

    def now_and_in_a_job(user: str) -> set[str | None]:
        """The visitors ``user`` was taken for."""
        seen.clear()
        client.headers["X-User"] = user
        assert call(client, "/v1/faces", key).status_code == 200
        assert call(client, "/v1/jobs", key, kind="faces").status_code == 202
        at_last(lambda: len(seen) >= 2)
        return set(seen)

    ada, bob = now_and_in_a_job("ada"), now_and_in_a_job("bob")
    assert len(ada) == len(bob) == 1
    assert ada != bob


def test_over_its_rate_a_key_is_told_when_to_come_again(guarded: TestClient, issue) -> None:
    _, key = issue("faces", per_minute=6, burst=3)
    answers = [call(guarded, "/v1/faces", key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert problem(answers[-1]) == (429, "rate-limited")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
    assert answers[-1].json()["detail"] == "This key may make 6 calls a minute, 3 at once."
    _, other = issue("faces")
    assert call(guarded, "/v1/faces", other).status_code == 200


def test_a_revoked_key_is_refused_at_once(guarded: TestClient, issue, with_keys) -> None:
    key, text = issue("faces")
    assert call(guarded, "/v1/faces", text).status_code == 200
    with_keys(lambda book: book.revoke(key.id))
    assert problem(call(guarded, "/v1/faces", text)) == (401, "unauthorized")


def test_the_log_names_the_key_that_was_refused_and_never_its_secret(
    guarded: TestClient, issue, with_keys, caplog: pytest.LogCaptureFixture
) -> None:
    (gone, revoked), (often, text) = issue("faces"), issue("faces", per_minute=1, burst=1)
    with_keys(lambda book: book.revoke(gone.id))
    with caplog.at_level(logging.INFO, "serve_app.telemetry.observed"):
        for path, key in (
            ("/v1/faces", revoked), ("/v1/faces", "guessed"), ("/v1/style", text), ("/v1/faces", text), ("/v1/faces", text),
        ):  # fmt: skip
            call(guarded, path, key)
        call(guarded, "/v1/faces")
    lines = [vars(record) for record in caplog.records if record.getMessage() == "request"]
    assert [(line["status"], line["caller"]) for line in lines] == [
        (401, f"shown:{gone.id}"), (401, None), (403, often.id), (200, often.id), (429, often.id), (401, None),
    ]  # fmt: skip
    assert not any(secret[-43:] in str(line) for secret in (revoked, text) for line in lines)


def test_the_admin_key_and_keys_of_that_scope_administer(guarded: TestClient, issue) -> None:
    for key in (ADMIN_KEY, issue("admin")[1]):
        assert guarded.get("/v1/models", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    without = guarded.get("/v1/models")
    assert problem(without)[0] == 401
    assert "needs the admin key" in without.json()["detail"], "it is not off: there is a key"


def test_the_admin_api_is_off_without_an_admin_key(client: TestClient) -> None:
    assert client.get("/v1/models").status_code == 200, "reading is open on a laptop"
    response = client.post("/v1/models/style/promote")
    assert problem(response) == (401, "unauthorized")
    assert "MASQUERADE_ADMIN_KEY" in response.json()["detail"]


def test_a_key_orders_as_jobs_what_it_may_have_done_at_once(guarded: TestClient, issue, stand_ins: StandIns) -> None:
    _, key = issue("style", "jobs")
    assert call(guarded, "/v1/jobs", key, kind="style", style="wave").status_code == 202
    for kind in ("faces", "masterpiece"):
        stand_ins.calls.clear()
        files = {"image": FINE, "style_image": FINE} if kind == "masterpiece" else {"image": FINE}
        refused = guarded.post("/v1/jobs", files=files, data={"kind": kind}, headers={"Authorization": f"Bearer {key}"})
        assert problem(refused) == (403, "forbidden")
        assert repr(kind) in refused.json()["detail"]
        assert kind not in stand_ins.calls
    _, without_jobs = issue("style")
    assert problem(call(guarded, "/v1/jobs", without_jobs, kind="style", style="wave")) == (403, "forbidden")


def test_the_admin_key_orders_every_job(guarded: TestClient) -> None:
    assert call(guarded, "/v1/jobs", ADMIN_KEY, kind="faces").status_code == 202


def test_every_kind_of_job_has_a_scope() -> None:
    assert set(PERFORM) == set(FORMS)
    assert set(PERFORM) <= set(SCOPES) - {ADMIN, "jobs"}


def test_jobs_belong_to_the_key_that_ordered_them(guarded: TestClient, issue) -> None:
    (_, mine), (_, theirs) = issue("faces", "jobs"), issue("faces", "jobs")
    job = call(guarded, "/v1/jobs", mine, kind="faces").json()["id"]
    as_mine, as_theirs = ({"Authorization": f"Bearer {key}"} for key in (mine, theirs))
    assert guarded.get(f"/v1/jobs/{job}", headers=as_mine).status_code == 200
    assert problem(guarded.get(f"/v1/jobs/{job}", headers=as_theirs))[0] == 404
    assert problem(guarded.delete(f"/v1/jobs/{job}", headers=as_theirs))[0] == 404
    assert problem(guarded.get(f"/v1/jobs/{job}"))[0] == 401


def test_a_key_has_a_share_of_the_queue_and_nobody_without_one_counts_as_somebody(
    client_for, studio: Settings, issue, stand_ins: StandIns
) -> None:
    stand_ins.hold_masterpiece = True
    client = client_for(studio.model_copy(update={"jobs": JobLimits(per_key=1), "require_keys": False}))

    def order(key: str | None = None) -> Any:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        files = {"image": FINE, "style_image": FINE}
        return client.post("/v1/jobs", files=files, data={"kind": "masterpiece"}, headers=headers)

    (_, mine), (_, theirs) = issue(), issue()
    assert order(mine).status_code == 202
    refused = order(mine)
    assert problem(refused) == (429, "busy")
    assert "1 of your jobs" in refused.json()["detail"]
    assert order(theirs).status_code == 202
    assert [order().status_code for _ in range(3)] == [202] * 3


def test_two_keys_may_choose_the_same_idempotency_key(guarded: TestClient, issue) -> None:
    """Each is answered with a job of its own, not with the number of somebody else's."""
    jobs = []
    for _, key in (issue("faces", "jobs"), issue("faces", "jobs")):
        as_caller = {"Authorization": f"Bearer {key}", "Idempotency-Key": "1"}
        ordered = guarded.post("/v1/jobs", files={"image": FINE}, data={"kind": "faces"}, headers=as_caller)
        jobs.append(ordered.json()["id"])
        assert guarded.get(f"/v1/jobs/{jobs[-1]}", headers=as_caller).status_code == 200
    assert jobs[0] != jobs[1]


def test_an_open_studio_still_refuses_a_key_that_is_wrong(client: TestClient) -> None:
    assert call(client, "/v1/faces").status_code == 200
    assert problem(call(client, "/v1/faces", "mq_000000000000_" + "A" * 43)) == (401, "unauthorized")


def test_the_page_and_what_is_on_offer_stay_readable(guarded: TestClient) -> None:
    for path in ("/", "/docs", "/healthz", "/readyz", "/v1/styles", "/v1/artworks", "/v1/samples"):
        assert guarded.get(path).status_code == 200


def test_every_operation_of_the_document_has_a_scope_that_exists(client: TestClient) -> None:
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method in methods:
            assert required(method.upper(), path) in {None, *SCOPES}, f"{method} {path}"
            assert method == "get" or required(method.upper(), path) is not None


def test_keys_are_required_in_production_unless_said_otherwise() -> None:
    production = {"environment": "production", "models_dir": "/srv/models", "admin_key": ADMIN_KEY}
    assert Settings(**production).keys_required
    assert not Settings(**production, require_keys=False).keys_required
    assert not Settings().keys_required
