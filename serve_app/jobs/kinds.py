"""What each kind of work does with its photos and fields, at once behind a route or later as a job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import BaseModel

from deployments.anonymize.types import Method
from deployments.masterpiece.query import MasterpieceQuery
from deployments.style.engine import StyleQuery
from serve_app import presenting
from serve_app.contracts import face_numbers
from serve_app.inventory import Inventory
from serve_app.jobs.progress import tell
from serve_app.pipeline import Pipeline, Result

Photos = Mapping[str, bytes]
Fields = Mapping[str, Any]
Perform = Callable[[Pipeline, Inventory, Photos, Fields], Awaitable[Result]]


async def _style(pipeline: Pipeline, _inventory: Inventory, photos: Photos, fields: Fields) -> Result:
    photo = await pipeline.open(photos["image"])
    style_image = await pipeline.open(photos["style_image"]) if "style_image" in photos else None
    query = StyleQuery.parse(
        photo, fields["style"], fields["strength"], preserve_color=fields["preserve_color"], style_image=style_image
    )
    return await pipeline.style(photo, query)


async def _masterpiece(pipeline: Pipeline, _inventory: Inventory, photos: Photos, fields: Fields) -> Result:
    photo, style_image = await pipeline.open(photos["image"]), await pipeline.open(photos["style_image"])
    query = MasterpieceQuery(photo, style_image, fields["strength"], fields["preserve_color"])
    return await pipeline.masterpiece(query, tell)


async def _swap(pipeline: Pipeline, _inventory: Inventory, photos: Photos, fields: Fields) -> Result:
    source = await pipeline.open(photos["source"])
    target = await pipeline.open(photos["target"]) if "target" in photos else await pipeline.artwork(fields["artwork"])
    return await pipeline.swap(source, target, ",".join(fields["mapping"]))


async def _anonymize(pipeline: Pipeline, _inventory: Inventory, photos: Photos, fields: Fields) -> Result:
    photo = await pipeline.open(photos["image"])
    return await pipeline.anonymize(photo, Method(fields["method"]), face_numbers(fields["keep"]))


async def _lookalike(pipeline: Pipeline, inventory: Inventory, photos: Photos, fields: Fields) -> Result:
    result = await pipeline.lookalike(await pipeline.open(photos["image"]), fields["top"])
    return _document(presenting.lookalike(result, inventory), *result.models)


async def _faces(pipeline: Pipeline, inventory: Inventory, photos: Photos, _fields: Fields) -> Result:
    answer = await pipeline.faces(await pipeline.open(photos["image"]))
    return _document(presenting.faces(answer, inventory), answer.model)


async def _moderate(pipeline: Pipeline, _inventory: Inventory, photos: Photos, _fields: Fields) -> Result:
    answer = await pipeline.moderate(await pipeline.open(photos["image"]))
    return _document(presenting.moderation(answer), answer.model)


async def _authenticity(pipeline: Pipeline, _inventory: Inventory, photos: Photos, _fields: Fields) -> Result:
    answer = await pipeline.authenticity(await pipeline.open(photos["image"]))
    return _document(presenting.authenticity(answer), answer.model)


def _document(answer: BaseModel, *models: str) -> Result:
    return Result(answer.model_dump_json().encode(), "application/json", models)


PERFORM: dict[str, Perform] = {
    "style": _style,
    "masterpiece": _masterpiece,
    "swap": _swap,
    "anonymize": _anonymize,
    "lookalike": _lookalike,
    "faces": _faces,
    "moderate": _moderate,
    "authenticity": _authenticity,
}
