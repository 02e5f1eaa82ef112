"""The queues of jobs have an end: who comes then is told when to come again, and nothing of theirs is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from serve_app.settings import JobLimits, Settings

from ..asking import ended, masterpiece, problem, stored, submit
from ..conftest import FINE, StandIns


@pytest.fixture
def bounded(client_for: Callable[[Settings], TestClient], settings: Settings) -> TestClient:
    return client_for(settings.model_copy(update={"jobs": JobLimits(slow=2)}))


def order(client: TestClient, idempotency_key: str) -> Any:
    files, headers = {"image": FINE, "style_image": FINE}, {"Idempotency-Key": idempotency_key}
    return client.post("/v1/jobs", files=files, data={"kind": "masterpiece"}, headers=headers)


def test_a_job_too_many_is_refused_and_leaves_nothing(
    bounded: TestClient, settings: Settings, stand_ins: StandIns
) -> None:
    stand_ins.hold_masterpiece = True
    waiting = [masterpiece(bounded, FINE).json()["id"] for _ in range(2)]
    before = stored(settings)
    refused = masterpiece(bounded, FINE)
    assert problem(refused) == (429, "busy")
    assert int(refused.headers["retry-after"]) >= 60, "masterpieces take minutes"
    assert stored(settings) == before
    assert submit(bounded, kind="moderate").status_code == 202, "what takes seconds has a queue of its own"
    bounded.delete(f"/v1/jobs/{waiting[0]}")
    assert masterpiece(bounded, FINE).status_code == 202


def test_of_orders_that_come_at_once_no_more_are_taken_than_there_is_room_for(
    bounded: TestClient, settings: Settings, stand_ins: StandIns
) -> None:
    stand_ins.hold_masterpiece = True
    with ThreadPoolExecutor(12) as people:
        answers = list(people.map(lambda _: masterpiece(bounded, FINE), range(12)))
    assert sorted(answer.status_code for answer in answers) == [202] * 2 + [429] * 10
    assert len(stored(settings)) == 2 * 2, "nothing of those who were refused is kept"


def test_an_order_that_is_known_is_answered_however_long_the_queue_is(bounded: TestClient, stand_ins: StandIns) -> None:
    stand_ins.hold_masterpiece = True
    first, *_ = [order(bounded, key).json()["id"] for key in "12"]
    assert order(bounded, "3").status_code == 429
    again = order(bounded, "1")
    assert (again.status_code, again.json()["id"]) == (202, first)


def test_jobs_that_are_done_take_no_room(bounded: TestClient) -> None:
    for _ in range(4):
        ended(bounded, masterpiece(bounded, FINE).json()["id"])
