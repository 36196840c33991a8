"""Where a request about an Assembly may go.

Whoever holds an Assembly's URL may read and cancel it, and a URL in an answer is data that anyone
may have written. So a URL is never followed: it is matched as a whole, and only its origin and the
Assembly's id are used, and only where an Assembly of the configured API can live.
"""

import re
import unicodedata
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from secrets import token_hex
from socket import inet_aton
from typing import Protocol, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

from attrs import frozen

from .._errors import InvalidInput, UntrustedUrl

DEFAULT_BASE_URL = "https://api2.transloadit.com"

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
# Recordings up to 2016 spell instance hosts with a dot. Whether those still answer is not known.
_OLD_SERVICE_HOST = re.compile(r"api2\.[a-z0-9-]+\.transloadit\.com")
_LONGEST_URL = 16 * 1024  # characters; signed URLs have 2,000 or so, servers take 8,000 at most
_HOST_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052: leads to the IPv4 address in its last 32 bits
# IANA's special-purpose networks that `is_global` lets pass, in older Pythons at least: IPv4 inside
# IPv6 in outdated ways, and addresses of one's own network.
_NEVER_PUBLIC = [
    ip_network(text)
    for text in ("192.0.0.0/24", "::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10")
]

Address: TypeAlias = IPv4Address | IPv6Address


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

    An old URL, whose host has a dot after `api2`, is read by its id from the base URL.

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
    """Draws an id for a new Assembly: 128 random bits, since a guessed id is enough to cancel it.

    Example:
        client.create_assembly(template_id="…", assembly_id=new_assembly_id())
    """
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


def checked_base_url(base_url: str, *, secret: bool, name: str = "base_url") -> str:
    """Checks the configured base URL.

    Args:
        base_url: what was given.
        secret: whether credentials would be sent there.
        name: where it was given: as an argument, or a variable of the environment.

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
        shape = "must be https://HOST, with nothing but a port or a path behind"
        raise InvalidInput(f"{name} {shape}")
    host = url.hostname or ""
    if url.scheme == "http" and secret and not _is_loopback(host):
        raise InvalidInput(
            f"{name} is plain http on {host}, which would expose the credentials: use https"
        )
    return base_url


def checked_hosts(hosts: Iterable[str]) -> frozenset[str]:
    """Checks `trusted_hosts`; a single text is one host.

    Raises:
        InvalidInput: they are no texts.
    """
    given: list[object] = [hosts]
    if isinstance(hosts, Iterable) and not isinstance(hosts, str):
        given = [*hosts]
    names = [host for host in given if isinstance(host, str)]
    if len(names) < len(given):
        raise InvalidInput(f"trusted_hosts is {hosts!r:.200}; it takes the names of hosts")
    return frozenset(names)


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
    """The URL of a result, in the spelling that all parsers read alike.

    It may be on any public host, as nothing of ours is sent along. A space or a letter beyond ASCII
    is escaped, an upper-case host is lowered, and an address is spelled the usual way.

    Raises:
        UntrustedUrl: it is no https URL, holds credentials, or its host is an address that
            `check_addresses` refuses. Plain http is allowed where the API itself is on this
            machine. The URL is not quoted: anyone who has it has the file.
    """
    text = given.strip(" ").replace(" ", "%20")
    url = None if _NEVER_IN_A_URL.search(text) or len(text) > _LONGEST_URL else _split(text)
    if url is None or "@" in url.netloc:
        raise UntrustedUrl("it has no URL that is safe to use")
    rest = text[text.index("//") + 2 + len(url.netloc) :].partition("#")[0]
    try:
        address, host = _host(url.netloc, url.hostname or "")
        rest = quote(rest, safe="%!$&'()*+,/:;=?@[]~")
    except ValueError:
        raise UntrustedUrl("it has no URL that is safe to use") from None
    if url.scheme == "http" and not _is_loopback(urlsplit(home.base_url).hostname or ""):
        raise UntrustedUrl("files are fetched over https alone")
    if address is not None:
        check_addresses(host, [str(address)], home)
    elif re.fullmatch(r"(?:.*\.)?localhost\.?", host):
        check_addresses(host, ["127.0.0.1"], home)
    port = "" if url.port is None else f":{url.port}"
    return f"{url.scheme}://{host}{port}{rest if rest.startswith('/') else f'/{rest}'}"


def check_addresses(host: str, addresses: Iterable[str], home: Home) -> None:
    """Checks where a result's host is: a status must not make us knock at doors of this network.

    Args:
        host: as it stands in a URL that `download_url` gave.
        addresses: all that its name resolves to, or the one that a connection has.
        home: the configured hosts. The base URL's own host and `trusted_hosts` may have any
            address; where the API is on this machine, results may be on this machine too.

    Raises:
        UntrustedUrl: one of them is not public.
    """
    base_host = urlsplit(home.base_url).hostname or ""
    if host.strip("[]") == base_host or host in home.trusted_hosts:
        return
    for text in addresses:
        address = _unwrapped(ip_address(text))
        here = address.is_loopback and _is_loopback(base_host)
        if not (here or is_public(address)):
            raise UntrustedUrl(
                f"{host} is on this machine or its network (address {address}), from where no file"
                " is fetched unless trusted_hosts names the host"
            )


def is_public(address: Address) -> bool:
    """Whether an address can be that of a server on the internet."""
    address = _unwrapped(address)
    wrapped = any(address in network for network in _NEVER_PUBLIC)
    return address.is_global and not address.is_multicast and not wrapped


def _unwrapped(address: Address) -> Address:
    """The IPv4 address where an IPv6 one leads to it."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _host(netloc: str, given: str) -> tuple[Address | None, str]:
    """The address that a host spells, or None for a name, and the host as it stands in a URL.

    Raises:
        ValueError: it is neither.
    """
    if netloc.startswith("["):
        inside = IPv6Address(given)
        if inside.scope_id is not None:
            raise ValueError(given)
        return inside, f"[{inside}]"
    # Wide and circled digits and letters are plain ones in NFKC, and to resolvers as well.
    name = re.sub("[\u3002\uff61]", ".", unicodedata.normalize("NFKC", given)).lower()
    host = name.encode("idna").decode("ascii")
    # The codec is of 2003. Where newer rules differ, such as for ß, it would lead elsewhere.
    same = name.isascii() or host.encode().decode("idna") == name
    if not (same and _HOST_NAME.fullmatch(host)):
        raise ValueError(given)
    bare = host.removesuffix(".")
    if not _NUMBER.fullmatch(bare.rpartition(".")[2]):
        return None, host
    # No name ends in a number. libc takes 127.1, 2130706433 and 0x7f.1 for addresses as well.
    try:
        address = IPv4Address(inet_aton(bare))
    except OSError as error:
        raise ValueError(given) from error
    return address, str(address)


def _split(given: str) -> SplitResult | None:
    """The parts of an http(s) URL; None for what is none."""
    try:
        url = urlsplit(given)
        right = (
            isinstance(given, str)
            and url.scheme in ("http", "https")
            and bool(url.hostname)
            and url.port != 0
        )
    except (ValueError, AttributeError):  # a port that is no number, half an IPv6 address, no text
        return None
    return url if right else None


def _trusted(given: str, home: Home) -> str:
    url = _ASSEMBLY_URL.fullmatch(given)
    if url is None:
        raise UntrustedUrl(f"not an Assembly's URL: {given!r:.200}; nothing was sent")
    if url["port"] is None and _OLD_SERVICE_HOST.fullmatch(url["host"]):
        return f"/assemblies/{url['id']}"
    return f"{_origin_of(url, home, repr(given))}/assemblies/{url['id']}"


def _origin_of(url: re.Match[str], home: Home, what: str) -> str:
    origin = f"{url['scheme']}://{url['host']}{url['port'] or ''}"
    # Sockets and resolvers would raise errors of their own for a host or port that cannot be.
    is_name = url["host"].startswith("[") or _HOST_NAME.fullmatch(url["host"])
    can_be = is_name and 0 < int((url["port"] or ":443")[1:]) < 65536
    known = _SERVICE_HOST.fullmatch(url["host"]) or url["host"] in home.trusted_hosts
    if url["port"] is None and known and can_be:
        # Never plain http to the service, whatever an answer says.
        origin = f"https://{url['host']}"  # `assembly_url` spells it http
    elif origin != _origin(home.base_url) and not (
        can_be
        and _is_loopback(url["host"])
        and _is_loopback(urlsplit(home.base_url).hostname or "")
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
