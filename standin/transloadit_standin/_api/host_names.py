"""Which `Host` a request may name.

A page on the internet can let its own name point to 127.0.0.1 once it is loaded (DNS rebinding).
The browser then takes the stand-in for that page's origin, and lets the page read everything here.
The name gives it away: a page cannot send another `Host` than its own.
"""

from __future__ import annotations

import ipaddress
import socket
from functools import cache, lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=1000)  # all requests of a client name the same one
def is_own(host: str | None, allowed: frozenset[str]) -> bool:
    """Whether a `Host` header is this machine's; one that is missing comes from no browser."""
    if host is None:
        return True
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return (
        name in ("localhost", *_machine(), *allowed)
        or name.endswith(".localhost")
        or _is_address(name)
    )


def _is_address(name: str) -> bool:
    """An address is always itself: no page can point it elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


@cache
def _machine() -> tuple[str, ...]:
    name = socket.gethostname().lower()
    return name, f"{name.partition('.')[0]}.local"
