"""From the engines' results to the contract's documents."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from deployments.authenticity.engine import METHOD as AUTHENTICITY_METHOD
from deployments.authenticity.engine import Opinion
from deployments.faces.types import Face, FaceSet
from deployments.lookalike.engine import METHOD
from deployments.moderation.engine import Verdict
from deployments.serving.types import Answer
from deployments.slots import SlotStatus
from deployments.style.engine import StyleInfo
from deployments.swap.artworks import Artwork
from serve_app import contracts
from serve_app.inventory import Inventory
from serve_app.pipeline import AT_REST, BUSY, LookalikeResult
from serve_app.samples import Sample

_BETWEEN = " | "
# Proxies take heads of 4 KiB, all headers together.
_NOTES_LENGTH = 2048


def styles(answer: Answer[tuple[StyleInfo, ...]]) -> contracts.Styles:
    entries = [
        contracts.StyleEntry(
            name=style.name,
            title=style.title,
            artist=style.artist,
            year=str(style.year),
            licence=style.licence,
            preview=f"/v1/styles/{style.name}/preview.jpg",
        )
        for style in answer.value
    ]
    return contracts.Styles(styles=entries, model=answer.model)


def artworks(offered: tuple[Artwork, ...]) -> contracts.Artworks:
    entries = [
        contracts.ArtworkEntry(
            id=artwork.id,
            title=artwork.title,
            artist=artwork.artist,
            year=artwork.year,
            licence=artwork.licence,
            image=f"/v1/artworks/{artwork.id}",
        )
        for artwork in offered
    ]
    return contracts.Artworks(artworks=entries)


def samples(offered: tuple[Sample, ...]) -> contracts.Samples:
    entries = [
        contracts.SampleEntry(
            name=sample.name,
            title=sample.title,
            image=f"/v1/samples/{sample.name}",
            attribution=sample.attribution,
        )
        for sample in offered
    ]
    return contracts.Samples(samples=entries)


def result_headers(models: Sequence[str], inventory: Inventory, notes: Sequence[str] = ()) -> dict[str, str]:
    """What goes with a result: which versions made it, whether it may be used for money, and what could not be done."""
    headers = {
        "X-Model": ", ".join(models),
        "X-Commercial-Use": str(inventory.commercial_use(*models)).lower(),
    }
    return headers | ({"X-Notes": _brief(notes)} if notes else {})


def _brief(notes: Sequence[str]) -> str:
    """As many notes as fit into a header beside others, and how many more there are."""
    lengths = itertools.accumulate(len(note) + len(_BETWEEN) for note in notes)
    shown = max(1, sum(length <= _NOTES_LENGTH for length in lengths))
    more = [f"and {len(notes) - shown} more"] if shown < len(notes) else []
    return _BETWEEN.join([*notes[:shown], *more])


def moderation(answer: Answer[Verdict]) -> contracts.Moderation:
    verdict = answer.value
    scores = {rule: round(score, 4) for rule, score in verdict.scores.items()}
    return contracts.Moderation(
        allowed=verdict.allowed, scores=scores, rule=verdict.rule, model=", ".join(answer.models)
    )


def authenticity(answer: Answer[Opinion]) -> contracts.Authenticity:
    opinion = answer.value
    return contracts.Authenticity(
        verdict=opinion.verdict,
        probability_ai=round(opinion.probability_ai, 4),
        unsure=opinion.unsure,
        model=answer.model,
        method=AUTHENTICITY_METHOD,
    )


def faces(answer: Answer[FaceSet], inventory: Inventory) -> contracts.Faces:
    entries = [
        contracts.FaceEntry(
            box=_box(face),
            landmarks=[(round(float(x), 1), round(float(y), 1)) for x, y in face.landmarks],
            score=round(face.score, 4),
            yaw=round(face.pose.yaw, 1),
            pitch=round(face.pose.pitch, 1),
            roll=round(face.pose.roll, 1),
            quality=round(face.quality.score, 3),
            age=None if face.age is None else round(face.age, 1),
        )
        for face in answer.value.faces
    ]
    return contracts.Faces(faces=entries, model=answer.model, commercial_use=inventory.commercial_use(answer.model))


def lookalike(result: LookalikeResult, inventory: Inventory) -> contracts.Lookalike:
    entries = [
        contracts.FaceMatches(
            box=_box(face),
            matches=[
                contracts.Match(
                    name=match.name,
                    similarity=match.similarity,
                    image=f"/v1/gallery/{match.picture}",
                    role=match.role,
                    link=match.link,
                    attribution=match.attribution,
                )
                for match in matches
            ],
        )
        for face, matches in result.faces
    ]
    return contracts.Lookalike(
        faces=entries,
        gallery=result.gallery,
        model=result.model,
        method=METHOD,
        commercial_use=inventory.commercial_use(result.model, result.gallery),
    )


def ready(states: dict[str, SlotStatus | str], missing: dict[str, str]) -> contracts.Ready:
    """A capability is ready when its slot has an active version.

    What is at rest or has its hands full, and what was never installed, does not count against it.
    """
    words = {capability: _readiness(state) for capability, state in states.items()}
    able = all(
        state in {AT_REST, BUSY} if isinstance(state, str) else state.active is not None for state in states.values()
    )
    absent = {capability: f"not installed: {remedy}" for capability, remedy in missing.items()}
    return contracts.Ready(ready=able, capabilities=words | absent)


def _readiness(state: SlotStatus | str) -> str:
    if isinstance(state, str):
        return "ready" if state == BUSY else state
    return state.error or ("loading" if state.active is None else "ready")


def _box(face: Face) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(float(edge), 1) for edge in face.box)
    return left, top, right, bottom
