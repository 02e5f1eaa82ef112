"""For whom a request is, as far as choosing between versions goes."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from serve_app.visitors import Visitors, visiting, visitor


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(Visitors)

    @app.get("/")
    async def who() -> str | None:
        # Work that is started for a request belongs to the same visitor.
        return await asyncio.create_task(asyncio.to_thread(visitor))

    return TestClient(app)


def ask(client: TestClient, **headers: str) -> str:
    return str(client.get("/", headers={name.replace("_", "-"): value for name, value in headers.items()}).json())


def test_one_name_is_one_visitor_and_does_not_leave_as_it_came(client: TestClient) -> None:
    assert ask(client, x_user="ada") == ask(client, x_user="ada") != ask(client, x_user="bob")
    assert "ada" not in ask(client, x_user="ada")


def test_the_key_counts_before_the_name_a_site_gives_and_both_before_the_requests_id(client: TestClient) -> None:
    key = ask(client, authorization="Bearer one", x_user="ada", x_request_id="1")
    assert key == ask(client, authorization="Bearer one", x_user="bob", x_request_id="2")
    assert ask(client, x_user="ada", x_request_id="1") == ask(client, x_user="ada", x_request_id="2")
    assert ask(client, x_request_id="1") != ask(client, x_request_id="2")


def test_outside_of_anybodys_work_there_is_no_visitor() -> None:
    assert visitor() is None
    with visiting("bot:7"):
        inside = visitor()
    assert inside is not None
    assert visitor() is None
