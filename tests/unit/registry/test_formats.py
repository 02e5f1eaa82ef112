"""Files that could run code, reach out of their folder or are not what they claim are refused before anything opens
them."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from registry.errors import InvalidVersion, UnsafeFile
from registry.formats import check_file, check_version
from tests.versions import manifest_of


def tensor(name: str = "w", *, external: bool = False) -> TensorProto:
    proto = numpy_helper.from_array(np.arange(4, dtype=np.float32), name)
    if external:
        proto.ClearField("raw_data")
        proto.data_location = TensorProto.EXTERNAL
        proto.external_data.add(key="location", value="../../../etc/passwd")
    return proto


def model(*nodes: onnx.NodeProto, initializers: tuple[TensorProto, ...] = ()) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])
    made = list(nodes) or [helper.make_node("Add", ["x", "w"], ["y"])]
    return helper.make_model(helper.make_graph(made, "graph", [x], [y], initializer=list(initializers or (tensor(),))))


def constant(value: TensorProto) -> onnx.NodeProto:
    return helper.make_node("Constant", [], ["c"], value=value)


def branch(value: TensorProto) -> onnx.NodeProto:
    inner = helper.make_graph(
        [constant(value)], "inner", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [4])]
    )
    return helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)


def with_function(value: TensorProto) -> onnx.ModelProto:
    made = model()
    made.functions.append(
        helper.make_function("local", "F", [], ["c"], [constant(value)], [helper.make_opsetid("", 21)])
    )
    return made


def with_sparse(value: TensorProto) -> onnx.ModelProto:
    made = model()
    made.graph.sparse_initializer.append(
        helper.make_sparse_tensor(value, numpy_helper.from_array(np.arange(4, dtype=np.int64), "i"), [4])
    )
    return made


def with_training(value: TensorProto) -> onnx.ModelProto:
    made = model()
    made.training_info.add().algorithm.initializer.append(value)
    return made


PLACES: dict[str, Callable[[TensorProto], onnx.ModelProto]] = {
    "initializer": lambda value: model(initializers=(value,)),
    "attribute": lambda value: model(constant(value)),
    "branch": lambda value: model(branch(value)),
    "list attribute": lambda value: model(helper.make_node("Op", [], ["y"], values=[value])),
    "function": with_function,
    "sparse": with_sparse,
    "training": with_training,
}


@pytest.mark.parametrize("place", PLACES)
def test_external_data_is_refused_wherever_it_hides(tmp_path: Path, place: str) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(PLACES[place](tensor(external=True)).SerializeToString())
    with pytest.raises(UnsafeFile, match="external data"):
        check_file(path)
    path.write_bytes(PLACES[place](tensor()).SerializeToString())
    check_file(path)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dims", [[2**40], [2**20, 2**20, 2**20], [-1], [1] * 1000])
def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path, place: str, dims: list[int]) -> None:
    value = tensor()
    value.ClearField("dims")
    value.dims.extend(dims)
    path = tmp_path / "net.onnx"
    path.write_bytes(PLACES[place](value).SerializeToString())
    with pytest.raises(UnsafeFile, match="claims more elements|has over 64 dimensions"):
        check_file(path)


@pytest.mark.parametrize(
    ("shape", "sound"),
    [
        (["batch", 3, 512, 512], True),
        ([-1, 3, "height", "width"], True),
        ([], True),
        ([1, 3, 2**20, 2**20], False),
        ([2**62, 2**62], False),
        ([1] * 100, False),
    ],
)
def test_an_input_of_absurd_size_is_refused(tmp_path: Path, shape: list[int | str], sound: bool) -> None:
    made = model()
    made.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, shape))
    path = tmp_path / "net.onnx"
    path.write_bytes(made.SerializeToString())
    if sound:
        check_file(path)
        return
    with pytest.raises(UnsafeFile, match="elements|dimensions"):
        check_file(path)


@pytest.mark.parametrize("packed", [True, False])
def test_dimensions_without_end_are_not_read_to_the_end(tmp_path: Path, packed: bool) -> None:
    count = 2_000_000
    dims = (b"\x0a" + varint(count) + b"\x01" * count) if packed else b"\x08\x01" * count
    graph = b"\x2a" + varint(len(dims)) + dims
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x08\x3a" + varint(len(graph)) + graph)
    tracemalloc.start()
    with pytest.raises(UnsafeFile, match="over 64 dimensions"):
        check_file(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def test_a_large_model_is_checked_by_its_skeleton(tmp_path: Path) -> None:
    weights = numpy_helper.from_array(np.zeros(2_000_000, dtype=np.float32), "w")
    path = tmp_path / "net.onnx"
    path.write_bytes(model(initializers=(weights,)).SerializeToString())
    check_file(path)


WHOLE_ONNX = model(constant(tensor()), branch(tensor())).SerializeToString()


@given(keep=st.integers(0, len(WHOLE_ONNX) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_truncated_onnx_model_is_never_taken_for_a_whole_one(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(WHOLE_ONNX[:keep])
    try:
        check_file(path)
    except UnsafeFile:
        return
    # Cut exactly between two fields of the model, the rest is a model still; protobuf must then agree.
    assert onnx.load_model_from_string(WHOLE_ONNX[:keep]).HasField("graph")


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_called_onnx_or_safetensors_are_checked_without_surprise(tmp_path: Path, data: bytes) -> None:
    for name in ("net.onnx", "net.safetensors"):
        path = tmp_path / name
        path.write_bytes(data)
        try:
            check_file(path)
        except UnsafeFile as error:
            assert str(error).startswith(name)


WHOLE_SAFETENSORS = save({"w": np.arange(8, dtype=np.float32)})


def test_a_safetensors_file_is_welcome(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(WHOLE_SAFETENSORS)
    check_file(path)


@given(keep=st.integers(0, len(WHOLE_SAFETENSORS) - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_truncated_safetensors_file_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(WHOLE_SAFETENSORS[:keep])
    with pytest.raises(UnsafeFile, match="not a whole safetensors file"):
        check_file(path)


@pytest.mark.parametrize("name", ["net.onnx", "net.safetensors", "weights.dat", "labels.json", "model.bin"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_whatever_it_is_called(tmp_path: Path, name: str, protocol: int) -> None:
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"w": list(range(100))}, protocol=protocol))
    with pytest.raises(UnsafeFile, match="pickle"):
        check_file(path)


def test_a_torch_archive_is_refused_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "weights.dat"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("weights/data.pkl", b"\x80\x02.")
    with pytest.raises(UnsafeFile, match="pickle"):
        check_file(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.data())
def test_an_archive_with_any_byte_changed_is_checked_without_surprise(tmp_path: Path, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("portrait.jpg", b"picture")
    content = bytearray(buffer.getvalue())
    content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "portraits.zip"
    path.write_bytes(content)
    with suppress(UnsafeFile):
        check_file(path)


@pytest.mark.parametrize("rest", [b"", bytes(46) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 46, 4, 0)])
def test_an_archive_without_a_proper_directory_is_refused(tmp_path: Path, rest: bytes) -> None:
    """Which of them Python takes for archives differs between its versions; other readers may find a pickle in there."""
    path = tmp_path / "portraits.zip"
    path.write_bytes(b"PK\3\4" + rest)
    with pytest.raises(UnsafeFile, match="not a whole zip archive"):
        check_file(path)


@pytest.mark.parametrize("name", ["net.pt", "net.PTH", "net.pkl", "modeling.py", "lib.so", "net.h5"])
def test_files_whose_reader_runs_code_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"anything")
    with pytest.raises(UnsafeFile, match="can run code"):
        check_file(path)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x04 not a pickle", b"PK", b'{"a": 1}'])
def test_plain_data_is_welcome(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "gallery.dat"
    path.write_bytes(data)
    check_file(path)


@pytest.mark.parametrize(
    ("stated", "suffix"), [("onnx", ".onnx"), ("safetensors", ".safetensors"), ("transformers", ".safetensors")]
)
def test_a_version_of_a_format_holds_a_file_of_it(tmp_path: Path, stated: str, suffix: str) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")
    with pytest.raises(InvalidVersion, match=f"lists no {suffix} file"):
        check_version(manifest_of({"config.json": b"{}"}, format=stated), tmp_path)
