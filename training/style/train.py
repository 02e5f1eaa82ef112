"""Train one network for several styles: ``python -m training.style.train --help``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from training.style.data import named_paths
from training.style.failures import Mistake
from training.style.job import Job, work
from training.style.network import SIZES
from training.style.recipes import RECIPES
from training.style.terminal import told_plainly
from training.style.trainer import Settings

EXAMPLES = """Examples:

python -m training.style.train photos/ runs/first --style wave=wave.jpg --style udnie=udnie.jpg

python -m training.style.train photos/ runs/first --style wave=wave.jpg --style udnie=udnie.jpg --resume

python -m training.style.train photos/ runs/finer --style wave=wave.jpg --recipe deep
--start-from runs/first/weights.safetensors
"""


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
    turns: Annotated[
        list[str] | None,
        typer.Option(
            help="name=number: how often a style is painted for every turn of the identity; 2 where not given."
        ),
    ] = None,
    variation_weight: Annotated[float | None, typer.Option(min=0, help="Total variation, against dots.")] = None,
    size: Annotated[str, typer.Option(help=f"Of the network: {', '.join(SIZES)}.")] = "lean",
    steps: Annotated[int, typer.Option(min=1)] = Settings.steps,
    until: Annotated[
        int | None, typer.Option(min=1, help="Stop at this step; the learning rate goes by --steps all the same.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1)] = Settings.batch,
    crop: Annotated[int, typer.Option(min=64, help="Side of the training pictures, a multiple of 4.")] = Settings.crop,
    painting_side: Annotated[int, typer.Option(min=64, help="Short side of the paintings.")] = Settings.painting_side,
    learning_rate: Annotated[float, typer.Option(min=0)] = Settings.learning_rate,
    seed: Annotated[int, typer.Option(min=0)] = Settings.seed,
    start_from: Annotated[Path | None, typer.Option(help="weights.safetensors to begin with.", exists=True)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in this folder.")] = False,
    save_every: Annotated[int, typer.Option(min=1)] = 200,
    validate_every: Annotated[int, typer.Option(min=1)] = 500,
    patience: Annotated[
        int, typer.Option(min=0, help="Stop after so many validations without a better loss; 0: never.")
    ] = 10,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use, of each worker.")] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes to share every batch, through Ray Train.")] = 1,
) -> None:
    """Train a network on photographs for one or more styles."""
    with told_plainly():
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
            emphasis=_factors(emphasis or (), list(paintings)),
            turns=_counts(turns or (), list(paintings)),
            recipe=losses,
            architecture=SIZES[size],
        )
        job = Job(
            photos=photos.absolute(),
            folder=run.absolute(),
            paintings={name: path.absolute() for name, path in paintings.items()},
            encoder=encoder,
            settings=settings,
            start_from=start_from.absolute() if start_from else None,
            resume=resume,
            until=until,
            save_every=save_every,
            validate_every=validate_every,
            patience=patience,
            device=device,
            threads=threads,
        )
        if workers == 1:
            work(job)
            return
        # Ray takes a second to import, and only this path needs it.
        from training.style.workers import on_workers

        on_workers(job, workers)


def _factors(texts: Sequence[str], names: Sequence[str]) -> dict[str, float]:
    """Read ``name=factor`` options. Raises :class:`Mistake`."""
    read: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            read[name] = float(number)
        except ValueError as error:
            raise Mistake(f"{text!r} is not of the form name=factor") from error
        # NaN fails the comparison as well.
        if name not in names or not 0 < read[name] < float("inf"):
            raise Mistake(f"{text!r} needs one of the styles trained and a factor above 0")
    return read


def _counts(texts: Sequence[str], names: Sequence[str]) -> dict[str, int]:
    """Read ``name=number`` options. Raises :class:`Mistake`."""
    read = _factors(texts, names)
    for name, number in read.items():
        if not number.is_integer():
            raise Mistake(f"{name}={number:g} needs a whole number")
    return {name: int(number) for name, number in read.items()}


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(train)

if __name__ == "__main__":
    app()
