"""A job is recorded before it is acknowledged, worked off and picked up."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from PIL import Image
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from deployments.errors import Busy, Unavailable
from serve_app.jobs.desk import Desk
from serve_app.jobs.ledger import Ledger
from serve_app.settings import Settings
from serve_app.telemetry.metrics import metrics
from tests.eventually import at_last

from ..asking import ended, masterpiece, stored, submit
from ..conftest import FACELESS, FINE, REFUSED, StandIns, picture


def test_a_job_becomes_the_picture_the_route_would_have_given(client: TestClient) -> None:
    response = submit(client, picture(1, 90, 3, (123, 45)), kind="style", style="wave")
    assert response.status_code == 202
    job_id = response.json()["id"]
    assert response.headers["location"] == f"/v1/jobs/{job_id}"
    assert ended(client, job_id)["state"] == "done"
    result = client.get(f"/v1/jobs/{job_id}/result")
    assert result.headers["x-model"] == "painter@v1"
    assert Image.open(io.BytesIO(result.content)).size == (123, 45)


def test_nobody_on_the_way_keeps_what_is_said_of_a_job(client: TestClient) -> None:
    ordered = submit(client, kind="moderate")
    job_id = ordered.json()["id"]
    ended(client, job_id)
    answers = [ordered, *(client.get(f"/v1/jobs/{job_id}{rest}") for rest in ("", "/result")), client.get("/v1/jobs/x")]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


async def not_yet(_desk: Desk, _sending: object) -> None:
    """What :meth:`Desk._known` finds where orders come to two replicas at once: both look before one of them is recorded."""


@pytest.mark.parametrize("at_once", [False, True])
def test_an_order_sent_again_under_its_idempotency_key_is_the_same_job(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    def order(key: str) -> str:
        response = client.post(
            "/v1/jobs", files={"image": FINE}, data={"kind": "moderate"}, headers={"Idempotency-Key": key}
        )
        assert response.status_code == 202
        return str(response.json()["id"])

    first = order("7")
    ended(client, first)
    before = stored(settings)
    if at_once:
        monkeypatch.setattr(Desk, "_known", not_yet)
    assert order("7") == first
    assert stored(settings) == before
    assert order("8") != first


@pytest.mark.parametrize("at_once", [False, True])
def test_another_order_under_the_same_idempotency_key_is_refused(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    def order(photo: bytes = FINE, **fields: str) -> Any:
        headers = {"Idempotency-Key": "7"}
        return client.post(
            "/v1/jobs", files={"image": photo}, data={"kind": "style", "style": "wave"} | fields, headers=headers
        )

    first = order().json()["id"]
    ended(client, first)
    before = stored(settings)
    if at_once:
        monkeypatch.setattr(Desk, "_known", not_yet)
    for other in (order(strength="0"), order(FACELESS)):
        assert other.status_code == 422
        assert other.json()["type"].endswith(":invalid-field")
    refused = order(strength="0").json()
    assert (refused["field"], "Idempotency-Key" in refused["detail"]) == ("header.idempotency-key", True)
    assert stored(settings) == before, "nothing of it is kept"
    assert order(strength="1").json()["id"] == first, "in other words, it is the same"
    client.delete(f"/v1/jobs/{first}")
    assert order(FACELESS).status_code == 202, "the key is free again"


def test_an_answer_in_words_comes_as_a_document(client: TestClient) -> None:
    job_id = submit(client, kind="lookalike", top="1").json()["id"]
    ended(client, job_id)
    document = client.get(f"/v1/jobs/{job_id}/result").json()
    assert document["faces"][0]["matches"][0]["name"] == "Ada <b>Lovelace</b>"


@pytest.mark.parametrize("kind", ["faces", "lookalike", "moderate", "authenticity"])
def test_an_answer_in_words_names_its_models_at_once_and_as_a_job(client: TestClient, kind: str) -> None:
    at_once = client.post(f"/v1/{kind}", files={"image": FINE}).headers
    job_id = submit(client, kind=kind).json()["id"]
    ended(client, job_id)
    later = client.get(f"/v1/jobs/{job_id}/result").headers
    for header in ("x-model", "x-commercial-use", "cache-control"):
        assert later[header] == at_once[header]
    if kind == "lookalike":
        assert at_once["x-model"] == "finder@v1, stars@v1"


def test_an_order_while_the_disk_is_full_is_to_come_again(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("serve_app.objects.os.fsync", full)
        refused = submit(client, kind="style", style="wave")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert submit(client, kind="style", style="wave").status_code == 202


def test_a_style_job_takes_a_picture_for_the_style(client: TestClient) -> None:
    files = {"image": FINE, "style_image": picture(200, 180, 10)}
    job_id = client.post("/v1/jobs", files=files, data={"kind": "style"}).json()["id"]
    assert ended(client, job_id)["state"] == "done"
    painted = Image.open(io.BytesIO(client.get(f"/v1/jobs/{job_id}/result").content))
    assert abs(painted.getpixel((2, 2))[0] - 200) < 6
    assert client.post("/v1/jobs", files=files, data={"kind": "style", "style": "wave"}).status_code == 422


def test_a_masterpiece_is_worked_on_call_by_call_and_moderated(client: TestClient, stand_ins: StandIns) -> None:
    job_id = masterpiece(client, picture(200, 180, 10)).json()["id"]
    assert ended(client, job_id)["progress"] == 0.5
    result = client.get(f"/v1/jobs/{job_id}/result")
    assert result.headers["x-model"] == "losses@v1"
    assert abs(Image.open(io.BytesIO(result.content)).getpixel((2, 2))[0] - 200) < 6
    assert stand_ins.calls == ["moderate"] * 2 + ["masterpiece"] * 2 + ["moderate"]


def test_a_masterpiece_needs_a_picture_that_keeps_the_rules(client: TestClient, stand_ins: StandIns) -> None:
    assert masterpiece(client).status_code == 422
    assert masterpiece(client, FINE, style="wave").status_code == 422
    job_id = masterpiece(client, REFUSED).json()["id"]
    assert ended(client, job_id)["state"] == "failed"
    assert client.get(f"/v1/jobs/{job_id}/result").status_code == 451
    assert "masterpiece" not in stand_ins.calls, "nothing is begun on a picture that is refused"


def test_a_masterpiece_in_progress_holds_nobody_up_and_stops_when_it_is_withdrawn(
    client: TestClient, stand_ins: StandIns
) -> None:
    stand_ins.hold_masterpiece = True
    job_id = masterpiece(client, FINE).json()["id"]
    assert ended(client, submit(client, kind="style", style="wave").json()["id"])["state"] == "done"
    at_last(lambda: client.get(f"/v1/jobs/{job_id}").json()["progress"] == 0.5)
    assert client.get(f"/v1/jobs/{job_id}").json()["state"] == "running"
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    stand_ins.hold_masterpiece = False
    assert ended(client, masterpiece(client, FINE).json()["id"])["state"] == "done", "the worker is free again"
    for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/result"):
        gone = client.get(path)
        assert gone.status_code == 404, "deleted is deleted, finished or not"
        assert gone.json()["type"].endswith("unknown-job")


def test_a_result_is_of_a_type_that_the_document_names(client: TestClient) -> None:
    job_id = submit(client, FINE, kind="style", style="wave", strength="0").json()["id"]
    ended(client, job_id)
    result = client.get(f"/v1/jobs/{job_id}/result")
    assert result.headers["content-type"] == "image/png", "strength 0 gives the photo back"
    operation = client.get("/openapi.json").json()["paths"]["/v1/jobs/{job_id}/result"]["get"]
    assert "image/png" in operation["responses"]["200"]["content"]


def test_the_gauges_of_a_queue_that_became_empty_go_back_to_nothing(
    client_for: Callable[[Settings], TestClient],
    settings: Settings,
    stand_ins: StandIns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs: dict[tuple[str, str], float] = {}
    oldest: dict[str, float] = {}

    def count(value: float, tags: dict[str, str]) -> None:
        jobs[tags["channel"], tags["state"]] = value

    def age(value: float, tags: dict[str, str]) -> None:
        oldest[tags["channel"]] = value

    def shown(running: int, queued: int) -> bool:
        return jobs == {("slow", "running"): running, ("slow", "queued"): queued} and (oldest["slow"] > 0) == bool(
            queued
        )

    monkeypatch.setattr("serve_app.jobs.desk.COUNT_PERIOD_S", 0.02)
    monkeypatch.setattr(metrics().jobs, "set", count)
    monkeypatch.setattr(metrics().oldest_job_seconds, "set", age)
    stand_ins.hold_masterpiece = True
    client = client_for(settings)
    ids = [masterpiece(client, FINE).json()["id"] for _ in range(2)]
    for running, queued in ((1, 1), (0, 0)):
        at_last(partial(shown, running, queued))
        for job_id in ids:
            client.delete(f"/v1/jobs/{job_id}")


def test_a_swap_job_takes_two_photos(client: TestClient) -> None:
    response = client.post("/v1/jobs", files={"source": FINE, "target": FINE}, data={"kind": "swap"})
    assert ended(client, response.json()["id"])["state"] == "done"


def test_a_mapping_that_cannot_be_read_orders_nothing(client: TestClient, stand_ins: StandIns) -> None:
    response = client.post("/v1/jobs", files={"source": FINE, "target": FINE}, data={"kind": "swap", "mapping": "0-1"})
    assert response.status_code == 422
    assert response.json()["field"] == "mapping"
    assert stand_ins.calls == []


@pytest.mark.parametrize(
    ("fields", "slug"),
    [
        ({"kind": "style", "style": ["wave", "nope:2"]}, "unknown-style"),
        ({"kind": "swap", "artwork": "nope"}, "unknown-artwork"),
    ],
)
def test_a_name_that_nobody_knows_orders_nothing(
    client: TestClient, stand_ins: StandIns, settings: Settings, fields: dict[str, Any], slug: str
) -> None:
    photo = "image" if fields["kind"] == "style" else "source"
    response = client.post("/v1/jobs", files={photo: FINE}, data=fields)
    assert (response.status_code, response.json()["type"].rpartition(":")[2]) == (404, slug)
    assert stand_ins.calls == []
    assert not list((settings.data_folder / "objects").rglob("*.*"))


@pytest.mark.parametrize("why", ["rests", "is away", "is busy", "says nothing"])
def test_a_style_job_is_taken_though_nobody_can_say_yet_whether_the_style_is_known(
    client_for: Callable[[Settings], TestClient],
    settings: Settings,
    stand_ins: StandIns,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
) -> None:
    async def state() -> None:
        if why == "is away":
            raise Unavailable("Style is restarting.", retry_after=5)
        if why == "is busy":
            raise Busy("Too many people are using style right now.", retry_after=5)
        if why == "says nothing":
            await asyncio.Event().wait()

    monkeypatch.setattr("serve_app.pipeline._GLANCE_S", 0.05)
    graph = replace(stand_ins.graph(), states={"style": state})
    monkeypatch.setattr(stand_ins, "graph", lambda: graph)
    client = client_for(settings)
    accepted = submit(client, kind="style", style="nope")
    assert accepted.status_code == 202
    assert ended(client, accepted.json()["id"])["error"] == "There is no style 'nope'."


def test_a_swap_job_takes_an_artwork(client: TestClient) -> None:
    response = client.post("/v1/jobs", files={"source": FINE}, data={"kind": "swap", "artwork": "night"})
    assert ended(client, response.json()["id"])["state"] == "done"


@pytest.mark.parametrize(
    ("photo", "fields", "status"),
    [(FACELESS, {"kind": "anonymize"}, 422), (REFUSED, {"kind": "style", "style": "wave"}, 451)],
)
def test_a_failed_job_answers_as_the_route_would(
    client: TestClient, photo: bytes, fields: dict[str, str], status: int
) -> None:
    job_id = submit(client, photo, **fields).json()["id"]
    state = ended(client, job_id)
    assert state["state"] == "failed"
    assert state["error"]
    answer, route = client.get(f"/v1/jobs/{job_id}/result"), fields["kind"]
    told = client.post(f"/v1/{route}", files={"image": photo}, data={"style": "wave"} if route == "style" else {})
    assert answer.status_code == told.status_code == status
    assert answer.json() == told.json() | {"state": "failed"}


def test_a_job_that_failed_of_what_may_pass_says_when_to_order_it_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> None:
        raise Unavailable("Style is restarting.", retry_after=0)

    monkeypatch.setattr("serve_app.pipeline.Pipeline.style", away)
    job_id = submit(client, kind="style", style="wave").json()["id"]
    assert ended(client, job_id)["state"] == "failed"
    answer = client.get(f"/v1/jobs/{job_id}/result")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["state"]) == (503, "0", "failed")


@pytest.mark.parametrize("job_id", ["%00", "a%00b", "0" * 33, "G" * 32, "%F0%9F%98%80"])
def test_what_is_no_jobs_id_is_no_job(client: TestClient, job_id: str) -> None:
    for answer in (client.get(f"/v1/jobs/{job_id}"), client.delete(f"/v1/jobs/{job_id}")):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("unknown-job")


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"kind": "style"}, 422), ({"kind": "nothing"}, 422), ({}, 422), ({"kind": "swap"}, 422),
     ({"kind": "moderate", "strength": "0.5"}, 422), ({"kind": "style", "style": "wave:much"}, 422),
     ({"kind": "style", "style": "wave:0"}, 422), ({"kind": "anonymize", "keep": "first"}, 422)],
)  # fmt: skip
def test_a_job_that_could_never_work_is_refused_at_the_door(
    client: TestClient, fields: dict[str, str], status: int
) -> None:
    assert submit(client, **fields).status_code == status


def test_an_upload_that_is_no_picture_is_refused_at_the_door(client: TestClient) -> None:
    assert submit(client, b"GIF89a", kind="style", style="wave").status_code == 415


def test_every_answer_about_a_result_is_in_the_document(client: TestClient) -> None:
    document = client.get("/openapi.json").json()["paths"]["/v1/jobs/{job_id}/result"]["get"]
    # Not finished yet, and a photo that was swept away before its turn came.
    assert {"200", "404", "409", "410"} <= document["responses"].keys()


def test_a_result_says_what_could_not_be_done_as_the_route_does(client: TestClient, stand_ins: StandIns) -> None:
    stand_ins.averted = True
    files, mapping = {"source": FINE, "target": FINE}, {"mapping": "0:0"}
    at_once = client.post("/v1/swap", files=files, data=mapping)
    job_id = client.post("/v1/jobs", files=files, data=mapping | {"kind": "swap"}).json()["id"]
    ended(client, job_id)
    later = client.get(f"/v1/jobs/{job_id}/result")
    for name in ("x-model", "x-notes", "x-commercial-use", "cache-control", "content-type"):
        assert later.headers[name] == at_once.headers[name]


def test_an_unknown_job_is_404(client: TestClient) -> None:
    for path in ("/v1/jobs/nope", "/v1/jobs/nope/result"):
        assert client.get(path).status_code == 404
    assert client.delete("/v1/jobs/nope").status_code == 404


def test_a_ledger_that_is_away_for_a_moment_ends_no_worker(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    claim, lost = Ledger.claim, []

    async def away(*arguments: Any, **more: Any) -> Any:
        if len(lost) < 2:
            lost.append(True)
            raise OperationalError("SELECT", {}, sqlite3.OperationalError("database is locked"))
        return await claim(*arguments, **more)

    monkeypatch.setattr(Ledger, "claim", away)
    job_id = submit(client, kind="style", style="wave").json()["id"]
    assert ended(client, job_id)["state"] == "done"
    assert lost
