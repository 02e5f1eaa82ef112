from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import onnxruntime as ort
import pytest
import torch
import yaml
from safetensors.numpy import load_file
from typer.testing import CliRunner

from deployments.imaging import Photo
from deployments.masterpiece.encoder import EncoderInfo
from deployments.runtime import Runtime
from deployments.style.engine import StyleEngine, StyleQuery
from registry.manifest import ModelVersion, load_manifest
from tests.commands import assert_refused
from training.style import export as module
from training.style import graphs
from training.style.checkpoint import Weights, load_weights, save_weights
from training.style.export import PREVIEW_BYTES
from training.style.network import StyleNetwork
from training.style.record import RunRecord
from training.style.trainer import Settings

OPTIONS = ort.SessionOptions()
OPTIONS.intra_op_num_threads = 1


@pytest.fixture
def weights(tiny) -> Weights:
    torch.manual_seed(2)
    network = StyleNetwork(tiny).eval()
    return Weights(network, {name: torch.randn(tiny.style_size) for name in ("identity", "dots", "lines")})


@pytest.fixture
def sessions(weights):
    arrays = {name: tensor.numpy() for name, tensor in weights.network.state_dict().items()}
    architecture = weights.network.architecture
    return {
        make.__name__: ort.InferenceSession(make(architecture, arrays).SerializeToString(), OPTIONS)
        for make in (graphs.painter, graphs.statistics, graphs.frozen)
    }


@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 96)])
def test_the_graph_paints_what_the_network_paints(weights, sessions, height: int, width: int) -> None:
    photo, style = torch.rand(2, 3, height, width), torch.stack([weights.styles["dots"], weights.styles["lines"]])
    made = sessions["painter"].run(["painting"], {"image": photo.numpy(), "style": style.numpy()})[0]
    with torch.no_grad():
        np.testing.assert_allclose(made, weights.network(photo, style).numpy(), atol=1e-5)


def test_a_network_of_ordinary_convolutions_has_a_graph_too(tiny) -> None:
    torch.manual_seed(2)
    network = StyleNetwork(replace(tiny, separable=False)).eval()
    arrays = {name: tensor.detach().numpy() for name, tensor in network.state_dict().items()}
    session = ort.InferenceSession(graphs.painter(network.architecture, arrays).SerializeToString(), OPTIONS)
    photo, style = torch.rand(2, 3, 48, 40), torch.randn(2, tiny.style_size)
    made = session.run(["painting"], {"image": photo.numpy(), "style": style.numpy()})[0]
    with torch.no_grad():
        np.testing.assert_allclose(made, network(photo, style).numpy(), atol=1e-5)


def test_the_frozen_graph_paints_the_same_with_the_statistics_of_the_same_picture(weights, sessions) -> None:
    photo, style = np.random.default_rng(0).random((2, 3, 48, 40), np.float32), np.tile(weights.styles["dots"], (2, 1))
    (painting,) = sessions["painter"].run(["painting"], {"image": photo, "style": style})
    (affine,) = sessions["statistics"].run(["affine"], {"image": photo, "style": style})
    frozen = sessions["frozen"].run(["painting"], {"image": photo, "affine": affine})[0]
    np.testing.assert_allclose(frozen, painting, atol=1e-5)


def test_the_frozen_graph_paints_a_part_as_it_paints_the_whole(weights, sessions, tiny) -> None:
    photo = np.random.default_rng(0).random((1, 3, 96, 96), np.float32)
    style = weights.styles["dots"].numpy()[None]
    affine = sessions["statistics"].run(["affine"], {"image": photo, "style": style})[0]
    whole = sessions["frozen"].run(["painting"], {"image": photo, "affine": affine})[0]
    part = sessions["frozen"].run(["painting"], {"image": photo[:, :, :, 32:], "affine": affine})[0]
    inside = tiny.receptive_radius
    np.testing.assert_allclose(part[..., inside:], whole[..., 32 + inside :], atol=1e-5)
    assert np.abs(part[..., 0] - whole[..., 32]).max() > 1e-3


def test_the_graphs_hold_their_weights_themselves(weights) -> None:
    arrays = {name: tensor.numpy() for name, tensor in weights.network.state_dict().items()}
    model = graphs.frozen(weights.network.architecture, arrays)
    convolutions = {name for name in arrays if not name.startswith("head")}
    assert convolutions <= {tensor.name for tensor in model.graph.initializer}
    assert not any(tensor.external_data for tensor in model.graph.initializer)


@pytest.fixture
def export(weights, make_picture, tmp_path):
    """The command on a run folder, with every option it takes."""
    run = tmp_path / "run"
    run.mkdir()
    save_weights(run / "weights.safetensors", weights)
    first = RunRecord(settings=Settings(), encoder=EncoderInfo("little VGG", "MIT"), paintings={}, photos=8, skipped=0)
    last = first.model_copy(update={"encoder": EncoderInfo("big VGG", "CC BY 4.0"), "started_from": first})
    last.write(run)
    (run / "judged.json").write_text('{"dots.content": 0.5}')
    facts = {"version": "v3", "licence": {"name": "CC0-1.0", "commercial_use": True}}
    photographs = {"name": "eight photographs", "terms": "ours"}
    cards = {
        "net": {"model": "tiny", "task": "style", "format": "onnx", "trained_on": [photographs]},
        "pack": {"model": "two", "task": "style-pack", "format": "safetensors"},
    }
    for name, card in cards.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(card | facts))
    told = [
        {"name": name, "title": name.title(), "artist": "Nobody", "year": 1900, "licence": "public domain"}
        for name in ("dots", "lines")
    ]
    (tmp_path / "paintings.yaml").write_text(yaml.safe_dump(told))
    store = tmp_path / "store"
    options = {
        "sample": make_picture("sample.png"),
        "network-card": tmp_path / "net.yaml",
        "pack-card": tmp_path / "pack.yaml",
        "paintings": tmp_path / "paintings.yaml",
        "judgement": run / "judged.json",
        "package": "registry",
    }

    def export(**other: object):
        chosen = options | other
        more = [part for name, value in chosen.items() for part in (f"--{name}", str(value))]
        return CliRunner().invoke(module.app, [str(run), str(store), *more])

    return export


@pytest.fixture
def exported(export, tmp_path):
    """The store of a run exported through the command line."""
    result = export()
    assert result.exit_code == 0, result.output
    return tmp_path / "store"


@pytest.mark.parametrize(
    ("option", "sentence"), [("sample", "is not a picture"), ("paintings", "was not trained on waves")]
)
def test_mistakes_end_with_a_sentence_and_write_nothing(export, tmp_path, option, sentence) -> None:
    waves = {"name": "waves", "title": "Waves", "artist": "Nobody", "year": 1900, "licence": "public domain"}
    (tmp_path / "wrong").write_text(yaml.safe_dump([waves]))
    assert_refused(export(**{option: tmp_path / "wrong"}), sentence)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("taken", ["tiny/v3", "two/v3"])
def test_a_published_version_is_not_written_again(export, exported, taken) -> None:
    other = next(ref for ref in ("tiny/v3", "two/v3") if ref != taken)
    shutil.rmtree(exported / other)
    before = {path: path.read_bytes() for path in exported.rglob("*") if path.is_file()}
    assert_refused(export(), f"{taken.replace('/', '@')} is in", "give another store, or another version in its card")
    assert {path: path.read_bytes() for path in exported.rglob("*") if path.is_file()} == before


def test_what_is_no_version_is_not_written_over(export, tmp_path) -> None:
    (tmp_path / "store/two/v3").mkdir(parents=True)
    assert_refused(export(), "is in the way and is no model version; remove it first")


def test_a_full_disk_leaves_no_part_of_a_version(export, tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_pack", full)
    assert_refused(export(), "No space left on device")
    assert not [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def load(store, ref: str) -> ModelVersion:
    return ModelVersion(load_manifest(store / ref / "manifest.yaml"), store / ref)


def test_manifests_vouch_for_every_file_and_say_where_it_ships(exported) -> None:
    for ref in ("tiny/v3", "two/v3"):
        version = load(exported, ref)
        on_disk = {
            path.relative_to(exported / ref).as_posix() for path in (exported / ref).rglob("*") if path.is_file()
        }
        assert {entry.name for entry in version.manifest.files} == on_disk - {"manifest.yaml"}
        for entry in version.manifest.files:
            data = version.path(entry.name).read_bytes()
            assert (entry.sha256, entry.size) == (hashlib.sha256(data).hexdigest(), len(data))
            (source,) = entry.sources
            assert (source.package, source.file) == ("registry", f"starter/{ref}/{entry.name}")


def test_the_network_says_what_it_learnt_from_and_how_it_was_judged(exported) -> None:
    manifest = load(exported, "tiny/v3").manifest
    assert [data.name for data in manifest.trained_on] == [
        "eight photographs",
        "features of little VGG",
        "features of big VGG",
    ]
    assert manifest.metrics == {"dots.content": 0.5}


def test_the_pack_pins_the_networks_weights(exported) -> None:
    network, pack = load(exported, "tiny/v3").manifest, load(exported, "two/v3").manifest
    assert pack.requires == {"tiny": network.file("network.safetensors").sha256}


def test_the_pack_holds_vectors_facts_and_small_previews(exported, tiny) -> None:
    pack = load(exported, "two/v3")
    vectors = load_file(pack.path("styles.safetensors"))
    assert {name: vector.shape for name, vector in vectors.items()} == dict.fromkeys(
        ("identity", "dots", "lines"), (tiny.style_size,)
    )
    styles = json.loads(pack.path("styles.json").read_text())["styles"]
    assert [style["title"] for style in styles] == ["Dots", "Lines"]
    for style in styles:
        data = pack.path(style["preview"]).read_bytes()
        assert len(data) <= PREVIEW_BYTES
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (256, 256, 3)


def test_what_is_exported_can_be_served(exported, make_picture) -> None:
    engine = StyleEngine(load(exported, "tiny/v3"), [load(exported, "two/v3")], Runtime())
    photo = Photo.open(make_picture("photo.png", 50, 40).read_bytes())
    (painting,) = engine.run([StyleQuery.parse(photo, ["dots", "lines"])])
    assert painting.shape == (40, 50, 3)


def test_the_networks_file_holds_no_styles_so_that_new_ones_do_not_change_it(exported, weights) -> None:
    shipped = load_weights(exported / "tiny/v3/network.safetensors")
    assert shipped.styles == {}
    for ours, theirs in zip(weights.network.parameters(), shipped.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_equal_weights_give_equal_bytes(weights, tmp_path) -> None:
    for name in ("a", "b"):
        module.write_network(weights, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_another_safetensors_file_is_no_network(encoder_file) -> None:
    with pytest.raises(ValueError, match="does not hold the weights of a style network"):
        load_weights(encoder_file)
