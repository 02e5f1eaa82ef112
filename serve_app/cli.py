"""The ``masquerade`` command's beginning, which imports nothing of its own before Ctrl-C is listened to."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line; Ctrl-C ends quietly with the status shells expect, while it is still loading too.

    A sign that the terminal's encoding does not have is shown as a question mark, and ends nothing.
    """
    try:
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="replace")
        from serve_app.command_line import run

        run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
