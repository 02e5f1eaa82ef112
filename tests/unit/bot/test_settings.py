"""What an operator may set, and what is refused before anything starts."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from bot.settings import BotSettings

TOKEN = "123456:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQ"
SECRET = "s" * 24


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("MASQUERADE_BOT_"):
            monkeypatch.delenv(name)


def test_a_token_is_all_it_takes_to_poll() -> None:
    settings = BotSettings(token=TOKEN)
    assert (settings.mode, settings.tariff.free_daily, settings.admins) == ("polling", 5, frozenset())


@pytest.mark.parametrize("token", ["", "123456", "secret", "123456:with space"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(ValidationError, match="BotFather"):
        BotSettings(token=token)


@pytest.mark.parametrize("secret", [None, "", "short", "s" * 23, "s" * 30 + "!"])
def test_a_webhook_without_a_secret_nobody_guesses_is_refused(secret: str | None) -> None:
    with pytest.raises(ValidationError, match="webhook_secret"):
        BotSettings(token=TOKEN, mode="webhook", webhook_url="https://example.org/telegram", webhook_secret=secret)


@pytest.mark.parametrize("url", [None, "", "example.org/telegram", "ftp://example.org", "https://"])
def test_a_webhook_without_an_address_is_refused(url: str | None) -> None:
    with pytest.raises(ValidationError, match="webhook_url"):
        BotSettings(token=TOKEN, mode="webhook", webhook_url=url, webhook_secret=SECRET)


def test_a_webhook_with_both_is_accepted() -> None:
    BotSettings(token=TOKEN, mode="webhook", webhook_url="https://example.org/telegram", webhook_secret=SECRET)


def test_no_secret_shows_in_what_is_printed_or_logged() -> None:
    settings = BotSettings(token=TOKEN, webhook_secret=SECRET, redis_url="redis://:password@host/0")
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert not any(secret in text for secret in (TOKEN, SECRET, "password"))


@pytest.mark.parametrize(
    "given",
    [
        {"token": "98765:not a token but secret"},
        {"token": TOKEN, "mode": "webhook", "webhook_url": "https://example.org", "webhook_secret": "98765"},
        {"token": TOKEN, "redis_url": "redis://host:98765secret"},
    ],
)
def test_an_error_does_not_show_the_secret_it_is_about(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as error:
        BotSettings(**given)
    assert "98765" not in str(error.value)
    assert TOKEN not in str(error.value)


def test_everything_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_BOT_TOKEN", TOKEN)
    monkeypatch.setenv("MASQUERADE_BOT_ADMINS", "[1, 2]")
    monkeypatch.setenv("MASQUERADE_BOT_TARIFF__FREE_DAILY", "9")
    monkeypatch.setenv("MASQUERADE_BOT_LICENCE_REFERENCES", json.dumps({"buffalo-l": "contract 7"}))
    settings = BotSettings()
    assert (settings.admins, settings.tariff.free_daily) == ({1, 2}, 9)
    assert settings.licence_references == {"buffalo-l": "contract 7"}


def test_a_misspelt_setting_is_refused() -> None:
    with pytest.raises(ValidationError, match="free_dayly"):
        BotSettings(token=TOKEN, tariff={"free_dayly": 3})


def test_pseudonyms_depend_on_the_token_and_do_not_give_it_away() -> None:
    key = BotSettings(token=TOKEN).pseudonym_key
    assert key == BotSettings(token=TOKEN).pseudonym_key != BotSettings(token="1:other").pseudonym_key
    assert TOKEN.encode() not in key


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8081",
        "file:///etc",
        "http://",
        "https:///bots",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
    ],
)
def test_a_bot_api_server_is_reached_over_http(url: str) -> None:
    with pytest.raises(ValidationError, match="http"):
        BotSettings(token=TOKEN, api_url=url)


@pytest.mark.parametrize("language", ["de", "EN", "english", "../locales/en", ""])
def test_the_default_language_is_one_that_the_bot_speaks(language: str) -> None:
    BotSettings(token=TOKEN, default_language="ru")
    with pytest.raises(ValidationError, match="the bot speaks en, ru"):
        BotSettings(token=TOKEN, default_language=language)


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "http://localhost", "redis://host:port", "redis://host?db=first"]
)
def test_redis_is_reached_at_an_address_of_its_own_kind(url: str) -> None:
    for fine in ("redis://localhost", "rediss://:password@host:6379/0", "unix:///run/redis.sock"):
        BotSettings(token=TOKEN, redis_url=fine)
    with pytest.raises(ValidationError, match="redis://host:6379/0"):
        BotSettings(token=TOKEN, redis_url=url)
