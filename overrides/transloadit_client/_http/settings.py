"""Settings for httpx, checked where they are given: httpx would complain at the first call.

No value is quoted in an error: headers, cookies and proxies are where secrets stand.
"""

import math
import os
import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from inspect import signature
from typing import Any

import httpx

from .._errors import InvalidInput

Timeout = float | httpx.Timeout | None
"""Seconds for each step of a request (connect, write, read), or an `httpx.Timeout`."""

_NOWHERE = httpx.MockTransport(lambda _: httpx.Response(500))
_GONE = {"app", "proxies"}  # with httpx 0.28; 0.27 would take requests past our transport for them
_LONGEST = 365 * 24 * 3600.0  # sockets do not take an infinite number of seconds


def checked_args(given: object) -> dict[str, Any]:
    """`httpx_args`, with the proxy and the timeout as objects of httpx.

    Raises:
        InvalidInput: it is no mapping, or httpx does not know an argument, or cannot use it.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput(f"httpx_args is a {type(given).__name__}; it takes a mapping")
    args = dict(given)
    unknown = args.keys() - (signature(httpx.Client).parameters.keys() - _GONE)
    if unknown:
        names = ", ".join(sorted(map(repr, unknown)))
        raise InvalidInput(f"httpx_args has {names}, which httpx.Client does not take")
    if args.get("http2") and not find_spec("h2"):
        raise InvalidInput("http2 needs another package: pip install 'httpx[http2]'")
    for name, value in args.items():
        if not _is_usable(name, value):
            raise InvalidInput(
                f"httpx_args[{name!r}] is a {type(value).__name__} that httpx refuses"
            )
    if args.get("proxy") is not None:
        args["proxy"] = proxy_of(args["proxy"], "httpx_args['proxy']")
    if args.get("timeout") is not None:
        steps = args["timeout"]  # httpx takes four of them as well
        args["timeout"] = timeout_of(httpx.Timeout(steps) if isinstance(steps, tuple) else steps)
    return args


def proxy_of(given: object, name: str, advice: str = "") -> httpx.Proxy:
    """A proxy, given by its URL or as httpx has it.

    Args:
        given: the proxy.
        name: what it is called, for errors.
        advice: what to do, for errors.

    Raises:
        InvalidInput: httpx cannot use it.
    """
    problem = "is not the URL of a proxy (http, https, socks5 or socks5h)"
    with suppress(ValueError, TypeError, httpx.InvalidURL):
        url: Any = f"http://{given}" if isinstance(given, str) and "://" not in given else given
        proxy = given if isinstance(given, httpx.Proxy) else httpx.Proxy(url)
        if _is_reachable(proxy.url):
            if not proxy.url.scheme.startswith("socks") or find_spec("socksio"):
                return proxy
            problem = "is a SOCKS proxy, which needs another package: pip install 'httpx[socks]'"
    raise InvalidInput(f"{name} {problem}{advice}")  # not quoted: a password may stand in it


def timeout_of(timeout: object) -> httpx.Timeout | None:
    """Checks a `Timeout`; None says nothing.

    Raises:
        InvalidInput: it is neither; httpx itself would take anything and fail later.
    """
    if timeout is None:
        return None
    if isinstance(timeout, httpx.Timeout):
        for step, seconds in timeout.as_dict().items():  # sockets take none of these
            if seconds is not None and not 0 < seconds < math.inf:
                raise InvalidInput(f"timeout.{step} is {seconds!r}; it takes seconds, or None")
        return timeout
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        return httpx.Timeout(min(timeout, _LONGEST), pool=None)
    raise InvalidInput(f"timeout is {timeout!r}; it takes seconds above 0, or an httpx.Timeout")


def shortened(timeout: httpx.Timeout, seconds: float) -> httpx.Timeout:
    """A timeout whose parts are at most so many seconds."""
    parts = timeout.as_dict()
    return httpx.Timeout(
        **{name: seconds if part is None else min(part, seconds) for name, part in parts.items()}
    )


def checked_verify(verify: object) -> str | bool | ssl.SSLContext:
    """How servers are verified: True, False, a context, or a path of CA certificates.

    Raises:
        InvalidInput: it is none of these.
    """
    if isinstance(verify, bool | ssl.SSLContext):
        return verify
    if isinstance(verify, str | os.PathLike):
        return os.fsdecode(verify)
    raise InvalidInput(
        f"verify_ssl is a {type(verify).__name__}; it takes True, False, a path or an SSLContext"
    )


def can_be_sent(headers: Any, cookies: Any) -> bool:
    """Whether httpx can put these into a request; it looks at them when it builds one."""
    try:
        request = httpx.Request("GET", "http://localhost", headers=headers, cookies=cookies)
        request.headers.get("Cookie", "").encode("ascii")
    except (AttributeError, TypeError, ValueError):
        return False
    return True


def _is_reachable(url: httpx.URL) -> bool:
    """Whether a URL has a host that a resolver can be asked for, and a port that there is."""
    host = url.host.encode("idna")  # raises a UnicodeError for labels that are empty or too long
    odd = re.search(rb"[\s%]", host) and b":" not in host  # `a b` became `a%20b`
    return bool(host) and not odd and (url.port is None or 0 < url.port < 65536)


def _is_usable(name: str, value: object) -> bool:
    check = _CHECKS.get(name)
    if check is not None or name in _LATER:
        return check is None or check(value)
    given: Any = {name: value}
    try:
        httpx.Client(transport=_NOWHERE, **given)  # without one it would load certificates
    except (AttributeError, TypeError, ValueError, httpx.InvalidURL):
        return False
    return True


def _sends(transport: object) -> bool:
    ways = ("handle_request", "handle_async_request")
    return transport is None or any(callable(getattr(transport, way, None)) for way in ways)


# httpx takes anything for these, and fails at the first call.
_CHECKS: dict[str, Callable[[Any], bool]] = {
    "cookies": lambda value: can_be_sent(None, value),
    "limits": lambda value: value is None or isinstance(value, httpx.Limits),
    "max_redirects": lambda value: isinstance(value, int),
    "transport": _sends,
}
# What they mean is looked at where it is used.
_LATER = {"cert", "http1", "http2", "proxy", "timeout", "trust_env", "verify"}
