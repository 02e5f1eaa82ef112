"""People's photos in an S3-compatible bucket: the same promises as in a folder, and uploads that bypass the gateway."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from deployments.errors import InvalidField, TooLarge, Unavailable
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.jobs.desk import Desk
from serve_app.objects import FolderObjects, ObjectStore, new_key, open_objects
from serve_app.selection import Selection
from serve_app.settings import Settings, UploadLimits

boto3 = pytest.importorskip("boto3")

URL = "s3://photos/studio"


@pytest.fixture
def bucket(s3_credentials: None) -> Any:
    client = boto3.client("s3")
    client.create_bucket(Bucket="photos")
    yield client
    for entry in client.list_objects_v2(Bucket="photos").get("Contents", ()):
        client.delete_object(Bucket="photos", Key=entry["Key"])


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return open_objects(Settings(data_dir=tmp_path))
    request.getfixturevalue("bucket")
    return open_objects(Settings(data_dir=tmp_path, objects_url=URL))


def test_what_was_put_can_be_got_measured_and_removed(store: ObjectStore) -> None:
    key, other = new_key("in"), new_key("out")
    store.put(key, b"photo")
    store.put(other, b"painting")
    assert (store.get(key), store.size(key)) == (b"photo", 5)
    store.delete([key, new_key("in")])
    assert store.get(other) == b"painting"
    for gone in (store.get, store.size):
        with pytest.raises(KeyError):
            gone(key)


@pytest.mark.parametrize(
    "key", ["../../etc/passwd", "in/../out", "in/" + "0" * 31, "/in/" + "0" * 32, "in/" + "A" * 32, ""]
)
def test_a_key_that_is_not_one_of_ours_reaches_nothing(store: ObjectStore, key: str) -> None:
    with pytest.raises(KeyError):
        store.get(key)
    with pytest.raises(KeyError):
        store.put(key, b"x")


def test_what_is_too_old_is_swept(store: ObjectStore) -> None:
    keys = [new_key("in") for _ in range(3)]
    for key in keys:
        store.put(key, b"photo")
    assert (store.stored_before(time.time() - 3600), store.sweep(time.time() - 3600)) == ([], 0)
    soon = time.time() + 5
    assert sorted(store.stored_before(soon)) == sorted(keys)
    assert store.sweep(soon, besides=keys[:1]) == 2
    assert store.stored_before(soon) == keys[:1]
    assert store.get(keys[0]) == b"photo"
    with pytest.raises(KeyError):
        store.get(keys[1])


def test_what_a_bucket_will_not_remove_is_not_said_to_be_gone(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_objects(Settings(data_dir=tmp_path, objects_url=URL))
    kept, gone = new_key("in"), new_key("in")
    for key in (kept, gone):
        store.put(key, b"face")
    remove = store._client.delete_objects

    def stubborn(Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        wanted, refused = [], []
        for entry in Delete["Objects"]:
            (refused if entry["Key"].endswith(kept) else wanted).append(entry)
        remove(Bucket=Bucket, Delete={"Objects": wanted})
        return {"Errors": [{"Key": entry["Key"], "Code": "AccessDenied"} for entry in refused]}

    monkeypatch.setattr(store._client, "delete_objects", stubborn)
    with pytest.raises(Unavailable):
        store.delete([gone, kept])
    assert store.get(kept) == b"face"
    with pytest.raises(KeyError):
        store.get(gone)


def test_a_bucket_is_not_asked_to_remove_more_than_it_takes_in_one_call(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_objects(Settings(data_dir=tmp_path, objects_url=URL))
    key, counts = new_key("in"), list[int]()
    store.put(key, b"photo")
    remove = store._client.delete_objects

    def counted(Delete: dict[str, Any], **more: Any) -> dict[str, Any]:
        counts.append(len(Delete["Objects"]))
        return remove(Delete=Delete, **more)

    monkeypatch.setattr(store._client, "delete_objects", counted)
    store.delete([*(new_key("in") for _ in range(1000)), key])
    assert counts == [1000, 1]
    with pytest.raises(KeyError):
        store.get(key)


def test_stores_of_one_bucket_do_not_see_each_other(bucket: Any, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, objects_url=URL)
    photos, faces = open_objects(settings), open_objects(settings, "bot-faces")
    key = new_key("in")
    faces.put(key, b"face")
    assert photos.sweep(time.time() + 5) == 0
    assert faces.get(key) == b"face"
    with pytest.raises(KeyError):
        photos.get(key)


def test_a_ticket_binds_the_key_the_length_and_the_time(bucket: Any, tmp_path: Path) -> None:
    ticket = open_objects(Settings(data_dir=tmp_path, objects_url=URL)).ticket(1000, 60)
    policy = json.loads(base64.b64decode(ticket.fields["policy"]))
    assert ["content-length-range", 1, 1000] in policy["conditions"]
    assert {"key": f"studio/objects/{ticket.key}"} in policy["conditions"]
    assert "expiration" in policy
    assert "secret" not in json.dumps(ticket.fields)


def test_a_folder_gives_no_tickets(tmp_path: Path) -> None:
    assert FolderObjects(tmp_path).ticket(1000, 60) is None


async def test_an_upload_by_ticket_reaches_the_desk_once_and_within_the_limit(bucket: Any, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, objects_url=URL, limits=UploadLimits(max_bytes=2048))
    desk = Desk(None, Inventory(FolderStore(tmp_path), Selection()), settings, None)
    async with httpx.AsyncClient() as client:
        small, big = [await desk.ticket() for _ in range(2)]
        for ticket, data in ((small, b"p" * 2048), (big, b"p" * 2049)):
            await client.post(ticket.url, data=ticket.fields, files={"file": data})
    assert await desk.uploaded(small.key) == b"p" * 2048
    with pytest.raises(TooLarge):
        # Whatever the bucket let through.
        bucket.put_object(Bucket="photos", Key=f"studio/objects/{big.key}", Body=b"p" * 2049)
        await desk.uploaded(big.key)
    open_objects(settings).delete([small.key])
    with pytest.raises(InvalidField):
        await desk.uploaded(small.key)


async def test_photos_and_results_of_others_cannot_be_named_as_uploads(bucket: Any, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, objects_url=URL)
    desk = Desk(None, Inventory(FolderStore(tmp_path), Selection()), settings, None)
    for kind in ("in", "out"):
        key = new_key(kind)
        open_objects(settings).put(key, b"private")
        with pytest.raises(InvalidField):
            await desk.uploaded(key)
