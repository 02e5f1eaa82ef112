"""One typed place for everything an operator can set, read from ``MASQUERADE_*`` variables or a YAML file's ``args``.

Nested fields are written with two underscores: ``MASQUERADE_LIMITS__MAX_BYTES=10485760``. Secrets may come from files:
``MASQUERADE_ADMIN_KEY_FILE=/run/secrets/admin_key``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from deployments.imaging import Limits
from deployments.processor import cores
from deployments.runtime import Device
from registry.opening import StoreAddress
from serve_app.secret_files import EnvironmentSettings

Profile = Literal["embedded", "cluster"]

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

MIN_KEY_LENGTH = 24

DATABASES = ("postgresql+asyncpg://", "sqlite+aiosqlite://")

PREFIX = "MASQUERADE_"
SECRETS = ("admin_key", "database_url")
"""The settings that stand in no configuration file."""


def variable(*place: str | int) -> str:
    """The environment variable of a setting, or of one inside it."""
    return PREFIX + "__".join(map(str, place)).upper()


def absolute(path: Path) -> Path:
    """``path`` with the user's home and the working folder filled in."""
    return path.expanduser().resolve()


# Bytes of a request around its two pictures.
FORM_OVERHEAD = 2**20


class UploadLimits(BaseModel):
    """What is taken from strangers. Pixels are counted from the header, before anything is decoded."""

    model_config = ConfigDict(extra="forbid")

    max_bytes: Annotated[int, Field(ge=1024, le=100 * 2**20)] = 20 * 2**20
    max_pixels: Annotated[int, Field(ge=1, le=89_000_000)] = 50_000_000
    max_side: Annotated[int, Field(ge=1, le=65_535)] = 16_384

    @property
    def form_bytes(self) -> int:
        """The largest request that is taken: two pictures and what stands around them."""
        return 2 * self.max_bytes + FORM_OVERHEAD

    def for_photos(self) -> Limits:
        return Limits(max_bytes=self.max_bytes, max_pixels=self.max_pixels, max_side=self.max_side)


class ProxySettings(EnvironmentSettings):
    """What a proxy has to know of the settings. It gets no ``args``: what stands there has to stand in its environment, too."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore", hide_input_in_errors=True
    )

    limits: UploadLimits = UploadLimits()


class JobLimits(BaseModel):
    """How many jobs that came by HTTP may be unfinished; more are refused with 429 until some are done.

    ``per_key`` are those of one key, ``quick`` and ``slow`` those of everybody: of seconds each, and of minutes each
    (masterpieces).
    """

    model_config = ConfigDict(extra="forbid")

    per_key: Annotated[int, Field(ge=1)] = 200
    quick: Annotated[int, Field(ge=1)] = 2000
    slow: Annotated[int, Field(ge=1)] = 20


class ModelChoice(BaseModel):
    """Which model versions to serve; ``None`` means the best that is installed."""

    model_config = ConfigDict(extra="forbid")

    style: str | None = None
    style_packs: tuple[str, ...] | None = None
    moderation: tuple[str, ...] | None = None
    faces: str | None = None
    gallery: str | None = None
    swap: str | None = None
    swap_block_list: str | None = None
    authenticity: str | None = None


class EngineLimits(BaseModel):
    """What one engine runs on and may take, where it is to be other than ``serve_app/topology.py`` says."""

    model_config = ConfigDict(extra="forbid")

    device: Device | None = None
    max_batch: Annotated[int, Field(ge=1, le=1024)] | None = None
    gpu_memory_mb: Annotated[int, Field(ge=0)] | None = None
    replicas: Annotated[int, Field(ge=1, le=1024)] | None = None


class Settings(EnvironmentSettings):
    """The whole product's settings. ``environment=production`` refuses what is only fit for a laptop.

    ``metrics_port`` is where Prometheus finds a studio on one machine, on all its addresses; ``None`` means any free port.
    ``release`` means nothing but itself: a cluster whose ``args`` have another one replaces every replica by new code.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", hide_input_in_errors=True
    )

    environment: Literal["development", "production"] = "development"
    profile: Profile = "embedded"
    release: str = ""
    data_dir: Path = Path("var")
    models_dir: Path | None = None
    models_url: Annotated[str, Field(pattern=r"^s3://[^/]+(/.*)?$")] | None = None
    models_cache_dir: Path | None = None
    models_cache_gb: Positive = 20.0
    artworks_dir: Path | None = None
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    metrics_port: Annotated[int, Field(ge=1, le=65_535)] | None = None
    threads: Annotated[int, Field(ge=1)] = Field(default_factory=cores)
    deadline_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    limits: UploadLimits = UploadLimits()
    jobs: JobLimits = JobLimits()
    models: ModelChoice = ModelChoice()
    moderation_thresholds: dict[str, Share] = Field(default={})
    engines: dict[str, EngineLimits] = Field(default={})
    admin_key: SecretStr | None = None
    require_keys: bool | None = None
    database_url: SecretStr | None = None
    traces: Literal["off", "file", "otlp"] = "off"
    traces_share: Share = 0.1
    objects_url: Annotated[str, Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$")] | None = None
    keep_results_s: Positive = 3600.0

    @property
    def keys_required(self) -> bool:
        """Whether work needs an API key: always in production, unless ``require_keys`` says otherwise."""
        return self.environment == "production" if self.require_keys is None else self.require_keys

    @property
    def url(self) -> str:
        """The studio's address, without a slash at its end."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def data_folder(self) -> Path:
        """``data_dir`` as an absolute path: replicas do not share the caller's working folder."""
        return absolute(self.data_dir)

    @property
    def store_dir(self) -> Path:
        """Where model versions lie, as an absolute path."""
        return absolute(self.models_dir or self.data_dir / "models")

    @property
    def model_store(self) -> StoreAddress:
        """Where model versions come from: ``models_url`` through a local cache, or else the folder ``store_dir``."""
        return self.store_at(self.models_url or str(self.store_dir))

    def store_at(self, where: str) -> StoreAddress:
        """The address of another store, with this studio's cache."""
        cache = absolute(self.models_cache_dir or self.data_dir / "model-cache")
        return StoreAddress(where, cache, int(self.models_cache_gb * 10**9))

    @property
    def sql_url(self) -> str:
        """The database's address: a SQLite file in ``data_dir`` unless one was given."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.data_folder / 'masquerade.db'}"

    def arguments(self) -> dict[str, Any]:
        """Everything but secrets, as the ``args`` of a configuration file; paths are absolute."""
        plain = self.model_dump(mode="json", exclude=set(SECRETS), exclude_none=True)
        return plain | {"data_dir": str(self.data_folder)}

    def secrets(self) -> dict[str, str]:
        """The secrets that are set, as environment variables."""
        values = ((name, getattr(self, name)) for name in SECRETS)
        return {variable(name): value.get_secret_value() for name, value in values if value is not None}

    @field_validator("data_dir", "models_dir", "models_cache_dir", "artworks_dir", mode="before")
    @classmethod
    def _is_named(cls, folder: object) -> object:
        # Usually the value of a variable that was not set. As a path it would mean the working folder.
        if folder == "":
            raise ValueError("names no folder; give one, or leave the variable out")
        return folder

    @field_validator("database_url")
    @classmethod
    def _is_a_database(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(DATABASES):
            raise ValueError(f"a database's address begins with {' or '.join(DATABASES)}")
        return url

    @model_validator(mode="after")
    def _has_a_database(self) -> Self:
        if self.database_url is None and "?" in str(self.data_folder):
            raise ValueError(
                f"data_dir may have no question mark in its path ({self.data_folder}): the database's address would end there"
            )
        return self

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        key = self.admin_key.get_secret_value() if self.admin_key is not None else None
        if key is not None and len(key) < MIN_KEY_LENGTH:
            raise ValueError(f"admin_key is too short to keep anyone out; use at least {MIN_KEY_LENGTH} characters")
        if self.environment == "production" and self.models_dir is None and self.models_url is None:
            raise ValueError(
                "production needs models_dir, a path that outlives the process and every node can read, or models_url"
            )
        return self
