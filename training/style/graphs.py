"""The network as ONNX graphs, written operator by operator.

Three graphs share the convolutions' weights. They are written rather than traced, so that what is served is readable,
the same bytes come out for the same weights, and statistics can be taken out of one graph and put into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.style.network import EPSILON, Architecture

Array = npt.NDArray[np.generic]
Shape = list[str | int | None]

OPSET = 18
# Written down rather than left to the library's newest, so that older runtimes keep reading what is exported.
IR_VERSION = 9


class Builder:
    """Collects nodes and constants; every call returns the name of its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Array] = {}
        self._numbers = count()

    def constant(self, name: str, value: Array) -> str:
        self.constants.setdefault(name, value)
        return name

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        output = name or f"{operator.lower()}_{next(self._numbers)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def ints(self, *values: int) -> str:
        return self.constant("ints_" + "_".join(map(str, values)).replace("-", "m"), np.array(values, np.int64))

    def model(self, name: str, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> onnx.ModelProto:
        """The finished graph, checked. Inputs and outputs are of single precision."""
        ins, outs = (
            [helper.make_tensor_value_info(value, TensorProto.FLOAT, shape) for value, shape in values.items()]
            for values in (inputs, outputs)
        )
        constants = [numpy_helper.from_array(value, key) for key, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, ins, outs, constants)
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="masquerade")
        onnx.checker.check_model(model, full_check=True)
        return model


def painter(architecture: Architecture, weights: Mapping[str, Array]) -> onnx.ModelProto:
    """``image`` [N,3,H,W] RGB 0..1, H and W multiples of 4, and ``style`` [N,P] to ``painting`` like the image."""
    graph = _Network(architecture, weights, "style")
    graph.write(graph.instance_norm)
    return graph.model("network", graph.shapes("image", "style"), graph.shapes("painting"))


def statistics(architecture: Architecture, weights: Mapping[str, Array]) -> onnx.ModelProto:
    """``image`` and ``style`` to ``affine`` [N,P]: what each normalised layer multiplies by and adds on this image."""
    graph = _Network(architecture, weights, "style")
    graph.write(graph.measured_affine)
    return graph.model("statistics", graph.shapes("image", "style"), graph.shapes("affine"))


def frozen(architecture: Architecture, weights: Mapping[str, Array]) -> onnx.ModelProto:
    """``image`` and ``affine`` [N,P] to ``painting``: every part of a picture painted alike, whatever is in sight."""
    graph = _Network(architecture, weights, "affine")
    graph.write(graph.given_affine)
    return graph.model("frozen", graph.shapes("image", "affine"), graph.shapes("painting"))


class _Network(Builder):
    """Mirrors :class:`training.style.network.StyleNetwork` layer by layer.

    ``vector`` is the input the normalised layers take their numbers from; how they do is up to the method given to
    :meth:`write`.
    """

    def __init__(self, architecture: Architecture, weights: Mapping[str, Array], vector: str) -> None:
        super().__init__()
        self.architecture = architecture
        self.weights = weights
        self.vector = vector
        self._offset = 0
        self._measured: list[str] = []

    def write(self, normalise: Callable[[str, int], str]) -> None:
        """Add every node. ``normalise`` takes a feature map and its channels."""
        a = self.architecture
        x = self.add("Sub", "image", self.constant("half", np.array(0.5, np.float32)))
        x = self._relu(normalise(self._conv(self._mirror(x, a.end_kernel), "stem"), a.fine))
        x = self._relu(normalise(self._convolution(x, "down1", a.fine, 3, stride=2), a.middle))
        x = self._relu(normalise(self._convolution(x, "down2", a.middle, 3, stride=2), a.coarse))
        for block in range(0, 2 * a.blocks, 2):
            y = self._relu(normalise(self._convolution(x, f"blocks.{block}", a.coarse, a.block_kernel), a.coarse))
            y = normalise(self._convolution(y, f"blocks.{block + 1}", a.coarse, a.block_kernel), a.coarse)
            x = self.add("Add", x, y)
        x = self._relu(normalise(self._upsample(x, "up1", a.middle), a.middle))
        x = self._relu(normalise(self._upsample(x, "up2", a.fine), a.fine))
        if self._measured:
            self.add("Concat", *self._measured, name="affine", axis=1)
        else:
            self._head(self._mirror(x, a.end_kernel))

    def shapes(self, *names: str) -> dict[str, Shape]:
        """Inputs and outputs of the three graphs, by their names."""
        vector: Shape = ["N", self.architecture.style_size]
        return {name: ["N", 3, "H", "W"] if name in ("image", "painting") else vector for name in names}

    def instance_norm(self, x: str, width: int) -> str:
        """One operator for a whole batch: samples side by side as channels, each with its own scale and shift."""
        scale, shift = (self.add("Reshape", self._take(width), self.ints(-1)) for _ in range(2))
        side_by_side = self.add("Reshape", x, self.ints(1, -1, 0, 0))
        normalised = self.add("InstanceNormalization", side_by_side, scale, shift, epsilon=EPSILON)
        return self.add("Reshape", normalised, self.ints(-1, width, 0, 0))

    def measured_affine(self, x: str, width: int) -> str:
        """The same with the statistics in the open, and their combination with the style noted down."""
        scale, shift = self._take(width), self._take(width)
        mean = self.add("ReduceMean", x, self.ints(2, 3), keepdims=0)
        centred = self.add("Sub", x, self._spread(mean))
        variance = self.add("ReduceMean", self.add("Mul", centred, centred), self.ints(2, 3), keepdims=0)
        epsilon = self.constant("epsilon", np.array(EPSILON, np.float32))
        scale = self.add("Div", scale, self.add("Sqrt", self.add("Add", variance, epsilon)))
        shift = self.add("Sub", shift, self.add("Mul", mean, scale))
        self._measured += [scale, shift]
        return self._affine(x, scale, shift)

    def given_affine(self, x: str, width: int) -> str:
        """Scale and shift as they come, whatever the feature map's own statistics."""
        scale, shift = self._take(width), self._take(width)
        return self._affine(x, scale, shift)

    def _affine(self, x: str, scale: str, shift: str) -> str:
        return self.add("Add", self.add("Mul", x, self._spread(scale)), self._spread(shift))

    def _take(self, width: int) -> str:
        """The next ``width`` numbers of the vector, [N,width]."""
        start, self._offset = self._offset, self._offset + width
        return self.add("Slice", self.vector, self.ints(start), self.ints(start + width), self.ints(1))

    def _spread(self, x: str) -> str:
        """[N,C] -> [N,C,1,1]."""
        return self.add("Unsqueeze", x, self.ints(2, 3))

    def _head(self, x: str) -> None:
        """The last convolution, computed for four neighbouring pixels at once.

        Runtimes pad its three output channels to a full vector of eight or sixteen. A kernel one larger, at stride 2,
        gives the twelve values of 2 x 2 pixels for little more than one of them would cost; the result is the same.
        """
        weight, bias = self.weights["head.weight"], self.weights["head.bias"]
        colors, channels, kernel, _ = weight.shape
        four = np.zeros((colors, 2, 2, channels, kernel + 1, kernel + 1), np.float32)
        for row in range(2):
            for column in range(2):
                four[:, row, column, :, row : row + kernel, column : column + kernel] = weight
        weights = self.constant("head.four.weight", four.reshape(4 * colors, channels, kernel + 1, kernel + 1))
        biases = self.constant("head.four.bias", np.repeat(bias, 4))
        x = self.add("Sigmoid", self.add("Conv", x, weights, biases, strides=[2, 2]))
        self.add("DepthToSpace", x, name="painting", blocksize=2, mode="CRD")

    def _relu(self, x: str) -> str:
        return self.add("Relu", x)

    def _mirror(self, x: str, kernel: int) -> str:
        side = kernel // 2
        return self.add("Pad", x, self.ints(0, 0, side, side, 0, 0, side, side), mode="reflect")

    def _conv(self, x: str, layer: str, *, stride: int = 1, groups: int = 1) -> str:
        weight = self.constant(f"{layer}.weight", self.weights[f"{layer}.weight"])
        return self.add("Conv", x, weight, strides=[stride, stride], group=groups)

    def _convolution(self, x: str, layer: str, channels: int, kernel: int, *, stride: int = 1) -> str:
        x = self._mirror(x, kernel)
        if not self.architecture.separable:
            return self._conv(x, layer, stride=stride)
        x = self._conv(x, f"{layer}.depthwise", stride=stride, groups=channels)
        return self._conv(x, f"{layer}.pointwise")

    def _upsample(self, x: str, layer: str, channels: int) -> str:
        kernel = self.architecture.up_kernel
        if not self.architecture.separable:
            return self._conv(self._mirror(self._twice(x), kernel), layer)
        x = self._twice(self._conv(x, f"{layer}.pointwise"))
        return self._conv(self._mirror(x, kernel), f"{layer}.depthwise", groups=channels)

    def _twice(self, x: str) -> str:
        """Each pixel as two by two."""
        scales = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.add("Resize", x, "", scales, **how)
