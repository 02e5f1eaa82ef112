"""An application that tells what settings it was built with."""

from __future__ import annotations

from typing import Any

from ray import serve
from ray.serve import Application

from serve_app.settings import Settings


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0})
class Telling:
    """Holds its settings as the gateway does: from when the application was built."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self) -> tuple[str, str]:
        key = self._settings.admin_key
        return self._settings.release, key.get_secret_value() if key is not None else ""


def app(arguments: dict[str, Any]) -> Application:
    """As :func:`serve_app.app.app`."""
    return Telling.bind(Settings(**arguments))
