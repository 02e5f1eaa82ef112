"""What a replica's log says of requests that ended in one of the product's own errors."""

from __future__ import annotations

import logging

from deployments.errors import MasqueradeError

SERVE_LOGGER = "ray.serve"


class Refusals(logging.Filter):
    """Makes one line of what Serve logs, as an error with its traceback, of a request that was refused.

    A photo without a face or a full queue is no fault of the studio's; among their tracebacks nobody would find one.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, MasqueradeError) and error.status < 500:
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
            record.msg, record.args = "Request refused: %s", (error.slug,)
            record.exc_info = record.exc_text = None
        return True


def log_refusals_in_a_line() -> None:
    """Let Serve's logger of this process pass :class:`Refusals`; a second time does nothing."""
    logger = logging.getLogger(SERVE_LOGGER)
    if not any(isinstance(known, Refusals) for known in logger.filters):
        logger.addFilter(Refusals())
