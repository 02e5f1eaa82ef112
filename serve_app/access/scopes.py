"""What a key may open. A call's scope follows from its path, so that a new route is never open by oversight."""

from __future__ import annotations

from typing import Final

ADMIN: Final = "admin"

# Each kind of work has a scope of its name; ordered as a job it needs ``jobs`` as well.
SCOPES: Final = (
    "style", "masterpiece", "swap", "anonymize", "lookalike", "faces", "moderate", "authenticity", "jobs", ADMIN
)  # fmt: skip

# Paths whose first part is not their scope.
_SCOPE_OF: Final = {"models": ADMIN, "config": ADMIN, "status": ADMIN, "uploads": "jobs"}

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def required(method: str, path: str) -> str | None:
    """The scope a call needs; None for what everybody may read: the page, health, and lists of what is on offer.

    Work, jobs and administration need a scope whatever the method. A path unknown here needs one of its own name,
    which no key has.
    """
    parts = path.strip("/").split("/")
    if parts[0] != "v1" or len(parts) < 2:
        return None
    scope = _SCOPE_OF.get(parts[1], parts[1])
    if method in _READING and scope not in {ADMIN, "jobs"}:
        return None
    return scope
