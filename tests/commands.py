"""How commands end in tests."""

from __future__ import annotations

from typer.testing import Result


def said(result: Result) -> str:
    """What a command wrote, as one line: terminals break lines where they like."""
    return " ".join(result.output.split())


def assert_refused(result: Result, *sentences: str) -> None:
    """The command ended with status 1, and these are among what it wrote."""
    assert result.exit_code == 1, result.output
    for sentence in sentences:
        assert sentence in said(result)
