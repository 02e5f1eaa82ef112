"""What anonymising is asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deployments.faces.types import Face
from deployments.imaging import Photo


class Method(StrEnum):
    """How a face is hidden.

    ``blur`` leaves a smooth shade, ``pixelate`` a few flat cells, ``replace`` a drawn mask that takes nothing from the
    face but where it is and how it is turned.
    """

    BLUR = "blur"
    PIXELATE = "pixelate"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class AnonymizeQuery:
    """Hide the ``faces`` of ``photo``, all but those whose index is in ``keep``."""

    photo: Photo
    faces: tuple[Face, ...]
    method: Method = Method.BLUR
    keep: tuple[int, ...] = ()
