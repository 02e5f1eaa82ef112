"""Turn a trained predictor into a model version: ``python -m training.style.prediction.export --help``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import onnx
import typer

from registry.manifest import Description, ModelVersion
from registry.store import FolderStore
from training.cards import load_card, manifest_of
from training.stores import with_room
from training.style.adding import Studio, open_studio
from training.style.export import NETWORK_WEIGHTS
from training.style.failures import Mistake
from training.style.prediction.graph import predictor_graph
from training.style.prediction.network import load_predictor, save_predictor
from training.style.prediction.pictures import READ_SIDE
from training.style.prediction.train import anchors
from training.style.prediction.trainer import PREDICTOR
from training.style.terminal import told_plainly
from training.terminal import output

GRAPH = "predictor.onnx"


EXAMPLE = """Example:

python -m training.style.prediction.export runs/reader models/ --card training/style/cards/style-predictor.yaml --store models/
"""


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Argument(help="Model store to publish in, a folder.")],
    card: Annotated[Path, typer.Option(help="YAML: what the manifest says.", exists=True)],
    store: Annotated[Path, typer.Option(help="Model store with the painting network and its pack.", exists=True)],
    network: Annotated[str, typer.Option(help="The painting network it predicts for.")] = "style-fine",
    judgement: Annotated[
        Path | None, typer.Option(help="JSON written by training.style.prediction.evaluate.", exists=True)
    ] = None,
    package: Annotated[str | None, typer.Option(help="Python package that will carry the files, if one will.")] = None,
) -> None:
    """Publish the ONNX graph and the weights to train on from, pinned to the painting network by its hash.

    The store to publish in does not hold the version yet.
    """
    with told_plainly():
        description = load_card(card)
        models, studio = with_room(out, description), open_studio(FolderStore(store), network)
        metrics = json.loads(judgement.read_text(encoding="utf-8")) if judgement else description.metrics
        published = publish(run, description, studio, models, metrics, package)
        size = sum(file.size for file in published.manifest.files)
    told = f"{published.ref} for {studio.network.ref}: {size / 1e3:.0f} kB in {published.folder}"
    output.print(told, highlight=False)


def publish(
    run: Path,
    card: Description,
    studio: Studio,
    store: FolderStore,
    metrics: Mapping[str, float],
    package: str | None,
) -> ModelVersion:
    """A run's predictor as a version for the studio's network. Raises :class:`Mistake` where it is for another."""
    predictor, known = load_predictor(run / PREDICTOR), anchors(studio)
    if len(known) != predictor.design.known or len(known[0]) != predictor.design.style_size:
        raise Mistake(f"{run} was trained for another network than {studio.network.ref}")
    if any((ours != theirs).any() for ours, theirs in zip(predictor.anchors, known, strict=True)):
        raise Mistake(f"{run} was trained for other weights than those of {studio.network.ref}; train on from it")
    weights = studio.network.manifest.file(NETWORK_WEIGHTS)
    extra = {
        "requires": {studio.network.manifest.model: weights.sha256},
        "input": {"side": READ_SIDE},
        "metrics": dict(metrics),
    }
    with store.stage(card.ref) as folder:
        onnx.save(predictor_graph(predictor.requires_grad_(False)), folder / GRAPH)
        save_predictor(folder / PREDICTOR, predictor, half=True)
        return store.publish(manifest_of(card, folder, package, extra), folder)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLE)(export)

if __name__ == "__main__":
    app()
