"""What a version must pass before it may serve: warm-up, pace, probes, kind and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from deployments.moderation.engine import Verdict
from deployments.runtime import Runtime
from deployments.serving.admission import check_kind, check_memory, need_mb
from deployments.serving.examination import SLOWER, Unfit, examine, recorded
from deployments.slots import Pace
from registry.manifest import Manifest, ModelFile, ModelVersion, Probe
from tests.clock import Clock
from tests.versions import manifest_of


class Judge:
    """Gives every picture its number as a score; a warm-up takes ``seconds`` of the clock, in turn."""

    def __init__(self, clock: Clock, *seconds: float) -> None:
        self.clock = clock
        self.seconds = [0.0, *seconds]
        self.asked: list[float] = []

    def warm_up(self) -> None:
        self.clock.now += self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]

    def run(self, batch: Sequence[float]) -> list[Verdict]:
        self.asked += batch
        return [Verdict(number < 0.5, {"explicit": number}, None) for number in batch]

    def close(self) -> None:
        pass


def manifest(**fields: Any) -> Manifest:
    return manifest_of({}, **{"model": "judge", "task": "moderation"} | fields)


def version(*probes: Probe) -> ModelVersion:
    return ModelVersion(manifest(probes=probes), Path())


def query(probe: Mapping[str, Any], _version: ModelVersion) -> float:
    return float(probe["number"])


def probe(number: float, tolerance: float = 0.0, **expect: Any) -> Probe:
    return Probe(input={"number": number}, expect=expect or {"scores.explicit": number}, tolerance=tolerance)


def pace(seconds: float, now: float | None = None) -> Pace:
    return Pace(seconds, lambda: seconds if now is None else now)


def test_a_version_that_answers_its_probes_passes_and_its_pace_is_known() -> None:
    engine = Judge(Clock(), 0.2)
    assert examine(engine, [version(probe(0.1), probe(0.9, allowed=0))], query, None, engine.clock) == pytest.approx(
        0.2
    )
    assert engine.asked == [0.1, 0.9]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (probe(0.2, 0.05, **{"scores.explicit": 0.3}), "probe 1 of judge@v1: scores.explicit is off by 0.1, and 0.05"),
        (probe(0.2, 1.0, **{"scores.violent": 0.3}), "the answer has no scores.violent"),
        (probe(float("nan")), "scores.explicit is no number"),
    ],
)
def test_a_version_that_answers_otherwise_is_refused(wrong: Probe, reason: str) -> None:
    engine = Judge(Clock())
    with pytest.raises(Unfit, match=reason):
        examine(engine, [version(wrong)], query, None, engine.clock)


def test_a_tolerance_is_tolerated() -> None:
    engine = Judge(Clock())
    examine(engine, [version(probe(0.2, 0.15, **{"scores.explicit": 0.3}))], query, None, engine.clock)


def test_a_version_far_slower_than_the_active_one_is_refused() -> None:
    engine = Judge(Clock(), 1.2)
    with pytest.raises(Unfit, match="1200 ms for what the active version does in 100.0 ms, more than 10 times"):
        examine(engine, [version()], query, pace(0.1), engine.clock)


def test_one_slow_moment_of_the_machine_is_not_the_versions_fault() -> None:
    engine = Judge(Clock(), 5.0, 3.0, 0.4)
    assert examine(engine, [version()], query, pace(0.1), engine.clock) == pytest.approx(0.4)


def test_on_a_machine_that_is_busy_now_both_are_slow() -> None:
    engine = Judge(Clock(), 1.2)
    assert examine(engine, [version()], query, pace(0.1, now=0.9), engine.clock) == pytest.approx(1.2)


def test_one_slow_moment_of_the_active_version_lets_nothing_slow_through() -> None:
    engine, moments = Judge(Clock(), 1.2), iter([0.9, 0.1, 0.1, 0.1, 0.1])
    with pytest.raises(Unfit, match="1200 ms"):
        examine(engine, [version()], query, Pace(0.1, lambda: next(moments)), engine.clock)


def test_what_nobody_notices_is_never_too_slow() -> None:
    engine = Judge(Clock(), 0.015)
    assert examine(engine, [version()], query, pace(0.015 / SLOWER / 3), engine.clock) == pytest.approx(0.015)


def test_answers_are_recorded_as_what_a_probe_expects() -> None:
    engine = Judge(Clock())
    expect = recorded(engine, 0.3, ["scores.explicit"])
    assert expect == {"scores.explicit": (0.3,)}
    examine(engine, [version(Probe(input={"number": 0.3}, expect=expect))], query, None, engine.clock)


def test_a_version_of_another_kind_or_space_cannot_take_over() -> None:
    faces = manifest(task="face-analysis", embedding_space="arcface-512")
    with pytest.raises(Unfit, match="it is a moderation model, and this place is for face-analysis models"):
        check_kind(manifest(), faces)
    with pytest.raises(Unfit, match="its vectors lie in dlib-128, those in use in arcface-512"):
        check_kind(manifest(task="face-analysis", embedding_space="dlib-128"), faces)


def test_two_versions_must_fit_into_memory_together() -> None:
    big = [manifest(memory_mb=900)]
    check_memory(big, big, Runtime(), free_mb=1200)
    with pytest.raises(Unfit, match="needs 900 MB of memory and 256 MB are kept free, but only 1000 MB are left"):
        check_memory(big, big, Runtime(), free_mb=1000)


def test_two_versions_must_fit_into_the_share_of_the_gpu() -> None:
    big = [manifest(memory_mb=900)]
    check_memory(big, big, Runtime("cuda", memory_mb=1800), free_mb=10**6)
    with pytest.raises(Unfit, match="share of the GPU is 1700 MB"):
        check_memory(big, big, Runtime("cuda", memory_mb=1700), free_mb=10**6)


def test_a_manifest_that_does_not_say_is_taken_by_the_size_of_its_files() -> None:
    entry = ModelFile(name="a.dat", sha256="0" * 64, size=3 * 2**20)
    assert need_mb(manifest().model_copy(update={"files": (entry,)})) == 3
