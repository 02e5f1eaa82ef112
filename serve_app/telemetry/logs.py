"""Logs: JSON, one line per event, with the id of its request. They name jobs, never people, pictures or tokens."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 10 * 2**20
BACKUPS = 5

# The rooms of the product whose lines are wanted; everybody else's go where they went.
LOGGERS = ("bot", "serve_app", "deployments")

# What opens something for whoever has it is never written down whole. A client's traceback quotes the address it asked, and
# Telegram's has the bot's token in it; in an open studio, whoever knows a job's id may have its result.
_SECRETS = re.compile(r"((?<!\d)\d+:)[\w-]{20,}|((?:/v1/jobs/|\bjob )[0-9a-f]{8})[0-9a-f]{24}")
_SHOWN = r"\1\2…"

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object per record, with what was given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD and name[0] != "_"}
        if record.exc_info:
            # Not formatException: in a replica Serve has put its own in place of `print`, which that ends at.
            line["error"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return _SECRETS.sub(_SHOWN, json.dumps(line, ensure_ascii=False, default=str))


class _Plain(logging.Formatter):
    """A record as Python writes it, less what is secret."""

    def format(self, record: logging.LogRecord) -> str:
        return _SECRETS.sub(_SHOWN, super().format(record))


class PrivateFile(RotatingFileHandler):
    """A log for its owner's eyes, each of the files that it goes through."""

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, self.mode, encoding=self.encoding, opener=_private)  # type: ignore[return-value]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def configure(path: Path | None) -> None:
    """Write the product's lines to ``path``; without one, only the bot's warnings and worse, to standard error."""
    # Where Python writes what nobody has a handler for.
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Plain())
    if path is None:
        logging.getLogger("bot").setLevel(logging.WARNING)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _handle(PrivateFile(path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8"))


def to_stderr() -> None:
    """Write the product's lines to standard error, which Ray keeps in a file for every replica.

    The process's own: the ``sys.stderr`` of a replica leads into Serve's log, which is written a thousand lines at a time.
    """
    _handle(logging.StreamHandler(sys.__stderr__))


def _handle(handler: logging.Handler) -> None:
    handler.setFormatter(JsonLines())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
