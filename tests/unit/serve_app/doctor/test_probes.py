"""The facts are asked of this machine as it is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serve_app.doctor import probes


def test_an_installed_distribution_has_a_version() -> None:
    assert probes.installed("numpy") is not None
    assert probes.installed("no-such-distribution") is None


def test_a_free_port_has_no_holder_and_a_taken_one_names_the_process() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        listening.listen()
        assert f"(process {os.getpid()})" in (probes.port_holder(port) or "")
    assert probes.port_holder(port) is None


def test_a_holder_whose_name_was_cut_within_a_letter_is_named_as_far_as_it_goes() -> None:
    """Linux keeps fifteen bytes of a name."""
    listening = "import socket, sys; s = socket.create_server(('127.0.0.1', 0)); open('/proc/self/comm', 'wb').write(sys.argv[1].encode()); print(s.getsockname()[1], flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", listening, "Lichtsteuerungü"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdin
        holder = probes.port_holder(int(process.stdout.readline()))
        process.stdin.close()
    assert (holder or "").startswith("Lichtsteuerung")


def test_space_is_measured_where_a_folder_will_be(tmp_path: Path) -> None:
    assert probes.free_space(tmp_path / "not" / "yet") > 0


def test_without_the_driver_no_gpu_is_visible(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert probes.visible_gpus() == []


def test_the_driver_s_list_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H100, 81559 MiB, 4 MiB, 570.1'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert probes.visible_gpus() == ["NVIDIA H100, 4 MiB of 81559 MiB used, driver 570.1"]


def test_a_warning_of_the_driver_s_is_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA H100, 81559 MiB, 4 MiB, 570.1'\necho 'WARNING: infoROM is corrupted'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert probes.visible_gpus() == ["NVIDIA H100, 4 MiB of 81559 MiB used, driver 570.1"]


def test_an_error_of_a_runtime_that_says_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("deployments.runtime.onnx_session", silent)
    assert probes.onnx_gpu_trouble() == "AssertionError"


def test_a_driver_that_fails_shows_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nexit 9\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert probes.visible_gpus() == []


@pytest.mark.skipif(bool(probes.visible_gpus()), reason="there is a GPU here")
def test_without_a_gpu_a_run_on_it_fails_in_one_line() -> None:
    trouble = probes.onnx_gpu_trouble()
    assert trouble
    assert "\n" not in trouble


@pytest.mark.skipif(not probes.visible_gpus(), reason="no GPU here")
@pytest.mark.skipif("CUDAExecutionProvider" not in probes.onnx_providers(), reason="ONNX Runtime without CUDA")
def test_with_a_gpu_a_run_on_it_succeeds() -> None:
    assert probes.onnx_gpu_trouble() is None
