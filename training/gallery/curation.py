"""Which pictures a gallery can use, and of every other one why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import faiss
import numpy as np
import numpy.typing as npt

from deployments.imaging import FloatArray
from training.gallery.analysis import Analysis

Reason = Literal[
    "unreadable", "no-face", "several-faces", "small", "tilted", "profile", "blurred", "duplicate", "two-people"
]

_BLOCK: Final = 1024


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one picture is left out: a reason to count by, and a sentence for the person who chose the picture."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What a picture has to be like.

    ``least_size`` is in pixels, angles in degrees. ``other_face`` is how large, as a share of the largest face, a second
    one may be before nobody can tell whose picture it is. ``copy`` is the correlation of two faces' looks from which
    they are the same photograph: on LFW, with either face model, of 6,000 pairs of photographs of one person one or two
    came above 0.98, of 5,300,000 pairs of different people none; of pictures saved again smaller, cropped, brighter or
    grey 92 to 99 % did.
    """

    least_size: float = 60.0
    most_roll: float = 30.0
    most_yaw: float = 40.0
    most_pitch: float = 35.0
    most_blur: float = 0.7
    other_face: float = 0.5
    copy: float = 0.98


def inspect(analysis: Analysis, rules: Rules) -> Rejection | None:
    """Judge a picture by itself. None: it can be used."""
    if analysis.problem is not None:
        return Rejection("unreadable", analysis.problem)
    if not analysis.faces or analysis.embedding is None:
        return Rejection("no-face", "no face was found in it")
    face, *others = analysis.faces
    large = [other for other in others if other.size >= rules.other_face * face.size]
    if large:
        return Rejection("several-faces", f"it shows {1 + len(large)} faces of similar size")
    if face.size < rules.least_size:
        return Rejection("small", f"the face is {face.size:.0f} px wide; {rules.least_size:.0f} are needed")
    if abs(face.roll) > rules.most_roll:
        return Rejection("tilted", f"the head is tilted by {abs(face.roll):.0f} degrees")
    if abs(face.yaw) > rules.most_yaw:
        return Rejection("profile", f"the face looks {abs(face.yaw):.0f} degrees to the side")
    if abs(face.pitch) > rules.most_pitch:
        direction = "up" if face.pitch > 0 else "down"
        return Rejection("profile", f"the face looks {abs(face.pitch):.0f} degrees {direction}")
    if face.blur > rules.most_blur:
        return Rejection("blurred", "the face is blurred")
    return None


def find_copies(
    looks: FloatArray, owners: npt.NDArray[np.int32], names: Sequence[str], settled: int, rules: Rules
) -> dict[int, Rejection]:
    """The pictures that show the same photograph as another one, by their place in ``looks`` [P, 256].

    ``owners`` [P] says whose picture each is, as a place in ``names``. Of copies with one owner the first stays; of
    copies with two owners none, since nobody can tell whose they are. The first ``settled`` pictures are in a gallery
    already and always stay.
    """
    rejected: dict[int, Rejection] = {}
    for copies in _copies(looks, rules.copy):
        first, *others = copies
        strangers = [place for place in copies if owners[place] != owners[first]]
        if not strangers:
            detail = f"another picture of {names[owners[first]]} is a copy of it"
            rejected |= {place: Rejection("duplicate", detail) for place in others if place >= settled}
            continue
        for place in copies:
            if place >= settled:
                other = strangers[0] if owners[place] == owners[first] else first
                rejected[place] = Rejection("two-people", f"the same picture is filed under {names[owners[other]]}")
    return rejected


def _copies(looks: FloatArray, threshold: float) -> list[list[int]]:
    """The groups of two and more rows that are copies of the first one in them, in order."""
    groups: dict[int, list[int]] = {}
    originals: list[int] = []
    index = faiss.IndexFlatIP(looks.shape[1])
    for start in range(0, len(looks), _BLOCK):
        block = np.ascontiguousarray(looks[start : start + _BLOCK])
        among = block @ block.T >= threshold
        nearest, found = index.search(block, 1)
        fresh = np.zeros(len(block), dtype=bool)
        for row in range(len(block)):
            # Only originals are compared with, so that a placeholder filed ten thousand times costs no more than others.
            if nearest[row, 0] >= threshold:
                groups.setdefault(originals[found[row, 0]], []).append(start + row)
            elif (alike := among[row] & fresh).any():
                groups.setdefault(start + int(alike.argmax()), []).append(start + row)
            else:
                fresh[row] = True
        index.add(block[fresh])
        originals += (start + np.flatnonzero(fresh)).tolist()
    return [[original, *copies] for original, copies in sorted(groups.items())]
