"""Turn a finished run into model versions: ``python -m training.style.export --help``.

The network and the style pack are two models: the pack pins the network it was trained on by the hash of its weights,
and other packs may join it without touching either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import cv2
import onnx
import torch
import typer
from pydantic import TypeAdapter
from safetensors.torch import save

from deployments.imaging import Pixels
from deployments.style.packs import IDENTITY
from registry.manifest import Strict, TrainingData
from training.cards import load_card, manifest_of, read_yaml
from training.stores import with_room
from training.style import graphs
from training.style.checkpoint import Weights, load_weights, save_weights
from training.style.data import load_picture
from training.style.failures import Mistake
from training.style.record import RunRecord
from training.style.terminal import told_plainly
from training.style.trainer import WEIGHTS
from training.tensors import to_pixels
from training.terminal import output

NETWORK_WEIGHTS = "network.safetensors"
VECTORS, CATALOGUE = "styles.safetensors", "styles.json"
PREVIEW_SIDE, PREVIEW_BYTES = 256, 20_000


class Painting(Strict):
    """What people are told about a style."""

    name: str
    title: str
    artist: str
    year: int
    licence: str


def load_paintings(path: Path) -> tuple[Painting, ...]:
    """The list of paintings behind a pack. Raises ``OSError`` or ``ValueError``."""
    return TypeAdapter(tuple[Painting, ...]).validate_python(read_yaml(path))


def write_network(weights: Weights, folder: Path) -> dict[str, Any]:
    """Write the network's files; the answer is the manifest's ``input``."""
    folder.mkdir(parents=True, exist_ok=True)
    architecture = weights.network.architecture
    arrays = {name: tensor.detach().numpy() for name, tensor in weights.network.state_dict().items()}
    onnx.save(graphs.painter(architecture, arrays), folder / "network.onnx")
    onnx.save(graphs.statistics(architecture, arrays), folder / "statistics.onnx")
    onnx.save(graphs.frozen(architecture, arrays), folder / "frozen.onnx")
    save_weights(folder / NETWORK_WEIGHTS, Weights(weights.network, {}))
    return {
        "layout": "NCHW",
        "color_order": "RGB",
        "value_range": [0, 1],
        "multiple": 4,
        "style_size": architecture.style_size,
        "receptive_radius": architecture.receptive_radius,
    }


def write_pack(weights: Weights, paintings: Sequence[Painting], sample: Path, folder: Path) -> None:
    """Write vectors, list and previews. ``sample`` is the photograph the previews paint.

    The identity's vector joins them where the run has one.

    Raises ``KeyError`` for a painting the run was not trained on and :class:`NotAPicture` for the sample.
    """
    (folder / "previews").mkdir(parents=True, exist_ok=True)
    photo = load_picture(sample, 2 * PREVIEW_SIDE)[None, :, : 2 * PREVIEW_SIDE, : 2 * PREVIEW_SIDE]
    entries = []
    for painting in paintings:
        preview = f"previews/{painting.name}.jpg"
        with torch.no_grad():
            painted = weights.network.eval()(photo, weights.styles[painting.name][None])[0]
        (folder / preview).write_bytes(_small_jpeg(to_pixels(painted)))
        entries.append(painting.model_dump() | {"preview": preview})
    names = (*({IDENTITY} & weights.styles.keys()), *(painting.name for painting in paintings))
    (folder / VECTORS).write_bytes(save({name: weights.styles[name].clone() for name in names}))
    (folder / CATALOGUE).write_text(json.dumps({"styles": entries}, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _small_jpeg(pixels: Pixels) -> bytes:
    """At the best quality that fits ``PREVIEW_BYTES``; textured paintings take more than calm ones."""
    small = cv2.resize(pixels[:, :, ::-1], (PREVIEW_SIDE,) * 2, interpolation=cv2.INTER_AREA)
    for quality in range(90, 20, -5):
        encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        if len(encoded) <= PREVIEW_BYTES:
            break
    return encoded


def learnt_from(run: RunRecord) -> tuple[TrainingData, ...]:
    """The encoders behind the losses of a run and of those it started from."""
    encoders = {past.encoder.name: past.encoder for past in run.lineage()}
    return tuple(TrainingData(name=f"features of {e.name}", terms=e.terms) for e in encoders.values())


EXAMPLE = """Example:

python -m training.style.export runs/first models/ --sample portrait.jpg --paintings paintings.yaml
--network-card training/style/cards/style-lean.yaml --pack-card training/style/cards/styles-classic.yaml
"""


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a training run.", exists=True, file_okay=False)],
    store: Annotated[Path, typer.Argument(help="Model store to publish in, a folder.")],
    sample: Annotated[Path, typer.Option(help="A photograph to paint the previews of.", exists=True)],
    network_card: Annotated[Path, typer.Option(help="YAML: what the network's manifest says.")],
    pack_card: Annotated[Path, typer.Option(help="YAML: what the style pack's manifest says.")],
    paintings: Annotated[Path, typer.Option(help="YAML: name, title, artist, year and licence of each painting.")],
    judgement: Annotated[
        Path | None, typer.Option(help="JSON written by training.style.evaluate.", exists=True)
    ] = None,
    package: Annotated[str | None, typer.Option(help="Python package that will carry the files, if one will.")] = None,
) -> None:
    """Publish the ONNX graphs and the style pack with previews in the store, which holds neither version yet."""
    with told_plainly():
        network, pack, listed = load_card(network_card), load_card(pack_card), load_paintings(paintings)
        models = with_room(store, network, pack)
        weights, record = load_weights(run / WEIGHTS), RunRecord.read(run)
        if unknown := {painting.name for painting in listed} - weights.styles.keys():
            raise Mistake(f"{run} was not trained on {', '.join(sorted(unknown))}")
        load_picture(sample, PREVIEW_SIDE)
        metrics = {"metrics": json.loads(judgement.read_text(encoding="utf-8"))} if judgement else {}
        with models.stage(network.ref) as folder, models.stage(pack.ref) as pack_folder:
            trained_on = network.trained_on + learnt_from(record)
            extra = {"input": write_network(weights, folder) | network.input, "trained_on": trained_on}
            manifest = manifest_of(network, folder, package, extra | metrics)
            write_pack(weights, listed, sample, pack_folder)
            requires = {network.model: manifest.file(NETWORK_WEIGHTS).sha256}
            packed = manifest_of(pack, pack_folder, package, {"requires": requires})
            # The pack first: until its network is there too, the network of before keeps to the pack that fits it.
            published = models.publish(packed, pack_folder), models.publish(manifest, folder)
    for version in reversed(published):
        size = sum(file.size for file in version.manifest.files)
        output.print(f"{version.ref}: {size / 1e3:.0f} kB in {version.folder}", markup=False)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLE)(export)


if __name__ == "__main__":
    app()
