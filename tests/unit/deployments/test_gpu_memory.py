"""A full GPU: a smaller batch once, then shedding; and what a model uses against what it said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from deployments.engine import Engine
from deployments.errors import InvalidField
from deployments.gpu_memory import OutOfMemory, ran_out_of_memory, run_sparing, used_mb, weigh
from deployments.runtime import Runtime, onnx_session
from deployments.slots import ModelSet, Plan, Slot
from tests.versions import manifest_of

GPU = Runtime("cuda", 1, 4000)


class OutOfMemoryError(RuntimeError):
    """Called like torch's."""


class Card:
    """An engine on a card that holds so many queries at a time."""

    def __init__(self, room: int, error: Exception | None = None) -> None:
        self.room, self.error = room, error or OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        self.tried: list[int] = []

    def warm_up(self) -> None:
        pass

    def run(self, batch: Sequence[int]) -> list[int]:
        self.tried.append(len(batch))
        if len(batch) > self.room:
            raise self.error
        return [2 * query for query in batch]

    def close(self) -> None:
        pass


class Painter:
    """An engine on ONNX Runtime that has memory for one query at a time: for two it asks for 256 TiB."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self.session = session

    def warm_up(self) -> None:
        pass

    def run(self, batch: Sequence[int]) -> list[int]:
        self.session.run(None, {"shape": np.array([2**46 if len(batch) > 1 else 1], np.int64)})
        return [2 * query for query in batch]

    def close(self) -> None:
        pass


@pytest.fixture
def painter(tmp_path: Path) -> Painter:
    """A network that fills as much memory as it is told to."""
    shape = onnx.helper.make_tensor_value_info("shape", onnx.TensorProto.INT64, [1])
    filled = onnx.helper.make_tensor_value_info("filled", onnx.TensorProto.FLOAT, ["n"])
    node = onnx.helper.make_node("ConstantOfShape", ["shape"], ["filled"])
    graph = onnx.helper.make_graph([node], "painter", [shape], [filled])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "painter.onnx")
    return Painter(onnx_session(tmp_path / "painter.onnx", Runtime()))


def test_what_fits_is_run_once() -> None:
    card = Card(8)
    assert run_sparing(card, range(8)) == list(range(0, 16, 2))
    assert card.tried == [8]


def test_what_does_not_fit_is_run_in_halves_and_in_order() -> None:
    card = Card(4)
    assert run_sparing(card, range(7)) == list(range(0, 14, 2))
    assert card.tried == [7, 4, 3]


@pytest.mark.parametrize(("room", "batch", "tried"), [(1, 8, [8, 4]), (0, 1, [1])])
def test_what_does_not_fit_in_half_is_shed_and_told_when_to_come_again(room: int, batch: int, tried: list[int]) -> None:
    card = Card(room)
    with pytest.raises(OutOfMemory) as raised:
        run_sparing(card, range(batch))
    assert card.tried == tried, "no third try while the card is full"
    assert raised.value.status == 429
    assert raised.value.details["retry_after"] > 0


def test_any_other_error_is_the_engine_s_own_business() -> None:
    with pytest.raises(InvalidField):
        run_sparing(Card(0, InvalidField("strength")), [1])
    with pytest.raises(RuntimeError, match="shape"):
        run_sparing(Card(0, RuntimeError("shape mismatch")), [1, 2])


def test_memory_that_onnx_runtime_refuses_is_asked_for_in_halves(painter: Painter) -> None:
    assert run_sparing(painter, [1, 2]) == [2, 4]


def test_memory_that_onnx_runtime_refuses_even_to_half_a_batch_is_shed(painter: Painter) -> None:
    with pytest.raises(OutOfMemory):
        run_sparing(painter, [1, 2, 3])


def test_another_error_of_onnx_runtime_is_none_of_memory(painter: Painter) -> None:
    with pytest.raises(Exception, match="INVALID_ARGUMENT") as raised:
        painter.session.run(None, {"shape": np.array([1.0], np.float32)})
    assert not ran_out_of_memory(raised.value)


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (OutOfMemoryError(), True),
        (MemoryError(), True),
        (RuntimeException("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bfc_arena.cc BFCArena::AllocateRawInternal Available "
                          "memory of 104857600 is smaller than requested bytes of 318767104"), True),
        (RuntimeException("CUDA failure 2: out of memory ; GPU=0"), True),
        (RuntimeError("Error in faiss: Error: 'err == cudaSuccess' failed: Failed to cudaMalloc 1073741824 bytes"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("out of memory"), False),
    ],
)  # fmt: skip
def test_every_library_s_way_of_saying_it_is_understood(error: Exception, is_it: bool) -> None:
    assert ran_out_of_memory(error) is is_it


@given(st.integers(0, 20), st.integers(1, 40))
def test_an_answer_is_whole_or_an_error(room: int, size: int) -> None:
    engine: Engine[int, int] = Card(room)
    try:
        assert run_sparing(engine, range(size)) == [2 * query for query in range(size)]
    except OutOfMemory:
        assert room < (size + 1) // 2


def test_a_slot_runs_its_engine_sparingly() -> None:
    card = Card(2)
    slot: Slot[int, int] = Slot(lambda _: card, lambda *_: 0.0)
    slot.follow(Plan(ModelSet("card@v1"))).result(10)
    with slot.lease() as lease:
        assert lease.submit([1, 2, 3]).result(10) == [2, 4, 6]
    slot.close()


@pytest.mark.parametrize(
    ("said", "used", "complaint"),
    [
        (1000, 1100, None),
        (1000, 1500, "the manifest says 1000 MB"),
        (1000, 5000, "its share is 4000 MB: raise num_gpus"),
        (0, 2000, None),
        (1000, None, None),
    ],
)
def test_what_a_model_uses_is_held_to_its_manifest_and_to_its_share(
    said: int, used: int | None, complaint: str | None
) -> None:
    found = weigh([manifest_of({}, memory_mb=said)], GPU, lambda: used)
    assert found is None if complaint is None else complaint in (found or "")


def test_on_a_cpu_nothing_is_weighed() -> None:
    assert weigh([manifest_of({}, memory_mb=1)], Runtime(), lambda: 10_000) is None


def test_without_a_driver_nothing_is_measured() -> None:
    assert used_mb() is None
