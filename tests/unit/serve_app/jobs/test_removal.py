"""A job is removed without a trace, whatever it is doing and whatever is away."""

from __future__ import annotations

import asyncio

import pytest
from starlette.testclient import TestClient

from deployments.errors import Unavailable
from serve_app.jobs.desk import Desk
from serve_app.jobs.states import State
from serve_app.jobs.tables import Job
from serve_app.objects import FolderObjects
from serve_app.settings import Settings

from ..asking import ended, masterpiece, stored, submit
from ..conftest import FINE, StandIns


def away(_store: FolderObjects, _keys: object) -> None:
    raise Unavailable("Photos cannot be removed right now.", retry_after=5)


def test_a_job_that_ends_while_it_is_removed_leaves_no_result(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit(client, kind="style", style="wave").json()["id"]
    ended(client, job_id)
    look = Desk.job

    async def before_the_end(desk: Desk, job_id: str, caller: str) -> Job:
        job = await look(desk, job_id, caller)
        job.state, job.result = State.RUNNING, None
        return job

    monkeypatch.setattr(Desk, "job", before_the_end)
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert not stored(settings)


def test_a_removed_job_leaves_no_photo_and_no_result(client: TestClient, settings: Settings) -> None:
    job_id = submit(client, kind="style", style="wave").json()["id"]
    ended(client, job_id)
    assert stored(settings)
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert stored(settings) == []
    assert client.get(f"/v1/jobs/{job_id}/result").status_code == 404
    assert client.get(f"/v1/jobs/{job_id}").status_code == 404
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 204, "whoever lost the answer may ask again"


def test_a_job_whose_photos_cannot_be_removed_now_may_be_removed_again(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit(client, kind="style", style="wave").json()["id"]
    ended(client, job_id)
    with monkeypatch.context() as patched:
        patched.setattr(FolderObjects, "delete", away)
        refused = client.delete(f"/v1/jobs/{job_id}")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert stored(settings) == []


def test_a_withdrawn_job_is_gone_though_its_photos_cannot_be_removed_yet(
    client: TestClient, stand_ins: StandIns, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_ins.hold_masterpiece = True
    _, waiting = (masterpiece(client, FINE).json()["id"] for _ in range(2))
    with monkeypatch.context() as patched:
        patched.setattr(FolderObjects, "delete", away)
        assert client.delete(f"/v1/jobs/{waiting}").status_code == 503
    assert client.get(f"/v1/jobs/{waiting}").status_code == 404
    before = len(stored(settings))
    assert client.delete(f"/v1/jobs/{waiting}").status_code == 204
    assert len(stored(settings)) == before - 2


def test_an_order_whose_job_was_removed_is_a_new_one_when_it_is_sent_again(
    client: TestClient, stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def order() -> str:
        answer = client.post(
            "/v1/jobs", files={"image": FINE}, data={"kind": "moderate"}, headers={"Idempotency-Key": "7"}
        )
        assert answer.status_code == 202
        return str(answer.json()["id"])

    done = order()
    ended(client, done)
    removed = client.delete(f"/v1/jobs/{done}")
    assert "content-type" not in removed.headers, "there is nothing to have a type"
    stand_ins.hold_moderation = asyncio.Event()
    waiting = order()
    with monkeypatch.context() as patched:
        patched.setattr(FolderObjects, "delete", away)
        assert client.delete(f"/v1/jobs/{waiting}").status_code == 503, "it is withdrawn, its photo is still here"
    last = order()
    assert len({done, waiting, last}) == 3
    assert [client.get(f"/v1/jobs/{job_id}").status_code for job_id in (done, waiting, last)] == [404, 404, 200]
