"""One training run shared by several processes, on one machine or a cluster, through Ray Train."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import ray
from ray.train import LoggingConfig, RunConfig, ScalingConfig, WorkerGroupError, get_context
from ray.train.torch import TorchTrainer, get_device

from registry.errors import RegistryError
from training.failures import Failure
from training.stopping import Stopped
from training.style.failures import Mistake
from training.style.job import Job, work
from training.style.trainer import Share
from training.terminal import console

# What a command ends with in a sentence; other failures of a worker are the program's.
TOLD: Final = (ValueError, OSError, RegistryError, Failure)


def on_workers(job: Job, workers: int) -> None:
    """Work on ``job`` with so many processes, each with a GPU where the job asks for ``cuda``.

    The result is that of one process, rounding apart: every worker takes its share of each batch. Joins the Ray
    cluster there is, or starts one here. Raises :class:`Mistake` for a batch too small to share, what :func:`work`
    raises in a worker, and ``Stopped`` after Ctrl-C, which ends the workers at once.
    """
    if job.settings.batch < workers:
        raise Mistake(f"{workers} workers cannot share batches of {job.settings.batch}; raise --batch")
    job.folder.mkdir(parents=True, exist_ok=True)
    started = not ray.is_initialized()
    if started:
        ray.init(logging_level=logging.ERROR)
    try:
        _count(job, workers)
        # Ray's own words for a worker's failure are its traceback, once for every worker.
        run_config = RunConfig(  # type: ignore[call-arg]  # that of Ray Train V1, as far as types go
            name="ray", storage_path=str(job.folder), logging_config=LoggingConfig(log_level="CRITICAL")
        )
        scaling = ScalingConfig(
            num_workers=workers,
            use_gpu=job.device == "cuda",
            resources_per_worker={"CPU": job.threads} if job.device == "cpu" else None,
        )
        with plain_failures():
            TorchTrainer(
                _take_part,
                train_loop_config=job.model_dump(mode="json"),
                scaling_config=scaling,
                run_config=run_config,
            ).fit()
    finally:
        if started:
            ray.shutdown()


def _count(job: Job, workers: int) -> None:
    """Say what the run waits for where the cluster is too small: it may grow."""
    kind, needed = ("GPU", workers) if job.device == "cuda" else ("CPU", workers * job.threads)
    there = ray.cluster_resources().get(kind, 0)  # type: ignore[no-untyped-call]  # Ray leaves it unannotated
    if there < needed:
        console.print(f"{workers} workers take {needed} {kind}s and Ray has {there:g}: waiting until there are more")


@contextmanager
def plain_failures() -> Iterator[None]:
    """Raise a worker's failure as the worker raised it, and :class:`Stopped` for Ctrl-C, which Ray calls a success."""
    usual = signal.getsignal(signal.SIGINT)
    try:
        yield
    except WorkerGroupError as error:
        # Where one fails, others lose their connection to it.
        for _, failure in sorted(error.worker_failures.items()):
            if isinstance(failure, TOLD):
                raise failure from None
        raise
    except SystemExit:
        # Ray's answer to Ctrl-C.
        raise Stopped from None
    finally:
        signal.signal(signal.SIGINT, usual)


def _take_part(config: dict[str, Any]) -> None:
    context = get_context()
    job = Job.model_validate(config)
    if job.device == "cuda":
        job = job.model_copy(update={"device": str(get_device())})
    work(job, Share(context.get_world_rank(), context.get_world_size()))
