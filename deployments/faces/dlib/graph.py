"""A network of dlib's as a graph that OpenVINO computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deployments.faces.dlib.serialized import Affine, Convolution, Layer, Linear, Network, Pooling, Relu, Shortcut
from deployments.openvino_runtime import openvino_core, plan_options
from deployments.runtime import Runtime


def compiled(network: Network, shape: Sequence[int], runtime: Runtime) -> Any:
    """What computes the network for RGB pictures 0..255 of ``shape`` (NHWC).

    A file does not tell what a shortcut is added to; here it is what came into its block, as in every network of dlib's:
    a block begins where the one before it ends. Raises ``ModuleNotFoundError`` where OpenVINO is not installed.
    """
    core = openvino_core()
    import openvino
    from openvino import opset1 as op

    pictures = op.parameter(openvino.PartialShape(shape), openvino.Type.u8)
    planes = op.transpose(op.convert(pictures, openvino.Type.f32), np.array([0, 3, 1, 2]))
    mean = np.array(network.mean, np.float32).reshape(1, 3, 1, 1)
    node = op.multiply(op.subtract(planes, mean), np.float32(1 / 256))
    # What came into the block that is being built, or an average of that.
    shortcut = node
    before: Layer | None = None
    for layer in network.layers:
        match layer:
            case Convolution(filters, bias, stride, padding):
                node = op.convolution(node, filters, stride, padding, padding, [1, 1])
                node = op.add(node, bias.reshape(1, -1, 1, 1))
            case Affine(gamma, beta):
                node = op.add(op.multiply(node, gamma.reshape(1, -1, 1, 1)), beta.reshape(1, -1, 1, 1))
            case Relu():
                node = op.relu(node)
                if isinstance(before, Shortcut):
                    shortcut = node
            case Pooling("max", window, stride):
                node = shortcut = op.max_pool(node, stride, [0, 0], [0, 0], window)
            case Pooling(_, (0, 0), _):
                node = op.reduce_mean(node, np.array([2, 3]), keep_dims=False)
            case Pooling(_, window, stride):
                shortcut = op.avg_pool(shortcut, stride, [0, 0], [0, 0], window, True)
            case Shortcut():
                node = _sum(node, shortcut)
            case Linear(weights):
                node = op.matmul(node, weights, False, False)
        before = layer
    model = openvino.Model([node], [pictures])
    return core.compile_model(model, "CPU", plan_options(runtime, exact=True)).create_infer_request()


def _sum(*nodes: Any) -> Any:
    """Two tensors added; where one is larger, zeros stand for what the other lacks."""
    from openvino import opset1 as op

    sides = [np.array(node.get_output_shape(0)) for node in nodes]
    lacking = [np.max(sides, axis=0) - own for own in sides]
    none, zero = np.zeros(4, np.int64), np.float32(0)
    one, other = (op.pad(node, none, more, "constant", zero) for node, more in zip(nodes, lacking, strict=True))
    return op.add(one, other)
