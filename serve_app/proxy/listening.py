"""Lets a gateway listen on the port of one that died, while connections of the old one still linger there.

A connection that the server closed holds its port for a minute (TIME_WAIT), and binding the port without SO_REUSEADDR or
SO_REUSEPORT fails. Serve sets that for its proxies, but not for a replica that listens itself: it takes the port for
somebody else's and blocks it for good, and if it was the only one, no gateway ever comes back.
"""

from __future__ import annotations

import errno
import functools
import socket
from typing import Any


def is_taken(host: str, port: int) -> bool:
    """Whether somebody listens there; connections that linger do not count.

    Raises ``OSError`` where nobody could listen: an address of another machine's, a port for the administrator only.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return True
    return False


def install() -> None:
    """Let every replica of this process that listens itself reuse its port, unless it really is somebody else's."""
    from ray.serve._private import replica

    names = vars(replica)
    start = names["start_asgi_http_server"]
    if hasattr(start, "__wrapped__"):
        return

    @functools.wraps(start)
    async def reusing(app: Any, http_options: Any, **more: Any) -> Any:
        # Two that may both reuse a port may also both listen on it.
        reuse = not is_taken(http_options.host, http_options.port)
        return await start(app, http_options, **(more | {"enable_so_reuseport": reuse}))

    names["start_asgi_http_server"] = reusing
