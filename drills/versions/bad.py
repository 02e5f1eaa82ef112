"""Versions nobody should ever meet: each is damaged, dangerous, wrong or too much in a way of its own.

They are put into the folder store by hand, as a broken copy or a hostile upload would be: publishing would have refused
most of them.
"""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from registry.manifest import MANIFEST, Manifest, ModelFile, Probe, dump_manifest
from registry.store import FolderStore

WEIGHTS = "open-nsfw.onnx"
_INPUT, _OUTPUT = "input", "answer"

Nodes = list[onnx.NodeProto]


@dataclass(frozen=True, slots=True)
class Bad:
    """One kind: what is wrong with it, and how the good version's folder becomes it."""

    name: str
    spoil: Callable[[Path, Manifest], None]


def place(store: FolderStore, good: str, version: str, bad: Bad) -> None:
    """Put the network of ``good`` (``name@version``) under ``version`` into the store and spoil it."""
    source = store.get(good)
    folder = store.root / source.manifest.model / version
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(source.path(WEIGHTS).read_bytes())
    files = tuple(entry for entry in source.manifest.files if entry.name == WEIGHTS)
    manifest = source.manifest.model_copy(update={"version": version, "files": files, "probes": ()})
    write(folder, manifest)
    bad.spoil(folder, manifest)


def write(folder: Path, manifest: Manifest) -> None:
    """The manifest, last of all files."""
    (folder / MANIFEST).write_text(dump_manifest(manifest), encoding="utf-8")


def _content(data: bytes) -> Callable[[Path, Manifest], None]:
    """Other weights that the manifest vouches for."""

    def spoil(folder: Path, manifest: Manifest) -> None:
        (folder / WEIGHTS).write_bytes(data)
        entry = ModelFile(name=WEIGHTS, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        write(folder, manifest.model_copy(update={"files": (entry,)}))

    return spoil


def _manifest(**fields: Any) -> Callable[[Path, Manifest], None]:
    """The good weights under a manifest that says something else."""
    return lambda folder, manifest: write(folder, manifest.model_copy(update=fields))


def _wrong_hash(folder: Path, _manifest: Manifest) -> None:
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / WEIGHTS).write_bytes(data)


def _truncated(folder: Path, _manifest: Manifest) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def _missing(folder: Path, _manifest: Manifest) -> None:
    (folder / WEIGHTS).unlink()


def _extra(folder: Path, _manifest: Manifest) -> None:
    (folder / "weights.bin").write_bytes(b"some other loader would take these")


def _not_yaml(folder: Path, _manifest: Manifest) -> None:
    (folder / MANIFEST).write_text("model: [open-nsfw\n")


def _another_name(folder: Path, manifest: Manifest) -> None:
    write(folder, manifest.model_copy(update={"version": "v1"}))


def _torch_zip(folder: Path, manifest: Manifest) -> None:
    path = folder / "model.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weights": 1}))
    data = path.read_bytes()
    path.unlink()
    _content(data)(folder, manifest)


def _network(nodes: Nodes, *constants: onnx.TensorProto, shape: tuple[int | str, ...] = ("n", 224, 224, 3)) -> bytes:
    graph = helper.make_graph(
        nodes,
        "bad",
        [helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, None)],
        list(constants),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def _two_scores(factor: float, offset: float = 0.0) -> bytes:
    """The picture's mean, twice, times ``factor``, and ``offset`` more."""
    mean = helper.make_node("ReduceMean", [_INPUT], ["mean"], axes=[2, 3], keepdims=0)
    part = helper.make_node("Slice", ["mean", "from", "to", "axis"], ["part"])
    nodes = [
        mean,
        part,
        helper.make_node("Mul", ["part", "factor"], ["product"]),
        helper.make_node("Add", ["product", "offset"], [_OUTPUT]),
    ]
    constants = {"from": [0], "to": [2], "axis": [1]}
    tensors = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()]
    numbers = {"factor": factor, "offset": offset}
    tensors += [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in numbers.items()]
    return _network(nodes, *tensors)


def _slow() -> bytes:
    """Right in form, and a chain of large products for every answer."""
    side = 1536
    nodes = [
        helper.make_node("ReduceMean", [_INPUT], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Slice", ["mean", "from", "to", "axis"], ["part"]),
        helper.make_node("ReduceMean", [_INPUT], ["one"], keepdims=0),
        helper.make_node("Add", ["eye", "one"], ["m0"]),
        *(helper.make_node("MatMul", [f"m{number}", "eye"], [f"m{number + 1}"]) for number in range(12)),
        helper.make_node("ReduceMean", ["m12"], ["all"], keepdims=0),
        helper.make_node("Mul", ["all", "none"], ["nothing"]),
        helper.make_node("Add", ["part", "nothing"], ["sum"]),
        helper.make_node("Sigmoid", ["sum"], [_OUTPUT]),
    ]
    constants = {"from": [0], "to": [2], "axis": [1]}
    tensors = [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in constants.items()]
    eye = numpy_helper.from_array(np.eye(side, dtype=np.float32), "eye")
    return _network(nodes, *tensors, eye, numpy_helper.from_array(np.array(0, np.float32), "none"))


def _absurd_tensor() -> bytes:
    """Asks for four terabytes on its way to two scores."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["vast"]),
        helper.make_node("ReduceMean", [_INPUT], ["one"], keepdims=0),
        helper.make_node("Add", ["vast", "one"], ["more"]),
        helper.make_node("ReduceMean", ["more"], [_OUTPUT], keepdims=0),
    ]
    return _network(nodes, numpy_helper.from_array(np.array([10**6, 10**6], np.int64), "shape"))


def _outside() -> bytes:
    """Weights that lie in a file elsewhere on the disk."""
    tensor = numpy_helper.from_array(np.zeros((2,), np.float32), "weights")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.append(onnx.StringStringEntryProto(key="location", value="../../../../etc/passwd"))
    return _network([helper.make_node("Add", [_INPUT, "weights"], [_OUTPUT])], tensor)


def _one_score() -> bytes:
    return _network([helper.make_node("ReduceMean", [_INPUT], [_OUTPUT], axes=[1, 2, 3], keepdims=1)])


CONTRARY = Bad("refuses every picture", _content(_two_scores(0.0, 0.99)))
"""Sound in every way but its verdicts: only beside another version is it found out."""


def kinds() -> list[Bad]:
    """All of them."""
    return [
        Bad("a bit turned over in the weights", _wrong_hash),
        Bad("weights cut short", _truncated),
        Bad("no weights", _missing),
        Bad("weights of another loader beside them", _extra),
        Bad("a manifest that is not YAML", _not_yaml),
        Bad("another version's manifest", _another_name),
        Bad("a pickle in disguise", _content(pickle.dumps({"weights": [1, 2, 3]}))),
        Bad("a torch archive with a pickle in it", _torch_zip),
        Bad("noise instead of a network", _content(bytes(range(256)) * 64)),
        Bad("an empty file", _content(b"")),
        Bad("ONNX with external data", _content(_outside())),
        Bad("ONNX of an absurd input shape", _content(_network([helper.make_node("Identity", [_INPUT], [_OUTPUT])], shape=(1, 224000, 224000, 3)))),
        Bad("ONNX with an absurd tensor inside", _content(_absurd_tensor())),
        Bad("one score where two are read", _content(_one_score())),
        Bad("answers that are no number", _content(_two_scores(float("nan")))),
        Bad("answers without end", _content(_two_scores(float("inf")))),
        Bad("ten times slower and more", _content(_slow())),
        Bad("a probe it does not pass", _manifest(probes=(Probe(expect={"scores.explicit": 0.99}, tolerance=0.05),))),
        Bad("a probe of a picture it does not have", _manifest(probes=(Probe(input={"image": "portrait.png"}, expect={}),))),
        Bad("more memory than there is", _manifest(memory_mb=50_000_000)),
        Bad("a backend nobody has", _manifest(backend="crystal-ball")),
        Bad("a manifest of another task", _manifest(task="style")),
        Bad("a manifest of another embedding space", _manifest(embedding_space="elsewhere-512")),
    ]  # fmt: skip
