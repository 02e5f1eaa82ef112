from __future__ import annotations

import numpy as np
import pytest
import torch

from training.style.data import load_picture
from training.style.judge import Judge


def test_the_photo_itself_has_no_content_distance_and_the_painting_no_style_distance(encoder, dots) -> None:
    style = load_picture(dots, 64)[None]
    judge = Judge(encoder, {"dots": dots}, [torch.rand_like(style)[0]], 64)
    unchanged = judge.judge("dots", lambda picture: picture)
    copied = judge.judge("dots", lambda _: style)
    assert unchanged.content == pytest.approx(0, abs=1e-6)
    assert unchanged.style > 0.01
    assert copied.style == pytest.approx(0, abs=1e-6)


def test_a_canvas_is_told_in_levels(encoder, dots) -> None:
    def woven(photo: torch.Tensor) -> torch.Tensor:
        canvas = torch.full_like(photo, 0.5)
        canvas[:, :, ::4] += 10 / 255
        return canvas

    judge = Judge(encoder, {"dots": dots}, [torch.rand(3, 64, 64)], 64)
    assert judge.judge("dots", woven).lattice == pytest.approx(10 * (3 / 16) ** 0.5, rel=1e-4)
    assert judge.judge("dots", lambda photo: torch.full_like(photo, 0.5)).lattice == 0


def test_judgements_are_means_over_photographs(encoder, dots) -> None:
    photos = [torch.rand(3, 64, 64) for _ in range(3)]
    alone = [Judge(encoder, {"dots": dots}, [photo], 64).judge("dots", torch.square) for photo in photos]
    together = Judge(encoder, {"dots": dots}, photos, 64).judge("dots", torch.square)
    assert together.content == pytest.approx(np.mean([one.content for one in alone]))
    assert together.lattice == pytest.approx(np.mean([one.lattice for one in alone]))
    assert together.style == pytest.approx(np.mean([one.style for one in alone]))
