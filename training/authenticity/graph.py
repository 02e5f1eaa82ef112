"""From torch modules to the ONNX graph that serves."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

from deployments.authenticity.fingerprint import SIDE

_OPSET = 18


def write_graph(module: nn.Module, path: Path, output: str) -> None:
    """Write ``module`` (``[N,3,256,256]`` RGB 0..255 in, N answers called ``output`` out) to ``path`` in one move."""
    partial = path.with_suffix(".partial")
    with warnings.catch_warnings():
        # The tracing exporter is what torch has without onnxscript. Shapes it warns of are fixed by SIDE.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="torch")
        torch.onnx.export(
            module.eval(),
            (torch.full((1, 3, SIDE, SIDE), 128.0),),
            str(partial),
            input_names=["pictures"],
            output_names=[output],
            dynamic_axes={"pictures": {0: "n"}, output: {0: "n"}},
            opset_version=_OPSET,
            dynamo=False,
        )
    partial.replace(path)
