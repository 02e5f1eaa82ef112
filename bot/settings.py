"""Everything an operator can set about the bot, read from ``MASQUERADE_BOT_*`` variables.

Nested fields are written with two underscores: ``MASQUERADE_BOT_TARIFF__FREE_DAILY=3``. Secrets may come from files:
``MASQUERADE_BOT_TOKEN_FILE=/run/secrets/token``. What the bot shares with the rest of the studio (database, data folder,
deadlines) is in :mod:`serve_app.settings`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from bot.accounts.tariff import Tariff
from bot.locales import languages
from serve_app.secret_files import EnvironmentSettings

MIN_SECRET_LENGTH = 24


class FloodLimits(BaseModel):
    """How much one person, and one chat, may send: a token bucket each.

    A group is heard less often than it can be answered (:data:`bot.delivery.limiter.GROUP`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per_minute: Annotated[int, Field(ge=1)] = 30
    burst: Annotated[int, Field(ge=1)] = 12
    chat_per_minute: Annotated[int, Field(ge=1)] = 8
    chat_burst: Annotated[int, Field(ge=1)] = 8


class BotSettings(EnvironmentSettings):
    """The bot's settings. Webhook mode is refused without an address and a secret nobody guesses.

    ``licence_references`` records, by model name, under which licence a model whose own terms forbid commercial use
    may be sold. ``support`` is whom people write to about payments: a Telegram name, or an address. Photos and results
    are kept for ``keep_s``, or for ``history_keep_s`` where people asked for a history. What a process had in hand is
    taken over by others when it has been silent for ``takeover_s``.
    """

    # Without hide_input_in_errors, a mistyped token or secret would stand in the error, and so in the log.
    model_config = SettingsConfigDict(
        env_prefix="MASQUERADE_BOT_", env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    token: SecretStr
    mode: Literal["polling", "webhook"] = "polling"
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    api_url: str | None = None
    admins: frozenset[int] = frozenset()
    support: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    redis_url: SecretStr | None = None
    default_language: str = "en"
    forbid_forwarded: bool = False
    tariff: Tariff = Tariff()
    licence_references: dict[str, str] = Field(default={})
    flood: FloodLimits = FloodLimits()
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    couriers: Annotated[int, Field(ge=1, le=256)] = 8
    keep_s: Annotated[float, Field(gt=0)] = 3600.0
    history_keep_s: Annotated[float, Field(gt=0)] = 30 * 86_400.0
    drain_s: Annotated[float, Field(ge=0)] = 20.0
    takeover_s: Annotated[float, Field(ge=5, le=60)] = 30.0

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, token: SecretStr) -> SecretStr:
        if re.fullmatch(r"\d+:[A-Za-z0-9_-]+", token.get_secret_value()) is None:
            raise ValueError("a bot token looks like 123456:letters, as @BotFather gives it")
        return token

    @field_validator("api_url")
    @classmethod
    def _is_http(cls, url: str | None) -> str | None:
        # Asked at an address that is none, the client says the whole of it, and the token is a part.
        if url is not None and not _is_address(url):
            raise ValueError("the Bot API server's address is like http://host:8081 or https://host")
        return url

    @field_validator("default_language")
    @classmethod
    def _is_spoken(cls, language: str) -> str:
        if language not in languages():
            raise ValueError(f"the bot speaks {', '.join(languages())}")
        return language

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        # Here, for a client takes a while to load, and whoever lists the commands needs none.
        from redis.asyncio.connection import parse_url

        try:
            if url is not None:
                parse_url(url.get_secret_value())
        except ValueError:
            # The client's own words may hold the password.
            raise ValueError("Redis's address is like redis://host:6379/0 or redis://:password@host:6379/0") from None
        return url

    @model_validator(mode="after")
    def _webhook_is_guarded(self) -> Self:
        if self.mode == "polling":
            return self
        if self.webhook_url is None or not _is_address(self.webhook_url):
            raise ValueError("webhook mode needs webhook_url, the address Telegram reaches this bot at")
        secret = self.webhook_secret.get_secret_value() if self.webhook_secret is not None else ""
        if re.fullmatch(rf"[A-Za-z0-9_-]{{{MIN_SECRET_LENGTH},256}}", secret) is None:
            raise ValueError(
                f"webhook mode needs webhook_secret: {MIN_SECRET_LENGTH} to 256 characters of A-Z a-z 0-9 _ -; "
                "without it anyone could speak in Telegram's name"
            )
        return self

    @property
    def pseudonym_key(self) -> bytes:
        """What people who left are remembered under is keyed with this; it cannot be turned back into the token."""
        return hmac.digest(self.token.get_secret_value().encode(), b"masquerade/pseudonym", hashlib.sha256)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
