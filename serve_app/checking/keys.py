"""Keys that a pydantic model would drop in silence. Serve's own schema takes ``num_replica`` and serves one replica."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from serve_app.checking.document import Document, Problem, nearest
from serve_app.wording import Place


def unknown_keys(content: Any, annotation: Any, place: Place = ()) -> Iterator[tuple[Place, set[str]]]:
    """Places of ``content`` that no model behind ``annotation`` has a field for, with the fields there are."""
    if isinstance(content, list):
        for index, item in enumerate(content):
            yield from unknown_keys(item, annotation, (*place, index))
        return
    models = [model for model in _models(annotation) if issubclass(model, BaseModel)]
    if not isinstance(content, dict) or not models:
        return
    fields = {field.alias or name: field.annotation for model in models for name, field in model.model_fields.items()}
    for key, value in content.items():
        if key in fields:
            yield from unknown_keys(value, fields[key], (*place, key))
        else:
            yield (*place, key), set(fields)


def misspelt(document: Document, annotation: Any) -> Iterator[Problem]:
    """A problem for each unknown key."""
    for place, known in unknown_keys(document.content, annotation):
        yield document.problem(place, f"{place[-1]} is not a key here", nearest(place[-1], known))


def _models(annotation: Any) -> list[type]:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]
