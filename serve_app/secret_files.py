"""Settings from files: ``MASQUERADE_ADMIN_KEY_FILE=/run/secrets/admin_key`` stands for the key inside.

Container platforms hand secrets over as files; an environment variable is inherited by every child process and shows in
``/proc``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsError

SUFFIX = "_FILE"
# A secret is a line. A larger file was named by mistake.
MAX_BYTES = 64 * 1024


class SecretFiles(PydanticBaseSettingsSource):
    """Reads each secret field of a settings class from the file that ``<PREFIX><FIELD>_FILE`` names.

    Raises ``SettingsError`` for a file that cannot be read; its content never stands in a message.
    """

    def __init__(self, settings: type[BaseSettings]) -> None:
        super().__init__(settings)
        self._prefix = settings.model_config.get("env_prefix", "")

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{self._prefix}{field_name}{SUFFIX}".upper()
        named = os.environ.get(variable)
        if named is None or "SecretStr" not in str(field.annotation):
            return None, field_name, False
        if not named:
            raise SettingsError(f"{variable} names no file")
        try:
            data = Path(named).read_bytes()
            if len(data) > MAX_BYTES:
                raise SettingsError(f"{variable}: {named} is too large to be a secret")
            return SecretStr(data.decode().rstrip("\r\n")), field_name, False
        except UnicodeDecodeError:
            raise SettingsError(f"{variable}: {named} is not text") from None
        except OSError as error:
            raise SettingsError(f"{variable}: {named} cannot be read ({error.strerror})") from None

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


class Variables(EnvSettingsSource):
    """The environment; a table or list that is not JSON is told by its variable, not by its content."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError as error:
            variable = f"{self.env_prefix}{field_name}".upper()
            raise SettingsError(f"{variable} is not JSON: {error}") from None


class EnvironmentSettings(BaseSettings):
    """Settings from code first, then from the environment, then from files that the environment names."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours takes its place
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources, the one that counts most first."""
        return init_settings, Variables(settings_cls), SecretFiles(settings_cls), dotenv_settings, file_secret_settings
