"""Train one network for several styles: ``python -m training.style.train --help``."""

from __future__ import annotations

import json
import logging
import math
import signal
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Annotated

import cv2
import torch
import typer
from rich.logging import RichHandler
from rich.progress import Progress

from training.style.data import PhotoCrops, load_photos, named_paths, split
from training.style.encoders import open_encoder
from training.style.losses import RECIPES
from training.style.network import SIZES
from training.style.record import RunRecord
from training.style.sheet import contact_sheet
from training.style.terminal import Mistake, Stopped, bar, console, told_plainly
from training.style.trainer import Losses, Settings, Trainer

PREVIEW_PHOTOS, PREVIEW_SIDE = 2, 384

EXAMPLES = """Examples:

python -m training.style.train photos/ runs/first --style wave=wave.jpg --style udnie=udnie.jpg

python -m training.style.train photos/ runs/first --style wave=wave.jpg --style udnie=udnie.jpg --resume

python -m training.style.train photos/ runs/finer --style wave=wave.jpg --recipe deep
--start-from runs/first/weights.safetensors
"""


class Run:
    """A trainer with everything around it: the record, the loss log, checkpoints and validation pictures."""

    def __init__(self, trainer: Trainer, record: RunRecord, folder: Path, held_out: Sequence[Path]) -> None:
        self._trainer = trainer
        self._record = record
        self._folder = folder
        self._photos = load_photos(held_out, PREVIEW_SIDE, PREVIEW_PHOTOS)
        self._started = time.monotonic()

    def drive(self, progress: Progress, save_every: int, validate_every: int) -> None:
        """Take all remaining steps. Raises :class:`Stopped` after Ctrl-C, with the last whole step in a checkpoint."""
        steps = self._trainer.settings.steps
        task = progress.add_task("training", total=steps, completed=self._trainer.step)
        # Written line by line, so that it can be followed while the run goes on.
        with stop_requests() as stop, (self._folder / "losses.jsonl").open("a", buffering=1, encoding="utf-8") as log:
            for losses in self._trainer.train():
                log.write(json.dumps(asdict(losses)) + "\n")
                progress.update(task, completed=losses.step, description=_describe(losses))
                if losses.step % save_every == 0 or losses.step == steps or stop.is_set():
                    self.save()
                if losses.step % validate_every == 0 or losses.step == steps:
                    self._validate()
                if stop.is_set() and losses.step < steps:
                    raise Stopped

    def save(self) -> None:
        """Checkpoint, averaged weights and record."""
        self._trainer.save()
        seconds = self._record.seconds + time.monotonic() - self._started
        self._record.model_copy(update={"step": self._trainer.step, "seconds": seconds}).write(self._folder)

    def _validate(self) -> None:
        if not self._photos:
            return
        folder = self._folder / "validation"
        folder.mkdir(exist_ok=True)
        sheet = contact_sheet(self._trainer.averaged(), self._photos)
        cv2.imwrite(str(folder / f"step_{self._trainer.step:06d}.jpg"), sheet[:, :, ::-1])


@contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, in place of breaking off in the middle of a step; a second one does."""
    stop = threading.Event()

    def request(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _describe(losses: Losses) -> str:
    return f"content {losses.content:.3f}, style {losses.style:.3f}, identity {losses.identity:.4f}"


def factors(texts: Sequence[str], names: Collection[str]) -> dict[str, float]:
    """Read ``name=factor`` options. Raises :class:`Mistake`."""
    read: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            read[name] = float(number)
        except ValueError as error:
            raise Mistake(f"{text!r} is not of the form name=factor") from error
        if name not in names or not 0 < read[name] < math.inf:
            raise Mistake(f"{text!r} needs one of the styles trained and a factor above 0")
    return read


def _unchanged(folder: Path, record: RunRecord) -> RunRecord:
    """The folder's record, if it is of a run like the one asked for."""
    try:
        before = RunRecord.read(folder)
    except (FileNotFoundError, ValueError) as error:
        raise Mistake(f"{folder} holds no run that could be resumed") from error
    for name in ("settings", "encoder", "paintings", "photos"):
        if getattr(before, name) != getattr(record, name):
            raise Mistake(f"this run was started with {name} {getattr(before, name)}; resume it with the same")
    return before


def _start(trainer: Trainer, path: Path) -> None:
    try:
        trainer.start_from(path)
    except ValueError as error:
        raise Mistake(f"{path}: {error}") from error


def train(
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, searched below too.")],
    run: Annotated[Path, typer.Argument(help="Folder for checkpoints, weights, losses and validation pictures.")],
    style: Annotated[list[str], typer.Option(help="name=picture; repeat for every style.")],
    encoder: Annotated[
        str, typer.Option(help="vgg16, vgg19, a .safetensors file, or auto: the first of the two to be had.")
    ] = "auto",
    recipe: Annotated[str, typer.Option(help=f"Layers and weights of the losses: {', '.join(RECIPES)}.")] = "reference",
    content_layer: Annotated[list[str] | None, typer.Option(help="Instead of the recipe's, such as relu2_2.")] = None,
    style_layer: Annotated[list[str] | None, typer.Option(help="Instead of the recipe's, such as relu3_1.")] = None,
    style_weight: Annotated[float | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    emphasis: Annotated[
        list[str] | None, typer.Option(help="name=factor for the style weight of one style; repeat for others.")
    ] = None,
    variation_weight: Annotated[float | None, typer.Option(min=0, help="Total variation, against dots.")] = None,
    size: Annotated[str, typer.Option(help=f"Of the network: {', '.join(SIZES)}.")] = "lean",
    steps: Annotated[int, typer.Option(min=1)] = Settings.steps,
    batch: Annotated[int, typer.Option(min=1)] = Settings.batch,
    crop: Annotated[int, typer.Option(min=64, help="Side of the training pictures, a multiple of 4.")] = Settings.crop,
    painting_side: Annotated[int, typer.Option(min=64, help="Short side of the paintings.")] = Settings.painting_side,
    learning_rate: Annotated[float, typer.Option(min=0)] = Settings.learning_rate,
    seed: Annotated[int, typer.Option(min=0)] = Settings.seed,
    start_from: Annotated[Path | None, typer.Option(help="weights.safetensors to begin with.", exists=True)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in this folder.")] = False,
    save_every: Annotated[int, typer.Option(min=1)] = 200,
    validate_every: Annotated[int, typer.Option(min=1)] = 500,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Train a network on photographs for one or more styles."""
    with told_plainly():
        torch.set_num_threads(threads)
        logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[RichHandler(console=console)])
        if recipe not in RECIPES:
            raise Mistake(f"there is no recipe {recipe}; there are {', '.join(RECIPES)}")
        losses = RECIPES[recipe]
        if size not in SIZES:
            raise Mistake(f"there is no size {size}; there are {', '.join(SIZES)}")
        if losses.imitation and start_from is None:
            raise Mistake(f"{recipe} paints like the network it starts from; give --start-from")
        if crop % 4:
            raise Mistake("--crop must be a multiple of 4")
        losses = replace(
            losses,
            content_layers=tuple(content_layer or losses.content_layers),
            style_layers=tuple(style_layer or losses.style_layers),
            style=losses.style if style_weight is None else style_weight,
            variation=losses.variation if variation_weight is None else variation_weight,
        )
        paintings = named_paths(style)
        settings = Settings(
            steps,
            batch,
            crop,
            painting_side,
            learning_rate,
            seed=seed,
            emphasis=factors(emphasis or (), paintings),
            recipe=losses,
            architecture=SIZES[size],
        )
        training, held_out = split(photos)
        crops = PhotoCrops(training, crop, seed)
        console.print(f"{len(crops)} photographs to train on, {crops.skipped} skipped, {len(held_out)} held out")
        chosen = open_encoder(encoder)
        console.print(f"losses by {chosen.info.name}")
        run.mkdir(parents=True, exist_ok=True)
        record = RunRecord(
            settings=settings,
            encoder=chosen.info,
            paintings={name: path.name for name, path in paintings.items()},
            photos=len(crops),
            skipped=crops.skipped,
            started_from=RunRecord.read(start_from.parent) if start_from else None,
        )
        trainer = Trainer(settings, paintings, crops, chosen, run, torch.device(device))
        if start_from:
            _start(trainer, start_from)
        if resume:
            record = _unchanged(run, record)
            trainer.resume()
        with bar() as progress:
            Run(trainer, record, run, held_out).drive(progress, save_every, validate_every)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(train)

if __name__ == "__main__":
    app()
