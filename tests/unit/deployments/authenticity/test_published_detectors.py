"""Other people's detectors, on small stand-ins with random weights in the layout of the ones people install."""

from __future__ import annotations

import json
import math
import tracemalloc

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
timm = pytest.importorskip("timm")

from deployments.authenticity.community_forensics import CommunityForensics
from deployments.authenticity.engine import build
from deployments.authenticity.labelled import LabelledDetector
from deployments.imaging import Photo, encode
from registry.catalogue import find
from tests.networks import save_vit

from .conftest import grey


def save_community_forensics(folder, side=64):
    """The files of ``OwensLab/commfor-model-*`` with a narrow, shallow network: a timm ViT with one output."""
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = timm.create_model(
        "vit_small_patch16_384", num_classes=1, img_size=side, embed_dim=64, depth=2, num_heads=1
    )
    save_file(
        {f"vit.{name}": tensor.contiguous() for name, tensor in network.state_dict().items()},
        folder / "model.safetensors",
    )
    config = {"device": "cpu", "freeze_backbone": False, "input_size": side, "model_size": "small", "patch_size": 16}
    (folder / "config.json").write_text(json.dumps(config))
    return network.eval()


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [
        (("artificial", "human"), (0.8, 0.2)),
        (("Real", "Fake"), (0.2, 0.8)),
        (("ai", "synthetic", "real"), (0.5, 0.3, 0.2)),
    ],
)
def test_labels_become_log_odds_of_machine_made(tmp_path, make_version, runtime, photo, labels, probabilities) -> None:
    save_vit(tmp_path, labels, np.log(probabilities).tolist())
    detector = LabelledDetector(make_version(tmp_path, "transformers"), runtime)
    assert detector.logits([photo, photo]) == pytest.approx([math.log(4)] * 2, abs=1e-4)


@pytest.mark.parametrize("labels", [("cat", "dog"), ("fake", "cartoon"), ("ai", "fake"), ("real", "fake", "cat")])
def test_labels_we_cannot_read_are_refused_at_the_start(tmp_path, make_version, runtime, labels) -> None:
    save_vit(tmp_path, labels, [0.0] * len(labels))
    with pytest.raises(ValueError, match="which do not say what is real"):
        LabelledDetector(make_version(tmp_path, "transformers"), runtime)


def test_a_network_that_is_certain_still_gives_a_finite_number(tmp_path, make_version, runtime, photo) -> None:
    save_vit(tmp_path, ("real", "fake"), [-200.0, 200.0])
    (logit,) = LabelledDetector(make_version(tmp_path, "transformers"), runtime).logits([photo])
    assert 10 < logit < 20


def test_community_forensics_is_read_from_its_own_layout(tmp_path, make_version, runtime) -> None:
    network = save_community_forensics(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    photo = Photo.open(encode(pixels, "image/png"))
    (logit,) = CommunityForensics(make_version(tmp_path, "community-forensics"), runtime).logits([photo])

    from PIL import Image
    from torchvision import transforms

    prepare = transforms.Compose(
        [transforms.Resize(73), transforms.CenterCrop(64), transforms.ToTensor(),
         transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    )  # fmt: skip
    with torch.inference_mode():
        expected = network(prepare(Image.fromarray(pixels))[None]).item()
    assert logit == pytest.approx(expected, abs=2e-2)


def test_community_forensics_judges_pictures_of_different_sizes_together(tmp_path, make_version, runtime) -> None:
    save_community_forensics(tmp_path)
    engine = build(make_version(tmp_path, "community-forensics"), runtime)
    engine.warm_up()
    assert len(engine.run([grey(30, 20), grey(500, 80), grey(80, 700)])) == 3
    engine.close()


@pytest.mark.parametrize("harm", ["other tensors", "no blocks", "other size"])
def test_a_folder_of_another_network_is_refused_with_its_name(tmp_path, make_version, runtime, harm) -> None:
    from safetensors.torch import load_file, save_file

    save_community_forensics(tmp_path)
    weights = tmp_path / "model.safetensors"
    tensors = load_file(weights)
    if harm == "other tensors":
        tensors = {"conv.weight": torch.zeros(1)}
    elif harm == "no blocks":
        tensors = {name: tensor for name, tensor in tensors.items() if "blocks" not in name}
    else:
        (tmp_path / "config.json").write_text('{"input_size": 128}')
    save_file(tensors, weights)
    with pytest.raises(ValueError, match="stand-in@v1 does not hold the vision transformer"):
        CommunityForensics(make_version(tmp_path, "community-forensics"), runtime)


def test_the_catalogue_says_where_community_forensics_comes_from() -> None:
    recipe = find("community-forensics-384")
    assert recipe.task == "authenticity"
    assert {file.name for file in recipe.files} == {"config.json", "model.safetensors"}


def test_a_strip_does_not_become_gigabytes(tmp_path, make_version, runtime) -> None:
    save_community_forensics(tmp_path)
    detector = CommunityForensics(make_version(tmp_path, "community-forensics"), runtime)
    strip = Photo.open(encode(np.zeros((2, 8192, 3), np.uint8), "image/png"))
    tracemalloc.start()
    try:
        (logit,) = detector.logits([strip])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert math.isfinite(logit)
    assert peak < 20e6
