"""How close the paintings of a training run come to photo and style: ``python -m training.style.evaluate --help``.

What is installed is judged by ``masquerade eval style``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.table import Table

from training.style.checkpoint import Weights, load_weights
from training.style.contenders import Published
from training.style.data import load_held_out, named_paths
from training.style.encoders import open_encoder
from training.style.failures import Mistake
from training.style.judge import Judge, Painter
from training.style.terminal import told_plainly
from training.terminal import output


def own_painter(weights: Weights, style: str) -> Painter:
    """One style of a network trained here."""
    network, vector = weights.network.eval(), weights.styles[style][None]
    return lambda photo: network(photo, vector)


def own_figures(judge: Judge, weights: Weights, styles: Iterable[str]) -> dict[str, float]:
    """``<style>.content`` and ``<style>.style`` as manifests name them."""
    figures: dict[str, float] = {}
    for style in styles:
        judged = judge.judge(style, own_painter(weights, style))
        figures |= {f"{style}.content": round(judged.content, 4), f"{style}.style": round(judged.style, 4)}
    return figures


EXAMPLE = """Example:

python -m training.style.evaluate runs/first/weights.safetensors photos/ --style wave=wave.jpg --peer wave=theirs.onnx
"""


def evaluate(
    weights: Annotated[Path, typer.Argument(help="weights.safetensors of a run.", exists=True)],
    photos: Annotated[Path, typer.Argument(help="Folder of photographs; those held out from training are used.")],
    style: Annotated[list[str], typer.Option(help="name=painting; repeat for every style.")],
    peer: Annotated[
        list[str] | None, typer.Option(help="name=network.onnx of somebody else, for the same style.")
    ] = None,
    encoder: Annotated[str, typer.Option(help="The judge: vgg19, or a .safetensors file.")] = "vgg19",
    side: Annotated[int, typer.Option(min=64, help="Short side of photographs and paintings.")] = 512,
    limit: Annotated[int, typer.Option(min=1, help="How many photographs.")] = 12,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    out: Annotated[Path | None, typer.Option(help="JSON of our own figures, for the exporter.")] = None,
) -> None:
    """Judge a network on photographs it did not see."""
    with told_plainly():
        torch.set_num_threads(threads)
        paintings = named_paths(style)
        pictures = load_held_out(photos, side, limit)
        if unknown := paintings.keys() - (trained := load_weights(weights)).styles.keys():
            raise Mistake(f"{weights} has no style {', '.join(sorted(unknown))}")
        judge = Judge(open_encoder(encoder), paintings, pictures, side)
        table = Table("style", "network", "content", "style distance")
        figures = own_figures(judge, trained, paintings)
        for name in paintings:
            table.add_row(name, "ours", f"{figures[f'{name}.content']:.3f}", f"{figures[f'{name}.style']:.3f}")
        for name, path in named_paths(peer or []).items():
            judged = judge.judge(name, partial(Published(path.stem, {name: path}).paint, style=name, strength=1.0))
            table.add_row(name, path.stem, f"{judged.content:.3f}", f"{judged.style:.3f}")
        output.print(table)
        if out:
            out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLE)(evaluate)

if __name__ == "__main__":
    app()
