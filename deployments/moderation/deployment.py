"""Moderation behind a Serve handle."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from deployments.engine import Engine
from deployments.imaging import Photo
from deployments.imaging.probe import probe_photo
from deployments.moderation.engine import ModerationEngine, Policy, Verdict, build
from deployments.serving.deployment import ModelDeployment
from deployments.serving.types import Answer, Options
from deployments.slots import ModelSet, Pace
from registry.manifest import ModelVersion, parse_ref

REMEMBERED: Final = 4096
"""How many pictures' verdicts a replica keeps: about 2 MB."""


class Moderation(ModelDeployment[Photo, Verdict, Verdict]):
    """Says whether a picture may come in or go out.

    People try many styles on one photo. A picture whose very bytes were rated before is not rated again: its verdict is kept under
    their SHA-256, as long as the same versions decide, and in this process's memory alone.
    """

    gives_verdicts = True

    def __init__(self, options: Options, policy: Policy) -> None:
        super().__init__(options)
        self._policy = policy
        self._verdicts: OrderedDict[tuple[ModelSet, bytes], Answer[Verdict]] = OrderedDict()

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[Photo, Verdict]:
        return build((version, *extras), self._policy, self.options.runtime)

    async def answer(self, query: Photo, visitor: str | None = None) -> Answer[Verdict]:
        status = self._slot.status
        if status.active is None or status.beside is not None:
            # A version on trial is to see every picture that the stable one sees.
            return await super().answer(query, visitor)
        key = (status.active, hashlib.sha256(query.data).digest())
        if (known := self._verdicts.get(key)) is not None:
            self._verdicts.move_to_end(key)
            # Not in its traffic: a version whose memory is full would be as fast as no version is that has just taken over.
            self._metrics.request(status.active.model, failed=False)
            return known
        answer = await super().answer(query, visitor)
        # Another version may have taken over meanwhile, and have given the answer.
        if self._slot.status.active == status.active:
            self._verdicts[key] = answer
            if len(self._verdicts) > REMEMBERED:
                self._verdicts.popitem(last=False)
        return answer

    def contributors(self, engine: Engine[Photo, Verdict], query: Photo) -> tuple[str, ...]:
        return cast(ModerationEngine, engine).voters[1:]

    def pace(self, choice: ModelSet, active: Pace | None) -> Pace | None:
        """Nothing to compare with where a voter joins: it comes on top of those who vote already."""
        voting = self._slot.status.active
        voters = {parse_ref(ref)[0] for ref in voting.refs} if voting is not None else set()
        return active if {parse_ref(ref)[0] for ref in choice.refs} <= voters else None

    def probe_query(self, probe: Mapping[str, Any], version: ModelVersion) -> Photo:
        return probe_photo(probe, version)

    async def finish(self, query: Photo, result: Verdict) -> Verdict:
        return result
