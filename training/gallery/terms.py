"""What the licences of a gallery's portraits allow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from deployments.lookalike.files import Person
from registry.manifest import Licence

_FREE: Final = re.compile(r"cc0|ccby|ccbysa|publicdomain|pd", re.IGNORECASE)
_RESTRICTED: Final = re.compile(r"nc|nd", re.IGNORECASE)


def allows_commercial_use(licence: str | None) -> bool:
    """Whether a picture under ``licence`` may be cropped and shown commercially. What is not known is not allowed.

    Understands the names Wikimedia Commons and SPDX use: ``CC BY-SA 4.0``, ``CC0-1.0``, ``Public domain``.
    """
    letters = re.sub(r"[^a-z0-9]", "", (licence or "").casefold())
    if not _FREE.match(letters):
        return False
    return not letters.startswith("ccby") or not _RESTRICTED.match(letters.removeprefix("ccby").removeprefix("sa"))


def licence_of(people: Sequence[Person], embedder: Licence) -> Licence:
    """The terms of a whole gallery: those of its portraits and those of the face model that read them."""
    names = {person.licence or "LicenseRef-unknown" for person in people}
    free = all(allows_commercial_use(person.licence) for person in people)
    return Licence(
        name=names.pop() if len(names) == 1 else "LicenseRef-mixed",
        commercial_use=free and embedder.commercial_use,
        attribution="Every portrait has its own licence and attribution in people.json.",
    )
