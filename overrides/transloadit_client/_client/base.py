"""What the two clients share: configuration, credentials, signing and copies. Nothing waits."""

import os
import random
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from secrets import token_hex
from ssl import SSLContext
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import httpx
from attrs import define, evolve, field, fields

from transloadit_api.client import Client

from .._calls.addresses import DEFAULT_BASE_URL, Home, checked_base_url
from .._calls.call import Guard
from .._calls.operations import Authorized
from .._errors import InvalidInput, MissingCredentials
from .._http.clients import AsyncHttpClient, HttpClient, timeout_of
from .._http.connections import Connections
from .._retry.clock import Clock
from .._retry.policy import ONCE, Budget, Recent, RetryPolicy, World
from .._signing import Credentials, Params, Secret, SignedParams, as_dict, encode, sign

if TYPE_CHECKING:
    from ..smart_cdn import Params as SmartCdnParams

Timeout = float | httpx.Timeout | None
"""Seconds for each step of a request (connect, write, read), or an `httpx.Timeout`."""


CHUNK_SIZE = 64 * 1024 * 1024
"""Bytes that one request carries. Files are read as they are sent, so this costs no memory; and a
chunk that breaks goes on from where it broke."""

DEADLINE = 9 * 3600.0
"""Seconds: an Assembly may run for 8 hours, and its files arrive before."""

TUS_ABOVE = 8 * 1024 * 1024
"""Bytes that go in the create request, where they are sent anew if it has to be repeated."""

CREATES_PER_MINUTE = 250
"""What an account may create, as the API's pages have it."""

SIGNATURE_LIFETIME = timedelta(hours=1)
"""How long a signature is good. The API checks it when it arrives, before the files, so it need not
cover the upload. An hour forgives a slow clock; the nonce keeps it from being used twice anyway."""


_DEFAULT_RETRY = RetryPolicy()


class Options(TypedDict, total=False):
    """What `with_options` can change; the connections stay what they are."""

    key: str
    secret: str | Secret
    signature_algorithm: str
    auth_token: str | Secret
    base_url: str
    timeout: float | httpx.Timeout
    headers: dict[str, str]
    cookies: dict[str, str]
    retry: RetryPolicy | None
    trusted_hosts: Collection[str]


@define(init=False, eq=False, repr=False)
class BaseTransloadit(Client):
    """The generated client with credentials. Use `Transloadit` or `AsyncTransloadit`."""

    _key: str | None = field(alias="key", kw_only=True)
    _secret: Secret | None = field(alias="secret", kw_only=True)
    _signature_algorithm: str = field(alias="signature_algorithm", kw_only=True)
    _auth_token: Secret | None = field(alias="auth_token", kw_only=True)
    _retry: RetryPolicy = field(alias="retry", kw_only=True)
    _pickle_secrets: bool = field(alias="pickle_secrets", kw_only=True)
    _trusted_hosts: frozenset[str] = field(alias="trusted_hosts", kw_only=True)
    _connections: Connections = field(init=False)
    _budget: Budget = field(init=False)
    _clock: Clock = field(init=False)
    _recent: Recent = field(init=False)
    _upload_hosts: dict[str, tuple[bool, bool]] = field(init=False)
    _shares: bool = field(init=False)

    def __init__(
        self,
        key: str | None = None,
        secret: str | Secret | None = None,
        *,
        signature_algorithm: str | None = None,
        auth_token: str | Secret | None = None,
        base_url: str | None = None,
        timeout: float | httpx.Timeout | None = None,
        retry: RetryPolicy | None = _DEFAULT_RETRY,
        pickle_secrets: bool = False,
        trusted_hosts: Collection[str] = (),
        headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        verify_ssl: str | bool | SSLContext = True,
        follow_redirects: bool = False,
        raise_on_unexpected_status: bool = False,
        httpx_args: dict[str, Any] | None = None,
    ) -> None:
        # Plain texts leave this frame first: a traceback that shows locals must not show them.
        secret = _secret(secret)
        auth_token = _secret(auth_token)
        if auth_token is None and key is None and secret is None:
            # Only where nothing was given: a token in the environment must not overrule a key in
            # the code.
            auth_token = _secret(os.environ.get("TRANSLOADIT_AUTH_TOKEN"))
        if auth_token is not None and not auth_token.is_token():
            raise InvalidInput(
                "auth_token has a space, a line end or the like in it; nothing was sent"
            )
        self._auth_token = auth_token
        # `or`, since an empty variable is one that was not set: shells cannot tell them apart
        # easily.
        self._key = key or os.environ.get("TRANSLOADIT_KEY") or None
        self._secret = secret or _secret(os.environ.get("TRANSLOADIT_SECRET"))
        self._signature_algorithm = (
            signature_algorithm or os.environ.get("TRANSLOADIT_SIGNATURE_ALGORITHM") or "sha384"
        )
        self._retry = ONCE if retry is None else retry
        self._pickle_secrets = pickle_secrets
        self._trusted_hosts = frozenset(trusted_hosts)
        try:
            httpx.Headers(headers)
        except (ValueError, TypeError, AttributeError):
            # Not quoted: headers are where other secrets stand.
            raise InvalidInput("the headers cannot stand in a request") from None
        self._connections = Connections(verify_ssl, httpx_args or {})
        self._budget = Budget(self._retry)
        self._clock = Clock()
        self._recent = Recent(time.monotonic)
        self._upload_hosts = {}
        self._shares = False
        super().__init__(
            base_url=checked_base_url(
                base_url or os.environ.get("TRANSLOADIT_ENDPOINT") or DEFAULT_BASE_URL,
                secret=bool(self._secret or self._auth_token),
            ),
            timeout=None if timeout is None else timeout_of(timeout),
            headers=headers or {},
            cookies=cookies or {},
            verify_ssl=verify_ssl,
            follow_redirects=follow_redirects,
            raise_on_unexpected_status=raise_on_unexpected_status,
            httpx_args=httpx_args or {},
        )

    def __repr__(self) -> str:
        # A traceback that shows locals also prints a client whose constructor has just failed.
        key, base_url = (getattr(self, name, None) for name in ("_key", "_base_url"))
        return f"{type(self).__name__}(key={key!r}, base_url={base_url!r})"

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[type[Self], dict[str, Any]]]:
        """Pickles the settings. What is secret comes from the environment of whoever wakes it.

        With `pickle_secrets=True` the secrets go along, for pickles that never leave your hands.
        """
        if self._connections.are_the_callers:
            raise TypeError("a client over an httpx client of your own does not pickle")
        options = {name.alias: getattr(self, name.name) for name in fields(type(self)) if name.init}
        for name in ("secret", "auth_token"):
            text = options.pop(name)
            if text is not None and self._pickle_secrets:
                options[name] = text.reveal()
        # By a function, since `__reduce__` itself passes no keywords on.
        return _woken, (type(self), options)

    def sign(self, params: Params, *, expires_in: timedelta = SIGNATURE_LIFETIME) -> SignedParams:
        """Signs `params` for one request: for a browser, another process, or a generated function.

        Whoever sends the result needs no secret; it is good once, and until it expires. An
        `expires` or `nonce` that `params.auth` already has is kept.

        Raises:
            MissingCredentials: there is no Auth Key or no Auth Secret.
            InvalidInput: `params` hold what JSON cannot.

        Example:
            signed = client.sign({"template_id": "…"})
            form = {"params": signed.params, "signature": signed.signature}
        """
        auth = as_dict(as_dict(params).get("auth") or {})
        return sign(
            params,
            self._credentials(),
            expires=auth.get("expires") or self._clock.now() + expires_in,
            nonce=auth.get("nonce") or token_hex(16),
        )

    def sign_smart_cdn_url(
        self,
        workspace: str,
        template: str,
        input: str,  # noqa: A002  # the API's own word for it
        params: "SmartCdnParams | None" = None,
        *,
        expires_at: int | datetime | None = None,
    ) -> str:
        """The signed URL at which the Smart CDN serves what `template` makes of `input`.

        Nothing is sent. See `smart_cdn.sign_url` for what each argument is.

        Raises:
            MissingCredentials: there is no Auth Key or no Auth Secret.
            InvalidInput: something is missing, of another type, or cannot stand in a URL.

        Example:
            url = client.sign_smart_cdn_url("acme", "thumbnail", "cat.jpg", {"w": 200})
        """
        from ..smart_cdn import sign_url

        credentials = self._credentials()
        return sign_url(
            workspace,
            template,
            input,
            params,
            key=credentials.key,
            secret=credentials.secret,
            expires_at=expires_at,
        )

    def with_options(self, **changes: Unpack[Options]) -> Self:
        """A copy with other options, over the same connections. This client does not change.

        Closing the copy leaves the connections open: they are this client's to close.

        Example:
            patient = client.with_options(retry=RetryPolicy(deadline=3600.0))
        """
        if ("key" in changes or "secret" in changes) and "auth_token" not in changes:
            changes = {**changes, "auth_token": None}  # type: ignore[typeddict-item]  # to unset it
        copy = evolve(self, **changes)
        copy._connections = self._connections
        # Shared, because a limit of the account and an outage concern all copies alike.
        copy._budget = self._budget
        copy._clock = self._clock
        copy._recent = self._recent
        copy._upload_hosts = self._upload_hosts
        copy._shares = True
        return copy

    def with_headers(self, headers: dict[str, str]) -> Self:
        """A copy that sends further headers; see `with_options`.

        Example:
            traced = client.with_headers({"X-Request-ID": "…"})
        """
        return self.with_options(headers={**self._headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """A copy that sends further cookies; see `with_options`.

        Example:
            known = client.with_cookies({"session": "…"})
        """
        return self.with_options(cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: float | httpx.Timeout) -> Self:
        """A copy with another timeout; see `with_options`.

        Example:
            quick = client.with_timeout(5.0)
        """
        return self.with_options(timeout=timeout)

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Sends through an httpx client of your own, with its settings; you close it.

        Example:
            client.set_httpx_client(httpx.Client(event_hooks={"request": [print]}))
        """
        self._connections = self._connections.over(sync=client)
        # The old one would still send over the old connections.
        self._client = None
        return self

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """The asynchronous twin of `set_httpx_client`.

        Example:
            client.set_async_httpx_client(httpx.AsyncClient(http2=True))
        """
        self._connections = self._connections.over(asynchronous=async_client)
        self._async_client = None
        return self

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client that sends safe forms; generated functions use it as well.

        Example:
            request = client.get_httpx_client().build_request("GET", "/assemblies/…")
        """
        if self._client is None:
            self._client = HttpClient(self._connections, self._http_options())
        return self._client

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The asynchronous httpx client that sends safe forms.

        Example:
            http = client.get_async_httpx_client()
            response = await http.get("/assemblies/…")
        """
        if self._async_client is None:
            self._async_client = AsyncHttpClient(self._connections, self._http_options())
        return self._async_client

    def close(self) -> None:
        """Closes the connections, unless they belong to the client this is a copy of, or to you.

        Example:
            client.close()  # or `with Transloadit() as client:`
        """
        if not self._shares:
            self._connections.close()

    async def aclose(self) -> None:
        """Closes the asynchronous connections; see `close`.

        Example:
            await client.aclose()  # or `async with AsyncTransloadit() as client:`
        """
        if not self._shares:
            await self._connections.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object, **__: Any) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object, **__: Any) -> None:
        await self.aclose()

    @property
    def _home(self) -> Home:
        return Home(self._base_url, self._trusted_hosts)

    def _http_options(self) -> dict[str, Any]:
        return {
            "base_url": self._base_url,
            "headers": self._headers,
            "cookies": self._cookies,
            "timeout": self._timeout,
            "follow_redirects": self._follow_redirects,
        }

    def _credentials(self) -> Credentials:
        missing = [
            name
            for name, value in (
                ("TRANSLOADIT_KEY", self._key),
                ("TRANSLOADIT_SECRET", self._secret),
            )
            if not value
        ]
        if self._key is None or self._secret is None:
            raise MissingCredentials(
                f"this call has to be signed: set {' and '.join(missing)} in the environment, or"
                f" give key and secret to {type(self).__name__}; nothing was sent"
            )
        return Credentials(self._key, self._secret, self._signature_algorithm)

    def _check_credentials(self) -> None:
        """Raises `MissingCredentials` if there is nothing to sign with, and no token either."""
        if self._auth_token is None:
            self._credentials()

    def _permit(
        self, params: Mapping[str, Any], own_id: str | None = None
    ) -> tuple[Callable[[], Authorized], Guard]:
        """What lets a request with these params in, made anew each time, and what guards it."""
        token = self._auth_token
        if token is not None:
            guard = Guard.OWN_ID if own_id else Guard.NOTHING
            return lambda: Authorized(encode(params), bearer=token), guard

        def signed() -> Authorized:
            signed = self.sign(params)
            return Authorized(signed.params, signed.signature)

        return signed, Guard.OWN_ID if own_id else Guard.NONCE

    def _world(self, policy: RetryPolicy | None = None) -> World:
        return World(
            policy or self._retry,
            time.monotonic,
            _jitter,
            self._budget,
            self._clock.correct,
            self._recent,
        )

    def _checked(self, timeout: Timeout) -> httpx.Timeout | None:
        return None if timeout is None else timeout_of(timeout)


def _jitter(most: float) -> float:
    return random.uniform(0.0, most)  # noqa: S311  # it spreads load


def _woken(client: type[Any], options: dict[str, Any]) -> Any:
    return client(**options)


def _secret(text: str | Secret | None) -> Secret | None:
    return Secret(text) if text else None
