"""Gives the scripts beside this interpreter its path, which those of a ``.venv`` that was moved or copied have from elsewhere."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

# As pip begins a script: with the interpreter, or, where its path is long or has spaces, with a shell that calls it.
OTHER = re.compile(rb"\A#!(?:/bin/sh\n'''exec' .*\n' '''|.*python[0-9.]*)\n")
# The shell takes any path; to Python the second and third line are a text that nothing is done with.
OURS = f"#!/bin/sh\n'''exec' {shlex.quote(sys.executable)} \"$0\" \"$@\"\n' '''\n".encode()


def main() -> None:
    for script in Path(sys.executable).parent.iterdir():
        if script.is_file() and not script.is_symlink():
            content = script.read_bytes()
            renewed = OTHER.sub(lambda _: OURS, content)
            if renewed != content:
                script.write_bytes(renewed)


if __name__ == "__main__":
    main()
