"""What an evaluation found: figures with their bars, tables, plots and pictures, as JSON and as one page.

    report = Report("Authenticity", "How well photographs and generated pictures are told apart.")
    report.figure("balanced accuracy", 0.81, interval=(0.74, 0.87), at_least=0.62)
    report.table("By source", ("Source", "Pictures", "Right"), rows)
    report.plot("ROC", "false positives", "true positives", [Series("this model", x, y)])
    report.pictures("Photographs called machine-made", [(pixels, "0.91")])
    report.write(Path("reports/authenticity"))

``report.json`` is for programs (model cards, the gate that publishing passes through) and holds everything but the
pictures; ``report.html`` is for people and needs no other file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError

from deployments.imaging import Pixels
from registry.manifest import Strict
from training.evaluation.statistics import wilson
from training.files import write_whole

DOCUMENT: Final = "report.json"
PAGE: Final = "report.html"

Cell = str | int | float | None
Interval = tuple[float, float]


def _number(value: object) -> object:
    """JSON has no word for what is not a number: the document says null."""
    return math.nan if value is None else value


class Figure(Strict):
    """One number. ``at_least`` and ``at_most`` are its bars; ``interval`` is the range it lies in with 95 % confidence."""

    name: str
    value: Annotated[float, BeforeValidator(_number)]
    unit: str = ""
    interval: Interval | None = None
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def barred(self) -> bool:
        """Whether there is a bar to meet."""
        return self.at_least is not None or self.at_most is not None

    @property
    def met(self) -> bool:
        """Whether the value keeps to its bars. What is not a number keeps to none; without bars everything does."""
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)


class Text(Strict):
    """A paragraph under a heading."""

    kind: Literal["text"] = "text"
    title: str
    text: str


class Table(Strict):
    """Rows of as many cells as there are columns. None is shown as a dash."""

    kind: Literal["table"] = "table"
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


class Series(Strict):
    """Points of a plot. ``low`` and ``high`` are the ends of their error bars."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    shape: Literal["line", "points", "bars"] = "line"
    muted: bool = False


class Plot(Strict):
    """Series over common axes. Limits left out fit the data; ``bands`` shade ranges of x under a label."""

    kind: Literal["plot"] = "plot"
    title: str
    x: str
    y: str
    series: tuple[Series, ...]
    x_limits: Interval | None = None
    y_limits: Interval | None = None
    bands: tuple[tuple[float, float, str], ...] = ()
    note: str = ""


class Gallery(Strict):
    """A row of pictures. The document keeps the captions only."""

    kind: Literal["pictures"] = "pictures"
    title: str
    captions: tuple[str, ...]
    note: str = ""


Section = Annotated[Text | Table | Plot | Gallery, Field(discriminator="kind")]


class Document(Strict):
    """What ``report.json`` holds."""

    title: str
    summary: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]

    @property
    def under_bars(self) -> tuple[Figure, ...]:
        """The figures that miss a bar; empty for a version fit to be published."""
        return tuple(figure for figure in self.figures if not figure.met)


class Report:
    """Collects an evaluation's findings in the order they are to be read."""

    def __init__(self, title: str, summary: str) -> None:
        self._title, self._summary = title, summary
        self._figures: list[Figure] = []
        self._sections: list[Section] = []
        self._pictures: dict[int, Sequence[Pixels]] = {}

    @property
    def document(self) -> Document:
        """The report so far."""
        return Document(
            title=self._title, summary=self._summary, figures=tuple(self._figures), sections=tuple(self._sections)
        )

    def figure(
        self,
        name: str,
        value: float,
        *,
        unit: str = "",
        interval: Interval | None = None,
        at_least: float | None = None,
        at_most: float | None = None,
        note: str = "",
    ) -> None:
        """Add a number to the table at the top. Raises ``ValueError`` for a name used before."""
        if any(figure.name == name for figure in self._figures):
            raise ValueError(f"the report already has a figure {name!r}")
        self._figures.append(
            Figure(name=name, value=value, unit=unit, interval=interval, at_least=at_least, at_most=at_most, note=note)
        )

    def share(
        self,
        name: str,
        hits: int,
        total: int,
        *,
        unit: str = "",
        at_least: float | None = None,
        at_most: float | None = None,
        note: str = "",
    ) -> None:
        """Add ``hits`` of ``total`` as a share of one, with its 95 % Wilson interval."""
        interval = wilson(hits, total)
        self.figure(name, hits / total, unit=unit, interval=interval, at_least=at_least, at_most=at_most, note=note)

    def text(self, title: str, text: str) -> None:
        """Add a paragraph."""
        self._sections.append(Text(title=title, text=text))

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], note: str = "") -> None:
        """Add a table. Raises ``ValueError`` for a row of another length than ``columns``."""
        if any(len(row) != len(columns) for row in rows):
            raise ValueError(f"a row of {title!r} has not {len(columns)} cells")
        self._sections.append(
            Table(title=title, columns=tuple(columns), rows=tuple(tuple(row) for row in rows), note=note)
        )

    def plot(
        self,
        title: str,
        x: str,
        y: str,
        series: Sequence[Series],
        *,
        x_limits: Interval | None = None,
        y_limits: Interval | None = None,
        bands: Sequence[tuple[float, float, str]] = (),
        note: str = "",
    ) -> None:
        """Add a plot; ``x`` and ``y`` are the axes' labels."""
        self._sections.append(
            Plot(
                title=title,
                x=x,
                y=y,
                series=tuple(series),
                x_limits=x_limits,
                y_limits=y_limits,
                bands=tuple(bands),
                note=note,
            )
        )

    def pictures(self, title: str, pictures: Sequence[tuple[Pixels, str]], note: str = "") -> None:
        """Add a row of pictures ([H,W,3] RGB) with captions. They are scaled down to thumbnails on the page."""
        self._pictures[len(self._sections)] = [pixels for pixels, _ in pictures]
        self._sections.append(Gallery(title=title, captions=tuple(caption for _, caption in pictures), note=note))

    def write(self, folder: Path) -> Path:
        """Write both files into ``folder``, each in one move; returns the page's path. Raises ``OSError``."""
        # The page is made of the classes above.
        from training.evaluation.page import html

        folder.mkdir(parents=True, exist_ok=True)
        document = self.document
        write_whole(folder / DOCUMENT, f"{document.model_dump_json(indent=1)}\n".encode())
        write_whole(folder / PAGE, html(document, self._pictures).encode())
        return folder / PAGE


def read_report(path: Path) -> Document:
    """The document at ``path``, or of the folder ``path``.

    Raises ``OSError`` when it cannot be opened and ``ValueError`` when it is not a report.
    """
    file = path / DOCUMENT if path.is_dir() else path
    try:
        return Document.model_validate_json(file.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{file} is not an evaluation report") from error
