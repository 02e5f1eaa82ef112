"""One training run shared by several processes, on one machine or a cluster, through Ray Train."""

from __future__ import annotations

import logging
from typing import Any

import ray
from ray.train import RunConfig, ScalingConfig, get_context
from ray.train.torch import TorchTrainer, get_device

from training.style.job import Job, work
from training.style.terminal import Mistake
from training.style.trainer import Share


def on_workers(job: Job, workers: int) -> None:
    """Work on ``job`` with so many processes, each with a GPU where the job asks for ``cuda``.

    The result is that of one process, rounding apart: every worker takes its share of each batch. Joins the Ray
    cluster there is, or starts one here. Raises :class:`Mistake` for a batch too small to share, and what the workers
    raise.
    """
    if job.settings.batch < workers:
        raise Mistake(f"{workers} workers cannot share batches of {job.settings.batch}; raise --batch")
    started = not ray.is_initialized()
    if started:
        ray.init(logging_level=logging.ERROR)
    try:
        scaling = ScalingConfig(
            num_workers=workers,
            use_gpu=job.device == "cuda",
            resources_per_worker={"CPU": job.threads} if job.device == "cpu" else None,
        )
        TorchTrainer(
            _take_part,
            train_loop_config=job.model_dump(mode="json"),
            scaling_config=scaling,
            run_config=RunConfig(name="ray", storage_path=str(job.folder)),
        ).fit()
    finally:
        if started:
            ray.shutdown()


def _take_part(config: dict[str, Any]) -> None:
    context = get_context()
    job = Job.model_validate(config)
    if job.device == "cuda":
        job = job.model_copy(update={"device": str(get_device())})
    work(job, Share(context.get_world_rank(), context.get_world_size()))
