"""Train the network that reads a style off a picture: ``python -m training.style.prediction.train --help``."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.progress import Progress
from safetensors.torch import load_file

from deployments.masterpiece.encoder import Encoder
from deployments.style.packs import IDENTITY
from registry.integrity import sha256_of
from registry.store import FolderStore
from training.pictures import pictures_below
from training.stopping import Stopped, stop_requests
from training.style.adding import Studio, open_studio
from training.style.data import PhotoCrops, split
from training.style.encoders import open_encoder
from training.style.export import NETWORK_WEIGHTS, VECTORS
from training.style.failures import Mistake
from training.style.inputs import Inputs
from training.style.prediction.network import Design, StylePredictor, load_predictor
from training.style.prediction.pictures import StylePictures
from training.style.prediction.record import Beginning
from training.style.prediction.trainer import CHECKPOINT, PREDICTOR, Course, PredictorTrainer, learn_to_read
from training.style.recipes import RECIPES, Recipe
from training.style.run import LOSSES
from training.style.terminal import told_plainly
from training.terminal import bars, console

EXAMPLES = """Examples:

python -m training.style.prediction.train paintings/ photos/ runs/reader --store models --steps 2000

python -m training.style.prediction.train paintings/ photos/ runs/retuned --store models --steps 300
--start-from runs/reader/predictor.safetensors        # after the painting network was trained on
"""

READ_PICTURES, READ_ROUNDS = 800, 16


def _told(recipes: Mapping[str, Recipe]) -> str:
    """Those that judge paintings: a predictor has nobody's to copy."""
    return ", ".join(name for name, recipe in recipes.items() if recipe.perceptual)


def train(
    paintings: Annotated[Path, typer.Argument(help="Folder of paintings; every eighth is held out.", exists=True)],
    photos: Annotated[
        Path, typer.Argument(help="Folder of photographs to paint, and now and then to take as a style.")
    ],
    run: Annotated[Path, typer.Argument(help="Folder for checkpoints and the predictor.")],
    store: Annotated[Path, typer.Option(help="Model store with the painting network and its pack.", exists=True)],
    network: Annotated[str, typer.Option(help="The painting network to predict for.")] = "style-fine",
    also: Annotated[list[Path] | None, typer.Option(help="One more painting; repeat for others.", exists=True)] = None,
    encoder: Annotated[str, typer.Option(help="vgg16, vgg19, auto or a .safetensors file.")] = "auto",
    recipe: Annotated[str, typer.Option(help=f"Layers and weights of the losses: {_told(RECIPES)}.")] = "deep",
    style_weight: Annotated[float | None, typer.Option(min=0, help="Instead of the recipe's.")] = None,
    steps: Annotated[int, typer.Option(min=1)] = Course.steps,
    batch: Annotated[int, typer.Option(min=2)] = Course.batch,
    crop: Annotated[int, typer.Option(min=64, help="Side of the training photographs, a multiple of 4.")] = 192,
    learning_rate: Annotated[float, typer.Option(min=0)] = Course.learning_rate,
    seed: Annotated[int, typer.Option(min=0)] = Course.seed,
    reading: Annotated[bool, typer.Option("--reading", help="Let the reading half learn along.")] = False,
    start_from: Annotated[Path | None, typer.Option(help="predictor.safetensors to begin with.", exists=True)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in this folder.")] = False,
    threads: Annotated[int, typer.Option(min=1)] = 1,
) -> None:
    """Train on paintings and photographs, through a painting network that stays as it is."""
    with told_plainly():
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        if recipe not in RECIPES or not RECIPES[recipe].perceptual:
            raise Mistake(f"there is no recipe {recipe} that judges paintings; there are {_told(RECIPES)}")
        if crop % 4:
            raise Mistake("--crop must be a multiple of 4")
        if (run / CHECKPOINT).exists() and not resume:
            raise Mistake(f"{run} holds a run already; go on with it by --resume, or give another folder")
        losses = RECIPES[recipe]
        if style_weight is not None:
            losses = replace(losses, style=style_weight)
        course = Course(
            steps=steps, batch=batch, learning_rate=learning_rate, seed=seed, reading=reading, recipe=losses
        )
        studio = open_studio(FolderStore(store), network)
        shown, _ = exhibition(paintings)
        training, _ = split(photos)
        shown += also or ()
        pictures = StylePictures(shown, training, seed)
        crops = PhotoCrops(training, crop, seed)
        console.print(f"{len(pictures)} paintings and {len(crops)} photographs to learn from, {crops.skipped} skipped")
        judge = open_encoder(encoder)
        beginning = Beginning(
            course=course,
            crop=crop,
            network=studio.network.manifest.file(NETWORK_WEIGHTS).sha256,
            encoder=judge.info,
            paintings=len(pictures),
            photos=len(crops),
            start_from=sha256_of(start_from) if start_from else None,
            inputs=Inputs.of((), shown, training, judge),
        )
        if resume:
            beginning.check(run)
        run.mkdir(parents=True, exist_ok=True)
        with bars() as progress:
            predictor = load_predictor(start_from) if start_from else _reader(studio, pictures, judge, course, progress)
            predictor.anchor(anchors(studio))
            painter, header = studio.weights.network, beginning.metadata()
            trainer = PredictorTrainer(course, predictor, painter, pictures, crops, judge, run, header)
            if resume:
                trainer.resume()
            _drive(trainer, run, progress)
        console.print(str(run / PREDICTOR), style="bold", markup=False)


def exhibition(folder: Path) -> tuple[list[Path], list[Path]]:
    """Paintings to learn from, and every eighth, which is not: by name. Numbered ones of one hand stay together."""
    paths = pictures_below(folder)
    hands = sorted({path.stem.rstrip("0123456789_") for path in paths})
    away = set(hands[3::8])
    held_out = [path for path in paths if path.stem.rstrip("0123456789_") in away]
    return sorted(set(paths).difference(held_out)), held_out


def anchors(studio: Studio) -> list[torch.Tensor]:
    """The vectors a painting network was trained with, by name; styles added since move nothing in it.

    Raises :class:`Mistake` where the pack they lie in, which alone brings the identity, is not installed.
    """
    for pack in studio.packs:
        vectors = load_file(pack.path(VECTORS))
        if IDENTITY in vectors:
            return [vectors[name] for name in sorted(vectors) if name != IDENTITY]
    raise Mistake(f"the style pack that {studio.network.ref} was trained with is not installed beside it")


def _reader(
    studio: Studio, pictures: StylePictures, judge: Encoder, course: Course, progress: Progress
) -> StylePredictor:
    known = anchors(studio)
    predictor = StylePredictor(Design(known=len(known), style_size=len(known[0])))
    shown = progress.add_task("reading", total=READ_ROUNDS)
    layers = course.recipe.style_layers
    for error in learn_to_read(predictor, pictures, judge, layers, READ_PICTURES, READ_ROUNDS, course.seed):
        progress.update(shown, advance=1, description=f"reading, error {error:.3f}")
    return predictor


def _drive(trainer: PredictorTrainer, run: Path, progress: Progress, save_every: int = 100) -> None:
    shown = progress.add_task("learning", total=trainer.course.steps, completed=trainer.step)
    content = style = 0.0
    began = time.monotonic()
    with stop_requests() as stop, (run / LOSSES).open("a", buffering=1, encoding="utf-8") as log:
        for passed in trainer.learn():
            weight = 1 if not content else 0.03
            content += weight * (passed.content - content)
            style += weight * (passed.style - style)
            log.write(json.dumps(asdict(passed) | {"s": round(time.monotonic() - began, 1)}) + "\n")
            words = f"content {content:.3f}, style {style:.3f}"
            progress.update(shown, completed=passed.step, description=words)
            if passed.step % save_every == 0 or stop.is_set():
                trainer.save()
            if stop.is_set():
                raise Stopped
    trainer.save()


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(train)

if __name__ == "__main__":
    app()
