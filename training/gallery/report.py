"""What became of every picture: for programs as JSON, for people as a page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from registry.manifest import Strict
from training.evaluation.page import html
from training.evaluation.report import Document, Table, Text
from training.files import write_whole
from training.gallery.curation import Reason

REPORT: Final = "report.json"
PAGE: Final = "report.html"

_MEANINGS: Final[dict[Reason, str]] = {
    "unreadable": "not a picture that can be read",
    "no-face": "no face in it",
    "several-faces": "several faces of similar size",
    "small": "the face is too small",
    "tilted": "the head is tilted",
    "profile": "the face looks away",
    "blurred": "the face is blurred",
    "duplicate": "a copy of another picture of the same person",
    "two-people": "the same picture under two people",
}


class LeftOut(Strict):
    """A picture that is not in the gallery."""

    person: str
    picture: str
    reason: Reason
    detail: str


class Report(Strict):
    """A build in numbers.

    ``gallery`` is the reference of the version built, None when nothing could be. ``people`` and ``pictures`` are what
    the gallery holds; ``added`` is how many of its pictures are new; ``without_picture`` names the people of whom none
    could be used. ``index``, ``recall`` and ``milliseconds`` are what was measured of the index.
    """

    gallery: str | None
    embedder: str
    space: str
    people: int
    pictures: int
    added: int
    left_out: tuple[LeftOut, ...] = ()
    without_picture: tuple[str, ...] = ()
    index: str | None = None
    recall: float | None = None
    milliseconds: float | None = None

    def counts(self) -> list[tuple[Reason, str, int]]:
        """Every reason that occurs, in words, with how often, most frequent first."""
        found = Counter(entry.reason for entry in self.left_out)
        return [(reason, _MEANINGS[reason], count) for reason, count in found.most_common()]


def read_report(path: Path) -> Report:
    """Raises ``ValueError`` when the file is not a report, ``OSError`` when it cannot be opened."""
    try:
        return Report.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path} is not a gallery report: {error}") from error


def write_report(report: Report, folder: Path) -> Path:
    """Write ``report.json`` and ``report.html`` into ``folder``; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / REPORT, report.model_dump_json(indent=1).encode())
    write_whole(folder / PAGE, html(_document(report)).encode())
    return folder / PAGE


def _document(report: Report) -> Document:
    """The report as people read it."""
    summary = (
        f"{report.people:,} people, {report.pictures:,} pictures ({report.added:,} new), seen by {report.embedder}."
    )
    if report.index is not None:
        measured = f"{report.recall or 0:.1%} of the nearest ten found, {report.milliseconds or 0:.2f} ms a search"
        summary += f" Index: {report.index}, {measured}."
    sections: list[Table | Text] = []
    if report.left_out:
        counts = tuple((meaning, count) for _, meaning, count in report.counts())
        title = f"{len(report.left_out):,} pictures left out"
        sections.append(Table(title=title, columns=("Why", "Pictures"), rows=counts))
    if report.without_picture:
        title = f"{len(report.without_picture):,} people of whom no picture could be used"
        sections.append(Text(title=title, text=", ".join(report.without_picture)))
    if report.left_out:
        rows = tuple((entry.person, entry.picture, entry.detail) for entry in report.left_out)
        columns = ("Person", "Picture", "Why it was left out")
        sections.append(Table(title="Picture by picture", columns=columns, rows=rows))
    title = report.gallery or "No gallery was built"
    return Document(title=title, summary=summary, figures=(), sections=tuple(sections))
