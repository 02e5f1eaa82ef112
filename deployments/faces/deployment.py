"""Face detection and embedding behind a Serve handle."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.engine import Engine
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery, FaceSet
from deployments.serving import ModelDeployment
from registry.manifest import ModelVersion


class Faces(ModelDeployment[FaceQuery, FaceSet, FaceSet]):
    """Finds every face of a photo, left to right."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[FaceQuery, FaceSet]:
        return build(version, self.options.runtime, extras)

    def finish(self, query: FaceQuery, result: FaceSet) -> FaceSet:
        return result
