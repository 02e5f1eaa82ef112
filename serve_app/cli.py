"""The ``masquerade`` command's beginning, which imports nothing before Ctrl-C is listened to."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends quietly with the status shells expect, while it is still loading too."""
    try:
        from serve_app.command_line import run

        run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
