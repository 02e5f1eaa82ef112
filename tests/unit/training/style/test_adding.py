from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from deployments.imaging import Photo, encode
from deployments.runtime import Runtime
from deployments.style.engine import StyleEngine, StyleQuery
from registry.promotions import promote
from registry.publish import describe, publish_folder
from registry.store import FolderStore
from tests import versions
from tests.commands import assert_refused, said
from training.style import adding, cli, teaching
from training.style.checkpoint import Weights
from training.style.export import write_network
from training.style.lesson import Lesson
from training.style.network import StyleNetwork
from training.style.recipes import Recipe

from .conftest import LICENCE


@pytest.fixture
def add(store, photos, make_picture, encoder_file, monkeypatch):
    recipe = Recipe(content_layers=("relu2_2",), style_layers=("relu1_1",))
    monkeypatch.setattr(cli, "Lesson", lambda **more: Lesson(crops=2, crop=64, recipe=recipe, **more))
    painting = make_picture("lines.png", seed=70)

    def run(*more: str, name: str = "lines", painting: Path = painting):
        command = ["add", str(painting), "--name", name, "--photos", str(photos), "--store", str(store.root)]
        options = ["--network", "style-tiny", "--encoder", str(encoder_file)]
        options += ["--steps", "3", "--painting-side", "64", "--threads", "1"]
        return CliRunner().invoke(cli.app, [*command, *options, *more])

    return run


def painted(store: FolderStore, packs: list[str], style: str) -> bytes:
    engine = StyleEngine(store.get("style-tiny"), [store.get(pack) for pack in packs], Runtime())
    noise = np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8)
    (result,) = engine.run([StyleQuery.parse(Photo.open(encode(noise, "image/png")), [style])])
    return result.tobytes()


def test_an_added_style_is_served_beside_the_others_which_stay_what_they_are(add, store) -> None:
    network = (store.get("style-tiny").folder / "network.onnx").read_bytes()
    before = painted(store, ["styles-first"], "dots")
    result = add("--title", "Lines", "--artist", "Somebody", "--year", "1999", "--licence", "public domain")
    assert result.exit_code == 0, result.output
    pack = store.get("styles-lines")
    assert pack.ref == "styles-lines@v1"
    entry = json.loads(pack.path("styles.json").read_text())["styles"][0]
    assert (entry["name"], entry["title"], entry["artist"], entry["year"]) == ("lines", "Lines", "Somebody", 1999)
    assert pack.manifest.licence == LICENCE
    assert pack.manifest.trained_on[0].terms == "public domain"
    assert painted(store, ["styles-first", "styles-lines"], "dots") == before
    assert painted(store, ["styles-first", "styles-lines"], "lines") != before
    assert (store.get("style-tiny").folder / "network.onnx").read_bytes() == network


def test_adding_it_again_is_a_new_version(add, store) -> None:
    assert "promote" not in add().output
    again = add("--title", "Finer lines")
    assert again.exit_code == 0
    assert "masquerade models promote styles-lines@v2 --why" in said(again)
    assert store.versions("styles-lines") == ["v1", "v2"]


def damage(store: FolderStore, model: str, task: str) -> None:
    """Publish a model whose manifest then becomes unreadable."""
    versions.publish(store, model=model, task=task)
    path = store.root / model / "v1" / "manifest.yaml"
    path.chmod(0o644)
    path.write_text("[")


def test_a_damaged_model_of_another_kind_is_passed_over(add, store) -> None:
    damage(store, "a-detector", "authenticity")
    assert add().exit_code == 0


def test_only_the_packs_of_the_network_are_fetched(add, store, monkeypatch) -> None:
    versions.publish(store, model="a-detector", task="authenticity")
    fetched: list[str] = []
    get = FolderStore.get
    monkeypatch.setattr(FolderStore, "get", lambda self, ref: fetched.append(ref) or get(self, ref))
    assert add().exit_code == 0
    assert {ref.partition("@")[0] for ref in fetched} == {"style-tiny", "styles-first"}


def test_an_encoder_that_lacks_a_layer_is_refused_before_anything_is_learnt(add, store, monkeypatch) -> None:
    deep = Recipe(content_layers=("relu2_2",), style_layers=("relu5_1",))
    monkeypatch.setattr(cli, "Lesson", lambda **more: Lesson(crops=2, crop=64, recipe=deep, **more))
    monkeypatch.setattr(teaching, "add", lambda *_: pytest.fail("it began to learn"))
    assert_refused(add(), "has no layer relu5_1")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"name": "dots"}, "has a style 'dots' already"),
        ({"name": "first"}, "'first' would replace styles-first@v1, which holds dots, identity"),
        ({"name": "Great Wave"}, "no name for a style"),
        ({"name": "identity"}, "'identity' is what a network calls the photo itself"),
        ({"network": "styles-first"}, "give a style network"),
        ({"network": "style-none"}, "style-none"),
    ],
)
def test_mistakes_end_with_a_sentence_and_publish_nothing(add, store, more, sentence) -> None:
    options = ["--network", more["network"]] if "network" in more else []
    assert_refused(add(*options, name=more.get("name", "lines")), sentence)
    assert store.models() == ["style-tiny", "styles-first"]


def test_a_name_whose_pack_holds_another_style_is_refused_and_nothing_vanishes(add, store) -> None:
    assert add(name="my_style").exit_code == 0
    assert_refused(
        add(name="my-style"), "'my-style' would replace styles-my-style@v1, which holds my_style; choose another name"
    )
    assert store.versions("styles-my-style") == ["v1"]


def test_a_style_of_another_network_is_not_replaced(add, store) -> None:
    add()
    tiny = store.get("style-tiny")
    publish_folder(store, tiny.manifest.model_copy(update={"model": "style-other"}), tiny.folder)
    assert_refused(add("--network", "style-other"), "would replace styles-lines@v1, which is no pack of style-other")
    assert store.versions("styles-lines") == ["v1"]


def test_the_styles_of_a_network_that_serves_again_are_those_of_its_own_packs(add, store) -> None:
    newer = versions.publish(store, model="style-tiny", version="v2", task="style")
    requires = {"style-tiny": newer.files[0].sha256}
    versions.publish(store, model="styles-first", version="v2", task="style-pack", requires=requires)
    promote(store, "style-tiny", "v1", by="ada", why="the newer one was worse")
    assert adding.open_studio(store, "style-tiny").styles == ("dots",)
    assert_refused(add(name="dots"), "has a style 'dots' already")


def test_a_style_follows_its_network_to_new_weights(add, store, tiny) -> None:
    add()
    torch.manual_seed(5)
    styles = {name: torch.randn(tiny.style_size) for name in ("identity", "dots")}
    weights = Weights(StyleNetwork(tiny), styles)
    with store.stage("style-tiny@v2") as folder:
        write_network(weights, folder)
        about = store.manifest("style-tiny@v1").model_copy(update={"version": "v2"})
        network = store.publish(describe(folder, about), folder)
    assert add().exit_code == 0
    assert store.manifest("styles-lines@v2").requires == {
        "style-tiny": network.manifest.file("network.safetensors").sha256
    }


def test_a_style_learnt_for_weights_that_do_not_serve_yet_waits_for_their_promotion_not_its_own(
    add, store, tiny
) -> None:
    with store.stage("style-tiny@v2") as folder:
        write_network(Weights(StyleNetwork(tiny), {}), folder)
        about = store.manifest("style-tiny@v1").model_copy(update={"version": "v2"})
        store.publish(describe(folder, about), folder)
    promote(store, "style-tiny", "v1", by="ada", why="it serves")
    assert "promote" not in said(add())
    told = said(add("--network", "style-tiny@v2"))
    assert "style-tiny stands for v1 until: masquerade models promote style-tiny@v2 --why" in told
    assert "promote styles-lines" not in told


@pytest.fixture
def no_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.style.teaching.open_encoder", lambda _: pytest.fail("the encoder was loaded"))


@pytest.mark.usefixtures("no_encoder")
def test_a_painting_that_is_no_picture_is_refused_before_the_encoder_is_loaded(add, store, tmp_path) -> None:
    (tmp_path / "words.jpg").write_text("words")
    assert_refused(add(painting=tmp_path / "words.jpg"), "not a picture")
    assert store.models() == ["style-tiny", "styles-first"]


@pytest.mark.usefixtures("no_encoder")
def test_a_preview_that_is_no_picture_is_told_before_the_encoder_is_loaded(add, store, tmp_path) -> None:
    (tmp_path / "words.jpg").write_text("words")
    assert_refused(add("--preview", str(tmp_path / "words.jpg")), "not a picture")


@pytest.mark.usefixtures("no_encoder")
def test_a_store_that_cannot_be_written_is_told_before_the_encoder_is_loaded(add, store, monkeypatch) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "models/.staging")

    monkeypatch.setattr(FolderStore, "stage", read_only)
    assert_refused(add(), "models/.staging: Read-only file system")


def test_a_held_out_photograph_that_cannot_be_read_is_no_preview(add, photos, store) -> None:
    (photos / "7.png").write_text("words")
    assert add().exit_code == 0
    assert store.get("styles-lines").path("previews/lines.jpg").stat().st_size > 0


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [(KeyboardInterrupt(), 130, ""), (OSError(28, "No space left on device"), 1, "No space left on device")],
)
def test_ctrl_c_and_a_full_disk_publish_nothing(add, store, monkeypatch, error, status, sentence) -> None:
    def broken_off(*_: object) -> None:
        raise error

    monkeypatch.setattr(adding, "write_pack", broken_off)
    result = add()
    assert result.exit_code == status
    assert sentence in said(result)
    assert store.models() == ["style-tiny", "styles-first"]
    assert not list((store.root / ".staging").glob("*/*"))
