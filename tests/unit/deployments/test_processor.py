"""Engines get as many threads as cores may really be used, and the arithmetic that the processor is fast at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployments.processor import cores, multiplies_bfloat16, multiplies_bytes


@pytest.fixture(autouse=True)
def eight_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def machine(root: Path, groups: str, files: dict[str, str]) -> Path:
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n", encoding="utf-8")
    return root


def test_without_control_groups_it_is_what_the_affinity_allows(tmp_path: Path) -> None:
    assert cores(tmp_path) == 8


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("200000 100000", 2), ("150000 100000", 2), ("10000 100000", 1), ("max 100000", 8), ("9900000 100000", 8)],
)
def test_a_quota_of_version_two_counts(tmp_path: Path, limit: str, expected: int) -> None:
    assert cores(machine(tmp_path, "0::/", {"sys/fs/cgroup/cpu.max": limit})) == expected


def test_a_service_is_bound_by_the_slice_around_it(tmp_path: Path) -> None:
    files = {
        "sys/fs/cgroup/system.slice/studio.service/cpu.max": "max 100000",
        "sys/fs/cgroup/system.slice/cpu.max": "300000 100000",
    }
    assert cores(machine(tmp_path, "0::/system.slice/studio.service", files)) == 3


@pytest.mark.parametrize(("quota", "expected"), [("100000", 1), ("250000", 3), ("-1", 8)])
def test_a_quota_of_version_one_counts_where_the_container_sees_its_host_s_path(
    tmp_path: Path, quota: str, expected: int
) -> None:
    groups = "5:memory:/docker/0123\n4:cpu,cpuacct:/docker/0123\n0::/docker/0123"
    files = {"sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota, "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}
    assert cores(machine(tmp_path, groups, files)) == expected


@pytest.mark.parametrize(
    ("flags", "pays"),
    [
        ("fpu avx512_bf16 amx_bf16 avx512_fp16 amx_tile amx_int8", True),
        ("fpu avx512_bf16 avx512_fp16", False),
        ("fpu avx2", False),
    ],
)
def test_bfloat16_pays_where_there_are_tiles_for_it(tmp_path: Path, flags: str, pays: bool) -> None:
    processor = f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: amx_bf16_is_no_flag_here\n"
    assert multiplies_bfloat16(machine(tmp_path, "0::/", {"proc/cpuinfo": processor})) is pays


@pytest.mark.parametrize(
    ("flags", "pays"), [("avx2 avx512_vnni", True), ("avx2 avx_vnni", True), ("avx2 avx512f avx512_bf16", False)]
)
def test_bytes_pay_where_there_are_instructions_for_their_products(tmp_path: Path, flags: str, pays: bool) -> None:
    processor = f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: avx_vnni\n"
    assert multiplies_bytes(machine(tmp_path, "0::/", {"proc/cpuinfo": processor})) is pays


def test_where_nothing_is_known_of_the_processor_single_precision_is_taken(tmp_path: Path) -> None:
    assert not multiplies_bfloat16(tmp_path)
    assert not multiplies_bytes(tmp_path)
