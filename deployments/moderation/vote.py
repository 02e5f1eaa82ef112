"""Several classifiers, one answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from deployments.imaging import Photo
from deployments.moderation.classifier import Classifier


class Vote:
    """At least half of the classifiers that know a rule must see it broken: 1 of 2, 2 of 3, 2 of 4.

    The combined score of a rule is the highest threshold at which that many of them would still refuse, which is their
    k-th highest score; so the policy treats a vote like any single classifier. Ties fall on the side of caution.
    """

    def __init__(self, voters: Sequence[Classifier]) -> None:
        self._voters = tuple(voters)
        self.name = "+".join(voter.name for voter in self._voters)

    def scores(self, batch: Sequence[Photo]) -> list[dict[str, float]]:
        ballots = [voter.scores(batch) for voter in self._voters]
        return [_count(ballot) for ballot in zip(*ballots, strict=True)]

    def close(self) -> None:
        for voter in self._voters:
            voter.close()


def _count(ballot: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """One picture's scores by every voter, combined. One score that is not a number makes the result no number."""
    combined = {}
    for rule in dict.fromkeys(rule for scores in ballot for rule in scores):
        given = sorted((scores[rule] for scores in ballot if rule in scores), reverse=True)
        combined[rule] = math.nan if any(map(math.isnan, given)) else given[(len(given) - 1) // 2]
    return combined
