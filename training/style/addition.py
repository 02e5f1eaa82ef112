"""``masquerade eval style-add``: a style learnt on a frozen network against one trained jointly with the others."""

from __future__ import annotations

import math
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
from deployments.style.packs import IDENTITY
from registry.store import FolderStore
from training.evaluation.report import Report
from training.evaluation.terminal import conclude
from training.style.adding import open_studio
from training.style.checkpoint import Weights, load_weights, save_weights
from training.style.data import PhotoCrops, load_held_out, load_picture, named_paths, split
from training.style.encoders import open_encoder
from training.style.evaluate import own_painter
from training.style.failures import Mistake
from training.style.job import Job, begun, finished, work
from training.style.judge import Judge, Judgement
from training.style.learner import StyleLearner
from training.style.lesson import Lesson
from training.style.record import RunRecord
from training.style.terminal import told_plainly
from training.style.trainer import TURNS, WEIGHTS, Settings
from training.tensors import to_pixels
from training.terminal import bars

STYLE: Final = "added"
MINUTES_BAR: Final = 15.0
STYLE_BAR: Final = 1.1
# An hour of one core: far more than the addition may take.
JOINT_TURNS: Final = 1000

SUMMARY: Final = (
    "One painting is learnt twice from the same beginning: as masquerade style add does, which moves nothing but the "
    "style's own vector, and jointly, as one style more beside those the network was trained for, with every weight "
    "free and the styles taking turns as in training. VGG-19 compares what both make "
    "of photographs neither was trained on."
)

app = typer.Typer(add_completion=False)


@dataclass(frozen=True, slots=True)
class Learnt:
    """A network that knows the style, and the steps and minutes that took."""

    weights: Weights
    steps: int
    minutes: float


@app.command(
    epilog="Example:  masquerade eval style-add wreck.jpg photos/ --style wave=wave.jpg --style udnie=udnie.jpg"
)
def evaluate(
    painting: Annotated[Path, typer.Argument(help="The painting to learn.", exists=True, dir_okay=False)],
    photos: Annotated[Path, typer.Argument(help="Folder of photographs; those held out are for judging.", exists=True)],
    style: Annotated[list[str], typer.Option(help="name=painting of a style the network has; repeat for every one.")],
    network: Annotated[str, typer.Option(help="Style network to teach: NAME or NAME@VERSION.")] = "style-fine",
    steps: Annotated[int, typer.Option(min=1, help="Of the addition.")] = Lesson.steps,
    turns: Annotated[int, typer.Option(min=1, help="How often the joint run paints the style.")] = JOINT_TURNS,
    encoder: Annotated[str, typer.Option(help="vgg19, or a .safetensors file.")] = "vgg19",
    side: Annotated[int, typer.Option(min=64, help="Short side of photographs and painting when judged.")] = 512,
    crop: Annotated[int, typer.Option(min=64, help="Side of the training pictures, a multiple of 4.")] = Lesson.crop,
    limit: Annotated[int, typer.Option(min=1, help="How many photographs to judge on.")] = 6,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    runs: Annotated[
        Path, typer.Option(help="Folder of the joint run, which is taken as it is, or goes on, where it is there.")
    ] = Path("runs/style-add"),
    report: Annotated[Path, typer.Option(help="Folder for report.json and report.html.")] = Path("reports/style-add"),
    store: Annotated[
        Path, typer.Option("--store", envvar="MASQUERADE_MODELS_DIR", help="Folder the model versions lie in.")
    ] = Path("var/models"),
) -> None:
    """Measure what `masquerade style add` takes, and how near it comes to training a network for the style."""
    with told_plainly(again="the same command"):
        torch.set_num_threads(threads)
        studio = open_studio(FolderStore(store), network)
        others = {name: path.absolute() for name, path in named_paths(style).items()}
        if unknown := others.keys() - studio.weights.styles.keys():
            raise Mistake(f"{studio.network.ref} has no style {', '.join(sorted(unknown))}")
        training, _ = split(photos)
        pictures = load_held_out(photos, side, limit)
        eye = open_encoder(encoder)
        lesson = Lesson(steps=steps, crop=crop, painting_side=side)
        learner = StyleLearner(
            studio.weights.network,
            studio.weights.styles,
            load_picture(painting, side),
            PhotoCrops(training, crop, lesson.seed),
            eye,
            lesson,
        )
        known = {name: studio.weights.styles[name] for name in (IDENTITY, *others) if name in studio.weights.styles}
        start = Weights(studio.weights.network, {**known, STYLE: learner.vector.clone()})
        job = _joint(lesson, turns, others | {STYLE: painting.absolute()}, start, photos, runs, encoder, threads)
        if not finished(job):
            work(job)
        joint = Learnt(load_weights(job.folder / WEIGHTS), job.last_step, RunRecord.read(job.folder).seconds / 60)
        with bars() as shown:
            task = shown.add_task("learning on the frozen network", total=steps)
            added, processor_minutes = _added(start, learner, lambda: shown.advance(task))
        judge = Judge(eye, {STYLE: painting}, pictures, side)
        note = f"{threads} processor core(s), {processor_minutes:.1f} minutes of processor time"
        conclude(_written(judge, added, joint, painting, pictures[0], side, studio.network.ref, note), report)


def _added(start: Weights, learner: StyleLearner, advance: Callable[[], None]) -> tuple[Learnt, float]:
    """Also the minutes of processor time."""
    began, spent = time.monotonic(), time.process_time()
    steps = 0
    for _ in learner.learn():
        advance()
        steps += 1
    minutes, processor_minutes = (time.monotonic() - began) / 60, (time.process_time() - spent) / 60
    return Learnt(Weights(start.network, {STYLE: learner.vector}), steps, minutes), processor_minutes


def _joint(
    lesson: Lesson,
    turns: int,
    paintings: dict[str, Path],
    start: Weights,
    photos: Path,
    runs: Path,
    encoder: str,
    threads: int,
) -> Job:
    """The run of whole decks in which the style has at least so many turns, but for them as the lesson.

    Raises :class:`Mistake` where ``runs`` holds one that began with other weights.
    """
    beginning = runs.absolute() / "start" / WEIGHTS
    beginning.parent.mkdir(parents=True, exist_ok=True)
    asked = beginning.with_name("asked.safetensors")
    save_weights(asked, start)
    if beginning.exists() and beginning.read_bytes() != asked.read_bytes():
        raise Mistake(f"{runs} holds a joint run of other weights; give another folder for --runs")
    asked.replace(beginning)
    folder = runs.absolute() / "joint"
    settings = Settings(
        steps=math.ceil(turns / TURNS) * (1 + TURNS * len(paintings)),
        batch=1,
        crop=lesson.crop,
        painting_side=lesson.painting_side,
        seed=lesson.seed,
        recipe=lesson.recipe,
        architecture=start.network.architecture,
    )
    return Job(
        photos=photos.absolute(),
        folder=folder,
        paintings=paintings,
        encoder=encoder,
        settings=settings,
        start_from=beginning,
        resume=begun(folder),
        patience=0,
        threads=threads,
    )


@torch.no_grad()
def _written(
    judge: Judge, added: Learnt, joint: Learnt, painting: Path, photo: Tensor, side: int, network: str, note: str
) -> Report:
    both = {"added": added, "joint": joint}
    found: dict[str, Judgement] = {
        name: judge.judge(STYLE, own_painter(one.weights, STYLE)) for name, one in both.items()
    }
    written = Report("A style more", f"{SUMMARY} {painting.stem} on {network}, short side {side} px.")
    written.figure("style add: minutes", added.minutes, at_most=MINUTES_BAR, note=note)
    times = found["added"].style / found["joint"].style
    written.figure("style add: style distance, times a joint one's", times, at_most=STYLE_BAR)
    rows = [(name, one.steps, one.minutes, found[name].content, found[name].style) for name, one in both.items()]
    written.table("Both", ("learnt", "steps", "minutes", "content", "style distance"), rows)
    shown: list[tuple[Pixels, str]] = [
        (to_pixels(load_picture(painting, side)), "painting"),
        (to_pixels(photo), "photograph"),
    ]
    for name, one in both.items():
        painted = own_painter(one.weights, STYLE)(photo[None])[0]
        shown.append((np.ascontiguousarray(to_pixels(painted)), name))
    written.pictures("Side by side", shown)
    return written
