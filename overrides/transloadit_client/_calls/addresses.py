"""Where a request about an Assembly may go.

Whoever holds an Assembly's URL may read and cancel it, and a URL in an answer is data that anyone
may have written. So a URL is never followed: it is matched as a whole, and only its origin and the
Assembly's id are used, and only where an Assembly of the configured API can live.
"""

import re
from ipaddress import ip_address
from secrets import token_hex
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from .._errors import InvalidInput, UntrustedUrl

DEFAULT_BASE_URL = "https://api2.transloadit.com"

_BASE_URL_SHAPE = "base_url must be https://HOST, with nothing but a port or a path behind"
# Wider than the 32 digits of today, but without dots and slashes: it becomes a part of a path.
_ASSEMBLY_ID = re.compile(r"[0-9A-Za-z_-]{1,128}")
_OWN_ASSEMBLY_ID = re.compile(r"[0-9a-f]{32}")
_ASSEMBLY_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?P<port>:[0-9]{1,5})?"
    r"/assemblies/(?P<id>[0-9A-Za-z_-]{1,128})"
)
_PLAIN_URL = re.compile(  # nothing in it that two parsers could read differently
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?P<port>:[0-9]{1,5})?"
    r"(?P<rest>/[0-9A-Za-z._~!$&'()*+,;=:@%/-]*(?:\?[0-9A-Za-z._~!$&'()*+,;=:@%/?-]*)?)"
)
_NEVER_IN_A_URL = re.compile(r"[\s\\\x00-\x1f\x7f]")  # urlsplit drops some of these in silence
# An Assembly lives on an instance, api2-NAME.transloadit.com; which one is told by the answer to
# its creation.
_SERVICE_HOST = re.compile(r"api2(-[a-z0-9-]+)?\.transloadit\.com")


@frozen
class Home:
    """Where the API is, and on which further hosts the caller expects Assemblies to live."""

    base_url: str
    trusted_hosts: frozenset[str] = frozenset()


class HasAssemblyUrl(Protocol):
    """What is used of a status: the generated class, or ours."""

    @property
    def assembly_id(self) -> object: ...
    @property
    def assembly_ssl_url(self) -> object: ...


def assembly_url(assembly: str | HasAssemblyUrl, home: Home) -> str:
    """The URL of an Assembly: on its own host for a URL or a status, else a path on the base URL.

    Raises:
        UntrustedUrl: the URL leads to another host than the configured ones or the service's.
        InvalidInput: there is no id, or it is not one.
    """
    given = assembly if isinstance(assembly, str) else getattr(assembly, "assembly_ssl_url", None)
    # An id has no slash, so the two cannot be confused.
    if isinstance(given, str) and "/" in given:
        return _trusted(given, home)
    return f"/assemblies/{assembly_id(assembly)}"


def assembly_id(assembly: str | HasAssemblyUrl) -> str:
    """The id of an Assembly, from an id, a URL or a status.

    Raises:
        InvalidInput: there is no id, or it is not one: such as "..", "a/b" or an empty text.
    """
    given: list[object] = [assembly]
    if not isinstance(assembly, str):
        given = [getattr(assembly, key, None) for key in ("assembly_id", "assembly_ssl_url")]
    for text in given:
        if isinstance(text, str):
            if _ASSEMBLY_ID.fullmatch(text):
                return text
            if url := _ASSEMBLY_URL.fullmatch(text):
                return url["id"]
    raise InvalidInput(f"not an Assembly's id, URL or status: {assembly!r:.200}; nothing was sent")


class DrawnId(str):
    """An id that was drawn for one call, so that nobody can have used it before."""

    __slots__ = ()


def new_assembly_id() -> str:
    """An id for a new Assembly: 128 random bits, for whoever can guess it can cancel it."""
    return token_hex(16)


def drawn_assembly_id() -> DrawnId:
    """One for the call at hand."""
    return DrawnId(new_assembly_id())


def own_assembly_id(given: str) -> str:
    """Checks an id that the caller chose for a new Assembly.

    Raises:
        InvalidInput: it is not 32 lowercase hexadecimal digits, as `uuid.uuid4().hex` gives.
    """
    if not (isinstance(given, str) and _OWN_ASSEMBLY_ID.fullmatch(given)):
        raise InvalidInput("assembly_id must be 32 lowercase hex digits, such as uuid.uuid4().hex")
    return given


def checked_base_url(base_url: str, *, secret: bool) -> str:
    """Checks the configured base URL; `secret` says whether credentials would be sent there.

    Raises:
        InvalidInput: it is no http(s) URL of a host, or credentials would travel in plain text.
    """
    url = _split(base_url)
    if (
        url is None
        or _NEVER_IN_A_URL.search(base_url)
        # Credentials in a URL end up in logs, and httpx would send them along.
        or url.username is not None
        or url.query
        or url.fragment
    ):
        raise InvalidInput(_BASE_URL_SHAPE)
    host = url.hostname or ""
    if url.scheme == "http" and secret and not _is_loopback(host):
        raise InvalidInput(
            f"base_url is plain http on {host}: credentials travel there in the open; use https"
        )
    return base_url


def trusted_url(given: object, home: Home, what: str) -> str:
    """A URL from an answer, if it leads where an Assembly can live: else nothing may be sent there.

    Args:
        given: what the answer holds, of whatever type.
        home: the configured hosts.
        what: what it is, for errors: such as "tus_url".

    Raises:
        UntrustedUrl: it is no plain URL, or leads to another host.
    """
    url = _PLAIN_URL.fullmatch(given) if isinstance(given, str) else None
    if url is None:
        raise UntrustedUrl(f"{what} is no URL that is safe to use: {given!r:.200}")
    return _origin_of(url, home, what) + url["rest"]


def download_url(given: str, home: Home) -> str:
    """The URL of a file, which may be on any host, for nothing of ours is sent along.

    Raises:
        UntrustedUrl: it is no https URL, holds credentials, or leads to this machine; all but
            credentials may be where the API itself is on this machine. It is not quoted: whoever
            has it has the file.
    """
    url = _split(given)
    if url is None or "@" in url.netloc or _NEVER_IN_A_URL.search(given):
        raise UntrustedUrl("it has no URL that is safe to use")
    # The mock server, and a developer's own, hand out http URLs on this machine.
    here = _is_loopback(urlsplit(home.base_url).hostname or "")
    if not here and (url.scheme == "http" or _is_loopback(url.hostname or "")):
        raise UntrustedUrl("files are fetched over https, and not from this machine")
    return given


def _split(given: str) -> SplitResult | None:
    """The parts of an http(s) URL; None for what is none."""
    try:
        url = urlsplit(given)
        right = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        return None
    return url if right else None


def _trusted(given: str, home: Home) -> str:
    url = _ASSEMBLY_URL.fullmatch(given)
    if url is None:
        raise UntrustedUrl(f"not an Assembly's URL: {given!r:.200}; nothing was sent")
    return f"{_origin_of(url, home, repr(given))}/assemblies/{url['id']}"


def _origin_of(url: re.Match[str], home: Home, what: str) -> str:
    origin = f"{url['scheme']}://{url['host']}{url['port'] or ''}"
    known = _SERVICE_HOST.fullmatch(url["host"]) or url["host"] in home.trusted_hosts
    if url["port"] is None and known:
        # Never plain http to the service, whatever an answer says.
        origin = f"https://{url['host']}"  # `assembly_url` spells it http
    elif origin != _origin(home.base_url) and not (
        _is_loopback(url["host"]) and _is_loopback(urlsplit(home.base_url).hostname or "")
    ):
        raise UntrustedUrl(
            f"{what:.200} is neither on {_origin(home.base_url)} nor on one of the service's"
            " hosts; nothing was sent. Give the Assembly's id to ask the configured host, or name"
            " that host in trusted_hosts."
        )
    return origin


def _origin(base_url: str) -> str:
    url = urlsplit(base_url)
    return f"{url.scheme}://{url.netloc}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
