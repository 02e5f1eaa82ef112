"""What waits for work has imported Serve already, and nothing that Serve takes only because it is installed."""

from __future__ import annotations

import subprocess
import sys

from serve_app.serve_flags import SERVE_FLAGS

PRELOADED = SERVE_FLAGS["RAY_preload_python_modules"]


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_waiting_worker_has_serve_and_no_pandas() -> None:
    loaded = run(
        f"import sys, {PRELOADED}; print('ray.serve._private.replica' in sys.modules, 'pandas' in sys.modules)"
    )
    assert loaded == "True False"


def test_a_model_that_needs_pandas_finds_it_all_the_same() -> None:
    assert run(f"import {PRELOADED}, pandas; print(pandas.Series([1]).sum())") == "1"


def test_what_was_imported_before_stays() -> None:
    assert run(f"import pandas, sys, {PRELOADED}; print(sys.modules['pandas'] is pandas)") == "True"
