from __future__ import annotations

import pytest
import torch

from deployments.masterpiece.objective import Objective
from training.style import judge as judge_module
from training.style import optimised
from training.style.data import load_picture
from training.style.judge import Judge
from training.style.optimised import Optimised

OBJECTIVE = Objective(content_layers=("relu2_2",), style_layers=("relu1_1", "relu2_1"), style=50, variation=0)


@pytest.fixture
def make(encoder, make_picture, monkeypatch):
    monkeypatch.setattr(judge_module, "CONTENT_LAYERS", ("relu2_2",))
    monkeypatch.setattr(judge_module, "STYLE_LAYERS", ("relu1_1", "relu2_1"))
    paintings = {"dots": make_picture("dots.png", seed=90)}
    photo = load_picture(make_picture("photo.png", seed=3), 64)[:, :64, :64]
    return lambda steps: (
        Optimised(encoder, paintings, 64, steps, OBJECTIVE),
        Judge(encoder, paintings, [photo], 64),
        photo,
    )


def test_more_steps_come_closer_to_the_painting(make) -> None:
    distances = []
    for steps in (1, 25):
        contender, judge, _ = make(steps)
        paint = contender.paint
        distances.append(judge.judge("dots", lambda photo, paint=paint: paint(photo, "dots", 1.0)).style)
    assert distances[1] < 0.7 * distances[0]


def test_a_painting_stays_in_range_and_is_made_once(make, monkeypatch) -> None:
    contender, _, photo = make(5)
    made = contender.paint(photo[None], "dots", 1.0)
    assert 0 <= made.min() <= made.max() <= 1
    monkeypatch.setattr(optimised, "Optimisation", None)
    torch.testing.assert_close(contender.paint(photo[None], "dots", 0.5), (made + photo[None]) / 2)
