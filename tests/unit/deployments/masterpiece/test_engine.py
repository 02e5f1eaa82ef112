from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from deployments.errors import InvalidField
from deployments.masterpiece import engine as engines
from deployments.masterpiece.distances import grams
from deployments.masterpiece.encoder import read_vgg19
from deployments.masterpiece.engine import WEIGHTS, MasterpieceEngine
from deployments.masterpiece.objective import Objective
from deployments.masterpiece.optimisation import Optimisation
from deployments.masterpiece.query import STEPS, STEPS_A_CALL, WORKING_PIXELS, MasterpieceQuery, Sketch
from deployments.runtime import DeviceUnavailable, Runtime


@pytest.fixture(scope="module")
def engine(losses) -> MasterpieceEngine:
    return MasterpieceEngine(losses, Runtime())


def finished(engine: MasterpieceEngine, query: MasterpieceQuery) -> tuple[np.ndarray, list[float]]:
    """Ask on until there is a picture; with it the shares told on the way."""
    shares = []
    while True:
        (answer,) = engine.run([query])
        if not isinstance(answer, Sketch):
            return answer, shares
        shares.append(answer.share)
        query = replace(query, sketch=answer)


def test_calls_go_on_from_one_another_until_there_is_a_picture_of_the_photos_size(engine, photo) -> None:
    engine.warm_up()
    taken = photo(61, 45, 1)
    painting, shares = finished(engine, MasterpieceQuery(taken, photo(50, 70, 2)))
    assert painting.shape == (45, 61, 3)
    assert shares == [call * STEPS_A_CALL / STEPS for call in range(1, STEPS // STEPS_A_CALL)]
    assert np.abs(painting.astype(int) - taken.pixels()).mean() > 3


def test_a_call_takes_the_step_that_work_in_one_piece_would_have_taken(losses, photo) -> None:
    encoder = read_vgg19(losses.path(WEIGHTS), half=False)
    start, style = (
        torch.from_numpy(photo(40, 32, seed).pixels().transpose(2, 0, 1).copy())[None] / 255 for seed in (1, 2)
    )
    target = grams(encoder(style, Objective().style_layers), Objective().style_layers)
    whole = Optimisation(start, target, encoder, Objective())
    for _ in range(5):
        whole.step()
    before, handed_over = whole.canvas.clone(), Optimisation(start, target, encoder, Objective(), whole.sketch())
    whole.step()
    handed_over.step()
    assert handed_over.steps == whole.steps == 6
    assert (whole.canvas - handed_over.canvas).abs().mean() < 0.05 * (whole.canvas - before).abs().mean()


def test_a_sketch_of_the_largest_picture_fits_a_message_between_deployments() -> None:
    assert 3 * 3 * WORKING_PIXELS * np.dtype(np.float16).itemsize < 4 * 2**20


def test_large_pictures_are_worked_at_a_bounded_size_and_brought_back(engine, photo, monkeypatch) -> None:
    monkeypatch.setattr(engines, "WORKING_PIXELS", 40 * 32)
    monkeypatch.setattr(engines, "STEPS", STEPS_A_CALL + 1)
    taken = photo(160, 128, 1)
    (sketch,) = engine.run([MasterpieceQuery(taken, photo(50, 70, 2))])
    assert sketch.canvas.shape == (3, 32, 40)
    painting, _ = finished(engine, MasterpieceQuery(taken, photo(50, 70, 2), preserve_color=True, strength=0.5))
    assert painting.shape == (128, 160, 3)


def test_strength_zero_gives_the_photo_back_without_work(engine, photo) -> None:
    taken = photo(61, 45, 1)
    (same,) = engine.run([MasterpieceQuery(taken, photo(50, 70, 2), 0.0)])
    np.testing.assert_array_equal(same, taken.pixels())
    with pytest.raises(InvalidField):
        MasterpieceQuery(taken, taken, float("nan"))


def test_a_model_that_is_no_vgg_is_refused_when_it_is_loaded(make_losses) -> None:
    with pytest.raises(ValueError, match="VGG"):
        MasterpieceEngine(make_losses(**{"conv0.weight": None}), Runtime())
    shallow = make_losses(**{f"conv4_{index}.{kind}": None for index in range(1, 5) for kind in ("weight", "bias")})
    with pytest.raises(ValueError, match="relu4"):
        MasterpieceEngine(shallow, Runtime())
    broken = make_losses()
    broken.path(WEIGHTS).write_bytes(b"not safetensors at all")
    with pytest.raises(ValueError, match="safetensors"):
        MasterpieceEngine(broken, Runtime())


def test_a_network_gone_wrong_paints_nothing(make_losses, photo) -> None:
    engine = MasterpieceEngine(make_losses(**{"conv1_1.bias": torch.full((6,), float("nan"))}), Runtime())
    with pytest.raises(ValueError, match="no numbers"):
        engine.warm_up()
    with pytest.raises(ValueError, match="no numbers"):
        engine.run([MasterpieceQuery(photo(61, 45, 1), photo(50, 70, 2))])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_a_failure_at_the_start(losses) -> None:
    with pytest.raises(DeviceUnavailable, match="torch sees none"):
        MasterpieceEngine(losses, Runtime(device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_is_used_within_its_share(losses) -> None:
    MasterpieceEngine(losses, Runtime(device="cuda", memory_mb=512)).warm_up()
    try:
        with pytest.raises(torch.OutOfMemoryError):
            torch.empty(600 * 2**20, dtype=torch.uint8, device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
