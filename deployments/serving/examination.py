"""What an engine must pass before it may serve: warm-up, pace, and the probes of the versions it is made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from deployments.engine import Engine
from deployments.serving.outcomes import deviation, leaves, unsound
from deployments.slots import Pace
from registry.manifest import ModelVersion, Probe

Q = TypeVar("Q")
R = TypeVar("R")

SLOWER = 10.0
"""How many times as long as the active version's a warm-up may take."""

UNNOTICED_S = 0.02
"""A warm-up this short is never too slow: on a busy machine so little time cannot be measured well."""

_TRIES = 5


class Unfit(ValueError):
    """The version must not serve; the message says why, without its name and without a full stop."""


def examine(
    engine: Engine[Q, R],
    versions: Sequence[ModelVersion],
    query: Callable[[Mapping[str, Any], ModelVersion], Q],
    active: Pace | None,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Warm ``engine`` up, time it and ask it every probe; returns its pace, the seconds one warm-up takes.

    ``query`` makes a query of a probe's input. Raises :class:`Unfit`, or whatever the engine raises.
    """
    engine.warm_up()
    pace_s = _pace(engine, active, clock)
    for version in versions:
        for number, probe in enumerate(version.manifest.probes, 1):
            _ask(engine, query(probe.input, version), probe, f"probe {number} of {version.ref}")
    return pace_s


def recorded(engine: Engine[Q, R], query: Q, paths: Sequence[str] = ()) -> dict[str, tuple[float, ...] | str]:
    """What ``engine`` answers, as the ``expect`` of a :class:`registry.manifest.Probe`; only ``paths`` where given."""
    (answer,) = engine.run([query])
    found = leaves(answer)
    return {
        path: leaf if isinstance(leaf, str) else tuple(round(float(number), 6) for number in leaf)
        for path, leaf in found.items()
        if not paths or path in paths
    }


def _pace(engine: Engine[Any, Any], active: Pace | None, clock: Callable[[], float]) -> float:
    """The fastest of a few warm-ups; the first that is fast enough ends them."""
    active_s = active.seconds if active is not None else float("inf")
    fastest = again_s = float("inf")
    for _ in range(_TRIES):
        began = clock()
        engine.warm_up()
        fastest = min(fastest, clock() - began)
        if fastest <= max(UNNOTICED_S, SLOWER * active_s):
            return fastest
        if active is not None:
            again_s = min(again_s, active.again())
    # A machine that is busy now, and was not then, slows both: the fastest of each are compared.
    if active is not None:
        active_s = max(active_s, again_s)
    if fastest <= SLOWER * active_s:
        return fastest
    raise Unfit(
        f"it takes {fastest * 1000:.0f} ms for what the active version does in {active_s * 1000:.1f} ms, "
        f"more than {SLOWER:g} times as long"
    )


def _ask(engine: Engine[Q, R], query: Q, probe: Probe, name: str) -> None:
    (answer,) = engine.run([query])
    if path := unsound(answer):
        raise Unfit(f"{name}: {path} is no number")
    found = leaves(answer)
    for path, expected in probe.expect.items():
        if path not in found:
            raise Unfit(f"{name}: the answer has no {path}")
        wanted = expected if isinstance(expected, str) else np.atleast_1d(np.asarray(expected, np.float64))
        off = deviation(found[path], wanted)
        if not off <= probe.tolerance:
            raise Unfit(f"{name}: {path} is off by {off:.4g}, and {probe.tolerance:g} is tolerated")
