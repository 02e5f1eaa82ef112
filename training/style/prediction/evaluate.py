"""How near predicted styles come to pictures nobody trained on: ``python -m training.style.prediction.evaluate --help``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated

import numpy as np
import torch
import typer
from rich.table import Table
from torch import Tensor

from deployments.imaging import Pixels, encode
from deployments.runtime import Runtime
from deployments.style.colour import Palette, dye
from deployments.style.prediction import StyleReader
from registry.manifest import ModelVersion
from registry.store import FolderStore
from training.style.adding import Studio, open_studio
from training.style.data import NoPhotos, PhotoCrops, load_held_out, load_picture, read_picture, resize, split
from training.style.encoders import open_encoder
from training.style.judge import Judge, Judgement, Painter
from training.style.learner import StyleLearner
from training.style.lesson import Lesson
from training.style.prediction.train import anchors, exhibition
from training.style.terminal import told_plainly
from training.tensors import to_pixels, to_tensor
from training.terminal import bars, console, output

Candidates = dict[str, Painter]
"""Ways to paint a photo like a picture, by what they are called."""

EXAMPLE = """Example:

python -m training.style.prediction.evaluate paintings/ photos/ --store models/ --sheet painted.jpg
"""


def evaluate(
    paintings: Annotated[Path, typer.Argument(help="Folder of paintings; those held out from training are used.")],
    photos: Annotated[Path, typer.Argument(help="Folder of photographs; those held out from training are used.")],
    store: Annotated[Path, typer.Option(help="Model store with network, pack and predictor.", exists=True)],
    predictor: Annotated[str, typer.Option(help="The predictor to judge.")] = "style-predictor",
    network: Annotated[str, typer.Option(help="The painting network it predicts for.")] = "style-fine",
    also: Annotated[list[Path] | None, typer.Option(help="One more picture not trained on.", exists=True)] = None,
    encoder: Annotated[str, typer.Option(help="The judge: vgg19, or a .safetensors file.")] = "vgg19",
    side: Annotated[int, typer.Option(min=64, help="Short side of photographs and pictures.")] = 384,
    pictures: Annotated[int, typer.Option(min=1, help="How many pictures.")] = 12,
    limit: Annotated[int, typer.Option(min=1, help="How many photographs.")] = 2,
    learnt: Annotated[int, typer.Option(min=0, help="For how many pictures `style add` is tried as well.")] = 0,
    steps: Annotated[int, typer.Option(min=1, help="Steps of `style add`.")] = 120,
    out: Annotated[Path | None, typer.Option(help="JSON of the figures, for the exporter.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="JPEG of what was painted, to look at.")] = None,
) -> None:
    """Judge a predictor against the photo itself, the nearest style there is, and learning the style."""
    with told_plainly(), bars() as progress:
        torch.set_num_threads(1)
        opened = FolderStore(store)
        studio, reader = open_studio(opened, network), opened.get(predictor)
        shown = [*(also or ()), *_spread(exhibition(paintings)[1], max(0, pictures - len(also or ())))]
        if not shown:
            raise NoPhotos(f"{paintings} holds no held-out painting; give at least four, or name some by --also")
        views = load_held_out(photos, side, limit)
        paths = {path.stem: path for path in shown}
        judge = Judge(open_encoder(encoder), paths, views, side)
        rows: dict[str, dict[str, Judgement]] = {}
        strips: list[list[Pixels]] = []
        task = progress.add_task("judging", total=len(paths))
        for index, (name, path) in enumerate(paths.items()):
            candidates = _candidates(studio, reader, path, side)
            if index < learnt:
                crops = PhotoCrops(split(photos)[0], 256, 1)
                candidates["style add"] = _learnt(studio, path, crops, encoder, steps)
            rows[name] = {called: judge.judge(name, paint) for called, paint in candidates.items()}
            strips.append(_strip(path, views[0], candidates))
            progress.advance(task)
    _tell(rows)
    if out:
        out.write_text(json.dumps(_figures(rows), indent=2) + "\n", encoding="utf-8")
    if sheet:
        sheet.write_bytes(encode(np.concatenate([np.concatenate(strip, axis=1) for strip in strips]), "image/jpeg"))


def _spread(paths: Sequence[Path], count: int) -> list[Path]:
    """``count`` of the paths, evenly spread."""
    return [paths[round(place * (len(paths) - 1) / max(1, count - 1))] for place in range(min(count, len(paths)))]


def _candidates(studio: Studio, version: ModelVersion, path: Path, side: int) -> Candidates:
    picture = read_picture(path, side)
    palette = Palette.of(picture)

    def unpainted(photo: Tensor) -> Tensor:
        return photo

    def dyed(paint: Painter) -> Painter:
        return lambda photo: to_tensor(dye(to_pixels(paint(photo)[0]), palette))[None]

    predicted = _painter(studio, torch.from_numpy(StyleReader(studio.network, version, Runtime()).read(picture)))
    candidates: Candidates = {
        "photo": unpainted,
        "photo, dyed": dyed(unpainted),
        "predicted, not dyed": predicted,
        "predicted": dyed(predicted),
    }
    for place, style in enumerate(anchors(studio)):
        known = _painter(studio, style)
        candidates |= {f"known {place}": known, f"known {place}, dyed": dyed(known)}
    return candidates


def _learnt(studio: Studio, path: Path, crops: PhotoCrops, encoder: str, steps: int) -> Painter:
    lesson = Lesson(steps=steps, painting_side=384)
    picture, known = load_picture(path, lesson.painting_side), studio.weights.styles
    learner = StyleLearner(studio.weights.network, known, picture, crops, open_encoder(encoder), lesson)
    for _ in learner.learn():
        pass
    return _painter(studio, learner.vector)


def _painter(studio: Studio, style: Tensor) -> Painter:
    network = studio.weights.network.eval()
    return lambda photo: network(photo, style[None])


@torch.no_grad()
def _strip(path: Path, photo: Tensor, candidates: Candidates) -> list[Pixels]:
    side = 256
    shown = [name for name in ("photo", "predicted, not dyed", "predicted", "style add") if name in candidates]
    made = [resize(to_pixels(candidates[name](photo[None])[0]), side) for name in shown]
    cells = [_square(pixels, side) for pixels in (read_picture(path, side), *made)]
    blank = np.full((side, side, 3), 255, np.uint8)
    return cells + [blank] * (5 - len(cells))


def _square(pixels: Pixels, side: int) -> Pixels:
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def _nearest(row: Mapping[str, Judgement], *, dyed: bool) -> Judgement:
    """Of the styles there are, the one whose paintings come nearest."""
    names = [name for name in row if name.startswith("known") and name.endswith("dyed") == dyed]
    return row[min(names, key=lambda name: row[name].style)]


def _columns(row: Mapping[str, Judgement]) -> dict[str, Judgement]:
    named = {name: found for name, found in row.items() if not name.startswith("known")}
    return named | {"nearest style": _nearest(row, dyed=False), "nearest style, dyed": _nearest(row, dyed=True)}


def _figures(rows: Mapping[str, Mapping[str, Judgement]]) -> dict[str, float]:
    """Geometric means over pictures: distances differ from picture to picture by their order."""
    predicted = [row["predicted"] for row in rows.values()]
    nearest = [_nearest(row, dyed=False) for row in rows.values()]
    ratios = [math.log(ours.style / theirs.style) for ours, theirs in zip(predicted, nearest, strict=True)]
    return {
        "held_out.style": round(math.exp(fmean(math.log(found.style) for found in predicted)), 4),
        "held_out.content": round(fmean(found.content for found in predicted), 4),
        "held_out.of_nearest": round(math.exp(fmean(ratios)), 4),
    }


def _tell(rows: Mapping[str, Mapping[str, Judgement]]) -> None:
    names = list(dict.fromkeys(name for row in rows.values() for name in _columns(row)))
    table = Table("picture", *names, title="content / style distance")
    for picture, row in rows.items():
        cells = _columns(row)
        found = (f"{cells[name].content:.2f} / {cells[name].style:.3f}" if name in cells else "–" for name in names)
        table.add_row(picture, *found)
    console.print(table)
    for name in names:
        styles = [_columns(row)[name].style for row in rows.values() if name in _columns(row)]
        mean = math.exp(fmean(map(math.log, styles)))
        output.print(f"{name}: {mean:.3f} in {len(styles)} pictures", highlight=False)


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLE)(evaluate)

if __name__ == "__main__":
    app()
