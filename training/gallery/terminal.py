"""What ``masquerade gallery`` shows on a terminal: summaries and progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import TaskID
from rich.table import Table

from training.gallery.progress import Progress
from training.gallery.report import Report
from training.terminal import bars, output

_MOST_NAMES = 10


def show(report: Report) -> None:
    """A build in a few lines."""
    output.print(
        f"{report.people:,} people, {report.pictures:,} pictures ({report.added:,} new), seen by {report.embedder}"
    )
    if report.index is not None:
        output.print(f"{report.index} index: recall {report.recall:.3f}, {report.milliseconds:.2f} ms a search")
    if report.left_out:
        table = Table("left out", "pictures", box=None)
        for _, meaning, count in report.counts():
            table.add_row(meaning, f"{count:,}")
        output.print(table)
    if report.without_picture:
        names = ", ".join(report.without_picture[:_MOST_NAMES])
        others = len(report.without_picture) - _MOST_NAMES
        more = f" and {others:,} more" if others > 0 else ""
        output.print(escape(f"No picture could be used of {names}{more}."), highlight=False)


@contextmanager
def labelled_bars() -> Iterator[Progress]:
    """Yields what shows progress: one bar for each label."""
    with bars() as shown:
        tasks: dict[str, TaskID] = {}

        def progress(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = shown.add_task(label, total=total)
            shown.update(tasks[label], completed=done, total=total)

        yield progress
