"""A measurement in a process of its own, so that nothing it imports, sets or keeps running is in the next one's way.

Ray is what needs it most: it reads its environment when it is imported, and a studio has to set that first.
"""

from __future__ import annotations

import importlib
import multiprocessing
import signal
import sys
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.figures import Figure

_SPAWN: Final = multiprocessing.get_context("spawn")


class NothingMeasured(RuntimeError):
    """A measurement ended before it had figures; what it said about that stands above."""


def measured_apart(module: str) -> list[Figure]:
    """What ``run()`` of ``module`` finds in a new process.

    Whoever ends this process ends that one too, and it puts away first what it began. Raises
    :class:`NothingMeasured` when it comes to no figures.
    """
    receiver, sender = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_measure, args=(module, sender))
    process.start()
    sender.close()
    try:
        figures: list[Figure] = receiver.recv()
    except EOFError:
        raise NothingMeasured(f"{module} came to no figures") from None
    except SystemExit:  # asked to end; a Ctrl-C reaches both by itself
        process.terminate()
        raise
    finally:
        process.join()
    return figures


def _measure(module: str, sender: Connection) -> None:
    try:
        measurement = importlib.import_module(module)
        # After the imports: Ray puts a handler of its own in place.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        sender.send(measurement.run())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
