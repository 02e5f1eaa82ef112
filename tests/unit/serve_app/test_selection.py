"""Which installed versions serve, and in words why a capability cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployments.slots import ModelSet
from registry.errors import BrokenVersion, RegistryError
from registry.manifest import Manifest
from registry.promotions import promote
from registry.store import FolderStore
from serve_app.selection import left_out, select
from serve_app.settings import ModelChoice
from tests import versions
from training.gallery.starter import NAME as SAMPLE_GALLERY

Publish = Callable[..., Manifest]
HASH = "0" * 64


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "models")


@pytest.fixture
def publish(store: FolderStore) -> Publish:
    def publish(model: str, task: str, version: str = "v1", content: bytes | None = None, **more: Any) -> Manifest:
        files = {} if content is None else {"network": content}
        return versions.publish(store, files, model=model, version=version, task=task, **more)

    return publish


def test_an_empty_store_says_how_to_fill_it(store: FolderStore) -> None:
    selection = select(store, ModelChoice())
    assert selection.chosen == {}
    assert selection.missing["style"] == "masquerade models pull --starter"
    refusal = str(selection.refusal("moderation"))
    assert f"in {store.root}; run: masquerade models pull --starter" in refusal


@pytest.mark.parametrize(
    ("wish", "needed"),
    [
        ("style_packs", "style-pack"),
        ("gallery", "face-gallery"),
        ("swap_block_list", "face-block-list"),
        ("swap", "face-swap"),
    ],
)
def test_a_setting_that_names_another_kind_of_model_is_refused(
    store: FolderStore, publish: Publish, wish: str, needed: str
) -> None:
    for model, task in (
        ("lean", "style"),
        ("faces", "face-analysis"),
        ("swapper", "face-swap"),
        ("other", "moderation"),
    ):
        publish(model, task)
    named: Any = ("other",) if wish == "style_packs" else "other"
    with pytest.raises(RegistryError, match=f"other@v1 is a moderation model; a {needed} model is needed here"):
        select(store, ModelChoice(**{wish: named}))


def test_the_newest_version_serves_when_none_is_named(store: FolderStore, publish: Publish) -> None:
    publish("dlib-faces", "face-analysis", "v2", embedding_space="a")
    publish("dlib-faces", "face-analysis", "v10", embedding_space="a")
    assert select(store, ModelChoice()).chosen["faces"] == ModelSet("dlib-faces@v10")


def test_the_better_face_model_serves_when_both_are_there(store: FolderStore, publish: Publish) -> None:
    publish("dlib-faces", "face-analysis", embedding_space="a")
    publish("buffalo-l", "face-analysis", embedding_space="b")
    assert select(store, ModelChoice()).chosen["faces"].model == "buffalo-l@v1"
    assert select(store, ModelChoice(faces="dlib-faces")).chosen["faces"].model == "dlib-faces@v1"


def test_the_finer_style_network_serves_when_both_are_there(store: FolderStore, publish: Publish) -> None:
    for network in ("style-lean", "style-fine"):
        publish(network, "style")
    assert select(store, ModelChoice()).missing["style"]
    assert select(store, ModelChoice(style_packs=())).chosen["style"].model == "style-fine@v1"


def test_a_wish_for_a_model_of_another_task_is_refused(store: FolderStore, publish: Publish) -> None:
    publish("dlib-faces", "face-analysis", embedding_space="a")
    with pytest.raises(RegistryError, match="face-analysis"):
        select(store, ModelChoice(style="dlib-faces"))


def test_a_gallery_serves_only_beside_the_face_model_of_its_space(store: FolderStore, publish: Publish) -> None:
    publish("dlib-faces", "face-analysis", embedding_space="a")
    publish("actors", "face-gallery", embedding_space="b")
    assert "lookalike" in select(store, ModelChoice()).missing
    with pytest.raises(RegistryError, match="holds vectors of b"):
        select(store, ModelChoice(gallery="actors"))
    publish("singers", "face-gallery", embedding_space="a")
    assert select(store, ModelChoice()).chosen["lookalike"] == ModelSet("singers@v1")


@pytest.mark.parametrize("name", ["actors", "stars"])
def test_a_gallery_of_ones_own_serves_before_the_sample(store: FolderStore, publish: Publish, name: str) -> None:
    publish("dlib-faces", "face-analysis", embedding_space="a")
    publish(SAMPLE_GALLERY, "face-gallery", embedding_space="a")
    assert select(store, ModelChoice()).chosen["lookalike"] == ModelSet("celebrities-sample@v1")
    publish(name, "face-gallery", embedding_space="a")
    assert select(store, ModelChoice()).chosen["lookalike"] == ModelSet(f"{name}@v1")


def test_of_several_galleries_the_log_says_which_one_serves_and_how_to_choose(
    store: FolderStore, publish: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    publish("dlib-faces", "face-analysis", embedding_space="a")
    for name in ("stars", "actors", SAMPLE_GALLERY):
        publish(name, "face-gallery", embedding_space="a")
    assert select(store, ModelChoice()).chosen["lookalike"] == ModelSet("actors@v1")
    assert caplog.messages == [
        "of the galleries actors, stars, actors@v1 serves; MASQUERADE_MODELS__GALLERY names another"
    ]
    assert select(store, ModelChoice(gallery="stars")).chosen["lookalike"] == ModelSet("stars@v1")


def test_a_gallery_built_anew_for_another_face_model_serves_both_by_turns(store: FolderStore, publish: Publish) -> None:
    publish("dlib-faces", "face-analysis", embedding_space="a")
    publish("buffalo-l", "face-analysis", embedding_space="b")
    publish("stars", "face-gallery", embedding_space="a")
    lost = select(store, ModelChoice()).missing["lookalike"]
    assert lost == "masquerade gallery build FOLDER --name NAME --faces buffalo-l"
    publish("stars", "face-gallery", "v2", embedding_space="b")
    assert select(store, ModelChoice()).chosen["lookalike"] == ModelSet("stars@v2")
    assert select(store, ModelChoice(faces="dlib-faces")).chosen["lookalike"] == ModelSet("stars@v1")


def test_a_pack_made_for_another_network_is_left_out(store: FolderStore, publish: Publish) -> None:
    publish("style-lean", "style")
    publish("strange-pack", "style-pack", requires={"style-lean": HASH})
    assert "style" in select(store, ModelChoice()).missing


def test_a_network_that_nobody_has_made_packs_for_takes_no_style_away(store: FolderStore, publish: Publish) -> None:
    publish("style-lean", "style", content=b"weights")
    publish("pack", "style-pack", requires={"style-lean": sha256(b"weights")})
    publish("mine", "style", content=b"mine")
    publish("style-lean", "style", version="v2", content=b"other weights")
    publish("style-fine", "style")
    assert select(store, ModelChoice()).chosen["style"] == ModelSet("style-lean@v1", ("pack@v1",))
    assert "style" in select(store, ModelChoice(style="style-lean")).missing


def test_a_predictor_goes_with_the_weights_it_was_made_for(store: FolderStore, publish: Publish) -> None:
    publish("style-lean", "style", content=b"weights")
    fitting = {"style-lean": sha256(b"weights")}
    publish("pack", "style-pack", requires=fitting)
    publish("style-predictor", "style-predictor", requires=fitting)
    publish("style-predictor", "style-predictor", version="v2", requires={"style-lean": HASH})
    chosen = select(store, ModelChoice()).chosen["style"]
    assert chosen.extras == ("pack@v1", "style-predictor@v1")
    assert "style-predictor@v1" in select(store, ModelChoice(style_packs=("pack",))).chosen["style"].extras


def test_the_better_detector_serves_where_its_packages_are_installed(store: FolderStore, publish: Publish) -> None:
    publish("fingerprint", "authenticity", backend="fingerprint")
    publish("community-forensics-384", "authenticity", backend="community-forensics")
    publish("of-the-future", "authenticity", backend="unheard-of")
    assert select(store, ModelChoice()).chosen["authenticity"] == ModelSet("community-forensics-384@v1")
    assert select(store, ModelChoice(authenticity="fingerprint")).chosen["authenticity"].model == "fingerprint@v1"
    with pytest.raises(RegistryError, match="of-the-future@v1 cannot judge"):
        select(store, ModelChoice(authenticity="of-the-future"))


def test_without_a_detector_a_studio_says_what_to_pull(store: FolderStore) -> None:
    assert select(store, ModelChoice()).missing["authenticity"] == "masquerade models pull fingerprint"


def test_moderation_models_of_the_catalogue_vote(store: FolderStore, publish: Publish) -> None:
    publish("open-nsfw", "moderation", backend="open-nsfw")
    publish("falconsai-nsfw", "moderation", backend="open-nsfw")
    assert select(store, ModelChoice()).chosen["moderation"] == ModelSet("falconsai-nsfw@v1", ("open-nsfw@v1",))


def test_a_moderator_of_ones_own_votes_once_it_is_promoted_or_named(store: FolderStore, publish: Publish) -> None:
    publish("a-trial", "moderation", backend="open-nsfw")
    assert select(store, ModelChoice()).chosen["moderation"] == ModelSet("a-trial@v1"), "there is no other"
    publish("open-nsfw", "moderation", backend="open-nsfw")
    assert select(store, ModelChoice()).chosen["moderation"] == ModelSet("open-nsfw@v1")
    assert select(store, ModelChoice(moderation=("a-trial",))).chosen["moderation"] == ModelSet("a-trial@v1")
    promote(store, "a-trial", "v1", by="ada", why="finds more")
    assert select(store, ModelChoice()).chosen["moderation"] == ModelSet("a-trial@v1", ("open-nsfw@v1",))


@pytest.mark.parametrize(
    ("capability", "task", "measured", "backend"),
    [
        ("faces", "face-analysis", "dlib-faces", "dlib"),
        ("authenticity", "authenticity", "fingerprint", "fingerprint"),
        ("style", "style", "style-lean", ""),
        ("swap", "face-swap", "embedded-swap", "embedded"),
    ],
)
def test_a_model_that_was_only_imported_takes_over_from_none_that_was_measured(
    store: FolderStore, publish: Publish, capability: str, task: str, measured: str, backend: str
) -> None:
    wishes = ModelChoice(style_packs=())
    publish("b-trial", task, backend=backend)
    publish("a-trial", task, backend=backend)
    assert select(store, wishes).chosen[capability].model == "a-trial@v1"
    promote(store, "b-trial", "v1", by="ada", why="better")
    assert select(store, wishes).chosen[capability].model == "b-trial@v1"
    publish(measured, task, backend=backend)
    assert select(store, wishes).chosen[capability].model == f"{measured}@v1"
    named = wishes.model_copy(update={capability: "b-trial"})
    assert select(store, named).chosen[capability].model == "b-trial@v1"


def test_a_predictor_that_was_only_imported_does_not_take_over(store: FolderStore, publish: Publish) -> None:
    publish("style-lean", "style", content=b"weights")
    for model in ("a-predictor", "style-predictor"):
        publish(model, "style-predictor", requires={"style-lean": sha256(b"weights")})
    assert select(store, ModelChoice(style_packs=())).chosen["style"].extras == ("style-predictor@v1",)


def test_an_age_model_goes_with_the_faces_and_a_block_list_with_the_swap(store: FolderStore, publish: Publish) -> None:
    publish("dlib-faces", "face-analysis", embedding_space="a")
    publish("ages", "face-age")
    publish("younger", "face-age")
    publish("swapper", "face-swap", backend="embedded")
    publish("protected", "face-block-list", embedding_space="a")
    chosen = select(store, ModelChoice(swap_block_list="protected")).chosen
    assert chosen["faces"] == ModelSet("dlib-faces@v1", ("ages@v1",))
    assert chosen["swap"] == ModelSet("swapper@v1", ("protected@v1",))


def test_a_model_that_cannot_be_read_keeps_nobody_from_serving_unless_it_is_asked_for(
    store: FolderStore, publish: Publish
) -> None:
    publish("style-fine", "style")
    publish("mine", "style")
    path = store.root / "mine" / "v1" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text("[")
    assert select(store, ModelChoice(style_packs=())).chosen["style"] == ModelSet("style-fine@v1")
    with pytest.raises(BrokenVersion, match="mine@v1 cannot be read"):
        select(store, ModelChoice(style="mine"))


def test_packs_for_other_weights_are_told_of_unless_the_settings_chose(store: FolderStore, publish: Publish) -> None:
    publish("style-fine", "style", content=b"new")
    for pack, weights in (("classics", b"new"), ("mine", b"old")):
        publish(pack, "style-pack", requires={"style-fine": sha256(weights)})
    selection = select(store, ModelChoice())
    told = "mine@v1 is left out: it was made for other weights than those of style-fine@v1"
    assert left_out(store, selection, ModelChoice()) == [told]
    assert left_out(store, selection, ModelChoice(style_packs=("classics",))) == []
