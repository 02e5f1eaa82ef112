"""Authenticity behind a Serve handle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.authenticity.engine import Opinion, build
from deployments.engine import Engine
from deployments.imaging import Photo
from deployments.imaging.probe import probe_photo
from deployments.serving.deployment import ModelDeployment
from registry.manifest import ModelVersion


class Authenticity(ModelDeployment[Photo, Opinion, Opinion]):
    """Says whether a picture looks like a photograph or machine-made."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[Photo, Opinion]:
        return build(version, self.options.runtime)

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> Photo:
        return probe_photo(probe, version)

    async def finish(self, query: Photo, result: Opinion) -> Opinion:
        return result
