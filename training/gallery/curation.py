"""Which pictures a gallery can use, and of every other one why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import faiss
import numpy as np
import numpy.typing as npt

from deployments.lookalike.types import FloatArray
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
    pairs = list(_alike(looks, rules.copy))
    for first, second in pairs:
        if owners[first] != owners[second]:
            for one, other in ((first, second), (second, first)):
                if one >= settled:
                    detail = f"the same picture is filed under {names[owners[other]]}"
                    rejected.setdefault(one, Rejection("two-people", detail))
    for first, second in pairs:
        # Pairs come sorted, so when a picture is looked at, whether an earlier copy of it stays is settled.
        if second >= settled and owners[first] == owners[second] and not {first, second} & rejected.keys():
            rejected[second] = Rejection("duplicate", f"another picture of {names[owners[first]]} is a copy of it")
    return rejected


def _alike(looks: FloatArray, threshold: float) -> Iterator[tuple[int, int]]:
    """Every pair of rows (earlier, later) whose product is at least ``threshold``, by the later one, then the earlier."""
    if not len(looks):
        return
    index = faiss.IndexFlatIP(looks.shape[1])
    for start in range(0, len(looks), _BLOCK):
        block = np.ascontiguousarray(looks[start : start + _BLOCK])
        index.add(block)
        limits, _, found = index.range_search(block, threshold)
        for row in range(len(block)):
            later = start + row
            for earlier in sorted(found[limits[row] : limits[row + 1]].tolist()):
                if earlier < later:
                    yield earlier, later
