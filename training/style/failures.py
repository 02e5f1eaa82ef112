"""What ends a command of this room in a sentence."""

from __future__ import annotations

from training.failures import Failure


class Mistake(ValueError):
    """Something the person at the keyboard can put right; the message says what."""


class EncoderUnavailable(Failure):
    """The weights of this encoder cannot be had here; the message says why and what would help."""


class DeviceLost(Failure):
    """The GPU failed in the middle of a run, with everything that lay in its memory; the message says how."""
