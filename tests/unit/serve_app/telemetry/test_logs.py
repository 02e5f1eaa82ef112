"""The log's lines are JSON, and hold what the record was given."""

from __future__ import annotations

import io
import json
import logging
import sys
import traceback
from pathlib import Path

import pytest

from serve_app.telemetry.logs import MAX_BYTES, JsonLines, configure


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


def test_a_token_is_never_written_down_whoever_quotes_it() -> None:
    token = "1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_"
    try:
        raise OSError(f"404, url='https://api.telegram.org/file/bot{token}/photos/file_1.jpg'")
    except OSError:
        record = logging.makeLogRecord({"msg": f"token={token}", "exc_info": sys.exc_info(), "url": f"/bot{token}/x"})
    line = JsonLines().format(record)
    assert token.partition(":")[2] not in line
    assert json.loads(line)["event"] == "token=1234567890:…"


@pytest.mark.parametrize("said", ["GET /v1/jobs/{}/result", "job {} waits"])
def test_a_job_is_named_so_that_it_is_known_and_cannot_be_asked_for(said: str) -> None:
    job = "0123456789abcdef" * 2
    told = json.loads(JsonLines().format(logging.makeLogRecord({"msg": said.format(job)})))["event"]
    assert told == said.format("01234567…")


@pytest.fixture
def loggers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loggers that other tests do not write to."""
    monkeypatch.setattr("serve_app.telemetry.logs.LOGGERS", ("test_logs.private",))


@pytest.mark.usefixtures("loggers")
def test_nor_is_it_on_standard_error_where_there_is_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setattr(logging, "lastResort", last := logging.StreamHandler(said))
    configure(None)
    last.handle(logging.makeLogRecord({"msg": "GET /bot1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_/getMe failed"}))
    assert said.getvalue() == "GET /bot1234567890:…/getMe failed\n"


@pytest.mark.usefixtures("loggers")
def test_a_log_is_its_owners_to_read_and_so_are_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    configure(path)
    logger = logging.getLogger("test_logs.private")
    (handler,) = logger.handlers
    try:
        for _ in range(2):
            logger.info("x" * (MAX_BYTES * 2 // 3))
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert {log.name: log.stat().st_mode & 0o777 for log in tmp_path.iterdir()} == {
        "bot.log": 0o600, "bot.log.1": 0o600
    }  # fmt: skip
