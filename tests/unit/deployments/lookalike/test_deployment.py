"""The gallery behind its slot: what a canary found is shown, too."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import pytest

from deployments.errors import UnknownModel
from deployments.imaging import encode
from deployments.lookalike.deployment import Lookalike
from deployments.lookalike.engine import LookalikeEngine, LookalikeQuery
from deployments.provenance import mark
from deployments.runtime import Runtime
from deployments.serving.types import Options
from registry.manifest import ModelVersion
from registry.opening import StoreAddress
from registry.publish import publish_folder
from registry.store import FolderStore
from tests.eventually import until

from .conftest import SPACE, MakeGallery
from .test_collage import FACE, MATCH, PHOTO

V1, V2 = ({"model": f"some-people@{version}"} for version in ("v1", "v2"))


def publish(store: FolderStore, version: str, gallery: ModelVersion) -> None:
    publish_folder(store, gallery.manifest.model_copy(update={"version": version}), gallery.folder)


@pytest.fixture
async def deployment(tmp_path: Path, make_gallery: MakeGallery) -> Lookalike:
    """Ada, Grace and Edsger serve; the canary, everybody's, knows a fourth person."""
    store = FolderStore(tmp_path / "models")
    names = ("Ada", "Grace", "Edsger", "Barbara")
    publish(store, "v1", make_gallery(np.eye(3, dtype=np.float32), names[:3], tmp_path / "three"))
    publish(
        store,
        "v2",
        make_gallery(np.eye(4, 3, dtype=np.float32) - np.eye(4, 3, -3, np.float32), names, tmp_path / "four"),
    )
    made = Lookalike(Options(StoreAddress(str(store.root)), Runtime()))
    await made.reconfigure({"stable": V1, "canary": V2 | {"percent": 100}})
    await until(lambda: made.status().second)
    return made


async def test_whoever_the_canary_found_is_shown_in_the_collage(deployment: Lookalike) -> None:
    barbara = LookalikeQuery(np.array([-1, 0, 0], np.float32), SPACE, 1)
    answer = await deployment.answer(barbara, "a visitor")
    assert (answer.model, answer.value[0].name) == ("some-people@v2", "Barbara")
    assert (await deployment.portrait(answer.value[0].picture)).startswith(b"\xff\xd8")
    assert (await deployment.collage(PHOTO, FACE, answer.value, "What they mean.")).startswith(b"\xff\xd8")


async def test_a_photo_with_more_faces_than_the_queue_has_places_is_one_search(deployment: Lookalike) -> None:
    ada = LookalikeQuery(np.array([1, 0, 0], np.float32), SPACE, 1)
    barbara = LookalikeQuery(np.array([-1, 0, 0], np.float32), SPACE, 1)
    answers = await deployment.search((ada, barbara) * 50, "a visitor")
    assert [answer.value[0].name for answer in answers[:2]] == ["Ada", "Barbara"]
    assert len(answers) == 100


async def test_a_collage_says_what_it_is_given_to_say(deployment: Lookalike) -> None:
    ada = await deployment.answer(LookalikeQuery(np.array([1, 0, 0], np.float32), SPACE, 1), "a visitor")
    said, other = [await deployment.collage(PHOTO, FACE, ada.value, note) for note in ("Ж", "Щ")]
    assert said != other


async def test_a_collage_is_marked(deployment: Lookalike) -> None:
    ada = await deployment.answer(LookalikeQuery(np.array([1, 0, 0], np.float32), SPACE, 1), "a visitor")
    with deployment._slot.lease() as lease:
        plain = cast(LookalikeEngine, lease.engine).collage(PHOTO, FACE, ada.value, "What they mean.")
    collage = await deployment.collage(PHOTO, FACE, ada.value, "What they mean.")
    assert collage == encode(mark(plain)) != encode(plain)


async def test_whom_neither_knows_is_an_error(deployment: Lookalike) -> None:
    with pytest.raises(UnknownModel, match="no such portrait"):
        await deployment.collage(PHOTO, FACE, (MATCH,), "What they mean.")
