"""Measurements in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from benchmarks.apart import NothingMeasured, measured_apart
from tests.eventually import at_last

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module that can be imported here and in the processes begun here."""
    monkeypatch.syspath_prepend(tmp_path)

    def module(name: str, source: str) -> str:
        text = f"from benchmarks.figures import Figure\nimport os, sys\n{textwrap.dedent(source)}"
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return module


def test_figures_come_back(write: Write) -> None:
    (figure,) = measured_apart(write("whole", "def run(): return [Figure('processes', os.getpid(), 3, 'pid')]"))
    assert (figure.name, figure.bar, figure.unit) == ("processes", 3, "pid")
    assert figure.value != os.getpid()


def test_what_one_sets_and_imports_the_next_does_not_find(write: Write) -> None:
    measured_apart(write("first", "import wave\ndef run():\n os.environ['LEFT_BEHIND'] = 'yes'\n return []"))
    counts = "def run(): return [Figure('left', ('wave' in sys.modules) + ('LEFT_BEHIND' in os.environ))]"
    (left,) = measured_apart(write("second", counts))
    assert left.value == 0


def test_one_that_fails_says_why_and_the_others_go_on(write: Write, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NothingMeasured, match="broken"):
        measured_apart(write("broken", "def run(): raise OSError('no space left')"))
    assert "no space left" in capfd.readouterr().err
    assert measured_apart(write("sound", "def run(): return []")) == []


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_end_it_lets_the_measurement_put_away_what_it_began(
    write: Write, tmp_path: Path, asked: signal.Signals
) -> None:
    """SIGTERM comes to the one process somebody named, Ctrl-C to all of a terminal at once; neither is an error to explain."""
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    name = write(
        "long",
        f"""
        import time
        from pathlib import Path
        def run():
            try:
                Path({str(begun)!r}).touch()
                time.sleep(600)
            finally:
                Path({str(ended)!r}).touch()
        """,
    )
    (tmp_path / "bench.py").write_text(
        "import signal, sys\nfrom benchmarks.apart import measured_apart\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"    try:\n        measured_apart({name!r})\n"
        "    except KeyboardInterrupt:\n        sys.exit(130)\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    with subprocess.Popen(
        [sys.executable, tmp_path / "bench.py"],
        env=os.environ | {"PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        at_last(begun.exists, 60)
        (process.send_signal if asked == signal.SIGTERM else partial(os.killpg, process.pid))(asked)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + asked, "")
    assert ended.exists()
