"""Turn a trained predictor into a model version: ``python -m training.style.prediction.export --help``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import onnx
import typer
from rich.console import Console

from registry.store import FolderStore
from training.style.adding import open_studio
from training.style.export import NETWORK_WEIGHTS, load_card, write_manifest
from training.style.prediction.graph import predictor_graph
from training.style.prediction.network import load_predictor, save_predictor
from training.style.prediction.pictures import READ_SIDE
from training.style.prediction.train import anchors
from training.style.prediction.trainer import PREDICTOR
from training.style.terminal import Mistake, told_plainly

GRAPH = "predictor.onnx"


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Argument(help="Folder of <model>/<version>/ to write into.")],
    card: Annotated[Path, typer.Option(help="YAML: what the manifest says.", exists=True)],
    store: Annotated[Path, typer.Option(help="Model store with the painting network and its pack.", exists=True)],
    network: Annotated[str, typer.Option(help="The painting network it predicts for.")] = "style-fine",
    judgement: Annotated[
        Path | None, typer.Option(help="JSON written by training.style.prediction.evaluate.", exists=True)
    ] = None,
    package: Annotated[str | None, typer.Option(help="Python package that will carry the files, if one will.")] = None,
) -> None:
    """Write the ONNX graph, the weights to train on from, and a manifest that pins the painting network by its hash."""
    with told_plainly():
        predictor, studio = load_predictor(run / PREDICTOR), open_studio(FolderStore(store), network)
        known = anchors(studio)
        if len(known) != predictor.design.known or len(known[0]) != predictor.design.style_size:
            raise Mistake(f"{run} was trained for another network than {studio.network.ref}")
        if any((ours != theirs).any() for ours, theirs in zip(predictor.anchors, known, strict=True)):
            raise Mistake(f"{run} was trained for other weights than those of {studio.network.ref}; train on from it")
        description = load_card(card)
        folder = out / description.model / description.version
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(predictor_graph(predictor.requires_grad_(False)), folder / GRAPH)
        save_predictor(folder / PREDICTOR, predictor, half=True)
        weights = studio.network.manifest.file(NETWORK_WEIGHTS)
        extra = {"requires": {studio.network.manifest.model: weights.sha256}, "input": {"side": READ_SIDE}}
        if judgement:
            extra["metrics"] = json.loads(judgement.read_text(encoding="utf-8"))
        manifest = write_manifest(description, folder, package, extra)
        size = sum(file.size for file in manifest.files)
    Console().print(f"{manifest.ref} for {studio.network.ref}: {size / 1e3:.0f} kB in {folder}", highlight=False)


if __name__ == "__main__":
    typer.run(export)
