"""The predictor as an ONNX graph, written operator by operator. Weights lie in it at half precision."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto

from training.style.graphs import Array, Builder, Shape
from training.style.prediction.network import TINY, StylePredictor
from training.style.prediction.pictures import READ_SIDE


def predictor_graph(predictor: StylePredictor) -> onnx.ModelProto:
    """``picture`` [N,3,S,S] RGB 0..1 to ``style`` [N,P]; mirrors :class:`StylePredictor` layer by layer."""
    graph = _Predictor(predictor)
    graph.write()
    picture: Shape = ["N", 3, READ_SIDE, READ_SIDE]
    style: Shape = ["N", predictor.design.style_size]
    return graph.model("predictor", {"picture": picture}, {"style": style})


class _Predictor(Builder):
    def __init__(self, predictor: StylePredictor) -> None:
        super().__init__()
        self._design = predictor.design
        self._weights: dict[str, Array] = {name: value.numpy() for name, value in predictor.state_dict().items()}

    def write(self) -> None:
        """Add every node."""
        found = [self._moments("picture", 3, means=True)]
        x = self.add("Sub", "picture", self._number("half", 0.5))
        for layer, width in enumerate(self._design.widths):
            convolution = f"convolutions.{layer}"
            x = self.add(
                "Conv", x, self._half(f"{convolution}.weight"), self._half(f"{convolution}.bias"), strides=[2, 2]
            )
            x = self.add("Relu", x)
            flat = self.add("Reshape", x, self.ints(0, width, -1))
            means = self.add("ReduceMean", flat, self.ints(2), keepdims=1)
            centred = self.add("Sub", flat, means)
            variance = self.add("ReduceMean", self.add("Mul", centred, centred), self.ints(2), keepdims=0)
            deviations = self.add("Sqrt", self.add("Add", variance, self._number("tiny", TINY)))
            selected = self.add("Conv", x, self._half(f"selections.{layer}.weight"))
            found += [self.add("Squeeze", means, self.ints(2)), deviations]
            found.append(self._moments(selected, self._design.correlated, means=False))
        statistics = self.add("Concat", *found, axis=1)
        # Spreads of less than a thousandth would not survive half precision.
        centred = self.add("Sub", statistics, self.constant("centre", self._weights["centre"]))
        standard = self.add("Div", centred, self.constant("spread", self._weights["spread"]))
        described = self._linear(self.add("Relu", self._linear(standard, "first")), "second")
        shares = self.add("Softmax", self._linear(described, "shares"), axis=1)
        blend = self.add("MatMul", shares, self._half("anchors"))
        residual = self.add("Gemm", described, self._half("directions.weight"), transB=1)
        length = self.add("ReduceL2", residual, self.ints(1), keepdims=1)
        length = self.add("Max", length, self._number("tiny", TINY))
        reach = self.constant("reach", self._weights["reach"])
        bounded = self.add("Mul", reach, self.add("Tanh", self.add("Div", length, reach)))
        self.add("Add", blend, self.add("Mul", self.add("Div", residual, length), bounded), name="style")

    def _moments(self, x: str, channels: int, *, means: bool) -> str:
        """The upper triangle of the covariance over positions, after the means where they are asked for."""
        flat = self.add("Reshape", x, self.ints(0, channels, -1))
        mean = self.add("ReduceMean", flat, self.ints(2), keepdims=1)
        centred = self.add("Sub", flat, mean)
        product = self.add("MatMul", centred, self.add("Transpose", centred, perm=[0, 2, 1]))
        count = self.add("Cast", self.add("Gather", self.add("Shape", flat), self.ints(2)), to=TensorProto.FLOAT)
        covariance = self.add("Reshape", self.add("Div", product, count), self.ints(0, channels * channels))
        rows, columns = torch.triu_indices(channels, channels).numpy()
        picked = self.constant(f"upper_{channels}", np.asarray(rows * channels + columns, np.int64))
        triangle = self.add("Gather", covariance, picked, axis=1)
        return self.add("Concat", self.add("Squeeze", mean, self.ints(2)), triangle, axis=1) if means else triangle

    def _linear(self, x: str, layer: str) -> str:
        return self.add("Gemm", x, self._half(f"{layer}.weight"), self._half(f"{layer}.bias"), transB=1)

    def _half(self, name: str) -> str:
        """A weight, kept at half precision and computed with at full."""
        kept = self.constant(f"{name}.half", self._weights[name].astype(np.float16))
        return self.add("Cast", kept, to=TensorProto.FLOAT)

    def _number(self, name: str, value: float) -> str:
        return self.constant(name, np.array(value, np.float32))
