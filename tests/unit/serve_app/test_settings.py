"""Settings are typed, come from the environment, and refuse what is unsafe where it matters."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from registry.opening import StoreAddress
from serve_app.settings import Settings

KEY = "a-key-nobody-will-guess-in-a-year"


def test_the_defaults_are_fit_for_a_laptop() -> None:
    settings = Settings()
    assert settings.host == "127.0.0.1"
    assert settings.profile == "embedded"
    assert settings.admin_key is None


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("::1", "http://[::1]:8080"), ("studio", "http://studio:8080")],
)
def test_the_address_is_one_that_can_be_asked(host: str, url: str) -> None:
    assert Settings(host=host, port=8080).url == url


def test_nested_fields_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASQUERADE_LIMITS__MAX_BYTES", "4096")
    monkeypatch.setenv("MASQUERADE_MODERATION_THRESHOLDS", '{"nsfw": 0.3}')
    settings = Settings()
    assert settings.limits.for_photos().max_bytes == 4096
    assert settings.moderation_thresholds == {"nsfw": 0.3}


def test_the_store_is_an_absolute_path_whatever_was_given() -> None:
    assert Settings(data_dir=Path("var")).store_dir == Path("var/models").resolve()
    assert Settings(models_dir=Path("/srv/models")).store_dir == Path("/srv/models")


@pytest.mark.parametrize("given", [{"port": 0}, {"threads": 0}, {"deadline_s": -1}, {"portt": 80}])
def test_impossible_and_unknown_settings_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        Settings(**given)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATA_DIR", ""), ("MODELS_DIR", ""), ("HOST", ""), ("MODELS_CACHE_GB", "inf"), ("KEEP_RESULTS_S", "inf"),
     ("DATABASE_URL", ""), ("DATABASE_URL", "postgres://studio:hunter2@db/studio")],
)  # fmt: skip
def test_a_variable_that_says_nothing_usable_is_refused_and_not_taken_for_something_else(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"MASQUERADE_{name}", value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert [entry["loc"] for entry in refused.value.errors()] == [(name.lower(),)]
    assert "hunter2" not in str(refused.value)


def test_a_short_admin_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="too short") as caught:
        Settings(admin_key="seekrit")
    assert "seekrit" not in str(caught.value)


def test_production_needs_a_place_for_models_that_every_node_can_read() -> None:
    with pytest.raises(ValidationError, match="models_dir"):
        Settings(environment="production")
    assert Settings(environment="production", models_dir=Path("/srv/models")).environment == "production"


def test_models_come_from_a_bucket_through_a_local_cache(tmp_path: Path) -> None:
    settings = Settings(models_url="s3://models/studio", data_dir=tmp_path, models_cache_gb=1.5)
    assert settings.model_store == StoreAddress("s3://models/studio", tmp_path / "model-cache", 1_500_000_000)
    assert Settings(environment="production", models_url="s3://models").models_url == "s3://models"
    assert Settings(data_dir=tmp_path).model_store.where == str(tmp_path / "models")


@pytest.mark.parametrize("url", ["https://models", "s3://", "/srv/models"])
def test_only_buckets_are_addresses_of_models(url: str) -> None:
    with pytest.raises(ValidationError, match="models_url"):
        Settings(models_url=url)


def test_with_a_bucket_the_local_folder_is_only_what_is_pushed_from(tmp_path: Path) -> None:
    settings = Settings(models_url="s3://models", models_dir=tmp_path)
    assert settings.model_store.where == "s3://models"
    assert settings.store_dir == tmp_path


def test_the_admin_key_never_shows_itself() -> None:
    settings = Settings(admin_key=KEY)
    assert KEY not in repr(settings)
    assert KEY not in settings.model_dump_json()


def test_a_data_folder_in_whose_name_the_databases_address_would_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"data_dir may have no question mark in its path \(.*really\?"):
        Settings(data_dir=tmp_path / "really?")
    assert Settings(data_dir=tmp_path / "really?", database_url="postgresql+asyncpg://studio@db/studio").data_folder
