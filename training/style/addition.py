"""``masquerade eval style-add``: a style learnt on a frozen network against one for which the whole network may move."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import torch
import typer
from torch import Tensor

from deployments.imaging import Pixels
from registry.store import FolderStore
from training.evaluation.report import Report
from training.evaluation.terminal import conclude, explained, progress
from training.style.adding import open_studio
from training.style.checkpoint import Weights, save_weights
from training.style.data import NoPhotos, PhotoCrops, load_photos, load_picture, split, to_pixels
from training.style.encoders import Encoder, open_encoder
from training.style.evaluate import own_painter
from training.style.judge import Judge, Judgement
from training.style.learner import Lesson, StyleLearner
from training.style.trainer import WEIGHTS, Settings, Trainer

STYLE: Final = "added"
MINUTES_BAR: Final = 15.0
STYLE_BAR: Final = 1.1

SUMMARY: Final = (
    "One painting is learnt twice in equally many steps from the same beginning: as masquerade style add does, which "
    "moves nothing but the style's own vector, and jointly, where every weight of the network moves for this painting "
    "alone and the other styles are forgotten. VGG-19 compares what both make of photographs neither was trained on."
)

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Learnt:
    """A network that knows the style, and what that took on the clock and of the processor."""

    weights: Weights
    minutes: float
    processor_minutes: float


@app.command(epilog="Example:  masquerade eval style-add wreck.jpg photos/")
def evaluate(
    painting: Annotated[Path, typer.Argument(help="The painting to learn.", exists=True, dir_okay=False)],
    photos: Annotated[Path, typer.Argument(help="Folder of photographs; those held out are for judging.", exists=True)],
    network: Annotated[str, typer.Option(help="Style network to teach: NAME or NAME@VERSION.")] = "style-fine",
    steps: Annotated[int, typer.Option(min=1, help="For each of the two.")] = 300,
    encoder: Annotated[str, typer.Option(help="vgg19, or a .safetensors file.")] = "vgg19",
    side: Annotated[int, typer.Option(min=64, help="Short side of photographs and painting when judged.")] = 512,
    crop: Annotated[int, typer.Option(min=64, help="Side of the training pictures, a multiple of 4.")] = Lesson.crop,
    limit: Annotated[int, typer.Option(min=1, help="How many photographs to judge on.")] = 6,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    report: Annotated[Path, typer.Option(help="Folder for report.json and report.html.")] = Path("reports/style-add"),
    store: Annotated[
        Path, typer.Option("--store", envvar="MASQUERADE_MODELS_DIR", help="Folder the model versions lie in.")
    ] = Path("var/models"),
) -> None:
    """Measure what `masquerade style add` takes, and how near it comes to training a network for the style."""
    with explained():
        torch.set_num_threads(threads)
        studio = open_studio(FolderStore(store), network)
        training, held_out = split(photos)
        pictures = load_photos(held_out, side, limit)
        if not pictures:
            raise NoPhotos(f"{photos} holds no held-out photograph that can be read")
        eye = open_encoder(encoder)
        lesson = Lesson(steps=steps, crop=crop, painting_side=side)
        crops = PhotoCrops(training, crop, lesson.seed)
        with progress() as shown:
            task = shown.add_task("learning on the frozen network", total=2 * steps)
            learner = StyleLearner(
                studio.weights.network, studio.weights.styles, load_picture(painting, side), crops, eye, lesson
            )
            start = Weights(studio.weights.network, {STYLE: learner.vector.clone()})
            added = _added(start, learner, lambda: shown.advance(task))
            shown.update(task, description="learning jointly")
            joint = _joint(start, painting, crops, eye, lesson, lambda: shown.advance(task))
        judge = Judge(eye, {STYLE: painting}, pictures, side)
        conclude(_written(judge, added, joint, painting, pictures[0], side, studio.network.ref, threads), report)


def _added(start: Weights, learner: StyleLearner, advance: Callable[[], None]) -> Learnt:
    began, spent = time.monotonic(), time.process_time()
    for _ in learner.learn():
        advance()
    taken = (time.monotonic() - began) / 60, (time.process_time() - spent) / 60
    return Learnt(Weights(start.network, {STYLE: learner.vector}), *taken)


def _joint(
    start: Weights, painting: Path, crops: PhotoCrops, eye: Encoder, lesson: Lesson, advance: Callable[[], None]
) -> Learnt:
    settings = Settings(
        steps=lesson.steps,
        batch=1,
        crop=lesson.crop,
        painting_side=lesson.painting_side,
        seed=lesson.seed,
        # Nearly every step for the painting, as the other gets them.
        turns={STYLE: lesson.steps},
        recipe=lesson.recipe,
        architecture=start.network.architecture,
    )
    began, spent = time.monotonic(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(settings, {STYLE: painting}, crops, eye, Path(folder))
        save_weights(Path(folder) / WEIGHTS, start)
        trainer.start_from(Path(folder) / WEIGHTS)
        for _ in trainer.train():
            advance()
    taken = (time.monotonic() - began) / 60, (time.process_time() - spent) / 60
    return Learnt(trainer.averaged(), *taken)


@torch.no_grad()
def _written(
    judge: Judge, added: Learnt, joint: Learnt, painting: Path, photo: Tensor, side: int, network: str, threads: int
) -> Report:
    found: dict[str, Judgement] = {
        name: judge.judge(STYLE, own_painter(one.weights, STYLE)) for name, one in (("added", added), ("joint", joint))
    }
    written = Report("A style more", f"{SUMMARY} {painting.stem} on {network}, short side {side} px.")
    written.figure(
        "style add: minutes",
        added.minutes,
        at_most=MINUTES_BAR,
        note=f"{threads} processor core(s), {added.processor_minutes:.1f} minutes of processor time",
    )
    times = found["added"].style / found["joint"].style
    written.figure("style add: style distance, times a joint one's", times, at_most=STYLE_BAR)
    rows = [
        (name, one.minutes, one.processor_minutes, found[name].content, found[name].style)
        for name, one in (("added", added), ("joint", joint))
    ]
    written.table("Both", ("learnt", "minutes", "of processor time", "content", "style distance"), rows)
    shown: list[tuple[Pixels, str]] = [
        (to_pixels(load_picture(painting, side)), "painting"),
        (to_pixels(photo), "photograph"),
    ]
    for name, one in (("added", added), ("joint", joint)):
        painted = own_painter(one.weights, STYLE)(photo[None])[0]
        shown.append((np.ascontiguousarray(to_pixels(painted)), name))
    written.pictures("Side by side", shown)
    return written
