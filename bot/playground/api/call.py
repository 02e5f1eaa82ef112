"""One call of a Bot API method: its arguments as text, as the real server sees them, and its uploads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.playground.telegram.errors import bad_request

_ATTACHED = "attach://"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with the request."""

    data: bytes
    name: str | None = None
    mime: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A method by its lower-case name. Unknown arguments are ignored, as by the real server."""

    method: str
    args: Mapping[str, str]
    files: Mapping[str, Upload]

    def text(self, name: str) -> str:
        return self.args.get(name, "")

    def required(self, name: str) -> str:
        value = self.args.get(name, "")
        if not value:
            raise bad_request(f'Parameter "{name}" is required')
        return value

    def integer(self, name: str, default: int = 0, lowest: int = -(2**31), highest: int = 2**31 - 1) -> int:
        """A number, moved into its range; what is no number counts as 0, as the real server has it."""
        value = self.args.get(name, "").strip()
        number = default if not value else as_number(value)
        return min(max(number, lowest), highest)

    def flag(self, name: str) -> bool:
        return self.args.get(name, "").strip().lower() in {"true", "yes", "1"}

    def user_id(self) -> int:
        number = as_number(self.args.get("user_id", ""))
        if number <= 0:
            raise bad_request("Invalid user_id specified")
        return number

    def json(self, name: str, what: str) -> Any:
        """A JSON argument, or None where it is absent; ``what`` names it in the refusal."""
        value = self.args.get(name, "")
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad_request(f"Can't parse {what} JSON object") from error

    def file(self, name: str, value: str | None = None) -> Upload | str | None:
        """The upload an argument refers to, else its text (a file identifier or an address), else None."""
        given = self.args.get(name, "") if value is None else value
        if given.startswith(_ATTACHED):
            return self.files.get(given.removeprefix(_ATTACHED))
        return given or self.files.get(name)


def as_number(value: Any) -> int:
    """A number given as one or as text; 0 for anything else, as the real server has it."""
    try:
        return int(value) if isinstance(value, int | str) else 0
    except ValueError:
        return 0
