"""The files operators deploy from, all written from the same typed source: topology, fleet, flags and settings.

``masquerade render`` writes them, ``masquerade render --check`` and a test hold the checked-in ones to the code.
"""

from __future__ import annotations

from typing import Any

import yaml

from serve_app.rendering import compose, image, kuberay, launcher, serving
from serve_app.telemetry.dashboards import DASHBOARDS, render_dashboard


class _Plain(yaml.SafeDumper):
    """Writes what stands in several places in each of them, instead of anchors; texts of many lines as lines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Plain.add_representer(str, _Plain.represent_str)


def _document(header: str, *documents: dict[str, Any]) -> str:
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
    return comment + "---\n".join(
        yaml.dump(document, Dumper=_Plain, sort_keys=False, width=120, allow_unicode=True) for document in documents
    )


def rendered() -> dict[str, str]:
    """Path from the repository's root to text, for every file."""
    return {
        "serve_config.yaml": _document(serving.HEADER, serving.serve_config()),
        "cluster.yaml": _document(launcher.HEADER, launcher.cluster()),
        "deploy/Dockerfile": image.dockerfile(),
        "deploy/Dockerfile.dockerignore": image.ignored(),
        "deploy/compose.yaml": _document(compose.HEADER, compose.compose()),
        **{f"deploy/grafana/{dashboard.uid}.json": render_dashboard(dashboard) for dashboard in DASHBOARDS},
        "deploy/kuberay/kustomization.yaml": _document(kuberay.HEADER, kuberay.kustomization()),
        "deploy/kuberay/rayservice.yaml": _document(kuberay.SERVICE_HEADER, kuberay.ray_service()),
        "deploy/kuberay/redis.yaml": _document(kuberay.REDIS_HEADER, *kuberay.redis()),
        "deploy/kuberay/models.yaml": _document(kuberay.MODELS_HEADER, kuberay.models()),
        "deploy/kuberay/storage.yaml": _document(kuberay.STORAGE_HEADER, kuberay.storage()),
        "deploy/kuberay/protection.yaml": _document(kuberay.PROTECTION_HEADER, *kuberay.protection()),
    }
