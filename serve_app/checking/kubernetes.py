"""What is wrong with a RayService: its serve config, its worker groups, and whether strangers are kept out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from serve_app.checking.document import Document, Problem, Unreadable, repetitions, reversed_range, tables
from serve_app.checking.serving import BY_REFERENCE, OBJECTS_URL, serve_problems
from serve_app.topology import IMPORT_PATH
from serve_app.wording import Place

SERVE_CONFIG: Place = ("spec", "serveConfigV2")
CLUSTER: Place = ("spec", "rayClusterConfig")


def service_problems(document: Document) -> Iterator[Problem]:
    """Every problem of the file. Variables count as set where the pods' containers name them."""
    yield from repetitions(document)
    spec = document.content.get("spec")
    spec = spec if isinstance(spec, dict) else {}
    cluster = spec.get("rayClusterConfig")
    cluster = cluster if isinstance(cluster, dict) else {}
    groups = tables(cluster, "workerGroupSpecs")
    served = spec.get("serveConfigV2")
    if isinstance(served, str):
        try:
            # The text of a block begins on the line below its key.
            inner = Document.parse(served, document.file, document.line(SERVE_CONFIG) + 1)
            variables = _variables(groups)
            yield from serve_problems(inner, variables)
            if OBJECTS_URL not in variables:
                yield from _unshared(document, inner, groups)
        except Unreadable as error:
            yield error.problem
    else:
        yield document.problem(SERVE_CONFIG, "serveConfigV2 is missing or not a text", "Run `masquerade render`.")
    auth = cluster.get("authOptions")
    if not isinstance(auth, dict) or auth.get("mode") != "token":
        yield document.problem(
            (*CLUSTER, "authOptions"),
            "Ray starts without token authentication: whoever reaches it runs code",
            "Set authOptions to {mode: token, secretName: …}.",
        )
    for number, group in enumerate(groups):
        place = (*CLUSTER, "workerGroupSpecs", number)
        yield from reversed_range(document, place, group, ("minReplicas", "maxReplicas"), group.get("groupName"))


def _variables(groups: list[dict[str, Any]]) -> dict[str, str]:
    """What every worker's container is sure to have: a reference that may be left open counts for nothing."""
    found = [
        {str(entry.get("name")): _value(entry) for entry in tables(_container(group), "env") if not _open(entry)}
        for group in groups
    ]
    names = set.intersection(*map(set, found)) if found else set()
    return {name: found[0][name] if len({one[name] for one in found}) == 1 else BY_REFERENCE for name in names}


def _value(variable: dict[str, Any]) -> str:
    return BY_REFERENCE if "valueFrom" in variable else str(variable.get("value", ""))


def _unshared(document: Document, served: Document, groups: list[dict[str, Any]]) -> Iterator[Problem]:
    """Worker groups whose pods keep photos to themselves: ``data_dir`` lies on no claim, and there is no bucket."""
    graphs = [entry for entry in tables(served.content, "applications") if entry.get("import_path") == IMPORT_PATH]
    arguments = [entry["args"] for entry in graphs if isinstance(entry.get("args"), dict)]
    folders = {str(given["data_dir"]) for given in arguments if "data_dir" in given and "objects_url" not in given}
    for number, group in enumerate(groups):
        claims = {entry.get("name") for entry in tables(_pod(group), "volumes") if "persistentVolumeClaim" in entry}
        mounts = [
            str(entry.get("mountPath"))
            for entry in tables(_container(group), "volumeMounts")
            if entry.get("name") in claims
        ]
        for folder in folders:
            if not any(PurePosixPath(folder).is_relative_to(mount) for mount in mounts):
                yield document.problem(
                    (*CLUSTER, "workerGroupSpecs", number),
                    f"{group.get('groupName')}: {folder} is on no claim, so photos and results stay in the pod they came to",
                    f"Mount a ReadWriteMany claim there, or set {OBJECTS_URL} (s3://bucket/prefix).",
                )


def _pod(group: dict[str, Any]) -> dict[str, Any]:
    template = group.get("template")
    spec = template.get("spec") if isinstance(template, dict) else None
    return spec if isinstance(spec, dict) else {}


def _container(group: dict[str, Any]) -> dict[str, Any]:
    return next(iter(tables(_pod(group), "containers")), {})


def _open(variable: dict[str, Any]) -> bool:
    source = variable.get("valueFrom")
    reference = source.get("secretKeyRef") if isinstance(source, dict) else None
    return isinstance(reference, dict) and reference.get("optional") is True
