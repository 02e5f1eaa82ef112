"""Image classifiers in the layout of Hugging Face transformers: Falconsai, Marqo, Freepik and others of their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployments.image_classifier import PACKAGES, ImageClassifier
from deployments.imaging import Photo
from deployments.moderation.policy import EXPLICIT, SUGGESTIVE
from deployments.moderation.scale import aligned
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

__all__ = ["BACKEND", "LINE", "PACKAGES", "TransformersClassifier"]

BACKEND = "transformers"

LINE = 0.5
"""All of them are trained to decide by the more probable side."""

# Per set of labels (in lower case): which labels together make up a rule's probability.
_RULES: Mapping[frozenset[str], Mapping[str, frozenset[str]]] = {
    frozenset({"normal", "nsfw"}): {EXPLICIT: frozenset({"nsfw"})},  # Falconsai
    frozenset({"sfw", "nsfw"}): {EXPLICIT: frozenset({"nsfw"})},  # Marqo
    # Freepik's levels are steps of one ladder, and its authors refuse from "medium" on.
    frozenset({"neutral", "low", "medium", "high"}): {
        EXPLICIT: frozenset({"medium", "high"}),
        SUGGESTIVE: frozenset({"low", "medium", "high"}),
    },
}


class TransformersClassifier:
    """An :class:`ImageClassifier` whose labels are among those we can read.

    Raises ``ValueError`` for labels of another kind, and what loading the classifier raises.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self.name = version.ref
        self._classifier = ImageClassifier(version, runtime)
        self._columns = rule_columns(self.name, self._classifier.labels)

    def scores(self, batch: Sequence[Photo]) -> list[dict[str, float]]:
        return [
            {rule: aligned(sum(row[column] for column in columns), LINE) for rule, columns in self._columns.items()}
            for row in self._classifier.probabilities(batch)
        ]

    def close(self) -> None:
        self._classifier.close()


def rule_columns(name: str, labels: Sequence[str]) -> dict[str, list[int]]:
    """For each rule, the outputs to be added up. Raises ``ValueError`` for labels of another kind than we can read."""
    known = [label.lower() for label in labels]
    rules = _RULES.get(frozenset(known))
    if rules is None or len(set(known)) != len(known):
        read = "; ".join(", ".join(sorted(known)) for known in _RULES)
        raise ValueError(f"{name} has the labels {', '.join(labels)}, which moderation cannot read; it reads {read}")
    return {rule: [index for index, label in enumerate(known) if label in members] for rule, members in rules.items()}
