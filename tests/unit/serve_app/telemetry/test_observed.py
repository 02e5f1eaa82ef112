"""Every request is counted under a name from a short list, timed, and written down once, with its id and no secret."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from serve_app.telemetry.logs import JsonLines, request_id
from serve_app.telemetry.metrics import FEATURES, feature
from serve_app.telemetry.observed import Observed


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """The log as it would be written, read back."""
    caplog.set_level(logging.INFO, logger="serve_app")
    return lambda: [
        json.loads(JsonLines().format(record))
        for record in caplog.records
        if record.name.startswith("serve_app.telemetry")
    ]


def test_a_request_is_one_line_with_its_id(client: TestClient, lines: Any) -> None:
    client.get("/v1/styles?token=hunter2", headers={"X-Request-Id": "r-7", "Authorization": "Basic aHVudGVyMg=="})
    (line,) = lines()
    assert {name: line[name] for name in ("event", "method", "path", "status", "caller")} == {
        "event": "request", "method": "GET", "path": "/v1/styles", "status": 200, "caller": "anyone"
    }  # fmt: skip
    assert line["ms"] >= 0
    assert "hunter2" not in json.dumps(line)
    assert "aHVudGVyMg" not in json.dumps(line)


def test_probes_fill_no_log(client: TestClient, lines: Any) -> None:
    client.get("/healthz")
    client.get("/readyz")
    assert lines() == []


def test_lines_within_a_request_carry_its_id() -> None:
    token = request_id.set("r-8")
    try:
        line = json.loads(JsonLines().format(logging.makeLogRecord({"msg": "deep inside"})))
    finally:
        request_id.reset(token)
    assert line["request_id"] == "r-8"
    assert "request_id" not in json.loads(JsonLines().format(logging.makeLogRecord({"msg": "outside"})))


async def test_a_client_that_hangs_up_is_written_down_as_gone(lines: Any) -> None:
    async def gone(scope: Any, receive: Any, send: Any) -> None:
        raise OSError("the client is gone")

    with pytest.raises(OSError, match="gone"):
        await Observed(gone)({"type": "http", "method": "POST", "path": "/v1/style", "headers": []}, None, None)
    assert [line["status"] for line in lines()] == [499]


def test_a_bug_is_written_down_as_what_it_was_answered_with(
    client: TestClient, lines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise FileNotFoundError("weights.bin")

    monkeypatch.setattr("serve_app.pipeline.Pipeline.styles", lambda self: broken())
    assert client.get("/v1/styles").status_code == 500
    assert [line["status"] for line in lines()] == [500]


async def test_a_bug_around_the_routes_is_one_as_well(lines: Any) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Observed(broken)({"type": "http", "method": "POST", "path": "/v1/style", "headers": []}, None, None)
    assert [line["status"] for line in lines()] == [500]


@given(path=st.text(max_size=60).map(lambda text: f"/{text}"))
def test_a_stranger_cannot_invent_a_label(path: str) -> None:
    assert feature(path) in {"page", "probe", "other", *FEATURES}
    assert feature(f"/v1{path}") in {"other", *FEATURES}


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("/v1/style", "style"), ("/v1/jobs/abc/result", "jobs"), ("/v1/nothing", "other"), ("/v1/", "other"),
        ("/", "page"), ("/js/main.js", "page"), ("/healthz", "probe"), ("/status", "page"),
    ],
)  # fmt: skip
def test_paths_are_counted_by_feature(path: str, counted: str) -> None:
    assert feature(path) == counted
