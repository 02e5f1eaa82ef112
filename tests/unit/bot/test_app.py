"""The bot's Serve application: in the file operators deploy, and built from variables alone."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from ray.serve import Application

from bot.app import build
from bot.ingress import TelegramWebhook
from bot.settings import BotSettings
from registry.errors import RegistryError
from registry.store import FolderStore
from serve_app.inventory import Inventory
from serve_app.rendering.serving import serve_config
from serve_app.selection import Selection
from serve_app.settings import Settings

SECRETS = {
    "MASQUERADE_BOT_TOKEN": "123456:not-a-real-token",
    "MASQUERADE_BOT_WEBHOOK_URL": "https://studio.example/telegram",
    "MASQUERADE_BOT_WEBHOOK_SECRET": "only-for-this-test-and-no-other",
}


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The application as the file has it, in the environment it asks for."""
    found: dict[str, Any] = next(entry for entry in serve_config()["applications"] if entry["name"] == "bot")
    for name, value in {**found["runtime_env"]["env_vars"], **SECRETS}.items():
        monkeypatch.setenv(name, value)
    return found


def test_the_file_deploys_the_webhook_where_telegram_is_told_to_call(application: dict[str, Any]) -> None:
    assert SECRETS["MASQUERADE_BOT_WEBHOOK_URL"].endswith(application["route_prefix"])
    assert [deployment["name"] for deployment in application["deployments"]] == [TelegramWebhook.__name__]
    assert application["deployments"][0]["autoscaling_config"]["min_replicas"] > 1


def test_the_environment_the_file_gives_is_that_of_a_webhook_in_production(application: dict[str, Any]) -> None:
    assert BotSettings().mode == "webhook"  # type: ignore[call-arg]  # read from the environment
    studio = Settings()
    assert (studio.environment, studio.profile) == ("production", "cluster")


def test_the_import_path_builds_the_application(
    application: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    built: list[Application] = []
    monkeypatch.setattr("bot.app.inventory_of", lambda _: Inventory(FolderStore(tmp_path), Selection()))
    module, name = application["import_path"].split(":")
    built.append(getattr(import_module(module), name))
    assert isinstance(built[0], Application)


def test_an_empty_store_is_said_before_anything_is_deployed(application: dict[str, Any], tmp_path: Any) -> None:
    with pytest.raises(RegistryError, match="style"):
        build(BotSettings(), Settings(models_dir=tmp_path, models={"style": "style-x@v1"}))  # type: ignore[call-arg, arg-type]
