"""How the bot's jobs are done: the jobs of :mod:`serve_app.jobs.kinds`, and a lookalike that people can look at."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from deployments.authenticity.engine import Verdict
from serve_app.contracts import Authenticity
from serve_app.inventory import Inventory
from serve_app.jobs.kinds import PERFORM
from serve_app.pipeline import Pipeline, Result

TOP = 3


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Somebody a face resembles; ``similarity`` is in per cent, :data:`deployments.lookalike.calibration.METHOD`."""

    name: str
    similarity: float
    role: str | None
    attribution: str | None


@dataclass(frozen=True, slots=True)
class LookalikeAnswer:
    """The collage (JPEG) of the most prominent face, and the people in it, most alike first."""

    collage: bytes
    matches: tuple[Resemblance, ...]

    def dump(self) -> bytes:
        """As a job's result."""
        document = {
            "collage": base64.b64encode(self.collage).decode(),
            "matches": [asdict(match) for match in self.matches],
        }
        return json.dumps(document).encode()

    @classmethod
    def load(cls, data: bytes) -> LookalikeAnswer:
        """From a job's result."""
        document = json.loads(data)
        matches = tuple(Resemblance(**match) for match in document["matches"])
        return cls(base64.b64decode(document["collage"]), matches)


class Performer:
    """Does jobs through the pipeline."""

    def __init__(self, pipeline: Pipeline, inventory: Inventory, small_print: Callable[[str | None], str]) -> None:
        """``small_print`` says in a language, by its two letters, what the per cent of a lookalike mean."""
        self._pipeline = pipeline
        self._inventory = inventory
        self._small_print = small_print

    async def perform(self, kind: str, photos: dict[str, bytes], fields: dict[str, Any]) -> Result:
        """What :class:`serve_app.jobs.worker.Worker` calls. Raises what the pipeline raises."""
        if kind == "lookalike":
            return await self._lookalike(photos["image"], fields.get("language"))
        result = await PERFORM[kind](self._pipeline, self._inventory, photos, fields)
        if kind == "authenticity" and Authenticity.model_validate_json(result.data).verdict == Verdict.UNSURE:
            # What a result's notes name is not charged: people asked for an answer, and this is none.
            return replace(result, notes=("Nobody can tell.",))
        return result

    async def _lookalike(self, data: bytes, language: str | None) -> Result:
        photo = await self._pipeline.open(data)
        collage, result = await self._pipeline.collage(photo, TOP, self._small_print(language))
        _, matches = result.prominent
        answer = LookalikeAnswer(
            collage.data,
            tuple(Resemblance(match.name, match.similarity, match.role, match.attribution) for match in matches),
        )
        return Result(answer.dump(), "application/json", collage.models)
