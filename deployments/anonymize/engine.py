"""Hiding faces so that neither people nor face recognition find out who it was."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from deployments.anonymize.methods import Painter, blur, pixelate, replace
from deployments.anonymize.region import FaceEllipse
from deployments.anonymize.surroundings import Surroundings
from deployments.anonymize.types import AnonymizeQuery, Method
from deployments.compositing.patches import Patch
from deployments.errors import InvalidField, NoFace
from deployments.imaging import Pixels

__all__ = ["AnonymizeEngine", "AnonymizeQuery", "Method"]


class AnonymizeEngine:
    """Needs no model: faces come with the query."""

    def warm_up(self) -> None:
        """Nothing is loaded, so there is nothing to warm up."""

    def run(self, batch: Sequence[AnonymizeQuery]) -> list[Pixels]:
        """Each photo at its full size, with its faces hidden.

        Raises :class:`NoFace` for a photo without faces, which would otherwise be taken for an anonymised one, and
        :class:`InvalidField` when ``keep`` names a face that is not there.
        """
        for query in batch:
            _check(query)
        return [_anonymize(query) for query in batch]

    def close(self) -> None:
        """Nothing is held."""


def _check(query: AnonymizeQuery) -> None:
    if not query.faces:
        raise NoFace("There is no face to hide in this picture.")
    for index in query.keep:
        if not 0 <= index < len(query.faces):
            count = len(query.faces)
            there = "there is 1 face, number 0" if count == 1 else f"there are {count} faces, numbers 0 to {count - 1}"
            raise InvalidField(f"keep: there is no face {index}; {there}.", field="keep")


def _anonymize(query: AnonymizeQuery) -> Pixels:
    pixels: Pixels = np.require(query.photo.pixels(), requirements=["C", "W"])
    hidden = [(face, FaceEllipse.of(face)) for index, face in enumerate(query.faces) if index not in query.keep]
    paint = _painter(query.method, pixels, [ellipse for _, ellipse in hidden])
    for face, ellipse in hidden:
        region = ellipse.region(pixels.shape)
        if region.width and region.height:
            Patch(region, paint(region.of(pixels), face, ellipse, region)).onto(pixels)
    return pixels


def _painter(method: Method, pixels: Pixels, hidden: Sequence[FaceEllipse]) -> Painter:
    if method is Method.REPLACE:
        return partial(replace, Surroundings.of(pixels, hidden))
    return blur if method is Method.BLUR else pixelate
