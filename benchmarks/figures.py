"""A measured figure, of a benchmark or a drill, and the bar it is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a benchmark or a drill.

    ``bar`` is what it must reach (``higher_is_better``) or stay under; None for a figure that only informs.
    ``value`` is in ``unit``.
    """

    name: str
    value: float
    bar: float | None = None
    unit: str = ""
    higher_is_better: bool = True

    @property
    def passed(self) -> bool:
        """Whether the bar is met. A figure without one always passes; NaN never meets a bar."""
        if self.bar is None:
            return True
        return self.value >= self.bar if self.higher_is_better else self.value <= self.bar


def never(name: str, count: float) -> Figure:
    """How often something happened that must not happen at all."""
    return Figure(name, count, 0, higher_is_better=False)


def table(title: str, figures: Sequence[Figure]) -> Table:
    """The figures as a table for the terminal, bars and verdicts beside them."""
    rendered = Table(title=title, title_justify="left")
    rendered.add_column("figure")
    rendered.add_column("value", justify="right")
    rendered.add_column("bar", justify="right")
    rendered.add_column("verdict")
    for figure in figures:
        sign = ">=" if figure.higher_is_better else "<="
        bar = "" if figure.bar is None else f"{sign} {figure.bar:g} {figure.unit}".rstrip()
        verdict = "" if figure.bar is None else "[green]pass[/]" if figure.passed else "[bold red]FAIL[/]"
        rendered.add_row(figure.name, f"{figure.value:.4g} {figure.unit}".rstrip(), bar, verdict)
    return rendered
