"""The admin side of ``/v1/models``: who may decide, what is answered, and what is shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from deployments.serving.traffic import Traffic
from deployments.serving.types import Report
from deployments.slots import ModelSet, Plan, Second, SlotStatus
from registry.errors import StoreUnavailable
from registry.promotions import promote
from registry.store import FolderStore
from serve_app.settings import Settings
from tests.versions import publish

KEY = "a-key-nobody-will-guess-in-a-year"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """The store ``client_for`` opens, with three versions of a judge."""
    store = FolderStore(tmp_path / "models")
    for version in ("v1", "v2", "v3"):
        publish_judge(store, version, {"net.dat": version.encode()})
    return store


def publish_judge(store: FolderStore, version: str, files: dict[str, bytes]) -> None:
    publish(store, files, model="judge", version=version, task="moderation")


@pytest.fixture
def admin(client_for: Callable[[Settings], TestClient], settings: Settings, store: FolderStore) -> TestClient:
    client = client_for(settings.model_copy(update={"admin_key": Settings(admin_key=KEY).admin_key}))
    client.headers["Authorization"] = f"Bearer {KEY}"
    return client


def problem(response: Any) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["type"].rsplit(":", 1)[-1]


def entry(client: TestClient, version: str) -> dict[str, Any]:
    return next(one for one in client.get("/v1/models").json()["models"] if one["version"] == version)


@pytest.mark.parametrize("action", ["promote", "canary", "shadow", "rollback"])
def test_nobody_decides_while_no_key_is_set(client: TestClient, store: FolderStore, action: str) -> None:
    assert problem(client.post(f"/v1/models/judge/{action}", json={"version": "v2"})) == (401, "unauthorized")
    assert store.routing("judge") is None


@pytest.mark.parametrize("given", ["", "Bearer wrong", KEY[:-1]])
def test_nobody_decides_without_the_key(admin: TestClient, store: FolderStore, given: str) -> None:
    headers = {"Authorization": given}
    assert problem(admin.post("/v1/models/judge/promote", json={"version": "v2"}, headers=headers))[0] == 401
    assert problem(admin.get("/v1/config", headers=headers))[0] == 401
    assert problem(admin.get("/v1/models", headers=headers))[0] == 401
    assert store.routing("judge") is None


def test_a_promotion_is_written_with_its_reason_and_the_graph_is_told(admin, store, stand_ins) -> None:
    stand_ins.version_state.plans = {"moderation": Plan(ModelSet("judge@v1"))}
    response = admin.post("/v1/models/judge/promote", json={"version": "v2", "by": "ada", "reason": "fewer misses"})
    assert response.status_code == 202
    document = response.json()
    assert (document["routing"]["stable"], document["routing"]["previous"]) == ("v2", "v1")
    assert (document["last"]["who"], document["last"]["why"]) == ("ada", "fewer misses")
    assert store.routing("judge").stable == "v2"
    assert "notice" in stand_ins.calls


def test_a_canary_a_shadow_and_their_end(admin, store) -> None:
    admin.post("/v1/models/judge/promote", json={"version": "v1"})
    assert admin.post("/v1/models/judge/canary", json={"version": "v2", "percent": 7.5}).status_code == 202
    assert (store.routing("judge").canary, store.routing("judge").percent) == ("v2", 7.5)
    assert problem(admin.post("/v1/models/judge/shadow", json={"version": "v3"})) == (409, "conflict")
    assert admin.post("/v1/models/judge/rollback").status_code == 202, "who goes back in a hurry sends no document"
    assert store.routing("judge").canary is None
    assert admin.post("/v1/models/judge/shadow", json={"version": "v3", "sample": 0.5}).status_code == 202
    assert admin.post("/v1/models/judge/shadow", json={}).status_code == 202
    assert store.routing("judge").shadow is None


@pytest.mark.parametrize("decision", [("canary", {"percent": 5}), ("shadow", {"sample": 0.5})])
def test_a_first_trial_leaves_everybody_else_with_what_serves(admin, store, stand_ins, decision) -> None:
    action, share = decision
    refused = admin.post(f"/v1/models/judge/{action}", json={"version": "v3", **share})
    assert problem(refused) == (409, "conflict"), "nobody says what serves"
    stand_ins.version_state.plans = {"moderation": Plan(ModelSet("panel@v1", ("judge@v1",)))}
    assert admin.post(f"/v1/models/judge/{action}", json={"version": "v3", **share}).status_code == 202
    assert (store.routing("judge").stable, store.routing("judge").trial) == ("v1", "v3")
    admin.post("/v1/models/judge/promote", json={"version": "v3"})
    assert store.routing("judge").previous == "v1"


def test_of_two_engineers_who_saw_the_same_only_one_decides(admin, store) -> None:
    seen = admin.post("/v1/models/judge/promote", json={"version": "v1"}).json()["routing"]
    decision = {"expect": seen, "reason": "mine"}
    assert admin.post("/v1/models/judge/promote", json={"version": "v2", "by": "ada"} | decision).status_code == 202
    late = admin.post("/v1/models/judge/promote", json={"version": "v3", "by": "bob"} | decision)
    assert problem(late) == (409, "conflict")
    assert "ada" in late.json()["detail"]
    assert store.routing("judge").stable == "v2"


def test_a_version_under_its_bars_is_promoted_by_force_and_a_reason_only(admin, store) -> None:
    report = {"figures": [{"name": "recall", "value": 0.4, "at_least": 0.9}]}
    publish_judge(store, "v4", {"net.dat": b"v4", "report.json": json.dumps(report).encode()})
    body = {"version": "v4", "by": "ada"}
    refused = admin.post("/v1/models/judge/promote", json=body)
    assert problem(refused) == (409, "conflict")
    assert "recall is 0.4, and at least 0.9 is the bar" in refused.json()["detail"]
    assert problem(admin.post("/v1/models/judge/promote", json=body | {"force": True})) == (409, "conflict")
    forced = admin.post("/v1/models/judge/promote", json=body | {"force": True, "reason": "the only one there is"})
    assert forced.status_code == 202
    assert "recall" in store.audit("judge")[-1].despite[0]


@pytest.fixture
def painter(store: FolderStore) -> FolderStore:
    """With two versions of a style network, the first of them stable, and a pack made for the first."""
    for version in ("v1", "v2"):
        publish(store, {"net.dat": version.encode()}, model="painter", version=version, task="style")
    pins = {"painter": hashlib.sha256(b"v1").hexdigest()}
    publish(store, model="classics", task="style-pack", requires=pins, title="The Classics")
    promote(store, "painter", "v1", by="ada", why="first")
    return store


def test_styles_that_do_not_follow_their_network_are_told_of(admin, painter) -> None:
    left = "Made for other weights than those of painter@v2, with no version for these, and so left behind: classics@v1"
    tried = admin.post("/v1/models/painter/canary", json={"version": "v2"})
    assert tried.status_code == 202
    assert tried.json()["notices"][0].startswith(left)
    assert admin.post("/v1/models/painter/rollback").json()["notices"] == []
    body = {"version": "v2", "reason": "sharper"}
    refused = admin.post("/v1/models/painter/promote", json=body)
    assert problem(refused) == (409, "conflict")
    assert left in refused.json()["detail"]
    assert "(force in the API) and a reason" in refused.json()["detail"]
    assert "classics@v1" in admin.post("/v1/models/painter/promote", json=body | {"force": True}).json()["notices"][0]
    assert admin.post("/v1/models/painter/rollback").json()["notices"] == [], "they come along again"


def test_a_decision_on_what_the_settings_do_not_choose_says_so(admin, store) -> None:
    for model in ("mine", "dlib-faces"):
        publish(store, model=model, task="face-analysis", embedding_space=model)
    (told,) = admin.post("/v1/models/mine/promote", json={"version": "v1"}).json()["notices"]
    assert "nothing serves mine, for another of its kind is chosen; MASQUERADE_MODELS__FACES=mine chooses" in told
    assert admin.post("/v1/models/dlib-faces/promote", json={"version": "v1"}).json()["notices"] == []


def test_a_moderator_that_joined_the_vote_leaves_it(admin, store) -> None:
    publish(store, model="open-nsfw", task="moderation", backend="open-nsfw")
    publish(store, model="juror", task="moderation", backend="open-nsfw")
    assert admin.post("/v1/models/juror/promote", json={"version": "v1"}).json()["notices"] == []
    left = admin.post("/v1/models/juror/rollback", json={"reason": "too strict"})
    assert (left.status_code, left.json()["routing"]) == (202, None)
    assert left.json()["last"]["action"] == "rollback"
    assert store.routing("juror") is None


def test_a_decision_stands_though_nothing_more_can_be_said_of_it(admin, painter, monkeypatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("s3://models cannot be reached.")

    monkeypatch.setattr("serve_app.versions.notices.losses", away)
    assert admin.post("/v1/models/painter/canary", json={"version": "v2"}).status_code == 202
    assert painter.routing("painter").canary == "v2"


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("judge/promote", {"version": "v9"}, (404, "unknown-model")),
        ("nobody/promote", {"version": "v1"}, (404, "unknown-model")),
        ("judge/promote", {}, (422, "invalid-field")),
        ("judge/promote", {"version": "v2", "forced": True}, (422, "invalid-field")),
        ("judge/canary", {"version": "v2", "percent": 0}, (422, "invalid-field")),
        ("judge/canary", {"version": "v2", "percent": 101}, (422, "invalid-field")),
        ("judge/shadow", {"version": "v2", "sample": 2}, (422, "invalid-field")),
        ("judge/rollback", {}, (409, "conflict")),
        ("judge/promote", {"version": "v2", "expect": {"stable": "v2", "previous": "v2"}}, (422, "invalid-field")),
    ],
)
def test_what_makes_no_sense_changes_nothing(admin, store, path: str, body: dict[str, Any], expected) -> None:
    assert problem(admin.post(f"/v1/models/{path}", json=body)) == expected
    assert store.routing("judge") is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("version", "request: The body is not JSON (at character 1)"),
        ('{"version": v2}', "request: The body is not JSON (at character 13)"),
        ('{"version": "v2", "by": " "}', "by: Should not be blank"),
        ('["v2"]', "request: Send an object: fields in braces"),
        ("", "request: Field required"),
    ],
)
def test_what_cannot_be_read_of_a_decision_is_said_in_words(admin, body: str, detail: str) -> None:
    response = admin.post("/v1/models/judge/promote", content=body, headers={"Content-Type": "application/json"})
    assert problem(response) == (422, "invalid-field")
    assert response.json()["detail"] == detail
    assert response.json()["errors"][0]["field"] in {"", "by"}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_a_decision_that_does_not_come_as_json_is_told_to(admin, store, kind: str) -> None:
    # As curl -d sends it where nobody thought of a header.
    headers = {"Content-Type": kind} if kind else {}
    response = admin.post("/v1/models/judge/promote", content='{"version": "v2"}', headers=headers)
    assert problem(response) == (415, "unsupported-media-type")
    assert response.json()["detail"] == "Send it as JSON (application/json), as curl --json does."
    assert response.headers["accept"] == "application/json"
    assert store.routing("judge") is None


def test_a_decision_may_come_as_any_kind_of_json(admin) -> None:
    headers = {"Content-Type": "application/vnd.studio+json; charset=utf-8"}
    response = admin.post("/v1/models/judge/promote", content='{"version": "v2"}', headers=headers)
    assert response.status_code == 202


def test_a_damaged_version_is_turned_down_with_what_is_wrong_with_it(admin, store) -> None:
    manifest = store.root / "judge" / "v2" / "manifest.yaml"
    manifest.chmod(0o644)
    manifest.write_text("[")
    response = admin.post("/v1/models/judge/promote", json={"version": "v2"})
    assert problem(response) == (409, "conflict")
    assert "cannot be read" in response.json()["detail"]
    assert entry(admin, "v2")["state"] == "refused"


def test_versions_are_shown_with_what_the_replicas_say(admin, stand_ins) -> None:
    admin.post("/v1/models/judge/promote", json={"version": "v1"})
    plan = Plan(ModelSet("judge@v1"), Second(ModelSet("judge@v2"), "canary", 5))
    slot = SlotStatus(plan.stable, None, None, plan.second)
    stand_ins.version_state.plans = {"moderation": plan}
    stand_ins.version_state.reports = {"moderation": [Report(slot, {"judge@v2": Traffic(9, 2, 0.1, 0.25)}, None, 1)]}
    stand_ins.version_state.errors = {"judge@v3": "it answers NaN"}
    shown = {version: entry(admin, version) for version in ("v1", "v2", "v3")}
    assert [shown[version]["state"] for version in shown] == ["active", "canary", "refused"]
    assert shown["v1"]["aliases"] == ["stable"]
    assert (shown["v2"]["requests"], shown["v2"]["failed"], shown["v2"]["p95_ms"]) == (9, 2, 250.0)
    assert shown["v3"]["reason"] == "it answers NaN"
    assert admin.get("/v1/models").json()["coordinated"] is True


def test_the_store_is_shown_while_nobody_coordinates(admin, stand_ins) -> None:
    stand_ins.uncoordinated = True
    assert admin.get("/v1/models").json()["coordinated"] is False
    assert admin.post("/v1/models/judge/promote", json={"version": "v2"}).status_code == 202, (
        "it is written all the same"
    )


def test_the_live_configuration_is_the_admins_to_see(admin) -> None:
    assert admin.get("/v1/config").json() == {
        "configuration": {"name": "graph", "deployments": [{"name": "Moderation"}]}
    }
