"""Adam, clipped gradients, a moving average, checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from training.style.descent import Descent


def start(clip: float = 1e9, decay: float = 0.999) -> Descent:
    return Descent([nn.Parameter(torch.tensor([4.0, -2.0])), nn.Parameter(torch.tensor(3.0))], clip, decay)


def loss(descent: Descent) -> Tensor:
    """Least where all parameters are 0."""
    return torch.stack([parameter.square().sum() for parameter in descent.parameters]).sum()


def test_it_goes_down_and_its_average_comes_after() -> None:
    descent = start()
    before = loss(descent).item()
    for _ in range(20):
        descent.take(loss(descent), 0.1)
    assert descent.step == 20
    now, average = descent.parameters[0][0].item(), descent.average[0][0].item()
    assert loss(descent).item() < before
    assert now < average < 4


def test_the_average_begins_where_it_is_told_to() -> None:
    descent = start()
    with torch.no_grad():
        descent.parameters[1].fill_(7)
    descent.begin_average()
    assert descent.average[1].item() == 7


def test_gradients_are_gathered_before_they_are_clipped() -> None:
    descent = start(clip=1.0)

    def gather() -> None:
        for parameter in descent.parameters:
            assert parameter.grad is not None
            parameter.grad.mul_(1000)

    descent.take(loss(descent), 0.1, gather)
    gradients = [parameter.grad for parameter in descent.parameters if parameter.grad is not None]
    assert torch.cat([gradient.flatten() for gradient in gradients]).norm().item() == pytest.approx(1, rel=1e-4)


def test_from_a_checkpoint_it_goes_on_to_the_same_end(tmp_path: Path) -> None:
    whole, cut, resumed = start(), start(), start()
    for descent, steps in ((whole, 7), (cut, 3)):
        for _ in range(steps):
            descent.take(loss(descent), 0.1)
    cut.save(tmp_path / "checkpoint.safetensors", {"of": "this run"})
    resumed.restore(tmp_path / "checkpoint.safetensors")
    assert resumed.step == 3
    for _ in range(4):
        resumed.take(loss(resumed), 0.1)
    for one, other in zip(whole.parameters + whole.average, resumed.parameters + resumed.average, strict=True):
        assert torch.equal(one, other)
    with safe_open(tmp_path / "checkpoint.safetensors", "pt") as file:
        assert file.metadata() == {"of": "this run"}


def test_without_a_checkpoint_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        start().restore(tmp_path / "checkpoint.safetensors")


def test_a_checkpoint_that_is_damaged_or_of_another_run_is_named(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    other = Descent([nn.Parameter(torch.zeros(3)), nn.Parameter(torch.zeros(1))], 1e9, 0.999)
    other.take(loss(other), 0.1)
    other.save(path)
    whole = path.read_bytes()
    for content in (whole, whole[:-4], b"words"):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"checkpoint\.safetensors is no checkpoint that this run could go on from"
        ):
            start().restore(path)
