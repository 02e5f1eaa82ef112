"""The live Serve configuration: reading it, changing which versions it names, and counting replicas.

Changing a deployment's ``user_config`` under the same ``import_path`` and arguments restarts nothing. It is what
``serve deploy`` does, by the same call to Serve's controller.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, cast

import ray
from ray import serve
from ray.serve._private.client import ServeControllerClient
from ray.serve.context import _get_global_client
from ray.serve.schema import ApplicationStatus, ServeApplicationSchema, ServeDeploySchema

from serve_app.settings import Settings

_POLL_S = 0.1


class NotConfigured(RuntimeError):
    """The graph was not deployed from a configuration, so there is none to change."""


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
        """For every deployment how many replicas run, and how many there are in whatever state."""
        status = await asyncio.to_thread(serve.status)
        counts: dict[str, tuple[int, int]] = {}
        for name, deployment in status.applications[self._application].deployments.items():
            states = {str(state): number for state, number in deployment.replica_states.items()}
            counts[name] = states.get("RUNNING", 0), sum(states.values())
        return counts

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
        asked = _client()._controller.get_app_configs.remote()  # noqa: SLF001
        applications = cast("dict[str, ServeApplicationSchema]", ray.get(asked, timeout=30))
        if self._application not in applications:
            raise NotConfigured(f"{self._application} was not deployed from a configuration")
        return applications


def deploy(applications: list[ServeApplicationSchema]) -> None:
    """Make these the configured applications; returns before they run."""
    _client().deploy_apps(ServeDeploySchema(applications=applications))


def _client() -> ServeControllerClient:
    client = _get_global_client()
    if client is None:
        raise NotConfigured("Serve does not run here")
    return client


def application_of(name: str, settings: Settings) -> ServeApplicationSchema:
    """The graph as an application of a configuration file. Secrets are not in it: replicas read their environment."""
    return ServeApplicationSchema(
        name=name, route_prefix="/", import_path="serve_app.app:app", args=settings.arguments()
    )


def await_running(application: str) -> None:
    """Wait until every deployment of ``application`` serves. Raises ``RuntimeError`` when it cannot."""
    while True:
        status = serve.status().applications.get(application)
        if status is not None and status.status == ApplicationStatus.RUNNING:
            return
        if status is not None and status.status in {ApplicationStatus.DEPLOY_FAILED, ApplicationStatus.UNHEALTHY}:
            raise RuntimeError(f"{application}: {status.message}")
        time.sleep(_POLL_S)
