"""The statistics: what they tell apart, what they ignore, and that the graph computes the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deployments.authenticity.fingerprint import SIDE
from deployments.runtime import Runtime, onnx_session
from training.authenticity.fingerprint import Fingerprint
from training.authenticity.graph import write_graph
from training.authenticity.network import Detector, Weigher

from .conftest import scene


@pytest.fixture(scope="module")
def fingerprint() -> Fingerprint:
    return Fingerprint().eval()


def pictures(*grain: float) -> torch.Tensor:
    stacked = np.stack([scene(index, level, SIDE) for index, level in enumerate(grain)])
    return torch.from_numpy(stacked.transpose(0, 3, 1, 2).astype(np.float32))


def test_statistics_are_finite_whatever_the_picture(fingerprint) -> None:
    extremes = torch.stack(
        [torch.zeros(3, SIDE, SIDE), torch.full((3, SIDE, SIDE), 255.0), torch.rand(3, SIDE, SIDE) * 255]
    )
    with torch.no_grad():
        statistics = fingerprint(extremes)
    assert statistics.shape == (3, fingerprint.size)
    assert torch.isfinite(statistics).all()


def test_a_picture_is_measured_alike_alone_and_among_others(fingerprint) -> None:
    batch = pictures(0, 5, 12)
    with torch.no_grad():
        together, alone = fingerprint(batch), torch.cat([fingerprint(one[None]) for one in batch])
    assert torch.allclose(together, alone, atol=1e-3)


def test_grain_raises_the_power_of_high_frequencies(fingerprint) -> None:
    with torch.no_grad():
        calm, grainy = fingerprint(pictures(0.5, 0.5)[:1]), fingerprint(pictures(12, 12)[:1])
    first_moment_of_first_residual = 0
    assert grainy[0, first_moment_of_first_residual] > calm[0, first_moment_of_first_residual] + 1


def test_the_graph_gives_the_modules_answer_for_any_batch(tmp_path) -> None:
    torch.manual_seed(0)
    size = Fingerprint().size
    detector = Detector([Weigher(torch.zeros(size), torch.ones(size), 4, 0.5) for _ in range(2)]).eval()
    write_graph(detector, tmp_path / "fingerprint.onnx", "logit")
    session = onnx_session(tmp_path / "fingerprint.onnx", Runtime())
    for batch in (pictures(3), pictures(0, 6, 12)):
        with torch.no_grad():
            expected = detector(batch).numpy()
        assert session.run(None, {"pictures": batch.numpy()})[0] == pytest.approx(expected, abs=1e-3)
    assert not list(tmp_path.glob("*.partial"))
