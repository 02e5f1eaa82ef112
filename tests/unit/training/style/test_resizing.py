from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.style.checkpoint import Weights
from training.style.network import SIZES, StyleNetwork
from training.style.resizing import _mixing, resize


@pytest.fixture(params=[True, False], ids=["separable", "ordinary"])
def tiny(request, tiny):
    """Either kind of convolution is resized alike."""
    return replace(tiny, separable=request.param)


@pytest.fixture
def narrow(tiny):
    torch.manual_seed(0)
    return Weights(StyleNetwork(tiny), {"dots": torch.randn(tiny.style_size)})


@pytest.fixture
def wide(tiny):
    return replace(tiny, fine=6, middle=5, coarse=9)


def test_a_grown_network_paints_what_the_narrow_one_painted(narrow, wide) -> None:
    grown = resize(narrow, StyleNetwork(wide))
    photo = torch.rand(1, 3, 48, 40)
    before = narrow.network(photo, narrow.styles["dots"][None])
    torch.testing.assert_close(grown.network(photo, grown.styles["dots"][None]), before)


def test_what_is_new_can_learn(narrow, wide) -> None:
    grown = resize(narrow, StyleNetwork(wide))
    grown.network(torch.rand(1, 3, 48, 40), grown.styles["dots"][None]).mean().backward()
    head = grown.network.head.weight.grad
    assert head[:, narrow.network.architecture.fine :].abs().max() > 0


def test_the_same_width_is_a_copy(narrow, tiny) -> None:
    copy = resize(narrow, StyleNetwork(tiny))
    assert all(torch.equal(a, b) for a, b in zip(narrow.network.parameters(), copy.network.parameters(), strict=True))
    assert torch.equal(copy.styles["dots"], narrow.styles["dots"])


def test_a_network_grown_and_shrunk_again_is_the_same_where_the_new_is_silent(narrow, wide, tiny) -> None:
    marks = Weights(narrow.network, {"dots": torch.zeros(tiny.style_size)})
    new_scales = resize(marks, StyleNetwork(wide)).styles["dots"] == 1
    grown = resize(narrow, StyleNetwork(wide))
    silent = Weights(grown.network, {"dots": grown.styles["dots"].masked_fill(new_scales, 0)})
    back = resize(silent, StyleNetwork(tiny))
    assert torch.equal(back.styles["dots"], narrow.styles["dots"])
    assert all(torch.equal(a, b) for a, b in zip(narrow.network.parameters(), back.network.parameters(), strict=True))


def test_a_shrunk_network_keeps_the_channels_that_others_listen_to(tiny) -> None:
    torch.manual_seed(0)
    wide = Weights(StyleNetwork(tiny), {"dots": torch.randn(tiny.style_size)})
    with torch.no_grad():
        wide.network.head.weight[:, 1] *= 100
    loud = _mixing(wide.network.up2)[1].clone()
    shrunk = resize(wide, StyleNetwork(replace(tiny, fine=1)))
    assert shrunk.network.head.weight.shape[1] == 1
    assert shrunk.network.head.weight.abs().max() > 10 * shrunk.network.stem.weight.abs().max()
    assert torch.equal(_mixing(shrunk.network.up2)[0], loud)


@pytest.mark.parametrize("other", [{"coarse": 5, "fine": 6}, {"blocks": 2}, {"up_kernel": 5}])
def test_networks_of_another_shape_cannot_start_from_it(narrow, tiny, other) -> None:
    with pytest.raises(ValueError, match="narrower"):
        resize(narrow, StyleNetwork(replace(tiny, **other)))


def test_networks_of_the_other_kind_of_convolution_cannot_start_from_it(narrow, tiny) -> None:
    with pytest.raises(ValueError, match="narrower"):
        resize(narrow, StyleNetwork(replace(tiny, separable=not tiny.separable)))


def test_the_lean_size_is_narrower_than_the_fine_one_in_every_layer() -> None:
    assert all(a < b for a, b in zip(SIZES["lean"].widths, SIZES["fine"].widths, strict=True))
