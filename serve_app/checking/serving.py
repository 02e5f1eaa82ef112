"""What is wrong with a ``serve_config.yaml``: by Serve's schema, by the settings, and by what a GPU can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import PydanticBaseSettingsSource
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import ServeDeploySchema

from serve_app.checking.document import Document, Problem, nearest, repetitions, reversed_range, tables
from serve_app.checking.keys import misspelt
from serve_app.checking.models import model_problems
from serve_app.scaling.adapter import QueueTimePolicy
from serve_app.secret_files import SUFFIX, EnvironmentSettings, Variables
from serve_app.settings import SECRETS, ProxySettings, Settings, variable
from serve_app.telemetry.tracing import EXPORTER, IMPORT_PATHS
from serve_app.topology import CLUSTER, GPU_MEMORY_MB, IMPORT_PATH, POLICY
from serve_app.wording import Place, wording

ADMIN_KEY, DATABASE_URL, OBJECTS_URL = map(variable, ("admin_key", "database_url", "objects_url"))

S = TypeVar("S", bound=EnvironmentSettings)

BY_REFERENCE = "by reference"
"""Stands for the value of a variable that is known where it is used, and not here."""


def serve_problems(document: Document, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Every problem of the file. ``environment`` is what the operator's shell, or the pod, sets."""
    yield from repetitions(document)
    yield from misspelt(document, ServeDeploySchema)
    try:
        ServeDeploySchema.model_validate(document.content)
    except ValidationError as error:
        yield from _said(document, error, ())
    except (AttributeError, TypeError) as error:
        # Serve's own validators take some things for granted.
        yield document.problem(("applications",), f"Serve refuses this: {error}", "Compare with `masquerade render`'s.")
    applications = document.content.get("applications")
    for index, application in enumerate(applications if isinstance(applications, list) else []):
        place: Place = ("applications", index)
        deployments = tables(application, "deployments")
        for number, deployment in enumerate(deployments):
            yield from _deployment(document, (*place, "deployments", number), deployment)
        if isinstance(application, dict) and application.get("import_path") == IMPORT_PATH:
            yield from _graph(document, place, application, deployments, environment)


def _deployment(document: Document, place: Place, deployment: dict[str, Any]) -> Iterator[Problem]:
    name = deployment.get("name")
    scaling = deployment.get("autoscaling_config")
    if isinstance(scaling, dict):
        yield from _scaling(document, (*place, "autoscaling_config"), scaling)
    actor = deployment.get("ray_actor_options")
    share = actor.get("num_gpus", 0) if isinstance(actor, dict) else 0
    if isinstance(share, int | float) and share > 1:
        yield document.problem(
            (*place, "ray_actor_options", "num_gpus"),
            f"{name} asks for {share:g} GPUs, and a worker has one",
            "Give it 1 or a fraction of it.",
        )


def _scaling(document: Document, place: Place, scaling: dict[str, Any]) -> Iterator[Problem]:
    # What is left out is 1 to Serve.
    given = {"min_replicas": 1, "max_replicas": 1} | scaling
    if found := list(reversed_range(document, place, given, ("min_replicas", "max_replicas"))):
        yield from found
        return
    policy = scaling.get("policy") or {}
    arguments = policy.get("policy_kwargs") or {} if isinstance(policy, dict) else {}
    if isinstance(policy, dict) and policy.get("policy_function") == POLICY and isinstance(arguments, dict):
        try:
            QueueTimePolicy(**arguments)
        except (TypeError, ValueError) as error:
            where: Place = (*place, "policy", "policy_kwargs")
            wrong = next((key for key in arguments if f"'{key}'" in str(error)), None)
            yield document.problem(
                (*where, wrong) if wrong else where,
                f"the scaling policy refuses this: {str(error).removeprefix('Rule.__init__() ')}",
                "serve_app/scaling/policy.py names every argument.",
            )
            return
    try:
        AutoscalingConfig.model_validate({key: value for key, value in scaling.items() if key != "policy"})
    except ValidationError as error:
        yield from _said(document, error, place)


def _graph(
    document: Document,
    place: Place,
    application: dict[str, Any],
    deployments: list[dict[str, Any]],
    environment: Mapping[str, str],
) -> Iterator[Problem]:
    for number, deployment in enumerate(deployments):
        if (name := str(deployment.get("name"))) not in CLUSTER:
            where = (*place, "deployments", number, "name")
            yield document.problem(where, f"the graph has no deployment {name}", nearest(name, CLUSTER))
    yield from _sharing(document, place, deployments)
    given = application.get("args") or {}
    if not isinstance(given, dict):
        return
    for name in SECRETS:
        if name in given:
            remedy = f"Take it out and set {variable(name)} where Ray starts."
            yield document.problem((*place, "args", name), f"{name} is a secret and stands in a file", remedy)
    if unnamed := [name for name in given if not isinstance(name, str)]:
        for name in unnamed:
            remedy = nearest(name, Settings.model_fields)
            yield document.problem((*place, "args", name), f"{name} is not a setting", remedy)
        return
    try:
        settings = _settled(Settings, given, environment)
    except ValidationError as error:
        yield from _said(document, error, (*place, "args"), given)
        return
    if settings.environment == "production" and settings.admin_key is None and not _has(environment, ADMIN_KEY):
        yield document.problem(
            (*place, "args", "environment"),
            "production without an admin key: nobody could promote or roll back a model",
            f"Set {ADMIN_KEY} (`openssl rand -hex 24`) here and where Ray starts.",
        )
    yield from _known_to_proxies(document, (*place, "args", "limits", "max_bytes"), settings, environment)
    if settings.profile == "cluster":
        yield from _shared(document, (*place, "args"), settings, given, environment)
        if settings.traces != "off" and not environment.get(EXPORTER):
            yield document.problem(
                (*place, "args", "traces"),
                "traces are asked for, and Ray's processes are told of none: nothing would be traced",
                f"Set {EXPORTER}={IMPORT_PATHS[settings.traces]} where Ray starts (docs/operations.md), or take traces out.",
            )
    for name, limits in settings.engines.items():
        where = (*place, "args", "engines", name)
        if name not in CLUSTER:
            yield document.problem(where, f"the graph has no deployment {name}", nearest(name, CLUSTER))
            continue
        allowed = _share(deployments, name) * GPU_MEMORY_MB
        wanted = limits.gpu_memory_mb or 0
        if wanted > allowed:
            yield document.problem(
                (*where, "gpu_memory_mb"),
                f"{name} may take {wanted} MB of a GPU it has {allowed:.0f} MB of",
                "Raise num_gpus or lower gpu_memory_mb.",
            )
        ongoing = next((item.get("max_ongoing_requests") for item in deployments if item.get("name") == name), None)
        if limits.max_batch and isinstance(ongoing, int) and limits.max_batch > ongoing:
            yield document.problem(
                (*where, "max_batch"),
                f"{name} can never fill a batch of {limits.max_batch} with {ongoing} requests at once",
                "Raise max_ongoing_requests or lower max_batch.",
            )
    yield from model_problems(document, place, settings, deployments)


def _known_to_proxies(
    document: Document, place: Place, settings: Settings, environment: Mapping[str, str]
) -> Iterator[Problem]:
    """What the proxies keep until it is whole, and to send it again; they see variables only."""
    taken, where = settings.limits.max_bytes, variable("limits", "max_bytes")
    known = _settled(ProxySettings, {}, environment).limits.max_bytes
    if taken > known and environment.get(where) != BY_REFERENCE:
        yield document.problem(
            place,
            f"photos of {taken} bytes are taken, and the proxies, which see no args, know of {known}: they would keep nobody "
            "waiting outside who trickles a larger one, nor send it again when its replica dies",
            f"Set {where}={taken} here and where Ray starts.",
        )


def _shared(
    document: Document, place: Place, settings: Settings, given: dict[str, Any], environment: Mapping[str, str]
) -> Iterator[Problem]:
    """What several nodes must have in common: jobs are taken by one and worked off by another."""
    in_bucket = settings.objects_url is not None or OBJECTS_URL in environment
    # As written: a relative path would be taken from wherever this command runs.
    if not in_bucket and not str(given.get("data_dir", "")).startswith("/"):
        yield document.problem(
            (*place, "data_dir"),
            "photos and results would lie in a folder of each node's own, where no other finds them",
            "Set objects_url: s3://bucket/prefix, or data_dir to a path on a file system that every node mounts.",
        )
    if settings.database_url is None and not _has(environment, DATABASE_URL):
        yield document.problem(
            (*place, "profile"),
            "a cluster without a database: nodes would keep keys and jobs in a SQLite file each",
            f"Set {DATABASE_URL} (postgresql+asyncpg://…) here and where Ray starts.",
        )


def _sharing(document: Document, place: Place, deployments: list[dict[str, Any]]) -> Iterator[Problem]:
    shares = {str(item.get("name")): _share(deployments, str(item.get("name"))) for item in deployments}
    together = sum(share for share in shares.values() if share < 1)
    if together > 1 + 1e-9:
        names = ", ".join(f"{name} {share:g}" for name, share in shares.items() if 0 < share < 1)
        yield document.problem(
            (*place, "deployments"),
            f"the fractions on a GPU add up to {together:g}: {names}",
            "Lower them until one replica of each fits on one GPU.",
        )


def _share(deployments: list[dict[str, Any]], name: str) -> float:
    for item in deployments:
        if item.get("name") == name and isinstance(actor := item.get("ray_actor_options"), dict):
            share = actor.get("num_gpus", 0)
            return float(share) if isinstance(share, int | float) else 0.0
    return CLUSTER[name].gpu if name in CLUSTER else 0.0


def _settled(kind: type[S], given: dict[str, Any], environment: Mapping[str, str]) -> S:
    """What a process with these ``args`` and variables goes by; files that variables name lie where it runs."""
    variables = Variables(kind)
    variables.env_vars = {name.lower(): value for name, value in environment.items() if value != BY_REFERENCE}

    class Settled(kind):  # type: ignore[valid-type, misc]  # known when it is called
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: Any,
            init_settings: Any,
            env_settings: Any,
            dotenv_settings: Any,
            file_secret_settings: Any,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del settings_cls, env_settings, dotenv_settings, file_secret_settings  # this process's, not a replica's
            return init_settings, variables

    return Settled(**given)


def _has(environment: Mapping[str, str], secret: str) -> bool:
    return bool(environment.get(secret) or environment.get(secret + SUFFIX))


def _said(
    document: Document, error: ValidationError, place: Place, arguments: dict[str, Any] | None = None
) -> Iterator[Problem]:
    """What pydantic says of the table at ``place``; of settings, ``arguments`` are those that stand there."""
    for entry in error.errors(include_url=False, include_input=False):
        where = (*place, *entry["loc"])
        if arguments is not None and entry["loc"] and entry["loc"][0] not in arguments:
            yield document.problem(place, f"{variable(*entry['loc'])}: {wording(entry)}", "Correct the variable.")
            continue
        if entry["type"] == "extra_forbidden" and arguments is not None and len(entry["loc"]) == 1:
            yield document.problem(where, f"{where[-1]} is not a setting", nearest(where[-1], Settings.model_fields))
            continue
        name = f"{where[-1]}: " if entry["loc"] else ""
        yield document.problem(where, f"{name}{wording(entry)}", "Correct the value.")
