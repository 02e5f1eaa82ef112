"""What the graph is held against under load."""

from __future__ import annotations

import pytest

from benchmarks import load
from benchmarks.speed import serving
from benchmarks.speed.servers import NeverReady


def answers(*statuses: int) -> load.Load:
    return load.Load([load.Answered(float(n), n + 0.01, status, detail="busy") for n, status in enumerate(statuses)])


@pytest.mark.parametrize("measure", ["rates", "tails"])
async def test_who_turns_requests_away_is_not_compared_by_those_it_answered(
    monkeypatch: pytest.MonkeyPatch, measure: str
) -> None:
    async def loaded(*_: object, **__: object) -> load.Load:
        return answers(200, 200, 429)

    monkeypatch.setattr(load, "closed_loop", loaded)
    monkeypatch.setattr(load, "open_loop", loaded)
    monkeypatch.setattr(serving, "uploads", lambda *_, **__: [b""])
    with pytest.raises(NeverReady, match="studio failed 1 of 3: busy"):
        if measure == "rates":
            await serving._rates({"studio": "http://nowhere"}, 64)
        else:
            await serving._tails({"studio": "http://nowhere"}, 1.0)


async def test_rates_and_tails_are_medians_of_the_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def loaded(*_: object, **__: object) -> load.Load:
        return answers(200, 200)

    monkeypatch.setattr(load, "closed_loop", loaded)
    monkeypatch.setattr(load, "open_loop", loaded)
    monkeypatch.setattr(serving, "uploads", lambda *_, **__: [b""])
    assert await serving._rates({"studio": ""}, 64) == {"studio": pytest.approx(2 / 1.01)}
    assert await serving._tails({"studio": ""}, 1.0) == {"studio": pytest.approx(10)}


@pytest.mark.parametrize("rate", [12.0, 60.0])
async def test_no_server_is_sent_a_picture_twice(monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    lots: dict[int, list[int]] = {}

    def uploads(side: int, count: int, *, first: int) -> list[bytes]:
        lots.setdefault(side, []).extend(range(first, first + count))
        return [b""]

    async def loaded(*_: object, **__: object) -> load.Load:
        return answers(200)

    monkeypatch.setattr(serving, "uploads", uploads)
    monkeypatch.setattr(load, "closed_loop", loaded)
    monkeypatch.setattr(load, "open_loop", loaded)
    await serving._rates({"studio": ""}, serving.SIDE)
    await serving._tails({"studio": ""}, rate)
    (numbers,) = lots.values()
    # One answer in 10 ms: six seconds of that in each round.
    assert len(numbers) == len(set(numbers)) == serving.WARM_UP + 3 * 600 + 3 * 10 * rate
