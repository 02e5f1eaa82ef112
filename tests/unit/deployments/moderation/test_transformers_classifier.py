"""On small stand-ins with random weights, saved in the layout of the models people install."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from deployments.errors import Unavailable
from deployments.imaging import Photo, encode
from deployments.moderation.engine import Policy, build
from deployments.moderation.transformers_classifier import TransformersClassifier
from deployments.runtime import DeviceUnavailable, Runtime
from tests.networks import save_vit

FALCONSAI = ("normal", "nsfw")
MARQO = ("NSFW", "SFW")
FREEPIK = ("neutral", "low", "medium", "high")


def save_timm(folder, labels):
    """A tiny network in timm's own layout, as Marqo and Freepik publish theirs."""
    timm = pytest.importorskip("timm")
    from timm.models import save_for_hf

    torch.manual_seed(0)
    args = {"embed_dim": 8, "depth": 1, "num_heads": 2, "img_size": 32}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=len(labels), **args)
    model.pretrained_cfg["input_size"] = (3, 32, 32)
    save_for_hf(model, folder, model_config={"label_names": list(labels)}, safe_serialization=True)
    config = json.loads((folder / "config.json").read_text())
    config["model_args"] = args
    (folder / "config.json").write_text(json.dumps(config))
    return model.eval()


@pytest.mark.parametrize(
    ("labels", "probabilities", "expected"),
    [
        (FALCONSAI, (0.3, 0.7), {"explicit": 0.7}),
        (FALCONSAI, (0.9, 0.1), {"explicit": 0.1}),
        (MARQO, (0.7, 0.3), {"explicit": 0.7}),
        (FREEPIK, (0.1, 0.2, 0.3, 0.4), {"explicit": 0.7, "suggestive": 0.9}),
        (FREEPIK[::-1], (0.4, 0.3, 0.2, 0.1), {"explicit": 0.7, "suggestive": 0.9}),
    ],
)
def test_labels_become_scores_by_rule(tmp_path, make_version, runtime, photo, labels, probabilities, expected):
    save_vit(tmp_path, labels, np.log(probabilities).tolist())
    classifier = TransformersClassifier(make_version(tmp_path, "transformers"), runtime)
    for scores in classifier.scores([photo, photo]):
        assert scores == pytest.approx(expected, abs=1e-5)


def test_a_folder_in_timms_layout_is_read_as_timm_would(tmp_path, make_version, runtime, photo):
    network = save_timm(tmp_path, MARQO)
    assert "model_type" not in json.loads((tmp_path / "config.json").read_text())
    classifier = TransformersClassifier(make_version(tmp_path, "transformers"), runtime)

    import timm
    from PIL import Image

    transform = timm.data.create_transform(**timm.data.resolve_data_config(network.pretrained_cfg), is_training=False)
    with torch.inference_mode():
        expected = network(transform(Image.fromarray(photo.pixels()))[None]).softmax(-1)[0, 0].item()
    assert classifier.scores([photo])[0]["explicit"] == pytest.approx(expected, abs=1e-5)


def test_pictures_of_different_sizes_share_a_batch(tmp_path, make_version, runtime, photo):
    save_vit(tmp_path, FALCONSAI, [0.0, 1.0])
    engine = build([make_version(tmp_path, "transformers")], Policy(), runtime)
    wide = Photo.open(encode(np.zeros((10, 400, 3), np.uint8)))
    verdicts = engine.run([photo, wide, photo])
    assert [verdict.rule for verdict in verdicts] == ["explicit"] * 3
    engine.close()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 1), (100, 3), (4, 4), (5, 100), (16_000, 2), (1, 16_000)])
def test_dots_and_strips_are_rated_in_their_colours(tmp_path, make_version, runtime, photo, width, height):
    save_timm(tmp_path / "timm", MARQO)
    (tmp_path / "vit").mkdir()
    save_vit(tmp_path / "vit", FALCONSAI, [0.0, 1.0])
    dot = Photo.open(encode(np.full((height, width, 3), (200, 30, 90), np.uint8), "image/png"))
    square = Photo.open(encode(np.full((64, 64, 3), (200, 30, 90), np.uint8), "image/png"))
    for layout in ("timm", "vit"):
        classifier = TransformersClassifier(make_version(tmp_path / layout, "transformers"), runtime)
        rated, _, expected = classifier.scores([dot, photo, square])
        assert rated == pytest.approx(expected, abs=1e-5)


def test_labels_we_cannot_read_are_refused_at_the_start(tmp_path, make_version, runtime):
    save_vit(tmp_path, ("cat", "dog"), [0.0, 0.0])
    with pytest.raises(ValueError, match="the labels cat, dog"):
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)


def change_weights(folder, change):
    """Save the tensors again as ``change`` makes them: a name and a tensor for each, or None to leave it out."""
    from safetensors.torch import load_file, save_file

    kept = [change(name, tensor) for name, tensor in load_file(folder / "model.safetensors").items()]
    save_file(dict(filter(None, kept)), folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    "save", [lambda folder: save_vit(folder, FALCONSAI, [0.0, 0.0]), lambda f: save_timm(f, MARQO)]
)
def test_weights_that_lack_tensors_are_refused_with_their_names(tmp_path, make_version, runtime, save):
    save(tmp_path)
    heads = ("classifier.", "head.")
    change_weights(tmp_path, lambda name, tensor: (f"old.{name}" if name.startswith(heads) else name, tensor))
    with pytest.raises(ValueError, match=r"@v1: its weights lack .*bias, .*weight$"):
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)


def test_weights_of_another_width_are_refused_with_their_names(tmp_path, make_version, runtime):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    change_weights(tmp_path, lambda name, tensor: (name, torch.zeros(3, 8) if name == "classifier.weight" else tensor))
    with pytest.raises(
        ValueError, match="config.json asks for other shapes than its weights have of classifier.weight"
    ):
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)


def test_of_many_tensors_that_are_missing_a_few_are_named(tmp_path, make_version, runtime):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    change_weights(tmp_path, lambda name, tensor: (name, tensor) if "classifier" in name else None)
    with pytest.raises(ValueError, match=r"its weights lack (\S+, ){3}\S+ and \d+ more$"):
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)


def test_weights_that_the_network_has_no_use_for_do_no_harm(tmp_path, make_version, runtime, photo):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    from safetensors.torch import load_file, save_file

    weights = load_file(tmp_path / "model.safetensors") | {"vit.pooler.dense.bias": torch.zeros(8)}
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    classifier = TransformersClassifier(make_version(tmp_path, "transformers"), runtime)
    assert classifier.scores([photo])[0]["explicit"] == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["preprocessor_config.json", "model.safetensors"])
def test_a_file_that_is_missing_is_named_and_no_hub(tmp_path, make_version, runtime, name):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    (tmp_path / name).unlink()
    with pytest.raises(OSError, match=name) as caught:
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)
    assert "huggingface" not in str(caught.value)


def test_weights_that_are_no_safetensors_are_told_in_words(tmp_path, make_version, runtime):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    (tmp_path / "model.safetensors").write_bytes(b"words")
    with pytest.raises(ValueError, match="its weights are no safetensors"):
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)


def test_a_network_gone_wrong_lets_nothing_through(tmp_path, make_version, runtime, photo):
    save_vit(tmp_path, FALCONSAI, [float("nan"), 0.0])
    engine = build([make_version(tmp_path, "transformers")], Policy(), runtime)
    with pytest.raises(Unavailable):
        engine.run([photo])


def test_pickled_weights_are_never_read(tmp_path, make_version, runtime):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    weights = transformers.ViTForImageClassification.from_pretrained(tmp_path).state_dict()
    (tmp_path / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)


def test_code_that_lies_beside_the_weights_is_never_run(tmp_path, make_version, runtime, monkeypatch):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "trap", "auto_map": {"AutoConfig": "trap.Trap"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "trap.py").write_text("raise SystemExit('the trap was sprung')")
    with pytest.raises(ValueError, match="trust_remote_code|trap"):
        TransformersClassifier(make_version(tmp_path, "transformers"), runtime)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_a_failure_at_the_start(tmp_path, make_version):
    save_vit(tmp_path, FALCONSAI, [0.0, 0.0])
    with pytest.raises(DeviceUnavailable):
        TransformersClassifier(make_version(tmp_path, "transformers"), Runtime(device="cuda"))
