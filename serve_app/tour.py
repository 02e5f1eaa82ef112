"""The demo's tour: the sample photos sent through every capability over HTTP, as any client would."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

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


@dataclass(frozen=True, slots=True)
class _Reply:
    body: bytes
    document: Any
    model: str
    milliseconds: float
    extension: str


class Tour:
    """Takes samples through a running studio and writes the pictures to ``folder``."""

    def __init__(self, session: aiohttp.ClientSession, folder: Path) -> None:
        self._session = session
        self._folder = folder

    async def stops(self, samples: tuple[Sample, ...]) -> AsyncIterator[Stop]:
        """Every capability that is ready, or at rest, one stop at a time. Raises :class:`TourFailed`."""
        portrait = next(sample for sample in samples if sample.faces == 1)
        group = max(samples, key=lambda sample: sample.faces)
        ready = await self._ready()
        for sample in samples:
            yield await self._moderate(sample)
        if "style" in ready:
            async for stop in self._styles(samples):
                yield stop
        if "faces" in ready:
            for sample in (portrait, group):
                yield await self._faces(sample)
            for method in ("blur", "pixelate", "replace"):
                yield await self._picture(
                    "anonymize", f"Faces hidden: {method}", group, "/v1/anonymize", {"image": group}, {"method": method}
                )
        if "lookalike" in ready:
            yield await self._picture(
                "lookalike", "Who do I look like?", portrait, "/v1/lookalike", {"image": portrait}, {"top": "3"}
            )
        if "swap" in ready:
            mapping = ",".join(f"0:{face}" for face in range(group.faces))
            photos, title = {"source": portrait, "target": group}, f"{portrait.title} as everyone"
            yield await self._picture("swap", title, group, "/v1/swap", photos, {"mapping": mapping})
        if "authenticity" in ready:
            for sample in samples:
                yield await self._judge(sample)

    async def _ready(self) -> set[str]:
        async with self._session.get("/readyz") as response:
            document = await response.json()
        return {capability for capability, state in document["capabilities"].items() if state in {"ready", "at rest"}}

    async def _moderate(self, sample: Sample) -> Stop:
        reply = await self._post("/v1/moderate", {"image": sample}, {})
        words = "allowed" if reply.document["allowed"] else f"refused: {reply.document['rule']}"
        return Stop("moderate", sample.title, sample.name, None, words, reply.milliseconds, reply.model)

    async def _judge(self, sample: Sample) -> Stop:
        reply = await self._post("/v1/authenticity", {"image": sample}, {})
        words = f"{reply.document['verdict']} ({reply.document['probability_ai']:.0%} machine-made)"
        return Stop("authenticity", sample.title, sample.name, None, words, reply.milliseconds, reply.model)

    async def _styles(self, samples: tuple[Sample, ...]) -> AsyncIterator[Stop]:
        async with self._session.get("/v1/styles") as response:
            styles = (await response.json())["styles"]
        for sample in samples:
            for style in styles:
                yield await self._picture(
                    "style", style["title"], sample, "/v1/style", {"image": sample}, {"style": style["name"]}
                )
            if len(styles) > 1:
                first, second = styles[0], styles[-1]
                blend = {"style": [f"{first['name']}:0.5", f"{second['name']}:0.5"]}
                title = f"{first['title']} × {second['title']}"
                yield await self._picture("style", title, sample, "/v1/style", {"image": sample}, blend)

    async def _faces(self, sample: Sample) -> Stop:
        reply = await self._post("/v1/faces", {"image": sample}, {})
        count = len(reply.document["faces"])
        words = f"{count} face{'' if count == 1 else 's'}"
        return Stop("faces", sample.title, sample.name, None, words, reply.milliseconds, reply.model)

    async def _picture(
        self,
        capability: str,
        title: str,
        sample: Sample,
        path: str,
        photos: dict[str, Sample],
        fields: dict[str, Any],
    ) -> Stop:
        reply = await self._post(path, photos, fields)
        slug = re.sub(r"\W+", "-", title.lower()).strip("-")
        name = f"{sample.name}-{capability}-{slug}{reply.extension}"
        (self._folder / name).write_bytes(reply.body)
        return Stop(capability, title, sample.name, name, "", reply.milliseconds, reply.model)

    async def _post(self, path: str, photos: dict[str, Sample], fields: dict[str, Any]) -> _Reply:
        form = aiohttp.FormData()
        for field, sample in photos.items():
            form.add_field(field, sample.data, filename=sample.name, content_type="application/octet-stream")
        for field, values in fields.items():
            for value in values if isinstance(values, list) else [values]:
                form.add_field(field, value)
        wants_picture = path == "/v1/lookalike"
        headers = {"Accept": "image/jpeg"} if wants_picture else {}
        began = time.perf_counter()
        async with self._session.post(path, data=form, headers=headers) as response:
            body = await response.read()
            took = (time.perf_counter() - began) * 1000
            media_type = response.content_type
            document = await response.json(content_type=None) if media_type.endswith("json") else None
            if response.status != 200:
                detail = document["detail"] if document else response.reason
                raise TourFailed(f"{path} answered {response.status}: {detail}")
            model = response.headers.get("X-Model", "")
        return _Reply(body, document, model, took, EXTENSIONS.get(media_type, ""))
