"""What buttons say back. Telegram gives a button 64 bytes: styles travel as codes, results as their job.

Anybody can send what no button ever held, so every number has its bounds here; what is beyond them is a dead button.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import Annotated, Literal

from aiogram.filters.callback_data import CallbackData
from pydantic import Field

MOST_FACES = 8
"""How many faces of a picture buttons can tell apart."""

Number = Annotated[int, Field(ge=0, lt=2**31)]
"""A row's number, as far as databases count."""

UserNumber = Annotated[int, Field(ge=0, lt=2**63)]
PageNumber = Annotated[int, Field(ge=0, lt=1000)]
Faces = Annotated[int, Field(ge=1, le=MOST_FACES)]
Percent = Annotated[int, Field(ge=0, le=100)]

Page = Literal["help", "settings", "language", "plans", "privacy", "delete", "faces"]
Panel = Literal["main", "strength", "blend"]
Switch = Literal["as_file", "keep_history"]


def short_code(name: str) -> str:
    """A style's name, or a work of art's id, in six letters: the same on every model version."""
    return hashlib.sha256(name.encode()).hexdigest()[:6]


class Open(CallbackData, prefix="m"):
    """Show a page of the menu."""

    page: Page


class Styles(CallbackData, prefix="s"):
    """Show the styles for these photos; pages count from 0."""

    bundle: Number
    page: PageNumber = 0


class Else(CallbackData, prefix="e"):
    """Ask anew what to do with these photos.

    It stands below what was made of them, and is none of the buttons by which a question is known (:func:`photos_behind`):
    a text that answers a result speaks of the result.
    """

    bundle: Number


class Paint(CallbackData, prefix="p"):
    """Paint these photos in a style (its code), as strongly as the person is used to."""

    bundle: Number
    style: str


class Hide(CallbackData, prefix="h"):
    """Hide the faces of these photos; without a method, ask for one."""

    bundle: Number
    method: Literal["", "blur", "pixelate", "replace"] = ""


class Lookalike(CallbackData, prefix="l"):
    """Find whom these photos' faces resemble."""

    bundle: Number


class Authenticity(CallbackData, prefix="r"):
    """Say whether these photos are real."""

    bundle: Number


class Swap(CallbackData, prefix="w"):
    """Swap faces in these photos, or put the saved face ``identity`` into them (0: none)."""

    bundle: Number
    identity: Number = 0


class MapFace(CallbackData, prefix="w2"):
    """Choose the face that goes on the next target face, in one's own photo or in an ``artwork`` (its code).

    ``chosen`` holds the source faces chosen so far, in the order of the target faces and joined with dots; ``x`` leaves
    a target face alone. ``identity`` is the saved face that is the source, 0 for the photo's own faces; ``bundle`` is 0
    where no photo takes part.
    """

    bundle: Number
    identity: Number
    sources: Faces
    targets: Faces
    artwork: str = ""
    chosen: Annotated[str, Field(pattern=r"^([0-9]|x)(\.([0-9]|x))*$|^$")] = ""


class ShowArtworks(CallbackData, prefix="wa"):
    """Show the works of art to put this photo's face, or a saved one, into; pages count from 0."""

    bundle: Number
    identity: Number = 0
    page: PageNumber = 0


class IntoArtwork(CallbackData, prefix="wi"):
    """Put the face into this work of art (its code)."""

    bundle: Number
    identity: Number
    artwork: str


class KeepFace(CallbackData, prefix="k"):
    """Save the face of this photo."""

    bundle: Number


class ForgetFace(CallbackData, prefix="kf"):
    """Delete a saved face."""

    identity: Number


class Again(CallbackData, prefix="a"):
    """The same result once more."""

    job: str


class Adjust(CallbackData, prefix="t"):
    """Show other buttons under a result."""

    job: str
    panel: Panel


class Strength(CallbackData, prefix="ts"):
    """Paint it again, this strongly."""

    job: str
    percent: Percent


class Blend(CallbackData, prefix="tb"):
    """Paint it again, in half of this style (its code)."""

    job: str
    style: str


class AsFile(CallbackData, prefix="tf"):
    """Send a result as a file, as it was made."""

    job: str


class SetLanguage(CallbackData, prefix="g"):
    """Speak this language to this person from now on: in a group, others can tap as well."""

    user: UserNumber
    code: str


class Toggle(CallbackData, prefix="o"):
    """Turn this person's setting on or off: in a group, others can tap as well.

    Were it said only that it is turned over, a tap handled twice would turn it back.
    """

    user: UserNumber
    switch: Switch
    on: bool


class SetStrength(CallbackData, prefix="os"):
    """Begin with this strength from now on, for this person: in a group, others can tap as well."""

    user: UserNumber
    percent: Percent


class Buy(CallbackData, prefix="b"):
    """Make an offer for this product."""

    product: str


class AskStopRenewal(CallbackData, prefix="ba"):
    """Ask whether the renewal of this person's subscription shall really end."""

    user: UserNumber


class StopRenewal(CallbackData, prefix="bs"):
    """End the renewal of this person's subscription: in a group, others can tap as well."""

    user: UserNumber


class DeleteAccount(CallbackData, prefix="del"):
    """Really delete everything that belongs to this person: in a group, others can tap as well."""

    user: UserNumber


def photos_behind(data: str) -> int | None:
    """The bundle that a button with this data is about; None where it is about something else."""
    for kind in (Styles, Paint, Hide, Lookalike, Authenticity, Swap, MapFace, ShowArtworks, IntoArtwork, KeepFace):
        # What is no such button raises one or the other.
        with contextlib.suppress(ValueError, TypeError):
            return kind.unpack(data).bundle or None
    return None


def repeats(data: str) -> bool:
    """Whether a button with this data stands under a result, and makes it once more."""
    with contextlib.suppress(ValueError, TypeError):
        return bool(Again.unpack(data).job)
    return False
