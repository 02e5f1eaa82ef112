"""Detectors published as ``transformers`` image classifiers, told apart by the names of their labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deployments.image_classifier import PACKAGES, ImageClassifier
from deployments.imaging import Photo
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

__all__ = ["BACKEND", "PACKAGES", "LabelledDetector"]

BACKEND = "transformers"

MACHINE_MADE = frozenset(
    {"ai", "artificial", "fake", "generated", "ai-generated", "ai_generated", "synthetic", "deepfake"}
)
"""Labels (in lower case) that say a machine made the picture."""
AUTHENTIC = frozenset({"real", "realism", "human", "hum", "authentic", "natural", "photo", "not-ai-generated"})
"""Labels that say it did not."""
_SURE = 1e-6


class LabelledDetector:
    """An image classifier all of whose labels are among those we can read, both sides included.

    Raises ``ValueError`` for labels of another kind, and what loading the classifier raises.
    """

    def __init__(self, version: ModelVersion, runtime: Runtime) -> None:
        self._classifier = ImageClassifier(version, runtime)
        try:
            self._machine = machine_made(version.ref, self._classifier.labels)
        except ValueError:
            self._classifier.close()
            raise

    def logits(self, batch: Sequence[Photo]) -> list[float]:
        return [_log_odds(sum(row[index] for index in self._machine)) for row in self._classifier.probabilities(batch)]

    def close(self) -> None:
        self._classifier.close()


def machine_made(name: str, labels: Sequence[str]) -> list[int]:
    """The outputs that say a machine made the picture. Raises ``ValueError`` for labels of another kind than we can read."""
    known = [label.lower() for label in labels]
    machine = [index for index, label in enumerate(known) if label in MACHINE_MADE]
    authentic = [label for label in known if label in AUTHENTIC]
    if not (machine and authentic) or len(machine) + len(authentic) != len(known):
        raise ValueError(
            f"{name} has the labels {', '.join(known)}, which do not say what is real and what is machine-made"
        )
    return machine


def _log_odds(probability: float) -> float:
    if math.isnan(probability):
        return probability
    bounded = min(max(probability, _SURE), 1 - _SURE)
    return math.log(bounded / (1 - bounded))
