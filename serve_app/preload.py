"""Ray Serve, imported before there is work: by workers that wait for it (``RAY_preload_python_modules``), and while Ray starts.

Serve takes pandas where it finds it, as it does beside the packages for training, for answers that nobody here gives: 65 MB
and a third of the import's time in every process. Here it does not find it; whoever imports pandas later does.
"""

from __future__ import annotations

import sys

_found = "pandas" in sys.modules
if not _found:
    sys.modules["pandas"] = None  # type: ignore[assignment]  # None means: it cannot be imported
try:
    import ray.serve._private.replica  # noqa: F401  # all that a replica needs
finally:
    if not _found:
        del sys.modules["pandas"]
