"""For whom a request is, as far as choosing between versions goes."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.access.guard import ANYONE
from serve_app.visitors import Visitors, pseudonym, visiting, visitor


class Door:
    """Stands for the guard: it takes the caller from a header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            request.state.caller = request.headers.get("x-caller", ANYONE)
        await self._app(scope, receive, send)


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    app.add_middleware(Visitors)
    app.add_middleware(Door)

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


def test_a_site_s_users_are_told_apart_behind_its_one_key_and_sites_from_one_another(client: TestClient) -> None:
    ada = ask(client, x_caller="site", x_user="ada", x_request_id="1")
    assert ada == ask(client, x_caller="site", x_user="ada", x_request_id="2")
    assert ada != ask(client, x_caller="site", x_user="bob")
    assert ada != ask(client, x_caller="another", x_user="ada")
    assert ada != ask(client, x_user="ada")
    assert ada != ask(client, x_caller="site")


def test_a_key_without_users_is_one_user_and_a_stranger_is_somebody_new_each_time(client: TestClient) -> None:
    assert ask(client, x_caller="app", x_request_id="1") == ask(client, x_caller="app", x_request_id="2")
    assert ask(client, x_user="ada", x_request_id="1") == ask(client, x_user="ada", x_request_id="2")
    assert ask(client, x_request_id="1") != ask(client, x_request_id="2")


def test_what_authorises_nobody_here_names_nobody(client: TestClient) -> None:
    assert ask(client, x_api_key="one", authorization="Bearer one", x_request_id="1") == ask(client, x_request_id="1")


def test_outside_of_anybodys_work_there_is_no_visitor() -> None:
    assert visitor() is None
    with visiting(pseudonym("bot:7")):
        assert visitor() == pseudonym("bot:7")
    assert visitor() is None
