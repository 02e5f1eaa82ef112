"""One training run shared by two processes comes to what one process comes to, and fails as one process fails."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from ray.train import WorkerGroupError
from safetensors.torch import save_file
from typer.testing import CliRunner

from tests.commands import said
from training.stopping import Stopped
from training.style import train
from training.style.checkpoint import load_weights
from training.style.failures import Mistake
from training.style.job import Job, work
from training.style.network import Architecture
from training.style.recipes import Recipe
from training.style.trainer import Settings
from training.style.workers import on_workers, plain_failures

TINY = Architecture(fine=4, middle=4, coarse=6, blocks=1, end_kernel=3, block_kernel=3, up_kernel=3)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Four steps on noise, judged by an encoder of four channels."""
    random, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    (tmp_path / "photos").mkdir()
    for name in [*(f"photos/{number}.png" for number in range(4)), "dots.png"]:
        cv2.imwrite(str(tmp_path / name), random.integers(0, 256, (140, 150, 3), np.uint8))
    tensors = {"conv0.weight": torch.eye(3)[:, :, None, None].clone(), "conv0.bias": torch.zeros(3)}
    for block, index in ((1, 1), (1, 2), (2, 1)):
        inputs = 3 if (block, index) == (1, 1) else 4
        tensors[f"conv{block}_{index}.weight"] = torch.randn(4, inputs, 3, 3, generator=generator) * 0.3
        tensors[f"conv{block}_{index}.bias"] = torch.zeros(4)
    save_file(tensors, tmp_path / "vgg.safetensors")
    settings = Settings(
        steps=4,
        batch=4,
        crop=64,
        painting_side=64,
        architecture=TINY,
        recipe=Recipe(content_layers=("relu2_1",), style_layers=("relu1_1",)),
    )
    return Job(
        photos=tmp_path / "photos",
        folder=tmp_path / "alone",
        paintings={"dots": tmp_path / "dots.png"},
        encoder=str(tmp_path / "vgg.safetensors"),
        settings=settings,
    )


@pytest.mark.usefixtures("local_serve")
def test_two_workers_train_what_one_does(job: Job, tmp_path: Path) -> None:
    work(job)
    on_workers(job.model_copy(update={"folder": tmp_path / "shared"}), 2)
    alone, shared = (load_weights(tmp_path / name / "weights.safetensors") for name in ("alone", "shared"))
    torch.testing.assert_close(shared.styles["dots"], alone.styles["dots"], rtol=1e-3, atol=1e-4)
    for ours, theirs in zip(shared.network.parameters(), alone.network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-3)
    assert len((tmp_path / "shared" / "losses.jsonl").read_text().splitlines()) == 4


def test_a_batch_too_small_to_share_is_refused(job: Job) -> None:
    with pytest.raises(Mistake, match="raise --batch"):
        on_workers(job, 5)


@pytest.mark.usefixtures("local_serve")
def test_what_fails_in_a_worker_ends_in_the_sentence_and_the_status_of_one_process(job: Job, tmp_path: Path) -> None:
    (tmp_path / "dots.png").write_text("words")
    arguments = [job.photos, job.folder, "--style", f"dots={tmp_path / 'dots.png'}", "--encoder", job.encoder]
    arguments += ["--content-layer", "relu2_1", "--style-layer", "relu1_1", "--crop", 64]
    alone, shared = (
        CliRunner().invoke(train.app, [*map(str, arguments), *more])
        for more in ([], ["--batch", "2", "--workers", "2"])
    )
    assert (alone.exit_code, shared.exit_code) == (1, 1)
    assert alone.output.endswith(shared.output)
    assert "dots.png is not a picture that can be read" in said(shared)


def test_of_several_workers_failures_the_one_that_can_be_put_right_is_told() -> None:
    lost, full = RuntimeError("Connection closed by peer"), OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left") as told, plain_failures():
        raise WorkerGroupError("both failed", {0: lost, 1: full})
    assert told.value is full
    with pytest.raises(WorkerGroupError), plain_failures():
        raise WorkerGroupError("a bug", {0: lost})


def test_ctrl_c_which_ray_answers_with_success_is_a_stop_and_answered_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Stopped), plain_failures():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(0)
    assert signal.getsignal(signal.SIGINT) is before
