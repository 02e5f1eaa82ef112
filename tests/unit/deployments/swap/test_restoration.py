from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from deployments.runtime import Runtime
from deployments.swap.restoration import SIZE, Damaged, Restorer


def network(batch="n", fidelity=None, side=SIZE) -> bytes:
    """Returns the negative of the crop; with a fidelity input, times that number."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, side, side])]
    nodes = [helper.make_node("Neg", ["x"], ["negative" if fidelity else "y"])]
    if fidelity:
        inputs.append(helper.make_tensor_value_info("w", fidelity, []))
        nodes.append(helper.make_node("Cast", ["w"], ["weight"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", ["negative", "weight"], ["y"]))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3, side, side])
    graph = helper.make_graph(nodes, "restorer", inputs, [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


@pytest.fixture
def restorer(version_of):
    def make(blend=1.0, **facts):
        version = version_of({"net.onnx": network(**facts)}, task="face-restoration", input={"blend": blend})
        return Restorer(version, Runtime())

    return make


def nose(portrait):
    x, y = portrait.face.landmarks[2].astype(int)
    return slice(y - 2, y + 3), slice(x - 2, x + 3)


def restored(restorer, drawn):
    (patch,) = restorer.restore([Damaged(drawn.pixels, drawn.face)])
    result = drawn.pixels.copy()
    patch.onto(result)
    return result


def test_the_face_is_replaced_by_what_the_network_makes_of_it(restorer, portrait):
    drawn = portrait()
    result = restored(restorer(), drawn)
    difference = result[nose(drawn)].mean(axis=(0, 1)) - (255 - drawn.pixels[nose(drawn)].mean(axis=(0, 1)))
    assert np.abs(difference).max() < 3
    assert (result[:4] == drawn.pixels[:4]).all()


def test_the_blend_says_how_much_of_it_shows(restorer, portrait):
    drawn = portrait(skin=(220, 220, 220))
    half = restored(restorer(blend=0.5), drawn)
    assert half[nose(drawn)].mean() == pytest.approx(127.5, abs=3)
    assert (restored(restorer(blend=0), drawn) == drawn.pixels).all()


@pytest.mark.parametrize("batch", ["n", 1])
def test_faces_of_many_pictures_are_restored_together_where_the_network_can(restorer, portrait, batch):
    faces = [Damaged(drawn.pixels, drawn.face) for drawn in (portrait(), portrait(degrees=30))]
    assert len(restorer(batch=batch).restore(faces)) == 2


@pytest.mark.parametrize("number", [TensorProto.DOUBLE, TensorProto.FLOAT])
def test_a_network_that_asks_for_fidelity_is_given_it(restorer, portrait, number):
    drawn = portrait(skin=(220, 220, 220))
    result = restored(restorer(fidelity=number), drawn)
    assert result[nose(drawn)].mean() == pytest.approx(127.5 - 0.7 * (220 - 127.5), abs=3)


def test_no_faces_need_no_run(restorer):
    assert restorer().restore([]) == []


def test_a_blend_out_of_range_is_refused_at_start(restorer):
    with pytest.raises(ValueError, match="blend"):
        restorer(blend=1.5)


def test_a_network_for_other_crops_is_refused_at_start(restorer):
    with pytest.raises(ValueError, match="512 px"):
        restorer(side=256)


def test_values_that_are_no_numbers_never_get_into_a_picture(restorer, portrait):
    drawn = portrait()
    broken = restorer(fidelity=TensorProto.FLOAT)
    broken._fidelity["w"] = np.array(np.nan, np.float32)
    with pytest.raises(ValueError, match="no numbers"):
        restored(broken, drawn)
