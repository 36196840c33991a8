"""Our httpx clients: what they build is a form that every server reads alike (see `form`)."""

from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import httpx

from .._errors import InvalidInput
from .._version import __version__
from .connections import DEFAULT_TIMEOUT, AsyncCarrier, Carrier, Connections
from .form import in_few_pieces, off_the_loop, on_the_wire
from .log_filters import OurRequest, keep_secrets

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

keep_secrets()

CLIENT_HEADERS = {"Transloadit-Client": f"python-transloadit-client:{__version__}"}

# No cookie of an answer is remembered: copies share connections, and one tenant's cookie would go
# along with another's requests. (Those that a client was given stand in its requests.)
_NO_COOKIES = DefaultCookiePolicy(allowed_domains=())


class HttpClient(httpx.Client):
    """An httpx client that builds safe forms, and sends them over connections that copies share."""

    def __init__(self, connections: Connections, options: Mapping[str, Any]) -> None:
        self._own = connections.own_sync
        own_options, self._given = _options(connections, self._own, options)
        super().__init__(transport=Carrier(connections), **own_options)

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        arguments = on_the_wire(_with_cookies(self._given, kwargs))
        return in_few_pieces(super().build_request(method, url, **arguments), arguments)

    def send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        with OurRequest():
            if self._own is None:
                return super().send(request, **kwargs)
            return self._own.send(request, **_sending(self, kwargs))


class AsyncHttpClient(httpx.AsyncClient):
    """The asynchronous twin of `HttpClient`."""

    def __init__(self, connections: Connections, options: Mapping[str, Any]) -> None:
        self._own = connections.own_asynchronous
        own_options, self._given = _options(connections, self._own, options)
        super().__init__(transport=AsyncCarrier(connections), **own_options)

    def build_request(self, method: str, url: httpx.URL | str, **kwargs: Any) -> httpx.Request:
        arguments = on_the_wire(_with_cookies(self._given, kwargs))
        request = in_few_pieces(super().build_request(method, url, **arguments), arguments)
        return off_the_loop(request, arguments)

    async def send(self, request: httpx.Request, **kwargs: Any) -> httpx.Response:
        with OurRequest():
            if self._own is None:
                return await super().send(request, **kwargs)
            return await self._own.send(request, **_sending(self, kwargs))


def own_client(given: C, kind: type[C]) -> C:
    """Checks an httpx client of the caller's own.

    Raises:
        InvalidInput: it is of another kind or library: requests of httpx do not go through httpx2.
    """
    if isinstance(given, kind):
        return given
    found = given if isinstance(given, type) else type(given)
    raise InvalidInput(
        f"this takes an httpx.{kind.__name__}, not {found.__module__}.{found.__qualname__}:"
        f" make one with httpx.{kind.__name__}(…); httpx2 is a library of its own"
    )


def _options(
    connections: Connections,
    own: httpx.Client | httpx.AsyncClient | None,
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], httpx.Cookies]:
    """The arguments of an httpx client: those of a `Transloadit` over those for all its copies.

    The cookies are apart: a client's own httpx would also send to where a redirect leads.
    """
    args = connections.options()
    if own is not None:  # it has its own ways to send; what it would build is built alike
        args = {
            "params": own.params,
            "headers": own.headers,
            "cookies": own.cookies,
            "timeout": own.timeout,
        }
    cookies = httpx.Cookies(
        httpx.Cookies(args.get("cookies"))
    )  # the caller's own jar stays as it is
    cookies.update(options["cookies"])
    timeout = options["timeout"]
    headers = httpx.Headers(args.get("headers"))
    arguments = {
        **args,
        **options,
        "headers": {**headers, **CLIENT_HEADERS, **options["headers"]},
        "cookies": CookieJar(_NO_COOKIES),
        "timeout": args.get("timeout", DEFAULT_TIMEOUT) if timeout is None else timeout,
        "trust_env": False,  # it is read where connections are made
    }
    return arguments, cookies


def _with_cookies(given: httpx.Cookies, arguments: dict[str, Any]) -> dict[str, Any]:
    if not given:
        return arguments
    cookies = httpx.Cookies(given)
    cookies.update(arguments.get("cookies"))
    return {**arguments, "cookies": cookies}


def _sending(
    client: httpx.Client | httpx.AsyncClient, options: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of `send`; whether to follow redirects is decided here, not by the sender."""
    if options.get("follow_redirects", httpx.USE_CLIENT_DEFAULT) is httpx.USE_CLIENT_DEFAULT:
        return {**options, "follow_redirects": client.follow_redirects}
    return dict(options)
