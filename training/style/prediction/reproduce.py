"""From paintings and photographs to the shipped predictor: ``python -m training.style.prediction.reproduce --help``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from registry.publish import publish_folder
from registry.store import FolderStore
from training.cards import load_card
from training.stores import with_room
from training.style.adding import open_studio
from training.style.prediction.evaluate import evaluate
from training.style.prediction.export import export, publish
from training.style.prediction.train import train
from training.style.prediction.trainer import CHECKPOINT
from training.style.stages import CARDS, read_plan
from training.style.terminal import told_plainly

CARD: Final = CARDS / "style-predictor.yaml"
JUDGED: Final = "judged.json"
STEPS, CROP, JUDGED_SIDE = 2000, 192, 256

EXAMPLES = """Examples:

python -m training.style.prediction.reproduce manners/ photos/ styles/ runs/style-predictor --store models/
--distilled vgg19.safetensors --judged styles/wreck.jpg
"""


def reproduce(
    manners: Annotated[Path, typer.Argument(help="Folder of pictures by many hands; every eighth hand is held out.")],
    photos: Annotated[Path, typer.Argument(help="Folder of photographs, searched below too.", exists=True)],
    paintings: Annotated[Path, typer.Argument(help="Folder of the paintings the network was trained with.")],
    run: Annotated[Path, typer.Argument(help="Folder for the run.")],
    store: Annotated[Path, typer.Option(help="Model store with the network and its pack; the predictor goes there.")],
    distilled: Annotated[Path, typer.Option(help="Safetensors of the distilled VGG-19.", exists=True)],
    judged: Annotated[Path, typer.Option(help="A painting nothing was trained on, to judge with.", exists=True)],
    network: Annotated[str, typer.Option(help="The painting network to predict for.")] = "style-fine",
    package: Annotated[str | None, typer.Option(help="Python package that will carry the files, if one will.")] = None,
) -> None:
    """Train the predictor as the shipped one was, judge it on what was held out and export it.

    A run that was interrupted goes on.
    """
    with told_plainly():
        card = load_card(CARD)
        with_room(store, card)
        studio = open_studio(FolderStore(store), network)
    trained_with = [
        path
        for file in read_plan().paintings.values()
        for path in (paintings / file, (paintings / file).with_stem(f"{Path(file).stem}_crop"))
        if path.exists()
    ]
    train(
        manners,
        photos,
        run,
        store=store,
        network=network,
        also=trained_with,
        encoder=str(distilled),
        recipe="distilled",
        style_weight=18,
        learning_rate=1.5e-3,
        steps=STEPS,
        crop=CROP,
        reading=True,
        resume=(run / CHECKPOINT).exists(),
    )
    figures = run / JUDGED
    with told_plainly(), TemporaryDirectory() as folder:
        # Judged is what serves: the version, not the run, beside what it belongs to.
        trial = FolderStore(Path(folder))
        for version in (studio.network, *studio.packs):
            publish_folder(trial, version.manifest, version.folder)
        ours = publish(run, card, studio, trial, {}, None)
        evaluate(
            manners,
            photos,
            trial.root,
            ours.ref,
            studio.network.ref,
            also=[judged],
            side=JUDGED_SIDE,
            pictures=8,
            limit=1,
            out=figures,
        )
    export(run, store, CARD, store, network, figures, package)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLES)(reproduce)

if __name__ == "__main__":
    app()
