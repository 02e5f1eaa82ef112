"""Boxes between dlib's rectangles and ours: the right and lower sides of dlib's are its last pixels."""

from __future__ import annotations

import dlib

from deployments.faces.types import Box


def box_of(found: dlib.rectangle) -> Box:
    """A rectangle of dlib's as a box whose sides lie between pixels."""
    return found.left(), found.top(), found.right() + 1, found.bottom() + 1


def rectangle_of(box: Box) -> dlib.rectangle:
    """The rectangle of dlib's that is nearest to a box."""
    x0, y0, x1, y1 = box
    return dlib.rectangle(round(x0), round(y0), round(x1) - 1, round(y1) - 1)
