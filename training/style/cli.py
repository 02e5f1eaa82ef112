"""``masquerade style``: teach the studio more styles."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deployments.processor import cores
from training.stores import STORE, StoreOption, opened
from training.style.lesson import Lesson
from training.style.terminal import told_plainly

app = typer.Typer(
    help="Teach the studio more styles.",
    epilog="Examples:  masquerade style add wreck.jpg --name wreck --photos photos/  ·  masquerade style add --help",
    no_args_is_help=True,
)


@app.callback()
def _root() -> None:
    """Teach the studio more styles."""


@app.command(
    "add",
    epilog="Examples:  masquerade style add wreck.jpg --name wreck --photos photos/  ·  "
    'masquerade style add wreck.jpg --name wreck --photos photos/ --title "The Shipwreck" --artist Turner --year 1805',
)
def add_style(
    painting: Annotated[Path, typer.Argument(help="The painting: a JPEG, PNG or WebP.", exists=True, dir_okay=False)],
    name: Annotated[str, typer.Option(help="What requests call the style.")],
    photos: Annotated[Path, typer.Option(help="Folder of photographs to learn on; a few dozen are enough.")],
    title: Annotated[str, typer.Option(show_default="made from the name", help="What people read.")] = "",
    artist: Annotated[str, typer.Option(help="Who painted it.")] = "unknown",
    year: Annotated[int, typer.Option(show_default="this one", help="When.")] = 0,
    licence: Annotated[str, typer.Option(help="The painting's terms.")] = "unknown",
    photo_terms: Annotated[str, typer.Option(help="The photographs' terms.")] = "unknown",
    network: Annotated[str, typer.Option(help="Style network to teach: NAME or NAME@VERSION.")] = "style-fine",
    encoder: Annotated[str, typer.Option(help="vgg16, vgg19, a .safetensors file, or auto.")] = "auto",
    steps: Annotated[int, typer.Option(min=1, help="Steps of training, one photograph each.")] = Lesson.steps,
    painting_side: Annotated[
        int, typer.Option(min=64, help="Short side of the painting; smaller makes finer strokes.")
    ] = Lesson.painting_side,
    preview: Annotated[
        Path | None, typer.Option(help="Photograph of the preview.", show_default="the first held back", exists=True)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Processor cores to use.", show_default="all there are")
    ] = None,
    store: StoreOption = STORE,
) -> None:
    """Learn a style from one painting and install it. The network and its other styles stay what they are."""
    # Here, for PyTorch takes seconds to import, and help needs none of it.
    from training.style.export import Painting
    from training.style.teaching import teach

    with told_plainly():
        about = Painting(
            name=name,
            title=title or name.replace("_", " ").replace("-", " ").capitalize(),
            artist=artist,
            year=year or datetime.now(UTC).year,
            licence=licence,
        )
        lesson = Lesson(steps=steps, painting_side=painting_side)
        models = opened(store)
        teach(models, network, about, painting, photos, photo_terms, preview, encoder, lesson, threads or cores())
