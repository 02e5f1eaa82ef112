"""What can go wrong with a request, in the product's own words.

Every error a person may meet derives from :class:`MasqueradeError`. ``slug`` is the stable last part of the problem's
``type`` (RFC 9457) and the key under which the bot finds its translated sentence; ``status`` is the HTTP answer. The
message is written for the person who sent the request and never holds a path, a token or a traceback.

The errors cross process borders (Ray pickles them), so their state is the message and plain keyword ``details``.
"""

from __future__ import annotations

from typing import Any, ClassVar


class MasqueradeError(Exception):
    """Base of every error with a contract answer."""

    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.details)


def _rebuild(kind: type[MasqueradeError], message: str, details: dict[str, Any]) -> MasqueradeError:
    return kind(message, **details)


class TooLarge(MasqueradeError):
    """More bytes or pixels than accepted."""

    slug, title, status = "too-large", "Picture too large", 413


class NotAnImage(MasqueradeError):
    """The bytes are not a JPEG, PNG or WebP, whatever their name says."""

    slug, title, status = "not-an-image", "Not a picture we take", 415


class Undecodable(MasqueradeError):
    """A picture by its header, broken inside."""

    slug, title, status = "undecodable", "Picture cannot be read", 422


class InvalidField(MasqueradeError):
    """A field is missing, unknown or out of range."""

    slug, title, status = "invalid-field", "A field is not right", 422


class NoFace(MasqueradeError):
    """The capability needs a face and the picture has none."""

    slug, title, status = "no-face", "No face found", 422


class FaceUnsuitable(MasqueradeError):
    """There is a face, but the work cannot be done well or safely with it (pose, size, age)."""

    slug, title, status = "face-unsuitable", "This face cannot be used", 422


class UnknownStyle(MasqueradeError):
    slug, title, status = "unknown-style", "Unknown style", 404


class UnknownArtwork(MasqueradeError):
    slug, title, status = "unknown-artwork", "Unknown artwork", 404


class UnknownModel(MasqueradeError):
    slug, title, status = "unknown-model", "Unknown model or version", 404


class UnknownJob(MasqueradeError):
    slug, title, status = "unknown-job", "Unknown job", 404


class Expired(MasqueradeError):
    """What was kept for a while was removed, as was said it would be."""

    slug, title, status = "expired", "No longer here", 410


class Refused(MasqueradeError):
    """Moderation says no; ``details['rule']`` names the rule."""

    slug, title, status = "refused", "Refused by moderation", 451


class Busy(MasqueradeError):
    """Queues are full; ``details['retry_after']`` is in seconds."""

    slug, title, status = "busy", "Too many requests", 429


class Unavailable(MasqueradeError):
    """A dependency is down or still starting; ``details['retry_after']`` is in seconds."""

    slug, title, status = "unavailable", "Not available right now", 503
