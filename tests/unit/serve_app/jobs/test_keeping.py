"""How long photos, results and jobs are kept, what is kept of them, and what is said when they are gone."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from serve_app.objects import FolderObjects, new_key, open_objects
from serve_app.settings import Settings
from tests.eventually import at_last

from ..asking import ended, masterpiece, problem, stored, submit
from ..conftest import FACELESS, FINE, StandIns


@pytest.mark.parametrize("way", ["in the request", "uploaded ahead"])
def test_of_a_photo_nothing_is_kept_but_the_picture(client: TestClient, settings: Settings, way: str) -> None:
    told = Image.Exif()
    told[0x010E] = "Grandmother in Lyon"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(FINE)).save(buffer, "JPEG", exif=told)
    order: dict[str, Any] = {"data": {"kind": "moderate"}}
    if way == "in the request":
        order["files"] = {"image": buffer.getvalue()}
    else:
        order["data"]["image_key"] = new_key("up")
        open_objects(settings).put(order["data"]["image_key"], buffer.getvalue())
    answers = [client.post("/v1/jobs", headers={"Idempotency-Key": "7"}, **order) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert ended(client, answers[0].json()["id"])["state"] == "done"
    kept = [path.read_bytes() for path in stored(settings)]
    assert len(kept) == 2
    assert not [data for data in kept if b"Grandmother" in data]


def test_what_is_kept_for_seconds_is_looked_after_in_seconds(
    client_for: Callable[[Settings], TestClient], settings: Settings
) -> None:
    brief = Settings(data_dir=settings.data_dir, keep_results_s=0.2)
    client = client_for(brief)
    submit(client, kind="moderate")
    at_last(lambda: not stored(brief))


def test_a_job_is_known_for_longer_than_its_result_and_not_for_ever(
    client_for: Callable[[Settings], TestClient], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(Settings(data_dir=settings.data_dir, keep_results_s=0.2))
    job_id = submit(client, kind="moderate").json()["id"]
    ended(client, job_id)
    at_last(lambda: client.get(f"/v1/jobs/{job_id}/result").status_code != 200)
    assert client.get(f"/v1/jobs/{job_id}").json()["state"] == "done"
    monkeypatch.setattr("serve_app.jobs.desk.KEEP_JOBS_S", 0.0)
    at_last(lambda: client.get(f"/v1/jobs/{job_id}").status_code == 404)


def test_a_photo_waits_with_its_job_however_long_the_queue_is(
    client_for: Callable[[Settings], TestClient], settings: Settings, stand_ins: StandIns
) -> None:
    brief = Settings(data_dir=settings.data_dir, keep_results_s=0.2)
    client = client_for(brief)
    stand_ins.hold_masterpiece = True
    first, second = (masterpiece(client, FINE).json()["id"] for _ in range(2))
    # Stored after them, and nobody's: once it is gone, whatever may go of theirs is gone as well.
    nobodys = new_key("in")
    objects = FolderObjects(brief.data_folder / "objects")
    objects.put(nobodys, FINE)
    at_last(lambda: not objects.stored_before(time.time()).count(nobodys))
    assert client.get(f"/v1/jobs/{second}").json()["state"] == "queued"
    stand_ins.hold_masterpiece = False
    assert [ended(client, job_id)["state"] for job_id in (first, second)] == ["done", "done"]


def test_a_result_whose_time_is_over_is_said_to_have_expired(client: TestClient, settings: Settings) -> None:
    job_id = submit(client, kind="moderate").json()["id"]
    ended(client, job_id)
    FolderObjects(settings.data_folder / "objects").sweep(time.time() + 5)
    gone = client.get(f"/v1/jobs/{job_id}/result")
    assert problem(gone) == (410, "expired")
    assert gone.json()["detail"] == "The result of this job has expired."
    client.delete(f"/v1/jobs/{job_id}")
    assert problem(client.get(f"/v1/jobs/{job_id}/result")) == (404, "unknown-job"), "removed is not expired"


def test_a_job_says_when_its_result_goes(client: TestClient, settings: Settings, stand_ins: StandIns) -> None:
    stand_ins.hold_masterpiece = True
    job_id = masterpiece(client, FINE).json()["id"]
    assert client.get(f"/v1/jobs/{job_id}").json()["expires"] is None
    stand_ins.hold_masterpiece = False
    done = ended(client, job_id)
    assert done["created"] < done["expires"] - settings.keep_results_s < time.time()
    failed = ended(client, submit(client, FACELESS, kind="anonymize").json()["id"])
    assert (failed["state"], failed["expires"]) == ("failed", None)


@pytest.mark.parametrize("how", ["its time is over", "it was swept"])
def test_an_order_whose_result_is_gone_is_a_new_one_when_it_is_sent_again(
    client_for: Callable[[Settings], TestClient], settings: Settings, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    client = client_for(settings)

    def order() -> str:
        headers = {"Idempotency-Key": "7"}
        answer = client.post("/v1/jobs", files={"image": FINE}, data={"kind": "moderate"}, headers=headers)
        assert answer.status_code == 202
        return str(answer.json()["id"])

    first = order()
    ended(client, first)
    assert order() == first
    if how == "it was swept":
        FolderObjects(settings.data_folder / "objects").sweep(time.time() + 5)
    else:
        monkeypatch.setattr("serve_app.jobs.desk.time.time", lambda: later)
        later = ended(client, first)["expires"]
        assert problem(client.get(f"/v1/jobs/{first}/result")) == (410, "expired"), "though nobody has swept yet"
    again = order()
    assert again != first
    assert problem(client.get(f"/v1/jobs/{first}/result")) == (410, "expired"), "the old one stays what it is"
