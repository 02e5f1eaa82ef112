"""What the sender got wrong is a line in a replica's log; what the studio got wrong keeps its traceback."""

from __future__ import annotations

import logging

import pytest
from ray.serve._private.constants import SERVE_LOGGER_NAME

from deployments.errors import NoFace, Unavailable
from deployments.serving.refusals import SERVE_LOGGER, Refusals, log_refusals_in_a_line


@pytest.fixture
def serve_log(caplog: pytest.LogCaptureFixture) -> logging.Logger:
    logger = logging.getLogger("of a replica")
    logger.addFilter(Refusals())
    caplog.set_level(logging.INFO)
    return logger


def fail(logger: logging.Logger, error: Exception) -> None:
    """As Serve does around every request."""
    try:
        raise error
    except Exception:
        logger.exception("Request failed.")


def test_a_refusal_is_one_line_without_what_the_sender_wrote(
    serve_log: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    fail(serve_log, NoFace("No face was found in the photo."))
    (record,) = caplog.records
    assert (record.levelname, record.getMessage(), record.exc_info) == ("INFO", "Request refused: no-face", None)


@pytest.mark.parametrize("fault", [ValueError("weights"), Unavailable("The model is gone.", retry_after=5)])
def test_a_fault_keeps_its_traceback(
    serve_log: logging.Logger, caplog: pytest.LogCaptureFixture, fault: Exception
) -> None:
    fail(serve_log, fault)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "Request failed.")
    assert record.exc_info


def test_it_is_serves_own_logger_that_is_told_once() -> None:
    assert SERVE_LOGGER == SERVE_LOGGER_NAME
    logger = logging.getLogger(SERVE_LOGGER)
    before = list(logger.filters)
    try:
        log_refusals_in_a_line()
        log_refusals_in_a_line()
        assert sum(isinstance(known, Refusals) for known in logger.filters) == 1
    finally:
        logger.filters[:] = before
