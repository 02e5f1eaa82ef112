"""Secrets come from the environment or from files it names, and stand in no message, log line or repr."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from bot.settings import BotSettings
from serve_app.settings import Settings

KEY = "a-key-nobody-will-guess-in-a-year"


def test_a_secret_comes_from_the_file_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "admin_key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setenv("MASQUERADE_ADMIN_KEY_FILE", str(file))
    assert Settings().admin_key.get_secret_value() == KEY
    monkeypatch.setenv("MASQUERADE_ADMIN_KEY", KEY[::-1])
    assert Settings().admin_key.get_secret_value() == KEY[::-1], "the nearer word counts"


def test_the_bots_token_may_come_from_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("123456:ABC-def\n")
    monkeypatch.delenv("MASQUERADE_BOT_TOKEN", raising=False)
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN_FILE", str(tmp_path / "token"))
    assert BotSettings().token.get_secret_value() == "123456:ABC-def"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\xff", b"x" * 70_000])
def test_a_file_that_cannot_be_a_secret_is_named(tmp_path: Path, monkeypatch, content: bytes | None) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("MASQUERADE_ADMIN_KEY_FILE", str(file))
    with pytest.raises(SettingsError, match="MASQUERADE_ADMIN_KEY_FILE"):
        Settings()


@pytest.mark.parametrize("variable", ["MASQUERADE_ADMIN_KEY_FILE", "MASQUERADE_ENGINES"])
def test_a_variable_that_cannot_be_read_is_named_and_what_it_holds_is_not(monkeypatch, variable: str) -> None:
    monkeypatch.setenv(variable, "" if variable.endswith("_FILE") else "{hunter2")
    with pytest.raises(SettingsError) as refused:
        Settings()
    said = str(refused.value.__cause__ or refused.value)
    assert said.startswith(f"{variable} ")
    assert "hunter2" not in said


def test_only_secrets_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "host").write_text("0.0.0.0")
    monkeypatch.setenv("MASQUERADE_HOST_FILE", str(tmp_path / "host"))
    assert Settings().host == "127.0.0.1"


def test_a_secret_that_is_too_short_is_refused_without_being_shown(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "key").write_text("hunter2")
    monkeypatch.setenv("MASQUERADE_ADMIN_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert "hunter2" not in str(refused.value)


def test_secrets_stand_in_no_repr_and_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    database = "postgresql+asyncpg://studio:pa55word@db/studio"
    settings = Settings(admin_key=KEY, database_url=database)
    bot = BotSettings(token="123456:ABC-def", webhook_secret=KEY, redis_url="redis://:pa55word@redis")
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("serve_app").warning("settings %s %r %s", settings, settings, settings.model_dump())
        logging.getLogger("bot").warning("settings %s %r %s", bot, bot, bot.model_dump_json())
    for secret in (KEY, "pa55word", "ABC-def"):
        assert secret not in caplog.text


def test_the_command_line_says_which_file_without_a_traceback(tmp_path: Path) -> None:
    environment = {"MASQUERADE_ADMIN_KEY_FILE": str(tmp_path / "none"), "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-m", "serve_app", "keys", "list"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("MASQUERADE_ADMIN_KEY_FILE: ")
    assert "Traceback" not in ran.stderr
