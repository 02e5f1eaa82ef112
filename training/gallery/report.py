"""What became of every picture: for programs as JSON, for people as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

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

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #221d26; --paper: #faf7f2; --line: #ddd5ca; --soft: #6f6678; }
@media (prefers-color-scheme: dark) { :root { --ink: #f1ebe2; --paper: #17141a; --line: #3a3440; --soft: #a89fb0; } }
body { margin: 0 auto; max-width: 1100px; padding: 2.5rem 1.5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 ui-sans-serif, system-ui, sans-serif; }
h1 { font: 2rem/1.2 ui-serif, Georgia, serif; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .2rem 0; color: var(--soft); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td, th { text-align: left; vertical-align: top; padding: .35rem .8rem .35rem 0; border-bottom: 1px solid var(--line); }
td.number { text-align: right; font-variant-numeric: tabular-nums; width: 4rem; }
td.path { font-family: ui-monospace, monospace; font-size: .82rem; overflow-wrap: anywhere; }
"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LeftOut(_Strict):
    """A picture that is not in the gallery."""

    person: str
    picture: str
    reason: Reason
    detail: str


class Report(_Strict):
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
    (folder / REPORT).write_text(report.model_dump_json(indent=1), encoding="utf-8")
    page = folder / PAGE
    page.write_text(html(report), encoding="utf-8")
    return page


def html(report: Report) -> str:
    """The report as one page without outside resources."""
    title = escape(report.gallery or "No gallery was built")
    body = "".join(_body(report))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>"
    )


def _body(report: Report) -> Iterator[str]:
    facts = f"{report.people:,} people, {report.pictures:,} pictures ({report.added:,} new), seen by {report.embedder}."
    yield f"<p>{escape(facts)}</p>"
    if report.index is not None:
        measured = f"{report.recall or 0:.1%} of the nearest ten found, {report.milliseconds or 0:.2f} ms a search"
        yield f"<p>Index: {escape(report.index)}, {measured}.</p>"
    if report.left_out:
        yield f"<h2>{len(report.left_out):,} pictures left out</h2>"
        rows = ((str(count), meaning) for _, meaning, count in report.counts())
        yield _table((), ((("number", count), ("", meaning)) for count, meaning in rows))
    if report.without_picture:
        yield f"<h2>{len(report.without_picture):,} people of whom no picture could be used</h2>"
        yield f"<p>{escape(', '.join(report.without_picture))}</p>"
    if report.left_out:
        yield "<h2>Picture by picture</h2>"
        yield _table(
            ("Person", "Picture", "Why it was left out"),
            ((("", entry.person), ("path", entry.picture), ("", entry.detail)) for entry in report.left_out),
        )


def _table(head: Sequence[str], rows: Iterator[tuple[tuple[str, str], ...]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f'<td class="{kind}">{escape(cell)}</td>' for kind, cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{top}</tr>{body}</table>"
