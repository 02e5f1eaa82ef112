"""The demo's tour: the sample photos sent through every capability over HTTP, as any client would."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serve_app.client import Field, StudioAnswer, StudioClient, StudioRefusal
from serve_app.samples import Sample

EXTENSIONS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp"}


class TourFailed(RuntimeError):
    """A capability that is installed did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One call of the tour. ``picture`` is a file name inside the output folder, None for answers in words."""

    capability: str
    title: str
    sample: str
    picture: str | None
    words: str
    milliseconds: float
    model: str


class Tour:
    """Takes samples through a running studio and writes the pictures to ``folder``."""

    def __init__(self, studio: StudioClient, folder: Path) -> None:
        self._studio = studio
        self._folder = folder

    async def stops(self, samples: tuple[Sample, ...]) -> AsyncIterator[Stop]:
        """Every capability that is ready, or at rest, one stop at a time. Raises :class:`TourFailed`."""
        portrait = next(sample for sample in samples if sample.faces == 1)
        group = max(samples, key=lambda sample: sample.faces)
        ready = await self._ready()
        for sample in samples:
            yield await self._words("moderate", sample, _moderation)
        if "style" in ready:
            async for stop in self._styles(samples):
                yield stop
        if "faces" in ready:
            for sample in (portrait, group):
                yield await self._words("faces", sample, _faces)
            for method in ("blur", "pixelate", "replace"):
                title = f"Faces hidden: {method}"
                yield await self._picture("anonymize", title, group, {"image": group}, method=method)
        if "lookalike" in ready:
            yield await self._picture("lookalike", "Who do I look like?", portrait, {"image": portrait}, top=3)
        if "swap" in ready:
            mapping = ",".join(f"0:{face}" for face in range(group.faces))
            photos, title = {"source": portrait, "target": group}, f"{portrait.title} as everyone"
            yield await self._picture("swap", title, group, photos, mapping=mapping)
        if "authenticity" in ready:
            for sample in samples:
                yield await self._words("authenticity", sample, _authenticity)

    async def _ready(self) -> set[str]:
        states = (await self._studio.get("/readyz")).json()["capabilities"]
        return {capability for capability, state in states.items() if state in {"ready", "at rest"}}

    async def _styles(self, samples: tuple[Sample, ...]) -> AsyncIterator[Stop]:
        styles = (await self._studio.get("/v1/styles")).json()["styles"]
        for sample in samples:
            for style in styles:
                yield await self._picture("style", style["title"], sample, {"image": sample}, style=style["name"])
            if len(styles) > 1:
                first, second = styles[0], styles[-1]
                title, blend = (
                    f"{first['title']} × {second['title']}",
                    [f"{one['name']}:0.5" for one in (first, second)],
                )
                yield await self._picture("style", title, sample, {"image": sample}, style=blend)

    async def _words(self, capability: str, sample: Sample, say: Callable[[Any], str]) -> Stop:
        answer, took = await self._post(capability, {"image": sample})
        return Stop(capability, sample.title, sample.name, None, say(answer.json()), took, answer.model)

    async def _picture(
        self, capability: str, title: str, sample: Sample, photos: dict[str, Sample], **fields: Field
    ) -> Stop:
        answer, took = await self._post(capability, photos, **fields)
        slug = re.sub(r"\W+", "-", title.lower()).strip("-")
        name = f"{sample.name}-{capability}-{slug}{EXTENSIONS.get(answer.media_type, '')}"
        (self._folder / name).write_bytes(answer.data)
        return Stop(capability, title, sample.name, name, "", took, answer.model)

    async def _post(self, capability: str, photos: dict[str, Sample], **fields: Field) -> tuple[StudioAnswer, float]:
        """The answer, and the milliseconds it took."""
        sent = {name: sample.data for name, sample in photos.items()}
        # Matches are told in JSON unless the collage is asked for.
        accept = "image/jpeg" if capability == "lookalike" else "*/*"
        began = time.perf_counter()
        try:
            answer = await self._studio.post(f"/v1/{capability}", sent, accept=accept, **fields)
        except StudioRefusal as error:
            raise TourFailed(f"/v1/{capability} answered {error.status}: {error.detail}") from error
        return answer, (time.perf_counter() - began) * 1000


def _moderation(document: Any) -> str:
    return "allowed" if document["allowed"] else f"refused: {document['rule']}"


def _authenticity(document: Any) -> str:
    return f"{document['verdict']} ({document['probability_ai']:.0%} machine-made)"


def _faces(document: Any) -> str:
    count = len(document["faces"])
    return f"{count} face{'' if count == 1 else 's'}"
