"""One scale for classifiers that were trained apart."""

from __future__ import annotations

from deployments.errors import Unavailable

_ROUNDING = 1e-4


def aligned(probability: float, line: float) -> float:
    """A classifier's probability, stretched so that 0.5 is where this classifier itself draws the line.

    Piecewise linear: 0 stays 0, ``line`` becomes 0.5 and 1 stays 1. ``line`` comes from the code of the backend, not
    from a manifest or settings, because it decides what the policy's floor means.

    Raises :class:`Unavailable` for anything but a probability: a classifier whose numbers make no sense must not let
    pictures through.
    """
    if not -_ROUNDING <= probability <= 1 + _ROUNDING:
        raise Unavailable("Pictures cannot be checked right now.", retry_after=30)
    probability = min(max(probability, 0.0), 1.0)
    if probability < line:
        return 0.5 * probability / line
    return 0.5 + 0.5 * (probability - line) / (1 - line)
