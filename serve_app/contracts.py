"""What goes in and what comes out, shared by the gateway, the bot and the command line.

Forms are the multipart fields of ``/v1``; unknown fields are refused, and so is, with ``InvalidField`` and before a picture
is looked at, what could never be done whatever the pictures show. Answers are the JSON documents. Pixel
coordinates count from the upper left corner of the photo as a person sees it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from fastapi import UploadFile
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from starlette import datastructures

from deployments.anonymize.types import Method
from deployments.authenticity.opinion import Verdict
from deployments.errors import InvalidField
from deployments.style.query import MAX_STYLES, check_weights, read_weights
from deployments.swap.mapping import read as read_mapping
from serve_app.jobs.states import State

Image = Annotated[UploadFile, Field(description="A JPEG, PNG or WebP picture")]
StyleImage = Annotated[
    UploadFile | None, Field(description="In place of a style: a JPEG, PNG or WebP picture to paint like")
]
UploadKey = Annotated[
    str | None, Field(max_length=64, description="In place of the picture: the key of an upload (POST /v1/uploads)")
]


def _written_plainly(value: object) -> object:
    """Refuses what pydantic would take: ``1_0`` for ten and ``0_1`` for one, as Python does."""
    if isinstance(value, str) and "_" in value:
        raise ValueError("Input should be a number, without underscores")
    return value


Strength = Annotated[
    float,
    Field(ge=0, le=1, allow_inf_nan=False, description="0 gives the photo back, 1 is the whole style"),
    BeforeValidator(_written_plainly),
]
# Short, because it is parsed on the event loop: megabytes would hold up everybody else.
StyleWeight = Annotated[str, Field(max_length=128)]
# Empty entries do not count, so more may be sent than can be blended.
StyleWeights = Annotated[list[StyleWeight], Field(max_length=16, json_schema_extra={"maxItems": MAX_STYLES})]
FaceNumbers = Annotated[list[Annotated[str, Field(max_length=1000)]], Field(max_length=64)]
Top = Annotated[int, Field(ge=1, le=20), BeforeValidator(_written_plainly)]


class Form(BaseModel):
    """The fields of one request; none is dropped in silence."""

    model_config = ConfigDict(extra="forbid")

    async def contents(self) -> tuple[dict[str, bytes], dict[str, Any]]:
        """The bytes of the pictures that were sent, and all other fields, by name."""
        photos: dict[str, bytes] = {}
        fields: dict[str, Any] = {}
        for name, value in self:
            # FastAPI hands over what Starlette has read.
            if isinstance(value, datastructures.UploadFile):
                photos[name] = await value.read()
            else:
                fields[name] = value
        return photos, fields


class ImageForm(Form):
    """A picture and nothing else."""

    image: Image


class StyleForm(Form):
    """A photo to paint. To blend, repeat ``style`` as ``name:weight``, or put commas between; or send ``style_image``, a picture of your own."""

    image: Image
    style: StyleWeights = Field(default=[], examples=[["starry_night"], ["wave:0.7", "udnie:0.3"]])
    style_image: StyleImage = None
    strength: Strength = 1.0
    preserve_color: bool = Field(default=False, description="Keep the photo's colours, take the style's brushwork")

    @field_validator("style")
    @classmethod
    def _blendable(cls, style: list[str]) -> list[str]:
        # A field left empty counts as not sent.
        named = [entry for entry in style if entry.strip()]
        if named:
            check_weights(read_weights(named))
        return named

    @model_validator(mode="after")
    def _one_style(self) -> Self:
        if bool(self.style) == (self.style_image is not None):
            raise ValueError("send either a style or a picture as style_image")
        return self


class LookalikeForm(Form):
    """A photo whose faces are looked up in the gallery."""

    image: Image
    top: Top = 3


class SwapForm(Form):
    """Faces of ``source`` are put on faces of ``target``, or of an artwork of the house. By sending this form you state that the people shown agree.

    Faces are numbered left to right from 0, as ``/v1/faces`` lists them.
    """

    source: Image
    target: Image | None = None
    artwork: str | None = Field(default=None, max_length=64, description="An artwork's id, in place of a target")
    mapping: FaceNumbers = Field(
        default=[],
        description="Pairs source:target such as 0:1,1:0; skip leaves a face out (skip:2 a target, 1:skip a source)",
        examples=[["0:1,1:0"]],
    )

    @field_validator("mapping")
    @classmethod
    def _readable(cls, mapping: list[str]) -> list[str]:
        read_mapping(",".join(mapping))
        return mapping

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.target is None) == (self.artwork is None):
            raise ValueError("send either a target or the id of an artwork")
        return self


class AnonymizeForm(Form):
    """Hides every face of ``image`` but those whose numbers stand in ``keep``."""

    image: Image
    method: Method = Method.BLUR
    keep: FaceNumbers = Field(default=[], description="Face numbers to leave as they are, such as 0,2")

    @field_validator("keep")
    @classmethod
    def _numbers(cls, keep: list[str]) -> list[str]:
        face_numbers(keep)
        return keep


class MasterpieceForm(Form):
    """A photo to paint like ``style_image``, by minutes of work on this one picture."""

    image: Image
    style_image: Image
    strength: Strength = 1.0
    preserve_color: bool = False


class JobForm(Form):
    """The fields of the route a job stands for, and its ``kind``.

    ``masterpiece`` has no route: it takes ``image`` and ``style_image`` and some minutes.
    """

    kind: Literal["style", "masterpiece", "swap", "anonymize", "lookalike", "faces", "moderate", "authenticity"]
    image: Image | None = None
    source: Image | None = None
    target: Image | None = None
    style_image: StyleImage = None
    image_key: UploadKey = None
    source_key: UploadKey = None
    target_key: UploadKey = None
    style_image_key: UploadKey = None
    artwork: str | None = Field(default=None, max_length=64)
    style: StyleWeights = []
    strength: Strength = 1.0
    preserve_color: bool = False
    mapping: FaceNumbers = []
    method: Method = Method.BLUR
    keep: FaceNumbers = []
    top: Top = 3


class Upload(BaseModel):
    """Send the picture by a form POST to ``url`` with ``fields`` before the file; then name ``key`` in a job.

    ``expires`` is in Unix seconds; the picture may have up to ``max_bytes`` bytes.
    """

    key: str
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires: float


class JobState(BaseModel):
    """``position`` counts the jobs ahead while this one is queued; times are in Unix seconds.

    ``progress`` is the share done, 0..1, of work that takes minutes. ``expires`` is when the result of a job that is done
    goes, or went.
    """

    id: str
    kind: str
    state: State
    position: int | None
    progress: float | None
    created: float
    expires: float | None
    error: str | None


class Problem(BaseModel):
    """An RFC 9457 problem. ``type`` is stable, ``detail`` is for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None


class StyleEntry(BaseModel):
    """One style on offer; ``preview`` is the address of a small picture."""

    name: str
    title: str
    artist: str
    year: str
    licence: str
    preview: str


class Styles(BaseModel):
    styles: list[StyleEntry]
    model: str


class SampleEntry(BaseModel):
    """A photo to try the studio with; ``image`` is its address."""

    name: str
    title: str
    image: str
    attribution: str


class Samples(BaseModel):
    samples: list[SampleEntry]


class ArtworkEntry(BaseModel):
    """A work of art to be put into; ``image`` is its address."""

    id: str
    title: str
    artist: str
    year: str
    licence: str
    image: str


class Artworks(BaseModel):
    artworks: list[ArtworkEntry]


class Moderation(BaseModel):
    """``rule`` names what was broken when ``allowed`` is false; ``model`` the versions that voted, with commas between."""

    allowed: bool
    scores: dict[str, float]
    rule: str | None
    model: str


class Authenticity(BaseModel):
    """``probability_ai`` (0..1) is calibrated for as many photographs as machine-made pictures.

    Within the ``unsure`` band the verdict is ``unsure``.
    """

    verdict: Verdict
    probability_ai: float
    unsure: tuple[float, float]
    model: str
    method: str


class FaceEntry(BaseModel):
    """``box`` is x0, y0, x1, y1; ``landmarks`` are both eyes, nose and mouth corners, image-left first."""

    box: tuple[float, float, float, float]
    landmarks: list[tuple[float, float]]
    score: float
    yaw: float
    pitch: float
    roll: float
    quality: float
    age: float | None


class Faces(BaseModel):
    faces: list[FaceEntry]
    model: str
    commercial_use: bool


class Match(BaseModel):
    """``similarity`` N: of 100 people, N are less like their own closest double in the gallery than these two are alike.

    ``image`` is the address of a portrait.
    """

    name: str
    similarity: float
    image: str
    role: str | None
    link: str | None
    attribution: str | None


class FaceMatches(BaseModel):
    box: tuple[float, float, float, float]
    matches: list[Match]


class Lookalike(BaseModel):
    """``method`` says in words what the per cents mean."""

    faces: list[FaceMatches]
    gallery: str
    model: str
    method: str
    commercial_use: bool


class Ready(BaseModel):
    """``capabilities`` maps each one to ``ready``, to ``at rest`` (it starts when it is asked), or to the reason why not."""

    ready: bool
    capabilities: dict[str, str]


def face_numbers(fields: list[str]) -> tuple[int, ...]:
    """Face numbers from repeated or comma-separated fields; empty entries do not count.

    Raises ``InvalidField``, also for nothing but commas.
    """
    words = [word.strip() for field in fields for word in field.split(",") if word.strip()]
    if (not words and any(field.strip() for field in fields)) or not all(
        word.isascii() and word.isdigit() and len(word) < 4 for word in words
    ):
        raise InvalidField("Face numbers are whole numbers from 0, such as keep=0,2.", field="keep")
    return tuple(int(word) for word in words)
