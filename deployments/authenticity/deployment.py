"""Authenticity behind a Serve handle."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.authenticity.engine import Opinion, build
from deployments.engine import Engine
from deployments.imaging import Photo
from deployments.serving import ModelDeployment
from registry.manifest import ModelVersion


class Authenticity(ModelDeployment[Photo, Opinion, Opinion]):
    """Says whether a picture looks like a photograph or machine-made."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[Photo, Opinion]:
        return build(version, self.options.runtime)

    def finish(self, query: Photo, result: Opinion) -> Opinion:
        return result
