"""Jobs may name photos that were uploaded past the gateway; each upload serves one job."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from starlette.testclient import TestClient

from deployments.errors import Unavailable
from serve_app.objects import FolderObjects, new_key, open_objects
from serve_app.settings import Settings

from ..asking import ended, submit
from ..conftest import FINE


def test_a_job_may_name_an_upload_and_takes_it_along(client: TestClient, settings: Settings) -> None:
    store, key = open_objects(settings), new_key("up")
    store.put(key, FINE)
    order = {"kind": "faces", "image_key": key}
    response = client.post("/v1/jobs", data=order)
    assert response.status_code == 202, response.text
    assert ended(client, response.json()["id"])["state"] == "done"
    with pytest.raises(KeyError):
        store.get(key)
    assert client.post("/v1/jobs", data=order).status_code == 422, "an upload is used once"


def test_an_order_with_an_upload_sent_again_is_the_same_job_though_the_upload_is_gone(
    client: TestClient, settings: Settings
) -> None:
    key, headers = new_key("up"), {"Idempotency-Key": "7"}
    open_objects(settings).put(key, FINE)
    first, again = (
        client.post("/v1/jobs", data={"kind": "faces", "image_key": key}, headers=headers) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (202, 202), again.text
    assert again.json()["id"] == first.json()["id"]
    other = client.post("/v1/jobs", data={"kind": "moderate", "image_key": key}, headers=headers)
    assert other.status_code == 422, "another order needs an upload of its own"


def test_an_order_with_an_upload_that_comes_twice_at_once_is_one_job(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, answers = FolderObjects.size, {}

    def order(which: str) -> None:
        fields, headers = {"kind": "faces", "image_key": key}, {"Idempotency-Key": "7"}
        answers[which] = client.post("/v1/jobs", data=fields, headers=headers)

    def slow(store: FolderObjects, name: str) -> int:
        # While the first looks for its upload, the second is recorded and takes the upload along.
        if "second" not in answers:
            monkeypatch.setattr(FolderObjects, "size", size)
            order("second")
        return size(store, name)

    key = new_key("up")
    open_objects(settings).put(key, FINE)
    monkeypatch.setattr(FolderObjects, "size", slow)
    order("first")
    assert [answers[which].status_code for which in ("first", "second")] == [202, 202], answers["first"].text
    assert answers["first"].json()["id"] == answers["second"].json()["id"]


def test_an_upload_that_cannot_be_removed_now_is_no_reason_to_refuse_the_order(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = FolderObjects.delete

    def away(store: FolderObjects, keys: Iterable[str]) -> None:
        wanted = list(keys)
        if key in wanted:
            raise Unavailable("Photos cannot be removed right now.", retry_after=1)
        delete(store, wanted)

    key = new_key("up")
    open_objects(settings).put(key, FINE)
    monkeypatch.setattr(FolderObjects, "delete", away)
    response = client.post("/v1/jobs", data={"kind": "faces", "image_key": key})
    assert response.status_code == 202, response.text
    assert ended(client, response.json()["id"])["state"] == "done"


@pytest.mark.parametrize("key", ["up/" + "0" * 32, "in/" + "0" * 32, "../../etc/passwd", "up/../in/x"])
def test_an_upload_that_is_not_there_is_a_field_that_is_not_right(client: TestClient, key: str) -> None:
    response = client.post("/v1/jobs", data={"kind": "faces", "image_key": key})
    assert response.status_code == 422
    assert "upload" in response.json()["detail"]


def test_a_picture_and_an_upload_in_one_place_are_one_too_many(client: TestClient) -> None:
    response = submit(client, kind="faces", image_key="up/" + "0" * 32)
    assert (response.status_code, response.json()["field"]) == (422, "image_key")


def test_without_a_bucket_there_are_no_upload_tickets(client: TestClient) -> None:
    assert client.post("/v1/uploads").status_code == 404
