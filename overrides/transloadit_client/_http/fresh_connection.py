"""Which answer belongs to which request. HTTP/1.1 pairs them by their order on a connection alone.

So an answer that comes twice is taken for that of the connection's next request. Where an answer
names the Assembly that was asked for, that is noticed; where the API chooses the id, only a
connection that nobody has used before is above suspicion.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
from httpcore import ConnectionNotAvailable


def on_a_new_connection(*, asynchronous: bool) -> Callable[[str, dict[str, Any]], Any]:
    """The extension `trace` of a request that is sent over HTTP/1.1 on a new connection alone.

    Before each step httpcore calls it. Making a connection has steps as well, so where the first
    step is to send, the connection has carried another request. It is closed then, and httpcore's
    pool, told that it is not available, goes on to another or makes one. Other transports know no
    `trace`, and HTTP/2 numbers its requests and answers: both send as ever.
    """
    made = False

    def trace(step: str, _: dict[str, Any]) -> None:
        nonlocal made
        if not step.startswith("http11."):
            made = True
        elif step == "http11.send_request_headers.started" and not made:
            raise ConnectionNotAvailable

    async def awaited(step: str, details: dict[str, Any]) -> None:
        trace(step, details)

    return awaited if asynchronous else trace


def abandon(response: httpx.Response) -> None:
    """Makes unusable the HTTP/1.1 connection that an answer came over; its pool will notice."""
    if "abandon" in response.extensions:  # our own connections know how
        response.extensions["abandon"]()
        return
    stream = response.extensions.get("network_stream")
    connection = stream and stream.get_extra_info("socket")
    if connection is None or not response.http_version.startswith("HTTP/1"):
        return
    # Through a copy, since an `SSLSocket` that is shut down forgets to encrypt, and another thread
    # may already be sending on it.
    with (
        suppress(OSError),  # closed meanwhile
        socket.fromfd(connection.fileno(), connection.family, connection.type) as same,
    ):
        same.shutdown(socket.SHUT_RDWR)
