"""What is refused: rules, thresholds, and the floor below which no setting can go."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

logger = logging.getLogger(__name__)

EXPLICIT: Final = "explicit"
"""Nudity and sexual acts."""
SUGGESTIVE: Final = "suggestive"
"""That, and also swimwear, underwear or poses that hint at it."""

RULES: Final = (EXPLICIT, SUGGESTIVE)
"""The gravest first."""

FLOOR: Final[Mapping[str, float]] = MappingProxyType({EXPLICIT: 0.5})
"""The most lenient threshold a rule may have, on the common scale of :mod:`deployments.moderation.scale`."""


class Policy:
    """Thresholds per rule, in 0..1: a score that reaches its rule's threshold refuses the picture.

    Settings may lower a threshold of the :data:`FLOOR` or add a rule it does not have, never the other way round: a
    threshold above the floor is replaced by the floor's, with a line in the log. Raises ``ValueError`` for unknown rules
    and thresholds outside 0..1.
    """

    def __init__(self, thresholds: Mapping[str, float] | None = None) -> None:
        asked = dict(thresholds or {})
        for rule, threshold in asked.items():
            if rule not in RULES:
                raise ValueError(f"moderation has no rule {rule!r}; it has {', '.join(RULES)}")
            if not 0 <= threshold <= 1:
                raise ValueError(f"the threshold of moderation rule {rule!r} is {threshold}, not within 0..1")
            if threshold > FLOOR.get(rule, 1.0):
                logger.warning(
                    "moderation keeps %s at %g: %g is more lenient than the floor", rule, FLOOR[rule], threshold
                )
        wanted = {**FLOOR, **asked}
        self.thresholds = {rule: min(wanted[rule], FLOOR.get(rule, 1.0)) for rule in RULES if rule in wanted}

    def broken_rule(self, scores: Mapping[str, float]) -> str | None:
        """The gravest rule the scores break; None when the picture may pass.

        A score that is not a number breaks its rule. Raises ``KeyError`` when a rule of the floor has no score; other
        rules count only where a classifier knows them.
        """
        for rule, threshold in self.thresholds.items():
            if rule not in FLOOR and rule not in scores:
                continue
            if not scores[rule] < threshold:
                return rule
        return None
