"""The live Serve configuration: reading it, changing which versions it names, and counting replicas.

Changing a deployment's ``user_config`` under the same ``import_path`` and arguments restarts nothing. It is what
``serve deploy`` does, by the same call to Serve's controller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ray
from ray import serve
from ray.serve.context import _get_global_client
from ray.serve.schema import ServeApplicationSchema, ServeDeploySchema


class NotConfigured(RuntimeError):
    """The graph was not deployed from a configuration, so there is none to change."""


class LiveConfig:
    """The configuration of one Serve application. All methods block."""

    def __init__(self, application: str) -> None:
        self._application = application

    def user_configs(self) -> dict[str, dict[str, Any]]:
        """The ``user_config`` of every deployment that the configuration gives one. Raises :class:`NotConfigured`."""
        return {
            entry.name: dict(entry.user_config)
            for entry in self._read()[self._application].deployments
            if isinstance(entry.user_config, dict)
        }

    def document(self) -> dict[str, Any]:
        """The whole application as a configuration file has it. Raises :class:`NotConfigured`."""
        return self._read()[self._application].model_dump(mode="json", exclude_unset=True)

    def apply(self, user_configs: Mapping[str, Mapping[str, Any]]) -> None:
        """Give these deployments these configurations, and leave everything else as it is."""
        applications = self._read()
        document = applications[self._application].model_dump(exclude_unset=True)
        entries: list[dict[str, Any]] = document.setdefault("deployments", [])
        named = {entry["name"]: entry for entry in entries}
        for name, user_config in user_configs.items():
            if name not in named:
                named[name] = {"name": name}
                entries.append(named[name])
            named[name]["user_config"] = dict(user_config)
        applications[self._application] = ServeApplicationSchema.model_validate(document)
        deploy(list(applications.values()))

    def replicas(self) -> dict[str, tuple[int, int]]:
        """For every deployment how many replicas run, and how many there are in whatever state."""
        deployments = serve.status().applications[self._application].deployments
        counts = {name: {str(getattr(state, "value", state)): n for state, n in status.replica_states.items()} for name, status in deployments.items()}
        return {name: (states.get("RUNNING", 0), sum(states.values())) for name, states in counts.items()}

    def _read(self) -> dict[str, ServeApplicationSchema]:
        applications: dict[str, ServeApplicationSchema] = ray.get(
            _get_global_client()._controller.get_app_configs.remote(), timeout=30  # noqa: SLF001
        )
        if self._application not in applications:
            raise NotConfigured(f"{self._application} was not deployed from a configuration")
        return applications


def deploy(applications: list[ServeApplicationSchema]) -> None:
    """Make these the configured applications; returns before they run."""
    _get_global_client().deploy_apps(ServeDeploySchema(applications=applications))
