from __future__ import annotations

from pathlib import Path

import pytest

from deployments.memory import available_mb


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """8,000 MB are left of the machine."""
    path = tmp_path / "meminfo"
    path.write_text(f"MemTotal: {16_000 * 1024} kB\nMemAvailable: {8_000 * 1024} kB\n")
    return path


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """A control group of 4,000 MB, 3,900 of them used, 3,000 of those by files that were read once."""
    for name, text in {
        "memory.max": f"{4_000 << 20}",
        "memory.current": f"{3_900 << 20}",
        "memory.stat": f"anon {600 << 20}\ninactive_file {3_000 << 20}\nactive_file {300 << 20}\n",
    }.items():
        (tmp_path / name).write_text(f"{text}\n")
    return tmp_path


def test_files_that_were_read_once_do_not_use_up_a_container(machine: Path, container: Path) -> None:
    assert available_mb(machine, container) == 3_100


def test_a_container_gets_no_more_than_its_machine_has_left(machine: Path, container: Path) -> None:
    machine.write_text(f"MemAvailable: {700 * 1024} kB\n")
    assert available_mb(machine, container) == 700


def test_without_a_container_or_a_limit_the_machine_counts(machine: Path, container: Path, tmp_path: Path) -> None:
    assert available_mb(machine, tmp_path / "none") == 8_000
    (container / "memory.max").write_text("max\n")
    assert available_mb(machine, container) == 8_000


def test_nothing_is_known_where_the_system_says_nothing(tmp_path: Path) -> None:
    assert available_mb(tmp_path / "meminfo", tmp_path / "none") is None
