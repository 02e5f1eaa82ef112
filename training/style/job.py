"""One training run as plain data, so that the same run can be worked on here or by several processes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import torch

from registry.manifest import Strict
from training.style.data import PhotoCrops, split
from training.style.encoders import open_encoder
from training.style.failures import DeviceLost, Mistake
from training.style.inputs import Inputs
from training.style.record import RECORD, RunRecord
from training.style.run import Run, follow
from training.style.trainer import ALONE, CHECKPOINT, WEIGHTS, Settings, Share, Trainer
from training.terminal import bars, console

# What PyTorch's messages name where a GPU, its memory or one of its libraries fails.
GPU_PARTS: Final = ("CUDA", "CUBLAS", "cuDNN", "NCCL")


class Job(Strict):
    """What to train on what, and how often to save and look. Paths mean the same on every machine that takes part.

    ``until`` is the step to stop at where that is before the last: the learning rate then goes by all steps, and
    ``resume`` can take the rest.
    """

    photos: Path
    folder: Path
    paintings: dict[str, Path]
    encoder: str
    settings: Settings
    start_from: Path | None = None
    resume: bool = False
    until: int | None = None
    save_every: int = 200
    validate_every: int = 500
    patience: int = 10
    device: str = "cpu"
    threads: int = 1

    @property
    def last_step(self) -> int:
        """The step that the run ends with."""
        return min(self.settings.steps, self.until or self.settings.steps)


def work(job: Job, share: Share = ALONE) -> None:
    """Take all steps; only the first process writes, and speaks.

    Raises :class:`Mistake`, as where a run would be replaced, or the errors of what the job names, ``Stopped`` after
    Ctrl-C, and :class:`DeviceLost` where a GPU fails on the way.
    """
    if begun(job.folder) and not job.resume:
        raise Mistake(f"{job.folder} holds a run already; go on with it by --resume, or give another folder")
    device = _device(job.device)
    torch.set_num_threads(job.threads)
    console.quiet = share.rank > 0
    training, held_out = split(job.photos)
    crops = PhotoCrops(training, job.settings.crop, job.settings.seed)
    console.print(f"{len(crops)} photographs to train on, {crops.skipped} skipped, {len(held_out)} held out")
    encoder = open_encoder(job.encoder)
    console.print(f"losses by {encoder.info.name}")
    job.folder.mkdir(parents=True, exist_ok=True)
    record = RunRecord(
        settings=job.settings,
        encoder=encoder.info,
        paintings={name: path.name for name, path in job.paintings.items()},
        photos=len(crops),
        skipped=crops.skipped,
        started_from=_behind(job.start_from) if job.start_from else None,
        inputs=Inputs.of(job.paintings, list(job.paintings.values()), training, encoder),
    )
    trainer = Trainer(job.settings, job.paintings, crops, encoder, job.folder, device, share)
    if job.start_from:
        _start(trainer, job.start_from)
    if job.resume:
        record = _unchanged(job.folder, record)
        trainer.resume()
    with _watched():
        if share.rank > 0:
            follow(trainer, job.last_step, job.validate_every)
            return
        with bars() as progress:
            run = Run(trainer, record, job.folder, held_out)
            run.drive(progress, job.last_step, job.save_every, job.validate_every, job.patience)


def begun(folder: Path) -> bool:
    """Whether a run left anything there to go on from, or to paint with."""
    return any((folder / name).exists() for name in (CHECKPOINT, WEIGHTS))


def finished(job: Job) -> bool:
    """Whether the job's folder holds its last step.

    Raises :class:`Mistake` where what it holds is the end of another run: one with other settings, or that learnt from
    other paintings or photographs or by another encoder. What has steps left is for :func:`work` to compare, and so is
    what does not say what it learnt from.
    """
    if not job.resume:
        return False
    record = _before(job.folder)
    if record.settings != job.settings:
        raise Mistake(f"{job.folder} holds a run with other settings; give another folder for the runs")
    if record.step < job.last_step or record.inputs is None:
        return False
    training, _ = split(job.photos)
    now = Inputs.of(job.paintings, list(job.paintings.values()), training, open_encoder(job.encoder))
    if other := now.unlike(record.inputs):
        raise Mistake(f"{job.folder} holds a run with {other}; give another folder for the runs")
    return True


def _unchanged(folder: Path, record: RunRecord) -> RunRecord:
    """The folder's record, if it is of a run like the one asked for."""
    before = _before(folder)
    if not (folder / CHECKPOINT).exists():
        raise Mistake(f"{folder} holds no run that could be resumed")
    told = () if before.inputs else ("encoder", "paintings", "photos")
    began, now = _settings(before, told), _settings(record, told)
    for name, value in now.items():
        if began[name] != value:
            words = name.replace("_", " ")
            raise Mistake(f"this run was started with {words} {began[name]}, not {value}; resume it with the same")
    if before.inputs and record.inputs and (other := record.inputs.unlike(before.inputs)):
        raise Mistake(f"{folder} holds a run with {other}; resume it with the same, or give another folder")
    return before


def _settings(record: RunRecord, others: Sequence[str]) -> dict[str, Any]:
    """Every setting of a run by its name, those of its losses and of its network one by one, and ``others`` of its record."""
    told = asdict(record.settings)
    parts = [(part, told.pop(part)) for part in ("recipe", "architecture")]
    for part, named in parts:
        told |= {f"the {part}'s {name}": value for name, value in named.items()}
    return told | {name: getattr(record, name) for name in others}


def _before(folder: Path) -> RunRecord:
    try:
        return RunRecord.read(folder)
    except (FileNotFoundError, ValueError) as error:
        raise Mistake(f"{folder} holds no run that could be resumed") from error


def _device(name: str) -> torch.device:
    """The device, tried. Raises :class:`Mistake` for one that is not there."""
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    # A build of PyTorch without CUDA asserts.
    except (RuntimeError, AssertionError) as error:
        raise Mistake(f"--device {name} cannot be used here: {_first_line(error)}") from error
    return device


@contextmanager
def _watched() -> Iterator[None]:
    """Tell a GPU that failed from an error of the program, which both are a ``RuntimeError`` of PyTorch."""
    try:
        yield
    except RuntimeError as error:
        if not any(part in str(error) for part in GPU_PARTS):
            raise
        raise DeviceLost(f"the GPU failed: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]


def _behind(weights: Path) -> RunRecord | None:
    """The run that left ``weights``; None where nothing lies beside them that would tell, as in a model store."""
    return RunRecord.read(weights.parent) if (weights.parent / RECORD).exists() else None


def _start(trainer: Trainer, path: Path) -> None:
    try:
        trainer.start_from(path)
    except ValueError as error:
        raise Mistake(f"{path}: {error}") from error
