"""Authenticity: whether a camera or a machine made a picture. An opinion with its doubts; nothing is ever refused by it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from deployments.authenticity import community_forensics, fingerprint, labelled
from deployments.authenticity.opinion import Calibration, Opinion, Verdict
from deployments.backends import Backends
from deployments.errors import Unavailable
from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from registry.manifest import ModelVersion

__all__ = ["DETECTORS", "METHOD", "AuthenticityEngine", "Calibration", "Detector", "Opinion", "Verdict", "build"]

METHOD = (
    "A network compares the picture with the photographs and generated pictures it learnt from. It is an estimate, "
    "not proof: new generators, heavy editing and art made by hand can mislead it."
)


class Detector(Protocol):
    """A backend: rates pictures, decides nothing."""

    def logits(self, batch: Sequence[Photo]) -> Sequence[float | None]:
        """For every picture, in order, uncalibrated log odds of "machine-made"; None where there is too little to see."""
        ...

    def close(self) -> None:
        """Let go of sessions and memory."""
        ...


class AuthenticityEngine:
    """A detector whose output is read by its version's calibration."""

    def __init__(self, detector: Detector, calibration: Calibration) -> None:
        self._detector = detector
        self.calibration = calibration

    def warm_up(self) -> None:
        """Rate one picture of noise, in which every detector sees something. Raises ``ValueError`` when it gives no number."""
        noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
        try:
            self.run([Photo.open(encode(noise))])
        except Unavailable as error:
            raise ValueError("the detector gives no number for a picture") from error

    def run(self, batch: Sequence[Photo]) -> list[Opinion]:
        """An opinion on every picture, in order. Raises :class:`Unavailable` when the detector gives no numbers."""
        if not batch:
            return []
        try:
            return [
                self.calibration.opinion(logit) for _, logit in zip(batch, self._detector.logits(batch), strict=True)
            ]
        except ValueError as error:
            raise Unavailable("Pictures cannot be judged right now.", retry_after=30) from error

    def close(self) -> None:
        """Let go of the detector."""
        self._detector.close()


DETECTORS: Final[Backends[Detector]] = Backends(
    "authenticity",
    {
        fingerprint.BACKEND: (fingerprint.FingerprintDetector, ()),
        labelled.BACKEND: (labelled.LabelledDetector, labelled.PACKAGES),
        community_forensics.BACKEND: (community_forensics.CommunityForensics, community_forensics.PACKAGES),
    },
)


def build(version: ModelVersion, runtime: Runtime) -> AuthenticityEngine:
    """An engine for one model version.

    Raises ``ValueError`` for a calibration that cannot be read, and what :meth:`Backends.open` raises.
    """
    calibration = Calibration.model_validate(version.manifest.input.get("calibration", {}))
    return AuthenticityEngine(DETECTORS.open(version, runtime), calibration)
