"""A version under its bars is not promoted unless somebody says why, and then the record says it too."""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from registry.catalogue import starter
from registry.errors import RoutingRefused
from registry.gates import BARS, REPORT, Bar, shortfalls
from registry.manifest import Manifest
from registry.promotions import promote
from registry.store import FolderStore

GOOD = {"wave.style": 0.05, "wave.content": 0.9}
BY: dict[str, Any] = {"by": "ada", "why": "better waves"}


@pytest.fixture
def net(store: FolderStore, publish: Callable[..., Manifest]) -> Callable[..., None]:
    def make(version: str, metrics: dict[str, float], report: bytes | None = None) -> None:
        files = {"weights.dat": version.encode()} | ({REPORT: report} if report is not None else {})
        publish(files, version=version, task="style", metrics=metrics)

    return make


def figures(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"title": "", "summary": "", "sections": [], "figures": entries}).encode()


def test_good_figures_pass_and_bad_ones_are_named_with_their_bar(store: FolderStore, net) -> None:
    net("v1", GOOD)
    promote(store, "net", "v1", **BY)
    net("v2", GOOD | {"udnie.style": 0.31})
    with pytest.raises(RoutingRefused, match=r"udnie\.style is 0\.31, and at most 0\.08 is the bar.*--force"):
        promote(store, "net", "v2", **BY)
    assert store.routing("net").stable == "v1"


@pytest.mark.parametrize(
    ("value", "why"), [(0.3, "0.3, and at least 0.5 is the bar"), (0.95, "0.95, and at most 0.9 is the bar")]
)
def test_of_a_bar_with_two_ends_the_one_that_was_missed_is_named(value: float, why: str) -> None:
    assert Bar("share", at_least=0.5, at_most=0.9).missed(value) == why


def test_force_takes_a_reason_and_stands_in_the_record(store: FolderStore, net) -> None:
    net("v1", GOOD)
    net("v2", GOOD | {"wave.style": math.nan})
    promote(store, "net", "v1", **BY)
    with pytest.raises(RoutingRefused, match="Say why"):
        promote(store, "net", "v2", by="ada", why=" ", force=True)
    promote(store, "net", "v2", **BY, force=True)
    first, second = store.audit("net")
    assert first.despite == ()
    assert second.why == "better waves"
    assert "wave.style" in second.despite[0]


def test_force_changes_nothing_about_a_version_that_clears_its_bars(store: FolderStore, net) -> None:
    net("v1", GOOD)
    promote(store, "net", "v1", by="ada", why="", force=True)
    assert store.audit("net")[-1].despite == ()


def test_an_unmeasured_version_may_follow_an_unmeasured_one_but_no_measured_one(store: FolderStore, net) -> None:
    for number, metrics in enumerate(({}, {"speed": 3.0}, GOOD), 1):
        net(f"v{number}", metrics)
        promote(store, "net", f"v{number}", **BY)
    net("v4", {"wave.content": 0.9})
    with pytest.raises(RoutingRefused, match=r"no figure for \*\.style, which net@v3 has"):
        promote(store, "net", "v4", **BY)
    assert shortfalls(store, "net@v4", "net@v9") == [], "what is gone is no measure"


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (figures({"name": "speed", "value": 2.0, "at_least": 3.0}), r"speed is 2, and at least 3 is the bar"),
        (figures({"name": "error", "value": 0.2, "at_most": 0.1}), r"error is 0\.2, and at most 0\.1 is the bar"),
        (figures({"name": "lost", "value": None, "at_most": 0.1}), "lost is nan"),
        (b"no report", "cannot be read"),
        (b"[1]", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"figures": [{"name": "speed", "value": 1%s, "at_most": 1}]}' % (b"0" * 400), "cannot be read"),
        (b'{"figures": [7]}', "cannot be read"),
    ],
)
def test_a_report_is_held_to_the_bars_it_names(store: FolderStore, net, report: bytes, words: str) -> None:
    net("v1", {}, report)
    with pytest.raises(RoutingRefused, match=words):
        promote(store, "net", "v1", **BY)


HELD_OUT = ("balanced accuracy, held out", "photographs called machine-made, held out")


def test_the_report_of_held_out_pictures_brings_a_detectors_figures_to_its_bars(store: FolderStore, publish) -> None:
    def make(version: str, names: tuple[str, ...], accuracy: float, **more: Any) -> None:
        report = figures(*({"name": name, "value": value} for name, value in zip(names, (accuracy, 0.01), strict=True)))
        publish({REPORT: report}, version=version, task="authenticity", **more)

    publish(version="v1", task="authenticity", metrics={"balanced_accuracy": 0.9, "photographs_accused": 0.0})
    make("v2", HELD_OUT, 0.7)
    make("v3", ("balanced accuracy, these pictures", "photographs called machine-made, these pictures"), 0.99)
    make("v4", HELD_OUT, 0.95)
    publish(version="v5", task="authenticity")
    promote(store, "net", "v1", **BY)
    with pytest.raises(
        RoutingRefused, match=r"bars: balanced_accuracy is 0\.7, and at least 0\.8 is the bar\. Promote"
    ):
        promote(store, "net", "v2", **BY)
    with pytest.raises(RoutingRefused, match="no figure for balanced_accuracy, which net@v1 has"):
        promote(store, "net", "v3", **BY)
    promote(store, "net", "v4", **BY)
    with pytest.raises(RoutingRefused, match="no figure for balanced_accuracy, which net@v4 has"):
        promote(store, "net", "v5", **BY)


def test_a_gallerys_report_of_left_out_pictures_holds_nothing_up(store: FolderStore, publish) -> None:
    publish({REPORT: b'{"gallery": "net@v1", "left_out": []}'}, version="v1", task="face-gallery")
    assert shortfalls(store, "net@v1", None) == []


def test_a_report_without_bars_or_over_them_holds_nothing_up(store: FolderStore, net) -> None:
    net(
        "v1",
        {},
        figures({"name": "speed", "value": 9.0, "at_least": 3.0, "at_most": None}, {"name": "n", "value": 1.0}),
    )
    promote(store, "net", "v1", **BY)


def test_what_ships_has_a_figure_over_every_bar_of_its_task() -> None:
    measured = set()
    for manifest in starter():
        for bar in BARS.get(manifest.task, ()):
            found = fnmatch.filter(manifest.metrics, bar.metric)
            assert found, f"{manifest.ref} has no figure for {bar.metric}"
            assert [bar.missed(manifest.metrics[name]) for name in found] == [None] * len(found)
            measured.add(manifest.task)
    assert {"style", "authenticity", "face-analysis"} <= measured
