"""From photographs and paintings to a shipped network in one command: ``python -m training.style.reproduce --help``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final

import torch
import typer

from training.cards import load_card
from training.stores import with_room
from training.style.checkpoint import load_weights
from training.style.data import load_photos, split
from training.style.encoders import open_encoder
from training.style.evaluate import own_figures
from training.style.export import export
from training.style.job import Job, begun, finished, work
from training.style.judge import Judge
from training.style.stages import CARDS, Plan, Stage, read_plan
from training.style.terminal import told_plainly
from training.style.trainer import WEIGHTS
from training.terminal import console

JUDGED_SIDE: Final = 512
JUDGED_PHOTOS: Final = 6

EXAMPLES = """Examples:

python -m training.style.reproduce style-fine photos/ paintings/ runs/ --distilled vgg19.safetensors
--sample portrait.jpg --store models/

python -m training.style.reproduce style-lean photos/ paintings/ runs/ --distilled vgg19.safetensors
--sample portrait.jpg --store models/   # takes what runs/ has already
"""


def reproduce(
    product: Annotated[str, typer.Argument(help="style-fine or style-lean.")],
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, searched below too.", exists=True)],
    paintings: Annotated[Path, typer.Argument(help="Folder of the paintings.", exists=True)],
    runs: Annotated[Path, typer.Argument(help="Folder for the runs, one below another.")],
    distilled: Annotated[Path, typer.Option(help="Safetensors of the distilled VGG-19.", exists=True)],
    sample: Annotated[Path, typer.Option(help="A photograph to paint the previews of.", exists=True)],
    store: Annotated[Path, typer.Option(help="Model store to publish in, a folder.")],
    package: Annotated[str | None, typer.Option(help="Python package that will carry the files, if one will.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Take every training run behind a shipped network, judge it and export it.

    Runs that are finished are taken as they are, and one that was interrupted goes on, so that the same command ends
    what Ctrl-C began.
    """
    with told_plainly(again="the same command"):
        plan = read_plan()
        stages, cards = plan.leading_to(product), plan.products[product]
        with_room(store, load_card(CARDS / cards.network_card), load_card(CARDS / cards.pack_card))
        for name, stage in stages.items():
            console.print(f"run {name}")
            job = the_job(name, stage, plan, photos, paintings, runs, distilled)
            if not finished(job):
                work(job.model_copy(update={"device": device, "threads": threads}))
        last = runs / next(reversed(stages))
        judgement = last / "judged.json"
        judgement.write_text(json.dumps(judged(last, plan, photos, paintings), indent=2) + "\n", encoding="utf-8")
        export(
            last,
            store,
            sample,
            CARDS / cards.network_card,
            CARDS / cards.pack_card,
            CARDS / "paintings.yaml",
            judgement,
            package,
        )


def the_job(name: str, stage: Stage, plan: Plan, photos: Path, paintings: Path, runs: Path, distilled: Path) -> Job:
    """One stage as a job in a folder of its name; where that holds the run's beginning it is resumed."""
    folder = runs.absolute() / name
    return Job(
        photos=photos.absolute(),
        folder=folder,
        paintings={style: (paintings / file).absolute() for style, file in plan.paintings.items()},
        encoder=str(distilled.absolute()) if stage.encoder == "distilled" else stage.encoder,
        settings=stage.settings,
        start_from=runs.absolute() / stage.after / WEIGHTS if stage.after else None,
        resume=begun(folder),
        until=stage.until,
        patience=0,
    )


def judged(run: Path, plan: Plan, photos: Path, paintings: Path) -> dict[str, float]:
    """The distances that the manifest names, as ``training.style.evaluate`` finds them."""
    torch.set_num_threads(1)
    pictures = load_photos(split(photos)[1], JUDGED_SIDE, JUDGED_PHOTOS)
    named = {style: paintings / file for style, file in plan.paintings.items()}
    judge = Judge(open_encoder("vgg19"), named, pictures, JUDGED_SIDE)
    return own_figures(judge, load_weights(run / WEIGHTS), named)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(reproduce)

if __name__ == "__main__":
    app()
