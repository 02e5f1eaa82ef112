"""A gateway that takes over the port of one that died, though connections of that one linger.

A connection that the server closed keeps its port for a minute (TIME_WAIT), and whoever binds it without leave to reuse it is
refused. Serve gives its proxies that leave, but not a replica that listens itself: it takes the port for somebody else's
and blocks it for good, and where it is the only one, no gateway ever comes back.
"""

from __future__ import annotations

import functools
from typing import Any


def install() -> None:
    """Let every replica of this process that listens itself reuse its port, as Serve's proxies do."""
    from ray.serve._private import replica

    names = vars(replica)
    start = names["start_asgi_http_server"]
    if hasattr(start, "__wrapped__"):
        return

    @functools.wraps(start)
    async def reusing(*args: Any, **options: Any) -> Any:
        return await start(*args, **(options | {"enable_so_reuseport": True}))

    names["start_asgi_http_server"] = reusing
