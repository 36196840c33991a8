"""What the environment says about proxies and certificates, checked when a client is made.

httpx reads the same variables, but at the first call, and some spellings that administrators use
end in errors that name no variable.
"""

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.request import getproxies

import httpx

from .._errors import InvalidInput

_SCHEMES = ("http", "https", "all")


class Proxies:
    """Which proxy a host is reached through: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.

    Lower case goes before upper case. On Windows and macOS the system's settings count as well.

    Raises:
        InvalidInput: a variable names a proxy that httpx cannot use.
    """

    def __init__(self) -> None:
        # The standard library's, as requests and urllib use it: what administrators set is read
        # alike. It also ignores `HTTP_PROXY` in CGI programs, where a request could set it.
        given = getproxies()
        self._proxies = {
            scheme: _checked(scheme, given[scheme]) for scheme in _SCHEMES if given.get(scheme)
        }
        self._direct = [
            test for entry in given.get("no", "").split(",") if (test := _exception(entry))
        ]

    @property
    def are_any(self) -> bool:
        """Whether there is one for some host."""
        return bool(self._proxies)

    def __call__(self, scheme: str, host: str, port: int | None) -> httpx.Proxy | None:
        """The proxy for requests to a host; None for no proxy."""
        proxy = self._proxies.get(scheme) or self._proxies.get("all")
        if proxy is None:
            return None
        # An entry with a port means the port that is used, also where the URL leaves it out.
        port = port or (443 if scheme == "https" else 80)
        return None if any(test(host, port) for test in self._direct) else proxy


def check_certificates() -> None:
    """Checks that the certificates that `SSL_CERT_FILE` or `SSL_CERT_DIR` name are there.

    Raises:
        InvalidInput: they are not.
    """
    name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
    value = os.environ.get(name)  # httpx takes the first of the two
    if value and not any(Path(part).exists() for part in value.split(os.pathsep)):
        raise InvalidInput(
            f"the environment variable {name} is {value!r}, which is not there: correct or unset"
            " it, or give httpx_args={'trust_env': False}"
        )


def _checked(scheme: str, value: str) -> httpx.Proxy:
    name = f"{scheme.upper()}_PROXY"
    problem = "is not the URL of a proxy (http, https, socks5 or socks5h)"
    try:
        # curl and requests take `proxy:3128` without a scheme, so administrators write it.
        proxy = httpx.Proxy(value if "://" in value else f"http://{value}")
    except (ValueError, TypeError, httpx.InvalidURL):
        proxy = None
    if proxy is not None and proxy.url.host:
        if not proxy.url.scheme.startswith("socks") or find_spec("socksio"):
            return proxy
        problem = "is a SOCKS proxy, which takes another package: pip install 'httpx[socks]'"
    raise InvalidInput(  # the value is not quoted, since a password may stand in it
        f"the environment variable {name} (or {name.lower()}) {problem}; correct or unset it, or"
        " give httpx_args={'trust_env': False}"
    )


def _exception(entry: str) -> Callable[[str, int], bool] | None:
    """A test whether a host is meant by an entry of `NO_PROXY`; None for an empty one.

    Entries are names, with their subdomains; `.name` or `*.name` for the subdomains alone;
    addresses and networks; and `*`. Each may have a port, and a scheme in front that is ignored.
    """
    # Spellings from the wild: capitals, spaces, a scheme in front, a slash behind.
    entry = re.sub(r"^\w+://", "", entry.strip().lower()).strip("/ ")
    if not entry:
        return None
    if entry == "*":
        return lambda _host, _port: True
    name, wanted = entry, None
    if found := re.fullmatch(r"(\[[^\]]*\]|[^:]*):([0-9]+)", entry):
        name, wanted = found[1], int(found[2])
    try:
        # `strict=False`, since people write 10.1.2.3/8 for the network that it is in.
        network = ip_network(re.sub(r"[\[\]]", "", name), strict=False)
    except ValueError:
        suffix = "." + name.lstrip("*").lstrip(".")
        alone = name.startswith((".", "*."))

        def fits(host: str) -> bool:
            return f".{host}".endswith(suffix) and not (alone and f".{host}" == suffix)
    else:

        def fits(host: str) -> bool:
            try:
                return ip_address(host.strip("[]")) in network
            except ValueError:
                return False

    return lambda host, port: wanted in (None, port) and fits(host.lower())
