"""A field that takes one value and comes twice is an error of the caller's: nobody can say which of the two was meant."""

from __future__ import annotations

from collections import Counter

from fastapi import Request

from deployments.errors import InvalidField

# Lists by the contract; every other field of ``/v1`` takes one value.
REPEATED = frozenset({"style", "mapping", "keep"})


async def no_field_twice(request: Request) -> None:
    """A dependency of every route that takes a form. Raises ``InvalidField``."""
    if request.method != "POST":
        return
    for name, count in Counter(name for name, _ in (await request.form()).multi_items()).items():
        if count > 1 and name not in REPEATED:
            raise InvalidField(f"{name}: sent {count} times; send it once.", field=name)
