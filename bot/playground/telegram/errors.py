"""Refusals as the Bot API words them."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request the Bot API answers with ``ok: false``."""

    def __init__(self, code: int, description: str, parameters: dict[str, Any] | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def json(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            answer["parameters"] = self.parameters
        return answer


def bad_request(message: str) -> ApiError:
    """400. Sentences start in lower case after the prefix; codes such as ``BUTTON_DATA_INVALID`` stay as they are."""
    second = message[1:2]
    if not (second == "_" or (second.isascii() and second.isupper())):
        message = message[:1].lower() + message[1:]
    return ApiError(400, f"Bad Request: {message}")


def forbidden(message: str) -> ApiError:
    return ApiError(403, f"Forbidden: {message}")


def conflict(message: str) -> ApiError:
    return ApiError(409, f"Conflict: {message}")


def too_many_requests(retry_after: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {retry_after}", {"retry_after": retry_after})


def query_too_old() -> ApiError:
    return bad_request("query is too old and response timeout expired or query ID is invalid")
