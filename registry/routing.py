"""Which versions of a model answer, and the record of who decided it.

A model's :class:`Routing` is never stored by itself: it is what the last entry of the model's history says. Whoever
changes it appends one entry that holds both the decision and the reason, so there is no moment at which one is written
and the other is not, and of two people who append at once one finds the place taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from registry.errors import Conflict
from registry.manifest import Alias, is_name

Action = Literal["promote", "canary", "shadow", "rollback", "remove"]


@dataclass(frozen=True, slots=True)
class Routing:
    """Versions of one model and their shares.

    ``stable`` answers everybody but the ``percent`` (over 0, up to 100) of users that ``canary`` answers. ``shadow``
    computes beside ``stable`` for the share ``sample`` (over 0, up to 1) of requests, and nobody sees its answers.
    ``previous`` is what ``stable`` was before, and what a rollback returns to. Only one version is on trial at a time:
    a canary or a shadow, because no more than two versions of a model are held in memory.

    Raises ``ValueError`` for anything else.
    """

    stable: str
    previous: str | None = None
    canary: str | None = None
    percent: float = 0.0
    shadow: str | None = None
    sample: float = 0.0

    def __post_init__(self) -> None:
        for version in (self.stable, self.previous, self.canary, self.shadow):
            if version is not None and not is_name(version):
                raise ValueError(f"{version!r} is not the name of a version")
        if self.stable in {self.previous, self.canary, self.shadow}:
            raise ValueError(f"{self.stable} is the stable version and cannot be previous, canary or shadow as well")
        if self.canary is not None and self.shadow is not None:
            raise ValueError(f"{self.canary} is the canary and {self.shadow} the shadow; try one version at a time")
        # Written so that NaN is out of range too.
        if not (0 < self.percent <= 100 if self.canary is not None else self.percent == 0):
            raise ValueError("a canary gets more than 0 and at most 100 per cent of the users, and no canary gets none")
        if not (0 < self.sample <= 1 if self.shadow is not None else self.sample == 0):
            raise ValueError("a shadow gets a share of the requests over 0 and up to 1, and no shadow gets none")

    @property
    def trial(self) -> str | None:
        """The version that is being tried, as canary or as shadow."""
        return self.canary or self.shadow

    @property
    def active(self) -> tuple[str, ...]:
        """The versions that compute answers: stable, and the one on trial."""
        return (self.stable,) if self.trial is None else (self.stable, self.trial)

    def aliases(self) -> dict[Alias, str]:
        """The names other than numbers that lead to a version."""
        named: dict[Alias, str | None] = {"stable": self.stable, "canary": self.canary, "previous": self.previous}
        return {alias: version for alias, version in named.items() if version is not None}

    def __str__(self) -> str:
        parts = [self.stable]
        if self.canary is not None:
            parts.append(f"canary {self.canary} {self.percent:g} %")
        if self.shadow is not None:
            parts.append(f"shadow {self.shadow} {self.sample:.0%}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One decision about a model: ``version`` is the one it was about, ``when`` is in UTC.

    ``was`` and ``now`` are the routing before and after, ``None`` while nobody has decided anything. They are equal
    where only a version was removed. ``despite`` are the bars it was under when somebody promoted it all the same.
    """

    when: datetime
    who: str
    model: str
    action: Action
    version: str
    was: Routing | None
    now: Routing | None
    why: str
    despite: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        offset = self.when.utcoffset()
        if offset is None or offset:
            raise ValueError("the time of an audit entry is in UTC")
        if not self.who.strip():
            raise ValueError("an audit entry names who decided")


def conflict(model: str, last: AuditEntry | None) -> Conflict:
    """What to tell somebody whose decision rested on a routing that is no more."""
    if last is None:
        return Conflict(f"Nobody has decided on {model} yet, or its history is gone. Look again, then decide.")
    why = f" ({last.why})" if last.why else ""
    return Conflict(
        f"{model} was changed meanwhile: {last.who}, {last.when:%Y-%m-%d %H:%M:%S} UTC, {last.action} {last.version}"
        f"{why}; it is now {last.now or 'the newest version'}. Look again, then decide."
    )
