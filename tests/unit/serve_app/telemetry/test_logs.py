"""The log's lines are JSON, and hold what the record was given."""

from __future__ import annotations

import json
import logging
import sys
import traceback

import pytest

from serve_app.telemetry.logs import JsonLines


def test_a_line_is_one_json_object_with_what_was_given() -> None:
    record = logging.makeLogRecord({"name": "bot.x", "levelno": 20, "levelname": "INFO", "msg": "job", "kind": "style"})
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line) | {"time": ""} == {
        "time": "", "level": "info", "logger": "bot.x", "event": "job", "kind": "style"
    }  # fmt: skip


def test_a_traceback_reads_as_ever_where_print_is_not_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve puts its own in the place of a replica's."""
    monkeypatch.setattr("builtins.print", lambda *objects, **_: sys.stderr.write(str(objects)))
    try:
        raise ValueError("broken")
    except ValueError as error:
        wanted = "".join(traceback.format_exception(error)).rstrip()
        record = logging.makeLogRecord({"msg": "broke", "exc_info": sys.exc_info()})
    assert json.loads(JsonLines().format(record))["error"] == wanted


def test_an_error_stands_in_the_same_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.makeLogRecord({"msg": "broke", "exc_info": sys.exc_info()})
    line = JsonLines().format(record)
    assert "\n" not in line
    assert "two\nlines" in json.loads(line)["error"]
