"""The graph with a style engine that takes a GPU's time and not the cores': what ``import_path`` names in the drills.

Everything but the engine is the product's own. On two cores a real engine would have to share them with those who ask.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ray.serve import Application

from deployments.engine import Engine
from deployments.imaging import Pixels
from deployments.style import deployment
from deployments.style.engine import StyleQuery
from registry.manifest import ModelVersion
from serve_app import app as product
from serve_app.settings import Settings

IMPORT_PATH = "drills.cluster.logical:app"
PICTURE_S = 0.1


class Style(deployment.Style):
    """Paints as always, on a card that needs :data:`PICTURE_S` for a picture."""

    def build(self, version: ModelVersion, extras: Sequence[ModelVersion]) -> Engine[StyleQuery, Pixels]:
        return _OnCard(super().build(version, extras))


class _OnCard:
    """An engine whose every run takes as long as the card would, the real engine's own time included."""

    def __init__(self, engine: Engine[StyleQuery, Pixels]) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def warm_up(self) -> None:
        self._engine.warm_up()

    def run(self, batch: Sequence[StyleQuery]) -> list[Pixels]:
        ends = time.monotonic() + PICTURE_S * len(batch)
        painted = self._engine.run(batch)
        time.sleep(max(0.0, ends - time.monotonic()))
        return painted

    def close(self) -> None:
        self._engine.close()


def app(arguments: dict[str, Any]) -> Application:
    """The graph for a config file's ``args``, its style engine on a logical GPU."""
    product.MODEL_DEPLOYMENTS["style"] = Style
    return product.build(Settings(**arguments))
