"""What Serve says of an application and its deployments.

Not by ``serve.status()``, which describes all of Serve anew and pickles a request router for every deployment: a tenth
of a second of processor time where there are nine of them. This takes ten milliseconds.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from ray.serve._private.client import ServeControllerClient
from ray.serve.context import _get_global_client
from ray.serve.schema import ApplicationStatus

_POLL_S: Final = 0.1


class NotConfigured(RuntimeError):
    """Serve does not run here, or the application was not deployed from a configuration that could be changed."""


@dataclass(frozen=True, slots=True)
class ServeDeployment:
    """One deployment: Serve's word for how it is, why, how many replicas it wants, and those there are by their states.

    One that ``may_rest`` is configured to have no replica while nobody asks for it.
    """

    status: str
    message: str
    wanted: int
    replicas: Counter[str]
    may_rest: bool


@dataclass(frozen=True, slots=True)
class ServeApplication:
    """An application as Serve sees it."""

    status: ApplicationStatus
    message: str
    deployments: dict[str, ServeDeployment]


def client() -> ServeControllerClient:
    """The way to Serve's controller. Raises :class:`NotConfigured` where there is none."""
    found = _get_global_client()
    if found is None:
        raise NotConfigured("Serve does not run here")
    return found


def state_of(application: str) -> ServeApplication | None:
    """How ``application`` is, or None where Serve knows of no such. Raises :class:`NotConfigured`."""
    details: dict[str, Any] | None = client().get_serve_details()["applications"].get(application)
    if details is None:
        return None
    deployments = {
        name: ServeDeployment(
            str(state["status"].value),
            state["message"],
            state["target_num_replicas"],
            Counter(str(one["state"].value) for one in state["replicas"]),
            (state["deployment_config"].get("autoscaling_config") or {}).get("min_replicas") == 0,
        )
        for name, state in details["deployments"].items()
    }
    return ServeApplication(ApplicationStatus(details["status"]), details["message"], deployments)


def await_running(application: str) -> None:
    """Wait until every deployment of ``application`` serves. Raises ``RuntimeError`` when it cannot."""
    while True:
        state = state_of(application)
        if state is not None and state.status == ApplicationStatus.RUNNING:
            return
        if state is not None and state.status in {ApplicationStatus.DEPLOY_FAILED, ApplicationStatus.UNHEALTHY}:
            raise RuntimeError(f"{application}: {state.message}")
        time.sleep(_POLL_S)
