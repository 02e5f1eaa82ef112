"""The gauge of what a replica holds is true whoever tells it, and in whatever order."""

from __future__ import annotations

import threading

import pytest

from deployments.serving.metrics import SlotMetrics
from deployments.slots import ModelSet, SlotStatus

OLD, NEW = ModelSet("m@v1"), ModelSet("m@v2")
BEFORE, AFTER = SlotStatus(OLD, NEW, None), SlotStatus(NEW, None, None)


def test_two_that_tell_the_places_at_once_leave_nothing_that_neither_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = SlotMetrics("style")
    held: dict[tuple[str, str], int] = {}
    late = threading.Thread(target=lambda: metrics.places(BEFORE))

    def hold(value: int, tags: dict[str, str]) -> None:
        held[tags["place"], tags["version"]] = value
        if (tags["place"], tags["version"], value) == ("active", "v2", 1) and not late.ident:
            late.start()
            late.join(0.3)

    monkeypatch.setattr(metrics._held, "set", hold)
    metrics.places(SlotStatus(OLD, None, None))
    metrics.places(AFTER)
    late.join(10)
    metrics.places(AFTER)
    assert [place for place, value in held.items() if value] == [("active", "v2")]
