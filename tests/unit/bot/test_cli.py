"""The command line: what it says before anything is started."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import GetMe
from typer.testing import CliRunner

from bot.cli import _until_interrupted, app, stats_app
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.selection import Selection

TOKEN = "123456:not-a-real-token"


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MASQUERADE_BOT_TOKEN", raising=False)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts back, after the test, what the bot sets in this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    level = logging.getLogger("ray.serve").level
    yield
    logging.getLogger("ray.serve").setLevel(level)
    for number, handler in before.items():
        signal.signal(number, handler)


def test_without_a_token_the_variable_is_named() -> None:
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "MASQUERADE_BOT_TOKEN" in result.output


def test_a_mistyped_token_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", "oops-my-secret")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "oops-my-secret" not in result.output


def test_without_models_it_says_so_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("MASQUERADE_PORT", str(free.getsockname()[1]))
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "moderation" in result.output


def test_stats_of_an_empty_studio_can_be_printed_and_drawn(tmp_path: Path) -> None:
    result = CliRunner().invoke(stats_app, ["--plots", str(tmp_path / "plots")])
    assert result.exit_code == 0, result.output
    assert "0 active" in result.output
    assert (tmp_path / "plots" / "active.png").stat().st_size > 1000


def test_stats_without_a_database_say_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_DATABASE_URL", "postgresql+asyncpg://studio@127.0.0.1:1/studio")
    result = CliRunner().invoke(stats_app, [])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert result.output.startswith("The database cannot be used: ")


def test_drawing_without_matplotlib_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    result = CliRunner().invoke(stats_app, ["--plots", str(tmp_path / "plots")])
    assert result.exit_code == 1
    assert "pip install matplotlib" in " ".join(result.output.split())


def test_what_cannot_be_written_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    for command, given in ((stats_app, "--plots"), (app, "--log")):
        result = CliRunner().invoke(command, [given, str(tmp_path / "taken" / "out")])
        assert (result.exit_code, type(result.exception)) == (1, SystemExit)
        assert "cannot be written" in " ".join(result.output.split())


def test_a_nested_setting_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("MASQUERADE_BOT_TARIFF__FREE_DAILY", "many")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "MASQUERADE_BOT_TARIFF__FREE_DAILY: Input should be a valid integer" in " ".join(result.output.split())


def test_a_webhooks_bot_is_not_polled_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli._graph", lambda *_: pytest.fail("the graph was started"))
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("MASQUERADE_BOT_MODE", "webhook")
    monkeypatch.setenv("MASQUERADE_BOT_WEBHOOK_URL", "https://example.org/telegram")
    monkeypatch.setenv("MASQUERADE_BOT_WEBHOOK_SECRET", "s" * 24)
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    said = " ".join(result.output.split())
    assert said.startswith("MASQUERADE_BOT_MODE=webhook is for the bot on a cluster")
    assert said.endswith("Leave it out to poll from here.")


@pytest.mark.parametrize(
    ("name", "given"), [("DEFAULT_LANGUAGE", "de"), ("REDIS_URL", "localhost:6379"), ("REDIS_URL", "redis://host:port")]
)
def test_what_cannot_work_is_said_by_its_variable_before_anything_is_started(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str
) -> None:
    monkeypatch.setattr("bot.cli._graph", lambda *_: pytest.fail("the graph was started"))
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    monkeypatch.setenv(f"MASQUERADE_BOT_{name}", given)
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert f"MASQUERADE_BOT_{name}: " in result.output


def test_a_port_that_is_taken_is_said_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.cli._graph", lambda *_: pytest.fail("the graph was started"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = CliRunner().invoke(app, ["--playground", "--port", str(taken.getsockname()[1])])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "cannot listen on port" in " ".join(result.output.split())


def test_a_cluster_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bot.cli.inventory_of", lambda _: Inventory(FolderStore(tmp_path), Selection()))
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    result = CliRunner().invoke(app, ["--address", address])
    assert result.exit_code == 1
    assert f"no Ray cluster at {address}" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (TelegramUnauthorizedError(GetMe(), "Unauthorized"), "does not know this token"),
        (TelegramNotFound(GetMe(), "Not Found"), "knows no such bot"),
        (TelegramNetworkError(GetMe(), "HTTP Client says - [no] route"), "cannot be reached: HTTP Client says - [no]"),
        (TelegramServerError(GetMe(), "Bad Gateway"), "try again later. Telegram server says - Bad Gateway"),
        (TelegramRetryAfter(GetMe(), "Too Many Requests", 400), "Retry in 400 seconds"),
        (ClientDecodeError("Failed to decode object", ValueError("no JSON"), "<html>502</html>"), "<html>502</html>"),
    ],
)
def test_what_telegram_has_against_the_bot_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, handlers: None, problem: Exception, said: str
) -> None:
    async def refused(*_: object) -> None:
        raise problem

    monkeypatch.setattr("bot.cli.inventory_of", lambda _: Inventory(FolderStore(tmp_path), Selection()))
    monkeypatch.setattr("bot.cli._graph", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr("bot.process.with_telegram", refused)
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert said in " ".join(result.output.split())
    assert TOKEN not in result.output


def test_a_database_out_of_reach_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, handlers: None
) -> None:
    monkeypatch.setattr("bot.cli.inventory_of", lambda _: Inventory(FolderStore(tmp_path), Selection()))
    monkeypatch.setattr("bot.cli._graph", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr("bot.cli.refuse_unlicensed_sales", lambda *_: None)
    monkeypatch.setattr("bot.process.running_graph", lambda *_: None)
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("MASQUERADE_DATABASE_URL", "postgresql+asyncpg://studio@127.0.0.1:1/studio")
    result = CliRunner().invoke(app, [])
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert result.output.startswith("The database cannot be used: ")


@pytest.mark.parametrize("why", ["it is asked to end", "it fails"])
def test_serve_does_not_complain_that_nobody_listens_when_the_bot_has_ended(handlers: None, why: str) -> None:
    async def work() -> None:
        logging.getLogger("ray.serve").setLevel(logging.ERROR)
        if why == "it fails":
            raise TelegramNetworkError(GetMe(), "no route")
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    with contextlib.suppress(TelegramNetworkError):
        _until_interrupted(work())
    assert not logging.getLogger("ray.serve").isEnabledFor(logging.ERROR)


def test_a_second_signal_does_not_break_off_what_the_first_one_closes(handlers: None) -> None:
    closed: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
            closed.append("in order")

    _until_interrupted(work())
    # The graph closes after the loop, and still nothing breaks it off.
    os.kill(os.getpid(), signal.SIGTERM)
    assert closed == ["in order"]
