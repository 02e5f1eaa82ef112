"""A training run with everything around it: record, losses, checkpoints, validation, and its ends."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.progress import Progress
from torch.utils.tensorboard import SummaryWriter

from deployments.imaging import encode
from training.board import board
from training.stopping import Stopped, stop_requests
from training.style.data import load_photos
from training.style.record import RunRecord
from training.style.sheet import contact_sheet
from training.style.trainer import Losses, Trainer, Validation
from training.terminal import console

SHOWN_PHOTOS, SHOWN_SIDE = 2, 384
LOSSES = "losses.jsonl"


class Run:
    """Drives a trainer and leaves in ``folder`` what a run leaves.

    ``checkpoint.safetensors``, ``weights.safetensors`` and ``run.json`` to continue from; ``losses.jsonl``,
    ``validation/*.jpg`` and ``tensorboard/`` to look at.
    """

    def __init__(self, trainer: Trainer, record: RunRecord, folder: Path, held_out: Sequence[Path]) -> None:
        self._trainer = trainer
        self._record = record
        self._folder = folder
        self._photos = load_photos(held_out, SHOWN_SIDE, SHOWN_PHOTOS)
        self._started = time.monotonic()

    def drive(self, progress: Progress, last: int, save_every: int, validate_every: int, patience: int) -> None:
        """Take the steps up to ``last``, or fewer where ``patience`` validations brought nothing better (0: never).

        Raises :class:`Stopped` after Ctrl-C, with the last whole step in a checkpoint.
        """
        # From the first checkpoint on there is a record to resume by, whatever becomes of that save.
        self._record.write(self._folder)
        task = progress.add_task("training", total=last, completed=self._trainer.step)
        # Written line by line, so that it can be followed while the run goes on.
        with (
            stop_requests() as stop,
            (self._folder / LOSSES).open("a", buffering=1, encoding="utf-8") as log,
            board(self._folder, self._trainer.step + 1) as curves,
        ):
            for losses in self._trainer.train(last):
                log.write(json.dumps(asdict(losses)) + "\n")
                _plot(curves, "training", losses)
                progress.update(task, completed=losses.step, description=_describe(losses))
                ends = losses.step == last
                if losses.step % validate_every == 0 or ends:
                    self._validate(curves)
                    tired = worn_out([one.total for one in self._record.validations], patience)
                    ends = self._trainer.agree(tired) or ends
                if losses.step % save_every == 0 or ends or stop.is_set():
                    self.save()
                if ends:
                    break
                if stop.is_set():
                    raise Stopped
            else:
                # All steps were taken before; the save after the last of them may have been cut short.
                self.save()
        if self._trainer.step < last:
            console.print(f"stopped at step {self._trainer.step}: {patience} validations brought nothing better")

    def save(self) -> None:
        """Checkpoint, averaged weights and record."""
        self._trainer.save()
        seconds = self._record.seconds + time.monotonic() - self._started
        # Damage shows when a photograph is decoded; what was met before a resumption was counted then.
        skipped = max(self._record.skipped, self._trainer.skipped)
        now = {"step": self._trainer.step, "seconds": seconds, "skipped": skipped}
        self._record.model_copy(update=now).write(self._folder)

    def _validate(self, curves: SummaryWriter) -> None:
        if not self._photos:
            return
        found = self._trainer.validate(self._photos)
        self._record = self._record.model_copy(update={"validations": (*self._record.validations, found)})
        _plot(curves, "validation", found)
        sheet = contact_sheet(self._trainer.averaged(), self._photos)
        curves.add_image("paintings", sheet, found.step, dataformats="HWC")
        folder = self._folder / "validation"
        folder.mkdir(exist_ok=True)
        (folder / f"step_{found.step:06d}.jpg").write_bytes(encode(sheet, "image/jpeg"))


def follow(trainer: Trainer, last: int, validate_every: int) -> None:
    """Take part in a run that another process drives, until it ends."""
    for losses in trainer.train(last):
        if (losses.step % validate_every == 0 or losses.step == last) and trainer.agree(False):
            return


def worn_out(totals: Sequence[float], patience: int) -> bool:
    """Whether the last ``patience`` of these losses are all no lower than the lowest before them."""
    return 0 < patience < len(totals) and min(totals[-patience:]) >= min(totals[:-patience])


def _plot(curves: SummaryWriter, group: str, losses: Losses | Validation) -> None:
    for name, value in asdict(losses).items():
        if name != "step" and value is not None:
            curves.add_scalar(f"{group}/{name}", value, losses.step)


def _describe(losses: Losses) -> str:
    named = {"content": losses.content, "style": losses.style, "identity": losses.identity}
    return ", ".join(f"{name} {value:.3f}" for name, value in named.items() if value is not None)
