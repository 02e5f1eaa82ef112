"""What makes, measures and publishes the things that the studio serves; its commands are ``python -m training.…``."""

from __future__ import annotations

import sys
from types import TracebackType


def _end_quietly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.exit(130)
    sys.__excepthook__(kind, error, trace)


# Python's name for the command while it looks for the module: a command of this package begins, and takes seconds to
# import what it works with. Ctrl-C ends it then as it does later.
if sys.argv[0] == "-m":
    sys.excepthook = _end_quietly
