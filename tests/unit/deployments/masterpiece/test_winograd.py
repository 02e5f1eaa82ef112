"""Winograd's convolutions beside torch's own, there and back."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from deployments.masterpiece import winograd
from deployments.masterpiece.distances import content_distance, grams, style_distance
from deployments.masterpiece.encoder import Encoder, EncoderInfo, chain, colour
from deployments.masterpiece.winograd import LEAST_CHANNELS, LEAST_SIDE, FrozenConv2d


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(1)


def frozen(inputs: int, outputs: int, *, mirror: bool) -> FrozenConv2d:
    return FrozenConv2d(inputs, outputs, mirror=mirror).requires_grad_(False)


def worst(found: Tensor, expected: Tensor) -> float:
    """The largest difference over the largest value."""
    return float(((found.double() - expected).abs().max() / expected.abs().max()).detach())


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize(
    ("count", "inputs", "outputs", "height", "width"),
    [(1, 64, 64, 16, 24), (2, 64, 96, 17, 12), (5, 128, 64, 14, 31)],
)
@pytest.mark.parametrize("tiles", [8, 64], ids=["rows", "pictures"])
def test_results_and_gradients_are_those_of_a_convolution(
    count: int, inputs: int, outputs: int, height: int, width: int, mirror: bool, tiles: int, monkeypatch
) -> None:
    # A row of tiles, or the tiles of several pictures, at a time.
    monkeypatch.setattr(winograd, "_BAND_NUMBERS", 1)
    monkeypatch.setattr(winograd, "_BAND_TILES", tiles)
    layer = frozen(inputs, outputs, mirror=mirror)
    x = torch.randn(count, inputs, height, width, requires_grad=True)
    gradient = torch.randn(count, outputs, height, width)
    made = layer(x)
    assert type(made.grad_fn).__name__ == "_WinogradBackward"
    (back,) = torch.autograd.grad(made, x, gradient)
    exact = nn.Conv2d.forward(layer.double(), x.double())
    (exact_back,) = torch.autograd.grad(exact, x, gradient.double())
    assert worst(made, exact) < 3e-5
    assert worst(back, exact_back) < 3e-5


@pytest.mark.parametrize("mirror", [True, False])
def test_what_is_no_number_stays_where_a_convolution_would_take_it(mirror: bool) -> None:
    # Tiles below and to the right of the picture must not bring in what lies in memory.
    layer = frozen(64, 64, mirror=mirror)
    assert layer(torch.randn(1, 64, 13, 14)).isfinite().all()
    spoilt = torch.randn(1, 64, 13, 14)
    spoilt[:, :, 6, 6] = float("nan")
    assert layer(spoilt)[:, :, 5:8, 5:8].isnan().all()


def test_where_it_does_not_help_torch_convolves() -> None:
    def way(layer: FrozenConv2d, x: Tensor) -> str:
        return type(layer(x.requires_grad_()).grad_fn).__name__

    layer, picture = frozen(64, 64, mirror=False), torch.randn(1, 64, LEAST_SIDE, 40)
    assert way(layer, picture) == "_WinogradBackward"
    with torch.autocast("cpu", torch.bfloat16):
        assert way(layer, picture) == "ConvolutionBackward0"
    assert way(layer, torch.randn(1, 64, LEAST_SIDE - 1, 40)) == "ConvolutionBackward0"
    assert way(frozen(LEAST_CHANNELS - 1, 64, mirror=False), picture[:, 1:].detach()) == "ConvolutionBackward0"
    assert way(frozen(64, LEAST_CHANNELS - 1, mirror=False), picture) == "ConvolutionBackward0"
    assert way(layer.double(), picture.double().detach()) == "ConvolutionBackward0"
    learning = FrozenConv2d(64, 64, mirror=False)
    learning(picture).sum().backward()
    assert learning.weight.grad is not None


def test_pictures_descend_as_they_would_by_torchs_convolutions(monkeypatch) -> None:
    """The sum of the losses, and its gradient by the picture, through a network of a VGG's kind."""

    def weights(block: int, index: int) -> tuple[Tensor, Tensor]:
        inputs = 3 if (block, index) == (1, 1) else 64
        return torch.randn(64, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5, torch.randn(64) / 10

    encoder = Encoder(
        EncoderInfo("made up", "none"),
        colour(torch.eye(3), torch.zeros(3)),
        chain((2, 2), weights, mirror=True),
        half=False,
    )
    layers, content = ("relu1_1", "relu2_1"), ("relu2_2",)
    photo, painting, canvas = torch.rand(3, 2, 3, 45, 50)
    target, wanted = grams(encoder(painting, layers), layers), encoder(photo, content)

    def descent() -> tuple[Tensor, Tensor]:
        x = canvas.clone().requires_grad_()
        made = encoder(x, (*layers, *content))
        loss = (content_distance(made, wanted, content) + style_distance(made, target, layers)).sum()
        return loss.detach(), torch.autograd.grad(loss, x)[0]

    ours = descent()
    monkeypatch.setattr(FrozenConv2d, "forward", nn.Conv2d.forward)
    for found, expected in zip(ours, descent(), strict=True):
        # A rectifier of nearly nothing may open by the one and not by the other.
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
        assert float((found - expected).norm() / expected.norm()) < 1e-3
