"""The graph: one method per capability, over deployments that are called as plain coroutines.

Every picture that comes in is moderated while the work on it has already begun; a refusal cancels the work. Every
picture that goes out and shows more than what came in is moderated as well; all carry provenance metadata.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from deployments.anonymize.engine import AnonymizeQuery, Method
from deployments.authenticity.engine import Opinion
from deployments.errors import (
    Busy,
    MasqueradeError,
    NoFace,
    Refused,
    Unavailable,
    UnknownArtwork,
    UnknownModel,
    UnknownStyle,
)
from deployments.faces.preview import numbered
from deployments.faces.types import Face, FaceQuery, FaceSet
from deployments.imaging import Limits, Photo, encode
from deployments.lookalike.engine import METHOD, LookalikeQuery, Match
from deployments.masterpiece.query import MasterpieceQuery, Sketch
from deployments.moderation.engine import Verdict
from deployments.provenance import DigitalSourceType, Provenance, Step, attach
from deployments.serving.types import Answer
from deployments.slots import SlotStatus
from deployments.style.engine import StyleInfo, StyleQuery
from deployments.swap.artworks import Artwork, ArtworkGallery
from deployments.swap.deployment import SwapPicture
from deployments.swap.engine import SourceFace, SwapQuery
from deployments.swap.mapping import read as read_mapping

T = TypeVar("T")

AT_REST: Final = "at rest"
"""The state of a capability without a replica: the next who asks for it starts one."""

BUSY: Final = "busy"
"""The state of a capability with so much to do that it has no time to say more."""

SILENT: Final = "does not say how it is"
"""The state of a capability that let everybody who asked wait."""

# How long to wait for a deployment's word on how it is.
_STATE_S = 2.0

# What finds the faces these work on.
_NEEDED_BESIDE = dict.fromkeys(("lookalike", "swap", "anonymize"), ("faces",))

# How long handing in a job may take longer in order to check the names of styles.
_GLANCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Graph:
    """The deployments as coroutines. A capability that is not installed is None and its reason is in ``missing``.

    A state is None where no replica runs because nobody has asked for one.
    """

    moderate: Callable[[Photo], Awaitable[Answer[Verdict]]]
    style: Callable[[StyleQuery], Awaitable[Answer[Photo]]] | None = None
    styles: Callable[[], Awaitable[Answer[tuple[StyleInfo, ...]]]] | None = None
    faces: Callable[[FaceQuery], Awaitable[Answer[FaceSet]]] | None = None
    lookalike: Callable[[tuple[LookalikeQuery, ...]], Awaitable[tuple[Answer[tuple[Match, ...]], ...]]] | None = None
    portrait: Callable[[str], Awaitable[bytes]] | None = None
    collage: Callable[[Photo, Face, tuple[Match, ...], str], Awaitable[bytes]] | None = None
    swap: Callable[[SwapQuery], Awaitable[Answer[SwapPicture]]] | None = None
    anonymize: Callable[[AnonymizeQuery], Awaitable[bytes]] | None = None
    authenticity: Callable[[Photo], Awaitable[Answer[Opinion]]] | None = None
    masterpiece: Callable[[MasterpieceQuery], Awaitable[Answer[Sketch | Photo]]] | None = None
    states: dict[str, Callable[[], Awaitable[SlotStatus | None]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What a capability made, as bytes: a picture, or a JSON document. The model that gave a picture its look comes first.

    ``notes`` say in words what of the request could not be done.
    """

    data: bytes
    media_type: str
    models: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LookalikeResult:
    """For each face, left to right, its matches."""

    faces: tuple[tuple[Face, tuple[Match, ...]], ...]
    gallery: str
    model: str

    @property
    def models(self) -> tuple[str, str]:
        """Every version behind it: what found the faces, and whom they were compared with."""
        return self.model, self.gallery

    @property
    def prominent(self) -> tuple[Face, tuple[Match, ...]]:
        """The largest face and its matches."""
        return max(self.faces, key=lambda entry: entry[0].quality.size)


class Pipeline:
    """What the gateway and the bot ask for. Holds no state of its own."""

    def __init__(self, graph: Graph, limits: Limits, artworks: ArtworkGallery | None = None) -> None:
        self._graph = graph
        self._limits = limits
        self._artworks = artworks

    def check(self, capability: str) -> None:
        """Raises ``Unavailable`` where no installed model could ever do the work."""
        for needed in (capability, *_NEEDED_BESIDE.get(capability, ())):
            if needed in self._graph.missing:
                self._need(None, needed)

    async def check_names(self, styles: Sequence[str], artwork: str | None) -> None:
        """Raises ``UnknownStyle`` or ``UnknownArtwork`` for what will not be found when the work is done.

        A style network that is at rest, away or too busy to say soon what it knows is not waited for.
        """
        if artwork is not None:
            await self.artwork(artwork)
        if not styles or self._graph.styles is None:
            return
        try:
            async with asyncio.timeout(_GLANCE_S):
                state = self._graph.states.get("style")
                if state is not None and await state() is None:
                    return
                known = {style.name for style in (await self._graph.styles()).value}
        except (Unavailable, Busy, TimeoutError):
            return
        for name in styles:
            if name not in known:
                raise UnknownStyle(f"There is no style called {name!r}.", style=name)

    async def open(self, data: bytes) -> Photo:
        """Check and normalise an upload. Raises ``TooLarge``, ``NotAnImage`` or ``Undecodable``."""
        return await asyncio.to_thread(Photo.open, data, self._limits)

    async def styles(self) -> Answer[tuple[StyleInfo, ...]]:
        return await self._need(self._graph.styles, "style")()

    async def style(self, photo: Photo, query: StyleQuery) -> Result:
        """Paint ``photo``. Raises ``UnknownStyle``, ``Refused`` and what every call may raise."""
        paint = self._need(self._graph.style, "style")
        seen = [photo] if query.style_image is None else [photo, query.style_image]
        painted = await self._guarded(seen, paint(query))
        if query.strength == 0:
            return Result(painted.value.data, painted.value.media_type, (painted.model,))
        steps = tuple(Step("style", model) for model in painted.models)
        # Who reads headers knows the network by the name that /v1/styles gives it; the metadata name its pack as well.
        return replace(await self._released(painted.value, steps), models=(painted.model,))

    async def masterpiece(self, query: MasterpieceQuery, tell: Callable[[float], Awaitable[None]]) -> Result:
        """Paint by optimisation, for minutes. ``tell`` hears the share done (0..1); what it raises ends the work."""
        advance = self._need(self._graph.masterpiece, "masterpiece")
        # Before the work, not beside it as elsewhere: nobody waits online, and the work is expensive.
        await self._admit_all((query.photo, query.style_image))
        while True:
            answer = await advance(query)
            if not isinstance(answer.value, Sketch):
                break
            await tell(answer.value.share)
            query = replace(query, sketch=answer.value)
        if query.strength == 0:
            return Result(answer.value.data, answer.value.media_type, (answer.model,))
        return await self._released(answer.value, (Step("masterpiece", answer.model),))

    async def moderate(self, photo: Photo) -> Answer[Verdict]:
        return await self._graph.moderate(photo)

    async def authenticity(self, photo: Photo) -> Answer[Opinion]:
        """Whether a camera or a machine made ``photo``. An opinion: no picture is refused for it."""
        judge = self._need(self._graph.authenticity, "authenticity")
        return await self._guarded([photo], judge(photo))

    async def faces(self, photo: Photo) -> Answer[FaceSet]:
        find = self._need(self._graph.faces, "faces")
        return await self._guarded([photo], find(FaceQuery(photo, embed=False)))

    async def numbered(self, photo: Photo) -> Result:
        """The photo with a number at every face, as mappings count them."""
        found = await self.faces(photo)
        data = await asyncio.to_thread(lambda: encode(numbered(photo, found.value.faces)))
        return _signed(data, (Step("faces", found.model),), DigitalSourceType.ENHANCED)

    @property
    def artworks(self) -> tuple[Artwork, ...]:
        """The works of art people may put themselves into."""
        return self._artworks.artworks if self._artworks is not None else ()

    async def artwork(self, artwork_id: str) -> Photo:
        """One of them. Raises ``UnknownArtwork``."""
        if artwork_id not in {artwork.id for artwork in self.artworks} or self._artworks is None:
            raise UnknownArtwork(f"There is no artwork {artwork_id!r}.")
        return await asyncio.to_thread(self._artworks.photo, artwork_id)

    async def lookalike(self, photo: Photo, top: int) -> LookalikeResult:
        """The people each face resembles most. Raises ``NoFace`` when there is none."""
        find, search = self._need(self._graph.faces, "faces"), self._need(self._graph.lookalike, "lookalike")

        async def work() -> LookalikeResult:
            found = await find(FaceQuery(photo))
            faces = _some(found.value, "photo")
            answers = await search(tuple(_likeness(face, found.value.space, top) for face in faces))
            matches = tuple((face, answer.value) for face, answer in zip(faces, answers, strict=True))
            return LookalikeResult(matches, answers[0].model, found.model)

        return await self._guarded([photo], work())

    async def portrait(self, name: str) -> bytes:
        """A gallery portrait by the name matches carry. Raises ``UnknownModel`` when there is none."""
        return await self._need(self._graph.portrait, "lookalike")(name)

    async def collage(self, photo: Photo, top: int, note: str = METHOD) -> tuple[Result, LookalikeResult]:
        """The most prominent face side by side with people it resembles, over ``note``, and what :meth:`lookalike` says.

        Raises ``NoFace`` when there is none.
        """
        try:
            return await self._collage(photo, top, note)
        except UnknownModel:
            # Another gallery was promoted between the search and the drawing; who is not in it is not to be shown.
            return await self._collage(photo, top, note)

    async def states(self) -> dict[str, SlotStatus | str]:
        """What every deployment says of its model, soon, or in words why it says nothing: ``AT_REST``, say."""

        async def ask(call: Callable[[], Awaitable[SlotStatus | None]]) -> SlotStatus | str:
            try:
                async with asyncio.timeout(_STATE_S):
                    return await call() or AT_REST
            except Busy:
                return BUSY
            except TimeoutError:
                return SILENT
            except MasqueradeError as error:
                return error.message

        answers = await asyncio.gather(*(ask(call) for call in self._graph.states.values()))
        return dict(zip(self._graph.states, answers, strict=True))

    async def swap(self, source: Photo, target: Photo, mapping: str | None) -> Result:
        """Put faces of ``source`` on faces of ``target``.

        Raises ``NoFace``, ``InvalidField`` for a mapping to a face that is not there, and ``FaceUnsuitable`` when not a
        single pair could be swapped or somebody looks under age; where some could not, the result's notes say why.
        """
        find, swap = self._need(self._graph.faces, "faces"), self._need(self._graph.swap, "swap")
        wish = read_mapping(mapping)

        async def work() -> tuple[Answer[SwapPicture], str]:
            sources, targets = await asyncio.gather(
                find(FaceQuery(source, embed=True, dense=True)), find(FaceQuery(target, embed=False, dense=True))
            )
            givers, takers = _some(sources.value, "source"), _some(targets.value, "target")
            pairs = wish.among(givers, takers)
            offered = tuple(SourceFace(source, face, sources.value.space) for face in givers)
            return await swap(SwapQuery(target, takers, offered, pairs)), sources.model

        swapped, face_model = await self._guarded([source, target], work())
        steps = (Step("faces", face_model), Step("swap", swapped.model))
        result = await self._released(swapped.value.picture, steps)
        notes = tuple(f"face {face.target} stays: {face.message}" for face in swapped.value.skipped)
        # Who reads headers finds the model that swapped first, whatever went before it.
        return replace(result, models=(swapped.model, face_model), notes=notes)

    async def anonymize(self, photo: Photo, method: Method, keep: tuple[int, ...]) -> Result:
        """Hide every face but those in ``keep``; the photo alone is moderated. Raises ``NoFace`` when there is none to hide."""
        find, hide = self._need(self._graph.faces, "faces"), self._need(self._graph.anonymize, "anonymize")

        async def work() -> tuple[bytes, str]:
            found = await find(FaceQuery(photo, embed=False, dense=True, every=True))
            faces = _some(found.value, "photo")
            return await hide(AnonymizeQuery(photo, faces, method, keep)), found.model

        hidden, face_model = await self._guarded([photo], work())
        # It shows nothing that the photo did not show, and classifiers take a soft oval in skin tones for nudity.
        return _signed(hidden, (Step("anonymize", face_model),), DigitalSourceType.ENHANCED)

    async def _collage(self, photo: Photo, top: int, note: str) -> tuple[Result, LookalikeResult]:
        draw = self._need(self._graph.collage, "lookalike")
        result = await self.lookalike(photo, top)
        data = await draw(photo, *result.prominent, note)
        steps = (Step("faces", result.model), Step("lookalike", result.gallery))
        return _signed(data, steps, DigitalSourceType.ENHANCED), result

    def _need(self, call: T | None, capability: str) -> T:
        if call is None:
            remedy = self._graph.missing.get(capability, "see `masquerade doctor`")
            raise Unavailable(f"This studio has no model for {capability} yet ({remedy}).", retry_after=60)
        return call

    async def _guarded(self, photos: Sequence[Photo], work: Awaitable[T]) -> T:
        """Await ``work`` while ``photos`` are moderated; a refusal is answered first and ends the work.

        Work that fails first because a deployment is busy or away is answered at once, without waiting for moderation.
        """
        task = asyncio.ensure_future(work)
        admitted = asyncio.ensure_future(self._admit_all(photos))
        try:
            await asyncio.wait((task, admitted), return_when=asyncio.FIRST_COMPLETED)
            if not admitted.done() and isinstance(task.exception(), (Busy, Unavailable)):
                return task.result()
            await admitted
            return await task
        finally:
            for begun in (task, admitted):
                if not begun.done():
                    begun.cancel()
                # A failure nobody waits for any more would be reported as never retrieved.
                begun.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def _admit_all(self, photos: Sequence[Photo]) -> None:
        """Moderate ``photos`` side by side; a refusal of one ends the look at the others."""
        looks = [asyncio.ensure_future(self._admit(photo)) for photo in photos]
        try:
            await asyncio.gather(*looks)
        finally:
            for look in looks:
                look.cancel()

    async def _admit(self, photo: Photo) -> None:
        verdict = (await self._graph.moderate(photo)).value
        if not verdict.allowed:
            raise Refused(f"This picture breaks our rule on {verdict.rule}.", rule=verdict.rule)

    async def _released(self, made: Photo, steps: tuple[Step, ...]) -> Result:
        """Moderate a result and sign it with what was done."""
        await self._admit(made)
        return _signed(made.data, steps, DigitalSourceType.COMPOSITE)


def _signed(data: bytes, steps: tuple[Step, ...], source_type: DigitalSourceType) -> Result:
    signed = attach(data, Provenance(steps, datetime.now(UTC), source_type))
    return Result(signed, "image/jpeg", tuple(step.model for step in steps))


def _likeness(face: Face, space: str | None, top: int) -> LookalikeQuery:
    """What to ask the gallery about a face. Raises ``Unavailable`` when the face model makes no embeddings."""
    if face.embedding is None or space is None:
        raise Unavailable("The face model in use cannot compare faces.", retry_after=3600)
    return LookalikeQuery(face.embedding, space, top)


def _some(found: FaceSet, where: str) -> tuple[Face, ...]:
    if not found.faces:
        raise NoFace(f"No face was found in the {where}.", picture=where)
    return found.faces
