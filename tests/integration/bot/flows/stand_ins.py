"""A studio that answers at once: pictures of one colour instead of models."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import numpy as np

from deployments.anonymize.types import AnonymizeQuery
from deployments.authenticity.opinion import Calibration, Opinion
from deployments.errors import FaceUnsuitable, Unavailable
from deployments.faces.types import Face, FaceQuery, FaceSet, Pose, Quality
from deployments.imaging import Photo, encode
from deployments.lookalike.engine import LookalikeQuery, Match
from deployments.moderation.engine import Verdict
from deployments.serving.types import Answer
from deployments.style.engine import StyleInfo, StyleQuery
from deployments.swap.deployment import SwapPicture
from deployments.swap.types import SwapQuery
from serve_app.pipeline import Graph

STYLES = ("wave", "night", "scream")


def picture(red: int, green: int, blue: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """A plain JPEG. Red is refused by the stand-in moderation; blue has no face, green one, pink a tiny one, the rest two."""
    return encode(np.full((size[1], size[0], 3), (red, green, blue), np.uint8))


FINE = picture(120, 120, 60)
ALONE = picture(20, 200, 20)
TINY = picture(200, 120, 200)
FACELESS = picture(20, 20, 230)
REFUSED = picture(250, 10, 10)


def colour(data: bytes) -> tuple[int, int, int]:
    """The colour of a plain picture, as far as JPEG keeps it."""
    red, green, blue = (round(int(value), -1) for value in Photo.open(data).pixels()[5, 5])
    return red, green, blue


class StandIns:
    """Deployments that answer at once and remember what they were asked."""

    def __init__(self) -> None:
        self.painted: list[StyleQuery] = []
        self.swapped: list[SwapQuery] = []
        self.hidden: list[AnonymizeQuery] = []
        self.small_print: list[str] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.unsuitable = False
        self.crowd = 0
        self.background = 0
        self.on_offer = len(STYLES)
        self.down = False

    async def moderate(self, photo: Photo) -> Answer[Verdict]:
        red, green, _ = (int(value) for value in photo.pixels()[0, 0])
        bad = red > 220 and green < 40
        return Answer(Verdict(not bad, {"explicit": float(bad)}, "explicit" if bad else None), "judge@v1")

    async def style(self, query: StyleQuery) -> Answer[Photo]:
        await self.hold.wait()
        if self.down:
            raise Unavailable("Down.", retry_after=0)
        self.painted.append(query)
        shades = {"wave": 200, "night": 100, "scream": 150}
        painted = picture(10, 10, shades[query.weights[0][0]], (query.photo.width, query.photo.height))
        return Answer(Photo.open(painted), "painter@v1")

    async def styles(self) -> Answer[tuple[StyleInfo, ...]]:
        titles = {"wave": "The Wave", "night": "Night <i>& Day</i>", "scream": "Scream"}
        infos = tuple(
            StyleInfo(name, titles[name], "Anon", 1889, "public domain", picture(60, 60, 20 * at))
            for at, name in enumerate(STYLES[: self.on_offer], start=1)
        )
        return Answer(infos, "painter@v1")

    async def faces(self, query: FaceQuery) -> Answer[FaceSet]:
        red, green, blue = (int(value) for value in query.photo.pixels()[0, 0])
        if red > 180 and blue > 180:
            tiny = replace(_face(0, query), box=(20.0, 20.0, 40.0, 40.0))
            return Answer(FaceSet((tiny,), "plain-4"), "finder@v1")
        count = self.crowd or (0 if blue > 220 else 1 if green > 180 else 2)
        large = [_face(number, query) for number in range(count)]
        # Far behind the others, and left of them.
        small = [replace(_face(0, query), quality=Quality(15, 0, 1)) for _ in range(self.background)]
        return Answer(FaceSet((*small, *large), "plain-4"), "finder@v1")

    async def lookalike(self, queries: tuple[LookalikeQuery, ...]) -> tuple[Answer[tuple[Match, ...]], ...]:
        match = Match(
            name="Ada <b>Lovelace</b>", alias="", role="mathematician", link=None, similarity=97.5, cosine=0.7,
            picture="ada.jpg", attribution="public domain",
        )  # fmt: skip
        return tuple(Answer((match,) * query.top, "stars@v1") for query in queries)

    async def portrait(self, name: str) -> bytes:
        return FINE

    async def collage(self, photo: Photo, face: Face, matches: tuple[Match, ...], note: str) -> bytes:
        self.small_print.append(note)
        return picture(200, 200, 50)

    async def swap(self, query: SwapQuery) -> Answer[SwapPicture]:
        if self.unsuitable:
            raise FaceUnsuitable("Turned away.")
        self.swapped.append(query)
        return Answer(SwapPicture(Photo.open(picture(70, 70, 70)), ()), "swapper@v1")

    async def anonymize(self, query: AnonymizeQuery) -> bytes:
        self.hidden.append(query)
        return picture(90, 90, 90, (query.photo.width, query.photo.height))

    async def authenticity(self, photo: Photo) -> Answer[Opinion]:
        """Green is machine-made, blue real, and of the rest nobody knows."""
        _, green, blue = (int(value) for value in photo.pixels()[0, 0])
        probability = 0.999 if green > 180 else 0.04 if blue > 220 else 0.5
        return Answer(Calibration().opinion(math.log(probability / (1 - probability))), "detective@v1")

    def graph(self) -> Graph:
        return Graph(
            moderate=self.moderate, style=self.style, styles=self.styles, faces=self.faces, lookalike=self.lookalike,
            portrait=self.portrait, collage=self.collage, swap=self.swap, anonymize=self.anonymize,
            authenticity=self.authenticity,
        )  # fmt: skip


def _face(number: int, query: FaceQuery) -> Face:
    left = 20.0 + 80 * number
    points = np.array([[left + 5, 20], [left + 15, 20], [left + 10, 27], [left + 6, 33], [left + 14, 33]], np.float32)
    embedding = np.eye(4, dtype=np.float32)[number] if query.embed else None
    return Face((left, 20, left + 60, 90), 0.9, points, None, Pose(0, 0, 0), Quality(60, 0, 1), embedding, 30.0)
