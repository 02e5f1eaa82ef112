from __future__ import annotations

import torch

from training.style.checkpoint import Weights
from training.style.network import StyleNetwork
from training.style.sheet import contact_sheet


def test_every_row_shows_the_photo_and_then_each_style_narrow_rows_ending_in_white(tiny) -> None:
    styles = {name: torch.randn(tiny.style_size) for name in ("identity", "dots")}
    sheet = contact_sheet(Weights(StyleNetwork(tiny), styles), [torch.full((3, 32, 48), 0.4), torch.rand(3, 40, 32)])
    assert sheet.shape == (32 + 40, 3 * 48, 3)
    assert (sheet[:32, :48] == 102).all()
    assert (sheet[32:, 3 * 32 :] == 255).all()
