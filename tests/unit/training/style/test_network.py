from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from training.style.depthwise import depthwise_conv2d
from training.style.network import SIZES, Architecture, StyleNetwork, neutral_style


@pytest.fixture(params=[True, False], ids=["separable", "ordinary"])
def tiny(request, tiny) -> Architecture:
    """Either kind of convolution keeps every promise below."""
    return replace(tiny, separable=request.param)


@pytest.fixture
def network(tiny) -> StyleNetwork:
    torch.manual_seed(0)
    return StyleNetwork(tiny).eval()


def test_a_painting_has_the_photos_size_and_range(network, tiny) -> None:
    painting = network(torch.rand(2, 3, 48, 32), torch.randn(2, tiny.style_size))
    assert painting.shape == (2, 3, 48, 32)
    assert 0 <= painting.min() < painting.max() <= 1


def test_a_style_vector_holds_two_numbers_for_every_normalised_channel(tiny) -> None:
    assert tiny.style_size == 2 * (4 + 4 + 6 + 2 * 6 + 4 + 4)
    neutral = neutral_style(tiny)
    assert neutral.shape == (tiny.style_size,)
    assert neutral.sum() == tiny.style_size / 2


def test_each_picture_of_a_batch_has_its_own_style(network, tiny) -> None:
    photo, styles = torch.rand(1, 3, 32, 32), torch.randn(2, tiny.style_size)
    together = network(photo.expand(2, -1, -1, -1), styles)
    for row in range(2):
        torch.testing.assert_close(together[row : row + 1], network(photo, styles[row : row + 1]))
    assert (together[0] - together[1]).abs().mean() > 1e-3


def test_the_photos_contrast_and_brightness_do_not_matter(network, tiny) -> None:
    """Instance normalisation removes both at the first layer."""
    photo, style = torch.rand(1, 3, 32, 32), torch.randn(1, tiny.style_size)
    torch.testing.assert_close(network(photo, style), network(0.5 * photo + 0.2, style), atol=1e-3, rtol=0)


def test_a_pixel_sees_no_further_than_the_receptive_radius(tiny) -> None:
    """With statistics out of the way (they see everything), gradients must vanish beyond the radius."""
    torch.manual_seed(0)
    network = StyleNetwork(tiny).eval()
    side = 2 * tiny.receptive_radius + 41
    side += -side % 4
    centre = side // 2
    image = torch.rand(1, 3, side, side, requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functional, "instance_norm", lambda x, eps: x)
        network(image, neutral_style(tiny)[None])[0, :, centre, centre].sum().backward()
    seen = image.grad.abs().sum((0, 1)).nonzero()
    reach = (seen - centre).abs().max().item()
    assert tiny.receptive_radius - 12 <= reach <= tiny.receptive_radius


def test_the_full_size_is_the_published_one_and_the_shipped_sizes_are_a_fraction_of_it() -> None:
    weights = {name: sum(p.numel() for p in StyleNetwork(size).parameters()) for name, size in SIZES.items()}
    assert weights == {"fine": 216_483, "lean": 61_283, "full": 1_674_435}


@pytest.mark.parametrize("kernel", [3, 5])
def test_the_fast_depthwise_backward_is_the_ordinary_one(kernel: int) -> None:
    x = torch.randn(2, 6, 14, 12, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, 1, kernel, kernel, dtype=torch.float64, requires_grad=True)
    made, wanted = depthwise_conv2d(x, weight), functional.conv2d(x, weight, groups=6)
    gradient = torch.randn_like(wanted)
    torch.testing.assert_close(made, wanted)
    for ours, theirs in zip(
        torch.autograd.grad(made, (x, weight), gradient),
        torch.autograd.grad(wanted, (x, weight), gradient),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)
