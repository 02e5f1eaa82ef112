"""What makes, measures and publishes the things that the studio serves; its commands are ``python -m training.…``."""

from __future__ import annotations

import io
import sys
from types import TracebackType


def _end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.exit(130)
    if isinstance(error, ModuleNotFoundError):
        from training.failures import in_words

        sys.stderr.write(f"{in_words(error)}\n")
        sys.exit(1)
    sys.__excepthook__(kind, error, trace)


# Python's name for the command while it looks for the module: a command of this package begins, and takes seconds to
# import what it works with. Ctrl-C, or a package that is not there, ends it then as it does later. A sign that the
# terminal's encoding does not have is shown as a question mark, as by ``masquerade``, and ends nothing.
if sys.argv[0] == "-m":
    sys.excepthook = _end
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")
