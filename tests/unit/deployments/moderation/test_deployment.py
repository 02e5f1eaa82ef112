"""Moderation behind its slot: the same bytes are not rated twice by the same versions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deployments.errors import Unavailable
from deployments.imaging import Photo, encode
from deployments.moderation import deployment as moderation
from deployments.moderation.deployment import Moderation
from deployments.moderation.engine import ModerationEngine, Policy
from deployments.moderation.vote import Vote
from deployments.runtime import Runtime
from deployments.serving.types import Options
from deployments.slots import ModelSet
from registry.manifest import ModelVersion
from registry.opening import StoreAddress
from registry.store import FolderStore
from tests import versions
from tests.eventually import until

# The slot warms an engine up, and the examination that every version passes does.
WARM_UPS = 2


def picture(shade: int) -> Photo:
    return Photo.open(encode(np.full((32, 32, 3), shade, np.uint8), "image/png"))


@pytest.fixture
def rated(monkeypatch: pytest.MonkeyPatch, fixed: Any) -> dict[str, Any]:
    """The classifier that every version becomes when it is loaded, by the version's name; v2 finds everything explicit."""
    classifiers: dict[str, Any] = {}

    def build(loaded: Sequence[ModelVersion], policy: Policy, _runtime: Runtime) -> ModerationEngine:
        ref = loaded[0].ref
        classifiers[ref] = fixed({"explicit": 0.9 if ref.endswith("v2") else 0.1}, ref)
        return ModerationEngine(classifiers[ref], policy)

    monkeypatch.setattr(moderation, "build", build)
    return classifiers


@pytest.fixture
async def doorman(tmp_path: Path, rated: dict[str, Any]) -> Moderation:
    store = FolderStore(tmp_path)
    for version in ("v1", "v2"):
        versions.publish(store, model="doorman", version=version, task="moderation")
    made = Moderation(Options(StoreAddress(str(tmp_path)), Runtime()), Policy())
    await made.reconfigure({"stable": {"model": "doorman@v1"}})
    return made


def looks(rated: dict[str, Any], version: str = "v1") -> int:
    """The pictures a version was shown since it was loaded."""
    return sum(rated[f"doorman@{version}"].asked) - WARM_UPS


async def test_a_picture_is_rated_once(doorman: Moderation, rated: dict[str, Any]) -> None:
    first, again = [await doorman.answer(picture(10), who) for who in ("ada", "grace")]
    assert again == first
    assert looks(rated) == 1


async def test_what_is_remembered_of_one_picture_says_nothing_about_another(
    doorman: Moderation, rated: dict[str, Any]
) -> None:
    photo = picture(10)
    await doorman.answer(photo)
    rated["doorman@v1"].given = {"explicit": 0.9}
    painting = Photo(picture(11).data, "image/png", photo.width, photo.height, photo.digest)
    assert not (await doorman.answer(painting)).value.allowed, "a painting carries its photo's digest, and other bytes"


async def test_another_version_rates_anew(doorman: Moderation, rated: dict[str, Any]) -> None:
    assert (await doorman.answer(picture(10))).value.allowed
    await doorman.reconfigure({"stable": {"model": "doorman@v2"}})

    async def by_v2() -> bool:
        return (await doorman.answer(picture(10))).model == "doorman@v2"

    await until(by_v2)
    assert not (await doorman.answer(picture(10))).value.allowed
    assert looks(rated, "v2") == 1


async def test_a_version_on_trial_sees_every_picture(doorman: Moderation, rated: dict[str, Any]) -> None:
    await doorman.answer(picture(10))
    await doorman.reconfigure({"stable": {"model": "doorman@v1"}, "canary": {"model": "doorman@v2", "percent": 100}})
    await until(lambda: doorman.status().beside)
    answers = [await doorman.answer(picture(10), "somebody") for _ in range(3)]
    assert {answer.model for answer in answers} == {"doorman@v2"}
    assert looks(rated, "v2") >= 3
    await doorman.reconfigure({"stable": {"model": "doorman@v1"}})
    await until(lambda: doorman.status().beside is None)
    assert (await doorman.answer(picture(10), "somebody")).model == "doorman@v1", "what a canary said is not remembered"


async def test_a_look_that_failed_is_taken_again(doorman: Moderation, rated: dict[str, Any]) -> None:
    rated["doorman@v1"].given = {"explicit": float("nan")}
    with pytest.raises(Unavailable):
        await doorman.answer(picture(10))
    rated["doorman@v1"].given = {"explicit": 0.1}
    assert (await doorman.answer(picture(10))).value.allowed


async def test_only_the_pictures_asked_for_last_are_remembered(
    doorman: Moderation, rated: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moderation, "REMEMBERED", 2)
    for shade in (10, 20, 10, 30, 10):
        await doorman.answer(picture(shade))
    assert looks(rated) == 3
    await doorman.answer(picture(20))
    assert looks(rated) == 4, "30 came later, 10 was asked for again"


async def test_a_verdict_from_memory_says_nothing_of_a_versions_pace(
    doorman: Moderation, rated: dict[str, Any]
) -> None:
    for shade in (10, 20):
        await doorman.answer(picture(shade))
    looked_at = (await doorman.report()).traffic["doorman@v1"]
    for _ in range(40):
        await doorman.answer(picture(10))
    assert (await doorman.report()).traffic["doorman@v1"] == looked_at, "a promoted version remembers nothing yet"
    assert looked_at.requests == looks(rated) == 2


async def test_a_voter_may_join_that_takes_longer_than_those_before_it(tmp_path: Path, monkeypatch, fixed: Any) -> None:
    store = FolderStore(tmp_path)
    for model in ("doorman", "second"):
        versions.publish(store, model=model, task="moderation")

    class Slow(fixed):  # type: ignore[misc]
        def scores(self, batch: Sequence[Photo]) -> Any:
            time.sleep(0.03)
            return super().scores(batch)

    def build(loaded: Sequence[ModelVersion], policy: Policy, _runtime: Runtime) -> ModerationEngine:
        kind = Slow if len(loaded) > 1 else fixed
        return ModerationEngine(kind({"explicit": 0.1}, loaded[0].ref), policy)

    monkeypatch.setattr(moderation, "build", build)
    made = Moderation(Options(StoreAddress(str(tmp_path)), Runtime()), Policy())
    await made.reconfigure({"stable": {"model": "doorman@v1"}})
    await made.reconfigure({"stable": {"model": "doorman@v1", "extras": ["second@v1"]}})
    await until(lambda: made.status().active == ModelSet("doorman@v1", ("second@v1",)))
    assert made.status().error is None


async def test_every_voter_is_named_with_the_verdict(tmp_path: Path, monkeypatch, fixed: Any) -> None:
    store = FolderStore(tmp_path)
    for model in ("doorman", "second"):
        versions.publish(store, model=model, task="moderation")

    def build(loaded: Sequence[ModelVersion], policy: Policy, _runtime: Runtime) -> ModerationEngine:
        return ModerationEngine(Vote([fixed({"explicit": 0.1}, version.ref) for version in loaded]), policy)

    monkeypatch.setattr(moderation, "build", build)
    made = Moderation(Options(StoreAddress(str(tmp_path)), Runtime()), Policy())
    await made.reconfigure({"stable": {"model": "doorman@v1", "extras": ["second@v1"]}})
    assert (await made.answer(picture(10))).models == ("doorman@v1", "second@v1")
