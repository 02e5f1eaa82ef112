"""Every picture that comes in or is painted is moderated, beside the work; refusals cancel it; errors say what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from deployments.anonymize.types import Method
from deployments.errors import Busy, InvalidField, NoFace, Refused, Unavailable, UnknownModel, UnknownStyle
from deployments.faces.types import Face, FaceQuery, FaceSet
from deployments.imaging import Limits, Photo
from deployments.lookalike.engine import LookalikeQuery, Match
from deployments.masterpiece.query import MasterpieceQuery
from deployments.moderation.engine import Verdict
from deployments.provenance import DigitalSourceType, Step
from deployments.serving.types import Answer
from deployments.style.engine import StyleQuery
from serve_app.pipeline import Graph, Pipeline
from tests.eventually import until
from tests.provenance import provenance_of

from .conftest import FACELESS, FINE, REFUSED, StandIns, is_red, picture


def query(photo: Photo, style: str = "wave", **options: object) -> StyleQuery:
    return StyleQuery(photo, ((style, 1.0),), **options)


async def test_a_painted_photo_says_what_was_done_by_which_model(pipeline: Pipeline) -> None:
    photo = await pipeline.open(FINE)
    painted = await pipeline.style(photo, query(photo))
    assert painted.models == ("painter@v1",)
    assert provenance_of(painted.data).steps == (Step("style", "painter@v1"),)


async def test_a_painting_names_the_pack_its_style_came_from(stand_ins: StandIns) -> None:
    """A pack is promoted by itself: what it painted must say so."""

    async def paint(query: StyleQuery) -> Answer[bytes]:
        return replace(await stand_ins.style(query), contributors=("classics@v4",))

    pipeline = Pipeline(replace(stand_ins.graph(), style=paint), Limits())
    photo = await pipeline.open(FINE)
    painted = await pipeline.style(photo, query(photo))
    assert painted.models == ("painter@v1",)
    assert [step.model for step in provenance_of(painted.data).steps] == ["painter@v1", "classics@v4"]


async def test_what_comes_in_and_what_goes_out_are_both_moderated(pipeline: Pipeline, stand_ins: StandIns) -> None:
    photo = await pipeline.open(FINE)
    await pipeline.style(photo, query(photo))
    assert stand_ins.calls.count("moderate") == 2


async def test_a_refused_photo_is_answered_while_the_work_is_cancelled(pipeline: Pipeline, stand_ins: StandIns) -> None:
    stand_ins.hold_style = asyncio.Event()
    photo = await pipeline.open(REFUSED)
    with pytest.raises(Refused) as caught:
        await asyncio.wait_for(pipeline.style(photo, query(photo)), 5)
    assert caught.value.details["rule"] == "nsfw"
    await asyncio.sleep(0)
    assert stand_ins.cancelled == ["style"]


async def test_a_picture_taken_for_a_style_is_moderated_like_the_photo(pipeline: Pipeline, stand_ins: StandIns) -> None:
    photo, fine = await pipeline.open(FINE), await pipeline.open(picture(9, 90, 9))
    await pipeline.style(photo, StyleQuery(photo, (), style_image=fine))
    assert stand_ins.calls.count("moderate") == 3
    stand_ins.hold_style = asyncio.Event()
    refused = await pipeline.open(REFUSED)
    with pytest.raises(Refused):
        await asyncio.wait_for(pipeline.style(photo, StyleQuery(photo, (), style_image=refused)), 5)
    await asyncio.sleep(0)
    assert stand_ins.cancelled == ["style"]


async def test_a_refusal_of_one_photo_ends_the_look_at_the_other(stand_ins: StandIns) -> None:
    async def moderate(photo: Photo) -> Answer[Verdict]:
        stand_ins.hold_moderation = None if is_red(photo) else asyncio.Event()
        return await stand_ins.moderate(photo)

    pipeline = Pipeline(replace(stand_ins.graph(), moderate=moderate), Limits())
    fine, refused = await pipeline.open(FINE), await pipeline.open(REFUSED)

    async def not_yet(_share: float) -> None:
        raise AssertionError("nothing is painted")

    for work in (
        pipeline.swap(refused, fine, None),
        pipeline.masterpiece(MasterpieceQuery(fine, refused, 1.0, False), not_yet),
    ):
        stand_ins.cancelled.clear()
        with pytest.raises(Refused):
            await asyncio.wait_for(work, 5)
        await asyncio.sleep(0)
        assert stand_ins.cancelled == ["moderate"]


async def test_who_is_turned_away_does_not_wait_for_moderation(pipeline: Pipeline, stand_ins: StandIns) -> None:
    stand_ins.crowded, stand_ins.hold_moderation = True, asyncio.Event()
    photo = await pipeline.open(FINE)
    with pytest.raises(Busy):
        await asyncio.wait_for(pipeline.style(photo, query(photo)), 5)
    await asyncio.sleep(0)
    assert stand_ins.cancelled == ["moderate"]


async def test_moderation_runs_beside_the_work(pipeline: Pipeline, stand_ins: StandIns) -> None:
    stand_ins.hold_style = asyncio.Event()
    photo = await pipeline.open(FINE)
    painting = asyncio.create_task(pipeline.style(photo, query(photo)))
    await until(lambda: len(stand_ins.calls) == 2)
    assert sorted(stand_ins.calls) == ["moderate", "style"]
    stand_ins.hold_style.set()
    await painting


async def test_a_result_that_breaks_the_rules_does_not_go_out(pipeline: Pipeline) -> None:
    photo = await pipeline.open(FINE)
    with pytest.raises(Refused):
        await pipeline.style(photo, query(photo, "night", preserve_color=True))


async def test_a_refusal_comes_before_any_other_complaint(pipeline: Pipeline) -> None:
    photo = await pipeline.open(REFUSED)
    with pytest.raises(Refused):
        await pipeline.style(photo, query(photo, "no-such-style"))


async def test_an_unknown_style_is_named(pipeline: Pipeline) -> None:
    photo = await pipeline.open(FINE)
    with pytest.raises(UnknownStyle, match="no-such-style"):
        await pipeline.style(photo, query(photo, "no-such-style"))


async def test_strength_zero_gives_the_photo_back(pipeline: Pipeline) -> None:
    photo = await pipeline.open(FINE)
    same = await pipeline.style(photo, query(photo, strength=0.0))
    assert same.data == photo.data
    assert same.media_type == photo.media_type


async def told(_: float) -> None:
    """Whoever waits for a masterpiece."""


# With how many pictures are looked at: those that come in, and the one that goes out where it shows more than they did.
CAPABILITIES: dict[str, tuple[Callable[[Pipeline, Photo], Awaitable[object]], int]] = {
    "style": (lambda pipeline, photo: pipeline.style(photo, query(photo)), 2),
    "masterpiece": (lambda pipeline, photo: pipeline.masterpiece(MasterpieceQuery(photo, photo), told), 3),
    "swap": (lambda pipeline, photo: pipeline.swap(photo, photo, None), 3),
    "anonymize": (lambda pipeline, photo: pipeline.anonymize(photo, Method.BLUR, ()), 1),
    "faces": (lambda pipeline, photo: pipeline.faces(photo), 1),
    "numbered": (lambda pipeline, photo: pipeline.numbered(photo), 1),
    "lookalike": (lambda pipeline, photo: pipeline.lookalike(photo, 3), 1),
    "authenticity": (lambda pipeline, photo: pipeline.authenticity(photo), 1),
}


@pytest.mark.parametrize("capability", CAPABILITIES)
async def test_no_capability_works_on_a_refused_photo(pipeline: Pipeline, capability: str) -> None:
    work, _ = CAPABILITIES[capability]
    with pytest.raises(Refused):
        await work(pipeline, await pipeline.open(REFUSED))


@pytest.mark.parametrize("capability", CAPABILITIES)
async def test_every_picture_that_comes_in_or_is_made_is_looked_at(
    pipeline: Pipeline, stand_ins: StandIns, capability: str
) -> None:
    work, looks = CAPABILITIES[capability]
    await work(pipeline, await pipeline.open(FINE))
    assert stand_ins.calls.count("moderate") == looks


async def test_who_is_to_be_hidden_is_looked_for_however_they_lie_and_in_outline(
    pipeline: Pipeline, stand_ins: StandIns
) -> None:
    await pipeline.anonymize(await pipeline.open(FINE), Method.BLUR, ())
    assert [(query.every, query.dense) for query in stand_ins.looked_for] == [(True, True)]


@pytest.mark.parametrize("capability", CAPABILITIES)
async def test_people_are_told_apart_only_where_they_are_compared(
    pipeline: Pipeline, stand_ins: StandIns, capability: str
) -> None:
    """An embedding is what somebody can be recognised by: who only counts or hides faces has no use for it."""
    work, _ = CAPABILITIES[capability]
    await work(pipeline, await pipeline.open(FINE))
    compared = {"lookalike": 1, "swap": 1}
    assert sum(query.embed for query in stand_ins.looked_for) == compared.get(capability, 0)


@pytest.mark.parametrize(
    ("capability", "nature"),
    [
        ("style", DigitalSourceType.COMPOSITE),
        ("masterpiece", DigitalSourceType.COMPOSITE),
        ("swap", DigitalSourceType.COMPOSITE),
        ("anonymize", DigitalSourceType.ENHANCED),
        ("numbered", DigitalSourceType.ENHANCED),
    ],
)
async def test_a_picture_says_whether_a_model_made_parts_of_it_anew(
    pipeline: Pipeline, capability: str, nature: DigitalSourceType
) -> None:
    work, _ = CAPABILITIES[capability]
    picture = await work(pipeline, await pipeline.open(FINE))
    assert provenance_of(picture.data).source_type is nature


async def test_source_and_target_of_a_swap_are_both_moderated(pipeline: Pipeline) -> None:
    fine, bad = await pipeline.open(FINE), await pipeline.open(REFUSED)
    for source, target in ((fine, bad), (bad, fine)):
        with pytest.raises(Refused):
            await pipeline.swap(source, target, None)


async def test_a_swap_follows_its_mapping(pipeline: Pipeline, stand_ins: StandIns) -> None:
    fine = await pipeline.open(FINE)
    result = await pipeline.swap(fine, fine, "0:1,1:0")
    assert "swap ((0, 1), (1, 0))" in stand_ins.calls
    assert all(query.dense for query in stand_ins.looked_for), "the outline of a face is what is cut and pasted"
    assert result.models == ("swapper@v1", "finder@v1")
    assert provenance_of(result.data).steps == (Step("faces", "finder@v1"), Step("swap", "swapper@v1"))


async def test_a_face_that_could_not_be_swapped_is_noted(pipeline: Pipeline, stand_ins: StandIns) -> None:
    stand_ins.averted = True
    fine = await pipeline.open(FINE)
    result = await pipeline.swap(fine, fine, "0:1")
    assert result.notes == ("face 1 stays: turned away",)


async def test_a_mapping_to_a_face_that_is_not_there_is_refused(pipeline: Pipeline) -> None:
    fine = await pipeline.open(FINE)
    with pytest.raises(InvalidField):
        await pipeline.swap(fine, fine, "0:7")


@pytest.mark.parametrize("capability", ["lookalike", "swap", "anonymize"])
async def test_a_photo_without_a_face_says_so(pipeline: Pipeline, capability: str) -> None:
    photo = await pipeline.open(FACELESS)
    with pytest.raises(NoFace):
        if capability == "lookalike":
            await pipeline.lookalike(photo, 3)
        elif capability == "swap":
            await pipeline.swap(photo, photo, None)
        else:
            await pipeline.anonymize(photo, Method.BLUR, ())


async def test_lookalikes_come_face_by_face(pipeline: Pipeline, stand_ins: StandIns) -> None:
    result = await pipeline.lookalike(await pipeline.open(FINE), 3)
    assert [len(matches) for _, matches in result.faces] == [3, 3]
    assert (result.gallery, result.model) == ("stars@v1", "finder@v1")
    for (face, _), query in zip(result.faces, stand_ins.compared, strict=True):
        assert (query.embedding is face.embedding, query.space) == (True, "plain-4")
    # A crowd would fill the queue of its own deployment if each of its faces were a call.
    assert stand_ins.calls.count("lookalike") == 1


async def test_a_face_model_that_measures_nothing_to_compare_by_is_said_to_be_the_reason(stand_ins: StandIns) -> None:
    async def plain(query: FaceQuery) -> Answer[FaceSet]:
        found = (await stand_ins.faces(replace(query, embed=False))).value
        return Answer(replace(found, space=None), "finder@v1")

    pipeline = Pipeline(replace(stand_ins.graph(), faces=plain), Limits())
    with pytest.raises(Unavailable, match="cannot compare faces"):
        await pipeline.lookalike(await pipeline.open(FINE), 3)
    assert stand_ins.compared == []


async def test_a_collage_shows_the_largest_face(pipeline: Pipeline, stand_ins: StandIns) -> None:
    collage, _ = await pipeline.collage(await pipeline.open(FINE), 3)
    assert "collage of a face 21 px wide" in stand_ins.calls
    assert collage.models == ("finder@v1", "stars@v1")
    assert provenance_of(collage.data).source_type is DigitalSourceType.ENHANCED


async def test_a_collage_shows_who_is_in_a_gallery_that_is_promoted_between_search_and_drawing(
    stand_ins: StandIns,
) -> None:
    galleries = ["stars@v1", "stars@v2"]
    drawn: list[tuple[Match, ...]] = []

    async def search(queries: tuple[LookalikeQuery, ...]) -> tuple[Answer[tuple[Match, ...]], ...]:
        found = [answer.value[0] for answer in await stand_ins.lookalike(queries)]
        somebody = f"somebody of {galleries[0]}"
        return tuple(Answer((replace(match, name=somebody),), galleries[0]) for match in found)

    async def draw(photo: Photo, face: Face, matches: tuple[Match, ...], note: str) -> bytes:
        if len(galleries) > 1:
            galleries.pop(0)
            raise UnknownModel("This gallery has no such portrait.")
        drawn.append(matches)
        return await stand_ins.collage(photo, face, matches, note)

    pipeline = Pipeline(replace(stand_ins.graph(), lookalike=search, collage=draw), Limits())
    collage, result = await pipeline.collage(await pipeline.open(FINE), 1)
    assert collage.models == ("finder@v1", "stars@v2")
    assert (result.gallery, [result.prominent[1]]) == ("stars@v2", drawn)
    assert [match.name for match in drawn[0]] == ["somebody of stars@v2"]


@pytest.mark.parametrize("capability", ["faces", "lookalike", "swap", "anonymize"])
async def test_what_works_on_faces_is_not_promised_where_nothing_finds_them(
    stand_ins: StandIns, capability: str
) -> None:
    pipeline = Pipeline(replace(stand_ins.graph(), faces=None, missing={"faces": "models pull dlib-faces"}), Limits())
    with pytest.raises(Unavailable, match="no model for faces yet .models pull dlib-faces"):
        pipeline.check(capability)
    pipeline.check("style")


async def test_a_capability_that_is_not_installed_says_what_to_do(stand_ins: StandIns) -> None:
    pipeline = Pipeline(Graph(stand_ins.moderate, missing={"style": "masquerade models pull --starter"}), Limits())
    photo = await pipeline.open(FINE)
    with pytest.raises(Unavailable, match="masquerade models pull --starter"):
        await pipeline.style(photo, query(photo))
