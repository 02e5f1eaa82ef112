"""What a swap is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from deployments.faces.types import Face
from deployments.imaging import Photo, Pixels


class Reason(StrEnum):
    """Why one face was left as it is. The value is stable: clients translate by it."""

    POSE = "pose"
    PROFILE = "profile"
    TOO_SMALL = "too-small"
    CUT_OFF = "cut-off"
    SAME_FACE = "same-face"


@dataclass(frozen=True, slots=True)
class SourceFace:
    """A face to give away and the photo it is in. ``space`` names the embedding's vector space, where it has one."""

    photo: Photo
    face: Face
    space: str | None = None


@dataclass(frozen=True, slots=True)
class SwapQuery:
    """Put faces of ``sources`` on faces of ``target``.

    ``mapping`` holds pairs (index into ``sources``, index into ``target_faces``); a target face that no pair names
    stays. ``target_faces`` are all faces of the target in their stable order.
    """

    target: Photo
    target_faces: tuple[Face, ...]
    sources: tuple[SourceFace, ...]
    mapping: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A pair of the mapping that was not swapped. ``message`` is for the person who asked."""

    source: int
    target: int
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class SwapResult:
    """The target at its full size with the faces of ``swapped`` (pairs of the mapping) exchanged."""

    pixels: Pixels = field(repr=False)
    swapped: tuple[tuple[int, int], ...]
    skipped: tuple[Skipped, ...]
