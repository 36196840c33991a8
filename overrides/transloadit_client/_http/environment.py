"""What the environment says about proxies and certificates, checked when a client is made.

httpx reads the same variables, but at the first call, and some spellings that administrators use
end in errors that name no variable.
"""

import os
import re
import ssl
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.request import getproxies

import httpx

from .._errors import InvalidInput
from .settings import proxy_of

_SCHEMES = ("http", "https", "all")
_CERTIFICATE = re.compile(rb"-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----")
_ADVICE = "correct or unset it, or give httpx_args={'trust_env': False}"


class Proxies:
    """Which proxy a host is reached through: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`.

    Lower case goes before upper case. On Windows and macOS the system's settings count as well.

    Raises:
        InvalidInput: a variable names a proxy that httpx cannot use.
    """

    def __init__(self) -> None:
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
        port = port or (443 if scheme == "https" else 80)
        return None if any(test(host, port) for test in self._direct) else proxy


def check_certificates() -> None:
    """Checks `SSL_CERT_FILE` or `SSL_CERT_DIR`, and `SSLKEYLOGFILE`, which each TLS context reads.

    Raises:
        InvalidInput: one of them names nothing that can be used.
    """
    first = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"  # as httpx does
    for name in (first, "SSLKEYLOGFILE"):
        value = os.environ.get(name, "")
        try:
            if value and name == "SSL_CERT_FILE":
                _check_file(Path(value))
            elif value and name == "SSL_CERT_DIR":
                # OpenSSL would take anything, and then trust no server.
                if not any(Path(part).is_dir() for part in value.split(os.pathsep)):
                    raise NotADirectoryError("it is no folder")
            elif value:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = value
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            raise InvalidInput(
                f"the environment variable {name} is {value!r}, which cannot be used ({error}):"
                f" {_ADVICE}"
            ) from error


def _check_file(path: Path) -> None:
    # To load them all takes 20 ms; the first connection does so, and names the file as well.
    if not _CERTIFICATE.search(path.read_bytes()):
        raise ValueError("it holds no certificate")


def _checked(scheme: str, value: str) -> httpx.Proxy:
    name = f"{scheme.upper()}_PROXY"
    return proxy_of(value, f"the environment variable {name} (or {name.lower()})", f"; {_ADVICE}")


def _exception(entry: str) -> Callable[[str, int], bool] | None:
    """A test whether a host is meant by an entry of `NO_PROXY`; None for an empty one.

    Entries are names, with their subdomains; `.name` or `*.name` for the subdomains alone;
    addresses and networks; and `*`. Each may have a port, and a scheme in front that is ignored.
    """
    entry = re.sub(r"^\w+://", "", entry.strip().lower()).strip("/ ")
    if not entry:
        return None
    if entry == "*":
        return lambda _host, _port: True
    name, wanted = entry, None
    if found := re.fullmatch(r"(\[[^\]]*\]|[^:]*):([0-9]+)", entry):
        name, wanted = found[1], int(found[2])
    try:
        network = ip_network(re.sub(r"[\[\]]", "", name), strict=False)
    except ValueError:
        suffix = "." + name.lstrip("*").lstrip(".")
        alone = name.startswith((".", "*."))

        def fits(host: str) -> bool:
            return f".{host}".endswith(suffix) and not (alone and f".{host}" == suffix)
    else:

        def fits(host: str) -> bool:
            try:
                return ip_address(host) in network
            except ValueError:
                return False

    return lambda host, port: wanted in (None, port) and fits(host.lower())
