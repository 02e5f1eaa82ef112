"""The network as ONNX graphs, written operator by operator.

Three graphs share the convolutions' weights. They are written rather than traced, so that what is served is readable,
the same bytes come out for the same weights, and statistics can be taken out of one graph and put into the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from training.style.network import EPSILON, Architecture

Array = npt.NDArray[np.generic]

OPSET = 18
# Written down rather than left to the library's newest, so that older runtimes keep reading what is exported.
IR_VERSION = 9


class _Builder:
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

    def scalar(self, name: str, value: float) -> str:
        return self.constant(name, np.array(value, np.float32))

    def model(
        self, name: str, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        initializers = [numpy_helper.from_array(value, key) for key, value in self.constants.items()]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, initializers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="masquerade"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def painter(architecture: Architecture, weights: Mapping[str, Array], *, frozen: bool) -> onnx.ModelProto:
    """The whole network.

    Inputs ``image`` [N,3,H,W] RGB 0..1, H and W multiples of 4, and ``style`` [N,P]; outputs ``painting`` like the
    image and ``affine`` [N,P]: what every normalised layer multiplied by and added, statistics included.
    ``frozen`` takes that ``affine`` [N,P] in place of the style and outputs the painting alone; it paints every part
    of a picture alike, whatever else is in sight.
    """
    graph = _Network(architecture, weights, frozen=frozen)
    vector = "affine" if frozen else "style"
    inputs = [_value("image", ["N", 3, "H", "W"]), _value(vector, ["N", architecture.style_size])]
    outputs = [_value("painting", ["N", 3, "H", "W"])]
    graph.write()
    if not frozen:
        outputs.append(_value("affine", ["N", architecture.style_size]))
    return graph.model("frozen" if frozen else "network", inputs, outputs)


def _value(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


class _Network(_Builder):
    """Mirrors :class:`training.style.network.StyleNetwork` layer by layer."""

    def __init__(self, architecture: Architecture, weights: Mapping[str, Array], *, frozen: bool) -> None:
        super().__init__()
        self.architecture = architecture
        self.weights = weights
        self.frozen = frozen
        self._offset = 0
        self._affine: list[str] = []

    def write(self) -> None:
        a = self.architecture
        x = self.add("Sub", "image", self.scalar("half", 0.5))
        x = self._relu(self._normalise(self._conv(self._mirror(x, a.end_kernel), "stem"), a.fine))
        x = self._relu(self._normalise(self._separable(x, "down1", a.fine, 3, stride=2), a.middle))
        x = self._relu(self._normalise(self._separable(x, "down2", a.middle, 3, stride=2), a.coarse))
        for block in range(0, 2 * a.blocks, 2):
            y = self._separable(x, f"blocks.{block}", a.coarse, a.block_kernel)
            y = self._relu(self._normalise(y, a.coarse))
            y = self._separable(y, f"blocks.{block + 1}", a.coarse, a.block_kernel)
            x = self.add("Add", x, self._normalise(y, a.coarse))
        x = self._relu(self._normalise(self._upsample(x, "up1", a.middle), a.middle))
        x = self._relu(self._normalise(self._upsample(x, "up2", a.fine), a.fine))
        self._head(self._mirror(x, a.end_kernel))
        if not self.frozen:
            self.add("Concat", *self._affine, name="affine", axis=1)

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

    def _separable(self, x: str, layer: str, channels: int, kernel: int, *, stride: int = 1) -> str:
        x = self._conv(self._mirror(x, kernel), f"{layer}.depthwise", stride=stride, groups=channels)
        return self._conv(x, f"{layer}.pointwise")

    def _upsample(self, x: str, layer: str, channels: int) -> str:
        x = self._conv(x, f"{layer}.pointwise")
        scales = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
        x = self.add(
            "Resize", x, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"
        )
        return self._conv(self._mirror(x, self.architecture.up_kernel), f"{layer}.depthwise", groups=channels)

    def _normalise(self, x: str, width: int) -> str:
        scale, shift = self._take(width), self._take(width)
        if not self.frozen:
            mean = self.add("ReduceMean", x, self.ints(2, 3), keepdims=0)
            centred = self.add("Sub", x, self._spread(mean))
            variance = self.add("ReduceMean", self.add("Mul", centred, centred), self.ints(2, 3), keepdims=0)
            deviation = self.add("Sqrt", self.add("Add", variance, self.scalar("epsilon", EPSILON)))
            scale = self.add("Div", scale, deviation)
            shift = self.add("Sub", shift, self.add("Mul", mean, scale))
            self._affine += [scale, shift]
        return self.add("Add", self.add("Mul", x, self._spread(scale)), self._spread(shift))

    def _take(self, width: int) -> str:
        """The next ``width`` numbers of the style or affine vector, [N,width]."""
        start, self._offset = self._offset, self._offset + width
        vector = "affine" if self.frozen else "style"
        return self.add("Slice", vector, self.ints(start), self.ints(start + width), self.ints(1))

    def _spread(self, x: str) -> str:
        """[N,C] -> [N,C,1,1]."""
        return self.add("Unsqueeze", x, self.ints(2, 3))
