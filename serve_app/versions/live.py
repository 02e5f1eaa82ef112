"""The live Serve configuration: reading it, changing which versions it names, and counting replicas.

Changing a deployment's ``user_config`` under the same ``import_path`` and arguments restarts nothing. It is what
``serve deploy`` does, by the same call to Serve's controller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import ray
from ray.serve.schema import ServeApplicationSchema, ServeDeploySchema

from serve_app.deployed import NotConfigured, client, state_of
from serve_app.settings import Settings
from serve_app.topology import IMPORT_PATH


class LiveConfig:
    """The configuration of one Serve application."""

    def __init__(self, application: str) -> None:
        self._application = application

    async def user_configs(self) -> dict[str, dict[str, Any]]:
        """The ``user_config`` of every deployment that the configuration gives one. Raises :class:`NotConfigured`."""
        application = (await asyncio.to_thread(self._read))[self._application]
        configured = ((entry.name, entry.user_config) for entry in application.deployments)
        return {name: dict(user_config) for name, user_config in configured if isinstance(user_config, dict)}

    async def document(self) -> dict[str, Any]:
        """The whole application as a configuration file has it. Raises :class:`NotConfigured`."""
        application = (await asyncio.to_thread(self._read))[self._application]
        return application.model_dump(mode="json", exclude_unset=True)

    async def apply(self, user_configs: Mapping[str, Mapping[str, Any]]) -> None:
        """Give these deployments these configurations, and leave everything else as it is."""
        await asyncio.to_thread(self._apply, user_configs)

    async def replicas(self) -> dict[str, tuple[int, int]]:
        """For every deployment how many replicas run, and how many there are in whatever state, or are to be."""
        state = await asyncio.to_thread(state_of, self._application)
        if state is None:
            raise NotConfigured(f"{self._application} is not deployed")
        return {
            name: (one.replicas["RUNNING"], max(one.replicas.total(), one.wanted))
            for name, one in state.deployments.items()
        }

    def _apply(self, user_configs: Mapping[str, Mapping[str, Any]]) -> None:
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

    def _read(self) -> dict[str, ServeApplicationSchema]:
        asked = client()._controller.get_app_configs.remote()  # noqa: SLF001
        applications = cast("dict[str, ServeApplicationSchema]", ray.get(asked, timeout=30))
        if self._application not in applications:
            raise NotConfigured(f"{self._application} was not deployed from a configuration")
        return applications


def deploy(applications: list[ServeApplicationSchema]) -> None:
    """Make these the configured applications; returns before they run."""
    client().deploy_apps(ServeDeploySchema(applications=applications))


def application_of(name: str, settings: Settings) -> ServeApplicationSchema:
    """The graph as an application of a configuration file. Secrets are not in it: replicas read their environment."""
    return ServeApplicationSchema(name=name, route_prefix="/", import_path=IMPORT_PATH, args=settings.arguments())
