"""The ``masquerade`` command's beginning, which imports nothing of its own before Ctrl-C is listened to."""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import os
import sys

# The status that shells expect of what Ctrl-C has ended.
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C ends quietly with the status shells expect, while it is still loading too.

    A sign that the terminal's encoding does not have is shown as a question mark, and ends nothing. A stream that whoever
    called has closed is as empty as ``/dev/null``; one that cannot be written ends the command with a sentence.
    """
    try:
        _open_streams()
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="replace")
        from serve_app.command_line import run

        try:
            run(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        _end_interrupted()
    except SystemExit as asked:
        if asked.code == _INTERRUPTED:  # What the command line makes of Ctrl-C.
            _end_interrupted()
        raise
    except OSError as error:
        # A file's error has its name. Of a pipe whose reader has seen enough nothing is said.
        if error.filename is not None or error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE}:
            raise
        _abandon_output()
        # A command that could not write may have said so as it ended, and left in the buffer what cannot be written either.
        told = isinstance(error.__context__, SystemExit) and error.__context__.code
        if error.errno != errno.EPIPE and not told:
            sys.stderr.write(f"What there is to say cannot be written: {error.strerror}.\n")
        sys.exit(1)


def _end_interrupted() -> None:
    """End as the interpreter does, but free nothing: libraries that were in the middle of something (Ray) may crash at that."""
    atexit._run_exitfuncs()  # noqa: SLF001  # there is no other way to
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os._exit(_INTERRUPTED)


def _open_streams() -> None:
    """Without them the next files to be opened would get their numbers, and whatever a library prints."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _abandon_output() -> None:
    """What is left unwritten would fail once more when the interpreter ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
