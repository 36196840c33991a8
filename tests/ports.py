"""Ports that a test names itself."""

import random
import socket
from contextlib import suppress


def free_port() -> int:
    """A port on this machine that nobody listens on, and that nobody is given by chance.

    Who binds to port 0 gets one from 32768 on (Linux) or from 49152 on. Such a port, once closed,
    may belong to another test a millisecond later. One below stays free.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
