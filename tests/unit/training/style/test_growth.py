from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.style.checkpoint import Weights
from training.style.growth import grow
from training.style.network import SIZES, StyleNetwork


@pytest.fixture
def narrow(tiny):
    torch.manual_seed(0)
    return Weights(StyleNetwork(tiny), {"dots": torch.randn(tiny.style_size)})


@pytest.fixture
def wide(tiny):
    return replace(tiny, fine=6, middle=5, coarse=9)


def test_a_grown_network_paints_what_the_narrow_one_painted(narrow, wide) -> None:
    grown = grow(narrow, StyleNetwork(wide))
    photo = torch.rand(1, 3, 48, 40)
    before = narrow.network(photo, narrow.styles["dots"][None])
    torch.testing.assert_close(grown.network(photo, grown.styles["dots"][None]), before)


def test_what_is_new_can_learn(narrow, wide) -> None:
    grown = grow(narrow, StyleNetwork(wide))
    grown.network(torch.rand(1, 3, 48, 40), grown.styles["dots"][None]).mean().backward()
    head = grown.network.head.weight.grad
    assert head[:, narrow.network.architecture.fine :].abs().max() > 0


def test_the_same_width_is_a_copy(narrow, tiny) -> None:
    copy = grow(narrow, StyleNetwork(tiny))
    assert all(torch.equal(a, b) for a, b in zip(narrow.network.parameters(), copy.network.parameters(), strict=True))
    assert torch.equal(copy.styles["dots"], narrow.styles["dots"])


@pytest.mark.parametrize("other", [{"coarse": 5}, {"blocks": 2}, {"up_kernel": 5}])
def test_narrower_or_differently_shaped_networks_cannot_grow_from_it(narrow, tiny, other) -> None:
    with pytest.raises(ValueError, match="no wider version"):
        grow(narrow, StyleNetwork(replace(tiny, **other)))


def test_the_lean_size_is_narrower_than_the_fine_one_in_every_layer() -> None:
    assert all(a < b for a, b in zip(SIZES["lean"].widths, SIZES["fine"].widths, strict=True))
