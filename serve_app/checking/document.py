"""A YAML file together with the line every key stands on, so that what is wrong can be pointed at."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from serve_app.wording import Place

MOST_PLACES = 100_000
"""Of one file; of ours the longest has under two thousand."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that would fail, or be silently ignored, once deployed. ``line`` counts from 1."""

    file: str
    line: int
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class Unreadable(Exception):
    """The file is not a YAML mapping; ``problem`` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """``content`` with the line of every place in it. ``repeated`` are keys that stand twice in one table."""

    file: str
    content: dict[str, Any]
    lines: dict[Place, int]
    repeated: list[Place] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Document:
        """Raises :class:`Unreadable` for a file that is missing, broken or not a mapping."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise Unreadable(Problem(str(path), 1, f"cannot be read: {reason}", "Check the path.")) from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, file: str, first_line: int = 1) -> Document:
        """``text`` begins on ``first_line`` of ``file``. Raises :class:`Unreadable`."""
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            document = cls(file, {}, {})
            if node is not None:
                document._note(node, (), first_line)
            # Only now that it is known to be no bomb: what merges tables lists them out.
            content = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = first_line + (mark.line if mark is not None else 0)
            said = getattr(error, "problem", None) or str(error).splitlines()[0]
            raise Unreadable(Problem(file, line, f"not YAML: {said}", "Check indentation and quotes.")) from error
        if not isinstance(content, dict):
            raise Unreadable(Problem(file, first_line, "not a table of keys", "Start from `masquerade render`."))
        return replace(document, content=content)

    def line(self, place: Place) -> int:
        """The line of a place, or of what encloses it most closely."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def problem(self, place: Place, text: str, remedy: str) -> Problem:
        return Problem(self.file, self.line(place), text, remedy)

    def _note(self, node: yaml.Node, place: Place, first_line: int) -> None:
        """Raises ``ValueError`` for a bomb: a few lines whose aliases stand for more places than anybody could look at."""
        if len(self.lines) > MOST_PLACES:
            raise ValueError(f"its aliases stand for over {MOST_PLACES} values")
        self.lines.setdefault(place, first_line + node.start_mark.line)
        if isinstance(node, yaml.MappingNode):
            # A key that is no word is refused when the text is loaded.
            for key, value in (pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode)):
                inner = (*place, key.value)
                if inner in self.lines:
                    self.repeated.append(inner)
                self.lines[inner] = first_line + key.start_mark.line
                self._note(value, inner, first_line)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._note(item, (*place, index), first_line)


def tables(parent: object, key: str) -> list[dict[str, Any]]:
    """The tables in the list that ``parent`` has under ``key``; what is of another kind there, the schema tells of."""
    found = parent.get(key) if isinstance(parent, dict) else None
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def reversed_range(
    document: Document, place: Place, table: dict[str, Any], ends: tuple[str, str], owner: object = None
) -> Iterator[Problem]:
    """A problem where the first of two numbers in the table at ``place``, ``ends``, is over the second."""
    (least, most), (low, high) = ends, (table.get(end) for end in ends)
    if isinstance(low, int) and isinstance(high, int) and low > high:
        text = f"{least} {low} is over {most} {high}"
        remedy = f"Lower {least} to {high} or raise {most}."
        yield document.problem((*place, least), text if owner is None else f"{owner}: {text}", remedy)


def repetitions(document: Document) -> Iterator[Problem]:
    """YAML takes the last of two equal keys without a word."""
    for place in document.repeated:
        yield document.problem(place, f"{place[-1]} stands twice in one table; the last would win", "Remove one.")


def nearest(word: object, known: Iterable[object]) -> str:
    """A remedy for a word that is not known; what stands in a file may be no word at all."""
    words = sorted(map(str, known))
    close = difflib.get_close_matches(str(word), words, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(words)}."
