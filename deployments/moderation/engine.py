"""Moderation: whether a picture may be worked on or handed out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from deployments.backends import Backends
from deployments.errors import Unavailable
from deployments.imaging import Photo, encode
from deployments.moderation import open_nsfw, transformers_classifier
from deployments.moderation.classifier import Classifier
from deployments.moderation.policy import FLOOR, Policy
from deployments.moderation.vote import Vote
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

__all__ = ["MODERATORS", "ModerationEngine", "Policy", "Verdict", "build"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``scores`` holds a number in 0..1 for every rule the classifier knows; ``rule`` is the one that was broken."""

    allowed: bool
    scores: dict[str, float]
    rule: str | None


class ModerationEngine:
    """A classifier under a policy. Refuses closed: what cannot be rated is never allowed."""

    def __init__(self, classifier: Classifier, policy: Policy) -> None:
        self._classifier = classifier
        self.policy = policy

    @property
    def name(self) -> str:
        """The model version, or versions, that decide."""
        return self._classifier.name

    @property
    def voters(self) -> tuple[str, ...]:
        """The model versions that decide, each for itself."""
        return tuple(self.name.split("+"))

    def warm_up(self) -> None:
        """Rate one grey picture. Raises ``ValueError`` when the classifier gives no usable scores for it."""
        grey = Photo.open(encode(np.full((256, 256, 3), 128, np.uint8)))
        rated = self._classifier.scores([grey])
        if len(rated) != 1 or not _sound(rated[0]):
            raise ValueError(f"{self.name} gives no probability for {', '.join(FLOOR)}")

    def run(self, batch: Sequence[Photo]) -> list[Verdict]:
        """A verdict for every picture, in order.

        Raises :class:`Unavailable` when the classifier answers with anything but a probability for every rule of the
        floor and every picture.
        """
        if not batch:
            return []
        rated = self._classifier.scores(batch)
        if len(rated) != len(batch) or not all(map(_sound, rated)):
            raise Unavailable("Pictures cannot be checked right now.", retry_after=30)
        return [self._verdict(dict(scores)) for scores in rated]

    def close(self) -> None:
        """Let go of the classifier."""
        self._classifier.close()

    def _verdict(self, scores: dict[str, float]) -> Verdict:
        rule = self.policy.broken_rule(scores)
        return Verdict(allowed=rule is None, scores=scores, rule=rule)


def _sound(scores: Mapping[str, float]) -> bool:
    return FLOOR.keys() <= scores.keys() and all(math.isfinite(score) for score in scores.values())


MODERATORS: Final[Backends[Classifier]] = Backends(
    "moderation",
    {
        open_nsfw.BACKEND: (open_nsfw.OpenNsfw, ()),
        transformers_classifier.BACKEND: (
            transformers_classifier.TransformersClassifier,
            transformers_classifier.PACKAGES,
        ),
    },
)


def build(versions: Sequence[ModelVersion], policy: Policy, runtime: Runtime) -> ModerationEngine:
    """An engine that decides by one model version, or by the vote of several.

    Raises ``ValueError`` for no version at all, and what :meth:`Backends.open` raises.
    """
    for version in versions:
        MODERATORS.check(version.manifest)
    classifiers = [MODERATORS.open(version, runtime) for version in versions]
    if not classifiers:
        raise ValueError("there is no model to moderate with; `masquerade models pull open-nsfw` fetches the smallest")
    return ModerationEngine(classifiers[0] if len(classifiers) == 1 else Vote(classifiers), policy)
