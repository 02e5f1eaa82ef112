"""The graph behind the drilled bot: it takes its time and paints negatives, so that what is tried is the bot."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import numpy as np

from deployments.imaging import Photo, encode
from deployments.moderation.engine import Verdict
from deployments.serving.types import Answer
from deployments.style.engine import StyleInfo, StyleQuery
from drills.bot.numbered import painted
from serve_app.pipeline import Graph

STYLES = ("wave", "night", "scream")


@dataclass(frozen=True, slots=True)
class Pace:
    """A painting takes between ``shortest_s`` and ``longest_s`` seconds."""

    shortest_s: float
    longest_s: float


def graph(pace: Pace) -> Graph:
    """Moderation that lets everything pass, and three styles."""

    async def moderate(_photo: Photo) -> Answer[Verdict]:
        return Answer(Verdict(allowed=True, scores={}, rule=None), "drill-moderation@v1")

    async def style(query: StyleQuery) -> Answer[Photo]:
        await asyncio.sleep(random.uniform(pace.shortest_s, pace.longest_s))
        return Answer(painted(query.photo), "drill-style@v1")

    async def styles() -> Answer[tuple[StyleInfo, ...]]:
        infos = (
            StyleInfo(name, name.capitalize(), "Nobody", 2000, "public domain", preview(number))
            for number, name in enumerate(STYLES)
        )
        return Answer(tuple(infos), "drill-style@v1")

    return Graph(moderate=moderate, style=style, styles=styles)


def preview(number: int) -> bytes:
    """A style's picture: plain grey."""
    return encode(np.full((64, 64, 3), 60 + 60 * number, np.uint8))
