"""Face detection and embedding behind a Serve handle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.engine import Engine
from deployments.faces.engine import build
from deployments.faces.types import FaceQuery, FaceSet
from deployments.imaging.probe import probe_photo
from deployments.serving.deployment import ModelDeployment
from registry.manifest import ModelVersion


class Faces(ModelDeployment[FaceQuery, FaceSet, FaceSet]):
    """Finds every face of a photo, left to right."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[FaceQuery, FaceSet]:
        return build(version, self.options.runtime, extras)

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> FaceQuery:
        return FaceQuery(probe_photo(probe, version), embed=version.manifest.embedding_space is not None)

    async def finish(self, query: FaceQuery, result: FaceSet) -> FaceSet:
        return result
