"""What deploy/install.sh leaves out or takes out for what is in .venv already, what it draws, and when it has failed."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("profile", ["dev", "bench"])
def test_a_lock_without_cuda_lacks_torch_and_its_companions_and_nothing_else(profile: str) -> None:
    lock = ROOT / "requirements" / f"{profile}.txt"
    command = ["awk", "-f", "deploy/without_cuda.awk", str(lock)]
    left = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout
    before, after = entries(lock.read_text()), entries(left)
    gone = before.keys() - after.keys()
    assert {"torch", "torchvision", "triton", "nvidia-cublas", "cuda-bindings"} <= gone
    assert all(re.match(r"torch$|torchvision$|triton$|nvidia-|cuda-", name) for name in gone)
    assert after.items() <= before.items(), "every entry that stays has all of its hashes"
    assert not {name for name in after if name.startswith(("cuda-", "nvidia-"))} - {"nvidia-ml-py"}


# Of the virtual environment's interpreter as much as the script asks of it: it has pip and no torch.
INTERPRETER = """#!/bin/sh
case "$*" in
    *'import pip'*) exit 0 ;;
    *--require-hashes*) printf 'Collecting numpy\\n  Downloading numpy-2.whl\\nSuccessfully installed numpy-2\\n' ;;
    *--editable* | *'-m venv'* | *relocate.py) exit 0 ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that the script installs into without a package index."""
    for name in ("deploy/install.sh", "requirements/demo.txt", "requirements/dev.txt", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    interpreter = tmp_path / ".venv" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(INTERPRETER)
    interpreter.chmod(0o755)
    return tmp_path


def test_where_nobody_watches_no_control_characters_are_drawn(checkout: Path) -> None:
    told = subprocess.run(
        ["sh", "deploy/install.sh"], cwd=checkout, env=os.environ | {"PYTHON": sys.executable}, capture_output=True
    )
    assert (told.returncode, told.stdout) == (0, b"")
    assert told.stderr.startswith(b"Installing from requirements/demo.txt")
    assert not re.findall(rb"[^\n\x20-\x7e]", told.stderr)
    assert b"Downloading numpy" in (checkout / ".venv" / "install.log").read_bytes()


def test_a_terminal_shows_what_is_downloaded(checkout: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        environment = os.environ | {"PYTHON": sys.executable}
        subprocess.run(["sh", "deploy/install.sh"], cwd=checkout, env=environment, stderr=theirs, check=True)
        assert b"\r\x1b[K  Downloading numpy-2.whl" in os.read(ours, 65_536)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("end", ["kill -9 $$", "exit 2"])
def test_a_pip_that_ends_half_way_has_installed_nothing(checkout: Path, end: str) -> None:
    environment = os.environ | {"PYTHON": sys.executable}
    interpreter, stamp = checkout / ".venv/bin/python", checkout / ".venv/.installed"
    stamp.write_text("dev 1 2 3\n")
    halfway = f"printf 'Requirement already satisfied: numpy\\nCollecting torch\\n'; {end} ;;"
    interpreter.write_text(re.sub(r"(--require-hashes\*\)) .*;;", lambda found: f"{found[1]} {halfway}", INTERPRETER))
    for _ in range(2):
        told = subprocess.run(
            ["sh", "deploy/install.sh"], cwd=checkout, env=environment, capture_output=True, text=True
        )
        assert told.returncode == 1
        assert "Installation failed" in told.stderr
        assert not stamp.exists(), "what was there before may be half replaced"
    interpreter.write_text(INTERPRETER)
    subprocess.run(["sh", "deploy/install.sh"], cwd=checkout, env=environment, capture_output=True, check=True)
    assert stamp.read_text().startswith("demo ")


@pytest.mark.parametrize(
    ("profile", "there", "gone"),
    [
        ("gpu", "onnxruntime", "onnxruntime onnxruntime-gpu torch torchvision"),
        ("demo", "onnxruntime-gpu", "onnxruntime onnxruntime-gpu"),
    ],
)
def test_what_was_built_for_the_other_kind_of_processor_goes_first(
    checkout: Path, profile: str, there: str, gone: str
) -> None:
    shutil.copy(ROOT / "requirements/gpu.txt", checkout / "requirements/gpu.txt")
    calls, interpreter = checkout / "calls", checkout / ".venv/bin/python"
    asked = f'#!/bin/sh\necho "$*" >>{calls}\n'
    known = f"    *\"version('{there}')\"*|*uninstall*) exit 0 ;;\n    *--require-hashes*)"
    interpreter.write_text(asked + INTERPRETER.replace("    *--require-hashes*)", known))
    environment = os.environ | {"PYTHON": sys.executable}
    subprocess.run(["sh", "deploy/install.sh", profile], cwd=checkout, env=environment, capture_output=True, check=True)
    pip = [call for call in calls.read_text().splitlines() if call.startswith("-m pip")]
    assert pip[0] == f"-m pip uninstall --quiet --yes {gone}"
    assert "--require-hashes" in pip[1]


@pytest.mark.parametrize(("made_in", "mended"), [("/elsewhere", True), (".", False)])
def test_a_venv_that_was_moved_is_mended(checkout: Path, made_in: str, *, mended: bool) -> None:
    calls, interpreter = checkout / "calls", checkout / ".venv/bin/python"
    interpreter.write_text(f'#!/bin/sh\necho "$*" >>{calls}\n{INTERPRETER}')
    (checkout / ".venv/bin/activate").write_text(f'VIRTUAL_ENV="{checkout / made_in}/.venv"\n')
    environment = os.environ | {"PYTHON": sys.executable}
    subprocess.run(["sh", "deploy/install.sh"], cwd=checkout, env=environment, capture_output=True, check=True)
    asked = calls.read_text().splitlines()
    assert ("-m venv --without-pip .venv" in asked, "deploy/relocate.py" in asked) == (mended, mended)


# As pip writes them: the second where the path to the interpreter has spaces, or is long.
BEGINNINGS = ("#!{}\n# -*- coding: utf-8 -*-\n", "#!/bin/sh\n'''exec' \"{}\" \"$0\" \"$@\"\n' '''\n")


def test_scripts_of_a_venv_that_was_moved_use_the_interpreter_beside_them(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "it's $HOME over there"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", before / ".venv"], check=True)
    for number, beginning in enumerate(BEGINNINGS):
        script = before / f".venv/bin/script{number}"
        script.write_text(beginning.format(before / ".venv/bin/python3") + "import sys\nprint(sys.executable)\n")
        script.chmod(0o755)
    (before / ".venv/bin/binary").write_bytes(b"\x7fELF\xff")
    shutil.copytree(before, after, symlinks=True)
    interpreter = after / ".venv/bin/python"
    subprocess.run([interpreter, ROOT / "deploy/relocate.py"], check=True)
    for number in range(len(BEGINNINGS)):
        told = subprocess.run([after / f".venv/bin/script{number}"], capture_output=True, text=True, check=True).stdout
        assert told.strip() == str(interpreter)
    assert (after / ".venv/bin/binary").read_bytes() == b"\x7fELF\xff"


def test_another_projects_packages_do_not_pass_for_installed_ones(checkout: Path) -> None:
    seen, interpreter = checkout / "seen", checkout / ".venv/bin/python"
    interpreter.write_text(f'#!/bin/sh\necho "${{PYTHONPATH-nothing}}" >>{seen}\n{INTERPRETER}')
    environment = os.environ | {"PYTHON": sys.executable, "PYTHONPATH": "/opt/ros/site-packages"}
    subprocess.run(["sh", "deploy/install.sh"], cwd=checkout, env=environment, capture_output=True, check=True)
    assert set(seen.read_text().split()) == {"nothing"}


def test_locks_without_uv_name_what_is_missing() -> None:
    environment = os.environ | {"PATH": "/usr/bin:/bin"}
    if shutil.which("uv", path=environment["PATH"]):
        pytest.skip("uv is a package of this system")
    told = subprocess.run(["make", "lock"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert told.returncode == 2
    assert told.stderr.startswith("uv is missing")


def entries(lock: str) -> dict[str, str]:
    """A requirements file by distribution: the entry with its hashes."""
    return {entry.partition("==")[0]: entry for entry in re.split(r"^(?=[a-z])", lock, flags=re.MULTILINE) if entry}
