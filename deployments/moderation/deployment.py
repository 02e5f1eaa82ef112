"""Moderation behind a Serve handle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.engine import Engine
from deployments.imaging import Photo
from deployments.imaging.probe import probe_photo
from deployments.moderation.engine import Policy, Verdict, build
from deployments.serving import ModelDeployment, Options
from registry.manifest import ModelVersion


class Moderation(ModelDeployment[Photo, Verdict, Verdict]):
    """Says whether a picture may come in or go out."""

    gives_verdicts = True

    def __init__(self, options: Options, policy: Policy) -> None:
        super().__init__(options)
        self._policy = policy

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[Photo, Verdict]:
        return build((version, *extras), self._policy, self.options.runtime)

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> Photo:
        return probe_photo(probe, version)

    def finish(self, query: Photo, result: Verdict) -> Verdict:
        return result
