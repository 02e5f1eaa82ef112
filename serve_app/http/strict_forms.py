"""What pydantic does not see of a form: a field that takes one value and comes twice, and one that stands in the address.

Both are errors of the caller's. Nobody can say which of two values was meant, and what stands in the address is no field.
"""

from __future__ import annotations

from collections import Counter

from fastapi import Request

from deployments.errors import InvalidField

# Lists by the contract; every other field of ``/v1`` takes one value.
REPEATED = frozenset({"style", "mapping", "keep"})


async def fields_in_their_place(request: Request) -> None:
    """A dependency of every route; those that are posted to take their fields from the body. Raises ``InvalidField``."""
    if request.method != "POST":
        return
    for name in request.query_params:
        raise InvalidField(f"{name[:40]}: send it in the body, not in the address.", field=name[:40])
    for name, count in Counter(name for name, _ in (await request.form()).multi_items()).items():
        if count > 1 and name not in REPEATED:
            raise InvalidField(f"{name}: sent {count} times; send it once.", field=name)
