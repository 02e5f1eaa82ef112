from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from deployments.swap.initializer import last_initializer


def model(*tensors) -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y], list(tensors))
    return helper.make_model(graph).SerializeToString()


EMAP = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
WEIGHTS = numpy_helper.from_array(np.arange(300, dtype=np.float32), "weights")


@pytest.fixture
def write(tmp_path):
    def save(content: bytes):
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        return path

    return save


def test_the_last_of_several_tensors_is_read(write):
    path = write(model(WEIGHTS, numpy_helper.from_array(EMAP, "emap")))
    np.testing.assert_array_equal(last_initializer(path), EMAP)
    np.testing.assert_array_equal(last_initializer(path), numpy_helper.to_array(onnx.load(path).graph.initializer[-1]))


def test_numbers_in_a_packed_list_are_read_like_raw_ones(write):
    tensor = helper.make_tensor("emap", TensorProto.FLOAT, EMAP.shape, EMAP.ravel().tolist())
    np.testing.assert_array_equal(last_initializer(write(model(WEIGHTS, tensor))), EMAP)


def test_half_precision_is_widened(write):
    half = last_initializer(write(model(numpy_helper.from_array(EMAP.astype(np.float16), "emap"))))
    assert half.dtype == np.float32
    np.testing.assert_allclose(half, EMAP, atol=1e-2)


def test_integers_are_refused(write):
    with pytest.raises(ValueError, match="data type 7"):
        last_initializer(write(model(numpy_helper.from_array(np.arange(4), "emap"))))


def test_a_tensor_outside_the_file_is_refused(write):
    tensor = numpy_helper.from_array(EMAP, "emap")
    tensor.data_location = TensorProto.EXTERNAL
    with pytest.raises(ValueError, match="outside the file"):
        last_initializer(write(model(tensor)))


def test_a_graph_without_tensors_is_refused(write):
    with pytest.raises(ValueError, match="field 5 is missing"):
        last_initializer(write(model()))


def test_an_empty_file_is_refused(write):
    with pytest.raises(ValueError, match="empty"):
        last_initializer(write(b""))


WHOLE = model(WEIGHTS, numpy_helper.from_array(EMAP, "emap"))


@given(st.integers(1, len(WHOLE) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_short_is_refused_or_read_right(write, length):
    try:
        found = last_initializer(write(WHOLE[:length]))
    except ValueError:
        return
    np.testing.assert_array_equal(found, EMAP)


@given(st.binary(min_size=1, max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_tensor_or_a_clear_refusal(write, content):
    try:
        found = last_initializer(write(content))
    except ValueError:
        return
    assert found.dtype == np.float32
