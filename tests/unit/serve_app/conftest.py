"""A studio without Ray or models: real pipeline, gateway and imaging over small stand-in deployments."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from starlette.testclient import TestClient

from deployments.anonymize.engine import AnonymizeQuery
from deployments.authenticity.engine import Opinion
from deployments.authenticity.engine import Verdict as OpinionVerdict
from deployments.errors import Busy, Unavailable, UnknownModel, UnknownStyle
from deployments.faces.types import Face, FaceQuery, FaceSet, Pose, Quality
from deployments.imaging import Limits, Photo, encode
from deployments.lookalike.engine import LookalikeQuery, Match
from deployments.masterpiece.query import STEPS, MasterpieceQuery, Sketch
from deployments.moderation.engine import Verdict
from deployments.serving.types import Answer
from deployments.slots import ModelSet, SlotStatus
from deployments.style.engine import StyleInfo, StyleQuery
from deployments.swap.artworks import ArtworkGallery
from deployments.swap.deployment import SwapPicture
from deployments.swap.types import Reason, Skipped, SwapQuery
from registry.store import FolderStore
from serve_app.gateway import create_app
from serve_app.inventory import Inventory
from serve_app.pipeline import Graph, Pipeline
from serve_app.selection import Selection
from serve_app.settings import Settings
from serve_app.status.board import Served, StatusBoard
from serve_app.status.figures import Series
from serve_app.versions.coordinator import State
from serve_app.versions.desk import Coordination, VersionDesk

STYLES = ("night", "wave")


def picture(red: int, green: int, blue: int, size: tuple[int, int] = (96, 64), media_type: str = "image/png") -> bytes:
    """A plain picture, ``size`` as width and height. Pure red is what the stand-in moderation refuses."""
    pixels = np.full((size[1], size[0], 3), (red, green, blue), np.uint8)
    return encode(pixels, media_type)


FINE = picture(40, 120, 60)
REFUSED = picture(255, 0, 0)
FACELESS = picture(0, 0, 255)


def _made(red: int, green: int, blue: int, photo: Photo) -> Photo:
    """A plain result of ``photo``'s size."""
    return Photo.open(picture(red, green, blue, (photo.width, photo.height), "image/jpeg"))


def is_red(photo: Photo) -> bool:
    red, green, blue = (int(value) for value in photo.pixels()[0, 0])
    return red > 250 and green < 5 and blue < 5


class StandIns:
    """Deployments that answer at once, count what they were asked and remember what was cancelled."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.looked_for: list[FaceQuery] = []
        self.compared: list[LookalikeQuery] = []
        self.cancelled: list[str] = []
        self.hold_style: asyncio.Event | None = None
        self.hold_masterpiece = False
        self.hold_moderation: asyncio.Event | None = None
        self.crowded = False
        self.averted = False
        self.uncoordinated = False
        self.version_state = State()

    async def moderate(self, photo: Photo) -> Answer[Verdict]:
        self.calls.append("moderate")
        try:
            if self.hold_moderation is not None:
                await self.hold_moderation.wait()
        except asyncio.CancelledError:
            self.cancelled.append("moderate")
            raise
        red = is_red(photo)
        return Answer(Verdict(not red, {"nsfw": 0.99 if red else 0.01}, "nsfw" if red else None), "judge@v1")

    async def authenticity(self, photo: Photo) -> Answer[Opinion]:
        self.calls.append("authenticity")
        return Answer(Opinion(OpinionVerdict.UNSURE, 0.52345, (0.3, 0.7)), "detector@v1")

    async def style(self, query: StyleQuery) -> Answer[Photo]:
        self.calls.append("style")
        if self.crowded:
            raise Busy("Too many pictures are waiting for this right now.", retry_after=3)
        for name, _ in query.weights:
            if name not in STYLES:
                raise UnknownStyle(f"There is no style {name!r}.")
        try:
            if self.hold_style is not None:
                await self.hold_style.wait()
        except asyncio.CancelledError:
            self.cancelled.append("style")
            raise
        if query.strength == 0:
            return Answer(query.photo, "painter@v1")
        if query.style_image is not None:
            red, green, blue = (int(value) for value in query.style_image.pixels()[0, 0])
            return Answer(_made(red, green, blue, query.photo), "painter@v1")
        colour = (255, 0, 0) if query.weights[0][0] == "night" and query.preserve_color else (9, 9, 200)
        return Answer(_made(*colour, query.photo), "painter@v1")

    async def masterpiece(self, query: MasterpieceQuery) -> Answer[Sketch | Photo]:
        """A sketch half done, then, unless it is held, the picture in the style picture's colour."""
        self.calls.append("masterpiece")
        if query.sketch is None:
            nothing = np.zeros((3, 1, 1), np.float16)
            return Answer(Sketch(nothing, nothing, nothing, 1.0, 1.0, STEPS // 2), "losses@v1")
        if self.hold_masterpiece:
            await asyncio.sleep(0.01)
            return Answer(query.sketch, "losses@v1")
        red, green, blue = (int(value) for value in query.style_image.pixels()[0, 0])
        return Answer(_made(red, green, blue, query.photo), "losses@v1")

    async def styles(self) -> Answer[tuple[StyleInfo, ...]]:
        infos = tuple(StyleInfo(name, name.title(), "Anon", 1889, "public domain", FINE) for name in STYLES)
        return Answer(infos, "painter@v1")

    async def faces(self, query: FaceQuery) -> Answer[FaceSet]:
        self.calls.append("faces")
        self.looked_for.append(query)
        blue = tuple(query.photo.pixels()[0, 0]) == (0, 0, 255)
        found = () if blue else tuple(self._face(number, query) for number in range(2))
        return Answer(FaceSet(found, "plain-4"), "finder@v1")

    def _face(self, number: int, query: FaceQuery) -> Face:
        left = 10.0 + 40 * number
        points = np.array(
            [[left + 5, 20], [left + 15, 20], [left + 10, 27], [left + 6, 33], [left + 14, 33]], np.float32
        )
        embedding = np.eye(4, dtype=np.float32)[number] if query.embed else None
        quality = Quality(20 + number, 0, 1)
        return Face((left, 10, left + 20, 40), 0.9, points, None, Pose(0, 0, 0), quality, embedding, 30.0)

    async def lookalike(self, queries: tuple[LookalikeQuery, ...]) -> tuple[Answer[tuple[Match, ...]], ...]:
        self.calls.append("lookalike")
        self.compared += queries
        match = Match(
            name="Ada <b>Lovelace</b>", alias="", role="mathematician", link=None, similarity=97.5, cosine=0.7,
            picture="ada.jpg", attribution="public domain",
        )  # fmt: skip
        return tuple(Answer((match,) * query.top, "stars@v1") for query in queries)

    async def portrait(self, name: str) -> bytes:
        if name != "ada.jpg":
            raise UnknownModel("There is no such portrait.")
        return FINE

    async def collage(self, photo: Photo, face: Face, matches: tuple[Match, ...], note: str) -> bytes:
        self.calls.append(f"collage of a face {face.quality.size} px wide")
        return picture(1, 2, 3, media_type="image/jpeg")

    async def swap(self, query: SwapQuery) -> Answer[SwapPicture]:
        self.calls.append(f"swap {query.mapping}")
        skipped = tuple(
            Skipped(giver, taker, Reason.POSE, "turned away") for giver, taker in query.mapping if self.averted
        )
        return Answer(SwapPicture(_made(7, 7, 7, query.target), skipped), "swapper@v1")

    async def anonymize(self, query: AnonymizeQuery) -> bytes:
        self.calls.append(f"anonymize {query.method} {query.keep}")
        return picture(8, 8, 8, (query.photo.width, query.photo.height), "image/jpeg")

    async def notice(self) -> None:
        self.calls.append("notice")

    async def versions(self) -> State:
        if self.uncoordinated:
            raise Unavailable("The versions is restarting.", retry_after=5)
        return self.version_state

    async def configuration(self) -> dict[str, Any]:
        return {"name": "graph", "deployments": [{"name": "Moderation"}]}

    async def state(self) -> SlotStatus:
        return SlotStatus(ModelSet("judge@v1"), None, None)

    def graph(self) -> Graph:
        return Graph(
            moderate=self.moderate, masterpiece=self.masterpiece, style=self.style, styles=self.styles, faces=self.faces, lookalike=self.lookalike,
            portrait=self.portrait, collage=self.collage, swap=self.swap, anonymize=self.anonymize,
            authenticity=self.authenticity,
            states={"moderation": self.state},
        )  # fmt: skip


@pytest.fixture
def stand_ins() -> StandIns:
    return StandIns()


@pytest.fixture
def pipeline(stand_ins: StandIns) -> Pipeline:
    return Pipeline(stand_ins.graph(), Limits())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


class FreeInventory(Inventory):
    """Says that every licence allows commercial use; the stand-ins are in no store."""

    def commercial_use(self, *refs: str) -> bool:
        return True


class QuietCluster:
    """Nothing is deployed, and no node exports anything."""

    async def deployments(self) -> list[Served]:
        return []

    async def samples(self) -> dict[Series, float]:
        return {}


@pytest.fixture
def artworks_dir(tmp_path: Path) -> Path:
    """A house with one work of art, 80 x 60."""
    folder = tmp_path / "artworks"
    folder.mkdir()
    (folder / "night.png").write_bytes(picture(10, 20, 30, (80, 60)))
    entry = {
        "id": "night",
        "file": "night.png",
        "title": "Night",
        "artist": "Anon",
        "year": "1889",
        "licence": "CC0-1.0",
    }
    (folder / "artworks.yaml").write_text(yaml.safe_dump([entry]))
    return folder


@pytest.fixture
def client_for(
    stand_ins: StandIns, artworks_dir: Path, tmp_path: Path, migrated_file: Path
) -> Iterator[Callable[[Settings], TestClient]]:
    """Opens the gateway with given settings, and closes it after the test."""
    opened: list[TestClient] = []

    def open_with(settings: Settings) -> TestClient:
        if not (database := settings.data_dir / "masquerade.db").exists():
            shutil.copy(migrated_file, database)
        pipeline = Pipeline(stand_ins.graph(), settings.limits.for_photos(), ArtworkGallery.load(artworks_dir))
        inventory = FreeInventory(FolderStore(tmp_path / "models"), Selection())
        coordination = Coordination(stand_ins.notice, stand_ins.versions, stand_ins.configuration)
        desk = VersionDesk(inventory, settings.models, coordination)
        board = StatusBoard(QuietCluster(), pipeline.states)
        client = TestClient(create_app(pipeline, inventory, settings, desk, board), raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield open_with
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(client_for: Callable[[Settings], TestClient], settings: Settings) -> TestClient:
    return client_for(settings)
