"""What the two clients share: configuration, credentials, signing and copies. Nothing waits."""

import time
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from secrets import token_hex
from ssl import SSLContext
from typing import Any, ClassVar, Self, TypeVar, Unpack, cast

import httpx
from attrs import define, field, fields

from transloadit_api.client import Client

from .._calls.addresses import Home, checked_hosts
from .._calls.call import Guard
from .._calls.numbers import whole_number
from .._calls.operations import Authorized
from .._errors import InvalidInput
from .._http.bodies import MOST as MAX_ANSWER_SIZE
from .._http.clients import AsyncHttpClient, HttpClient, own_client
from .._http.connections import Connections
from .._http.settings import can_be_sent, timeout_of
from .._retry.clock import Clock, jitter
from .._retry.policy import Budget, Recent, RetryPolicy, World, policy_of
from .._signing import Params, Secret, SignedParams, as_dict, encode, sign
from ..smart_cdn import Params as SmartCdnParams
from ..smart_cdn import sign_url
from .authentication import Authentication
from .environment import algorithm_of, base_url_of, key_and_secret, secret_of, token_of
from .options import SIGNATURE_LIFETIME, Options

_SHARED = ("_connections", "_budget", "_clock", "_recent", "_upload_hosts")  # by all copies
T = TypeVar("T", bound="BaseTransloadit")


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
    _max_answer_size: int = field(alias="max_answer_size", kw_only=True)
    _connections: Connections = field(init=False)
    _budget: Budget = field(init=False)
    _clock: Clock = field(init=False)
    _recent: Recent = field(init=False)
    _upload_hosts: dict[str, tuple[bool, bool]] = field(init=False)
    _shares: bool = field(init=False)
    _uses_await: ClassVar[bool] = False

    def __init__(
        self,
        key: str | None = None,
        secret: str | Secret | None = None,
        *,
        signature_algorithm: str | None = None,
        auth_token: str | Secret | None = None,
        base_url: str | None = None,
        timeout: float | httpx.Timeout | None = None,
        retry: RetryPolicy | int | None = RetryPolicy(),  # noqa: B008  # it cannot change
        pickle_secrets: bool = False,
        trusted_hosts: Collection[str] = (),
        max_answer_size: int = MAX_ANSWER_SIZE,
        headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        verify_ssl: str | bool | SSLContext = True,
        follow_redirects: bool = False,
        raise_on_unexpected_status: bool = False,
        httpx_args: dict[str, Any] | None = None,
    ) -> None:
        """Reads the settings. Nothing is sent, and no connection is opened yet.

        Args:
            key: the Auth Key; by default `TRANSLOADIT_KEY` of the environment.
            secret: the Auth Secret; by default `TRANSLOADIT_SECRET`.
            signature_algorithm: `sha384`, `sha256`, `sha512` or `sha1`, as the key demands; by
                default `TRANSLOADIT_SIGNATURE_ALGORITHM`, or `sha384`.
            auth_token: a bearer token, which replaces key and signature; by default, where neither
                key nor secret is given, `TRANSLOADIT_AUTH_TOKEN`. It is sent on create and replays
                alone.
            base_url: where the API is; by default `TRANSLOADIT_ENDPOINT`, or the service itself.
            timeout: seconds for each step of a request (connect, write, read), or an
                `httpx.Timeout`. By default 10 to connect and 60 for the others.
            retry: how often and how long to try: a `RetryPolicy`, a number of attempts, or None or
                False to try once.
            pickle_secrets: whether a pickle of this client holds its secrets; by default they are
                taken from the environment where it is unpickled.
            trusted_hosts: further hosts, beside the base URL's and the service's, on which
                Assemblies may be read and canceled over https, such as `{"media.example.net"}`.
            max_answer_size: bytes that an answer of the API may have, packed and unpacked; 64 MiB.
                (A status has 8 MB at most; results are limited by `max_size` where they are saved.)
            headers: further headers for every request.
            cookies: cookies for every request.
            verify_ssl: a CA file, a folder of them or an `ssl.SSLContext` to trust instead.
            follow_redirects: whether generated functions follow redirects; methods never do.
            raise_on_unexpected_status: whether generated functions raise on HTTP codes that are not
                in the spec.
            httpx_args: further arguments of httpx's clients: `proxy`, `limits`, `transport` …

        Raises:
            InvalidInput: a setting cannot be used: a base URL that is none, or would carry
                credentials in plain text; no certificates at `verify_ssl`; a key or secret with a
                line end; a timeout or a number of attempts that makes no sense.

        Example:
            client = Transloadit("key", "secret", timeout=30, retry=3)
        """
        # Plain texts leave this frame first: a traceback that shows locals must not show them.
        secret, auth_token = secret_of(secret), secret_of(auth_token)
        self._auth_token = token_of(auth_token, is_wanted=key is None and secret is None)
        self._key, self._secret = key_and_secret(key, secret)
        self._signature_algorithm = algorithm_of(signature_algorithm)
        self._retry = policy_of(retry)
        self._pickle_secrets = pickle_secrets
        self._trusted_hosts = checked_hosts(trusted_hosts)
        self._max_answer_size = whole_number("max_answer_size", max_answer_size, "bytes", least=1)
        if not can_be_sent(headers, cookies):
            # Not quoted: here is where other secrets stand.
            raise InvalidInput("the headers or cookies cannot stand in a request")
        self._connections = Connections(verify_ssl, httpx_args or {})
        self._budget = Budget(self._retry)
        self._clock = Clock()
        self._recent = Recent(time.monotonic)
        self._upload_hosts = {}
        self._shares = False
        super().__init__(
            base_url=base_url_of(base_url, secret=bool(self._secret or self._auth_token)),
            timeout=timeout_of(timeout),
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
        return f"{type(self).__name__}({key=}, {base_url=})"

    def __copy__(self) -> Self:
        """A copy over the same connections, which signs as this client does; see `with_options`."""
        copy = object.__new__(type(self))
        for name, value in self._state().items():
            object.__setattr__(copy, name, value)
        copy._client = copy._async_client = None
        copy._shares = True
        return copy

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """As `copy.copy`, but what a subclass has added is copied deeply.

        Connections and secrets are shared: secrets need not leave the process for a copy.
        """
        copy = memo[id(self)] = self.__copy__()
        for name, value in self._added().items():
            object.__setattr__(copy, name, deepcopy(value, memo))
        return copy

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Any, ...]]:
        """Pickles the settings; where they are unpickled, secrets come from the environment.

        With `pickle_secrets=True` the secrets go along, for pickles that never leave your hands.
        """
        if self._connections.are_the_callers:
            raise TypeError("a client over an httpx client of your own does not pickle")
        options = self._settings()
        for name in ("secret", "auth_token"):
            text = options.pop(name)
            if text is not None and self._pickle_secrets:
                options[name] = text.reveal()
        return _unpickled, (type(self), options, self._added())

    def _settings(self) -> dict[str, Any]:
        """The arguments of `BaseTransloadit.__init__`; those of a subclass may be others."""
        ours = fields(BaseTransloadit)
        return {str(one.alias): getattr(self, one.name) for one in ours if one.init}

    def _state(self) -> dict[str, Any]:
        """All attributes, also those of a subclass, with `__slots__` or without."""
        # attrs has a `__getstate__` of its own, which knows of no subclass.
        in_dict, in_slots = cast("tuple[Any, dict[str, Any]]", object.__getstate__(self))
        return {**(in_dict or {}), **in_slots}

    def _added(self) -> dict[str, Any]:
        """The attributes that a subclass has added."""
        ours = {one.name for one in fields(BaseTransloadit)}
        return {name: value for name, value in self._state().items() if name not in ours}

    def sign(self, params: Params, *, expires_in: timedelta = SIGNATURE_LIFETIME) -> SignedParams:
        """Signs `params` for one request: for a browser, another process, or a generated function.

        Whoever sends the result needs no secret; it is good once, and until it expires. An
        `expires` or `nonce` that `params.auth` already has is kept.

        Raises:
            MissingCredentials: there is no Auth Key or no Auth Secret.
            InvalidInput: `params` hold what JSON cannot.

        Example:
            signed = client.sign({"template_id": "…"}, expires_in=timedelta(minutes=10))
        """
        auth = as_dict(as_dict(params).get("auth") or {})
        return sign(
            params,
            self._authentication.credentials(),
            expires=auth.get("expires") or self._clock.now() + expires_in,
            nonce=auth.get("nonce") or token_hex(16),
        )

    def sign_smart_cdn_url(
        self,
        workspace: str,
        template: str,
        input: str,  # noqa: A002  # the API's own word for it
        params: SmartCdnParams | None = None,
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
        credentials = self._authentication.credentials()
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
        """Returns a copy with other options on the same connections; this client is unchanged.

        Closing the copy leaves the connections open: they are this client's to close.

        Example:
            patient = client.with_options(timeout=300, retry=10)
        """
        if ("key" in changes or "secret" in changes) and "auth_token" not in changes:
            changes = {**changes, "auth_token": None}  # type: ignore[typeddict-item]  # to unset it
        copy = self.__copy__()
        # Not `type(self)(…)`: a subclass may have an `__init__` with other arguments.
        BaseTransloadit.__init__(copy, **{**self._settings(), **changes})
        for name in _SHARED:
            setattr(copy, name, getattr(self, name))
        copy._shares = True
        return copy

    def with_headers(self, headers: dict[str, str]) -> Self:
        """Returns a copy that sends further headers; see `with_options`.

        Example:
            traced = client.with_headers({"X-Trace": "7"})
        """
        return self.with_options(headers={**self._headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """Returns a copy that sends further cookies; see `with_options`.

        Example:
            routed = client.with_cookies({"route": "blue"})
        """
        return self.with_options(cookies={**self._cookies, **cookies})

    def with_timeout(self, timeout: float | httpx.Timeout) -> Self:
        """Returns a copy with another timeout; see `with_options`.

        Example:
            slow = client.with_timeout(300)
        """
        return self.with_options(timeout=timeout)

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Sends blocking calls through an httpx client of your own; it is yours to close.

        Raises:
            InvalidInput: it is no `httpx.Client`, but one of httpx2, for example.

        Example:
            client.set_httpx_client(httpx.Client(verify="ca.pem"))
        """
        self._connections = self._connections.over(sync=own_client(client, httpx.Client))
        self._client = None
        return self

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Sends awaited calls through an httpx client of your own; see `set_httpx_client`.

        Example:
            client.set_async_httpx_client(httpx.AsyncClient(verify="ca.pem"))
        """
        self._connections = self._connections.over(
            asynchronous=own_client(async_client, httpx.AsyncClient)
        )
        self._async_client = None
        return self

    def get_httpx_client(self) -> httpx.Client:
        """The httpx client that sends blocking calls; generated functions use it as well.

        Example:
            client.get_httpx_client().event_hooks["request"].append(print)
        """
        if self._client is None:
            self._client = HttpClient(self._connections, self._http_options())
        return self._client

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """The httpx client that sends awaited calls; see `get_httpx_client`.

        Example:
            client.get_async_httpx_client().event_hooks["request"].append(log_request)
        """
        if self._async_client is None:
            self._async_client = AsyncHttpClient(self._connections, self._http_options())
        return self._async_client

    def close(self) -> None:
        """Closes the connections; a copy leaves those of its parent open, and yours stay open too.

        Example:
            client.close()  # as at the end of `with Transloadit() as client:`
        """
        if not self._shares:
            self._connections.close()

    async def aclose(self) -> None:
        """Closes the connections of awaited calls; see `close`.

        Example:
            await client.aclose()  # as at the end of `async with AsyncTransloadit() as client:`
        """
        if not self._shares:
            await self._connections.aclose()

    def __enter__(self) -> Self:
        if self._uses_await:
            raise InvalidInput(f"{type(self).__name__} is asynchronous: use `async with`")
        return self

    def __exit__(self, *_: object, **__: Any) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        if not self._uses_await:
            raise InvalidInput(
                f"{type(self).__name__} is not asynchronous: use `with`, or AsyncTransloadit"
            )
        return self

    async def __aexit__(self, *_: object, **__: Any) -> None:
        await self.aclose()

    @property
    def _authentication(self) -> Authentication:
        return Authentication(self._key, self._secret, self._signature_algorithm, self._auth_token)

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
            jitter,
            self._budget,
            self._clock.correct,
            self._recent,
        )


def _unpickled(client: type[T], options: dict[str, Any], added: dict[str, Any]) -> T:
    unpickled = object.__new__(client)
    BaseTransloadit.__init__(unpickled, **options)
    for name, value in added.items():
        object.__setattr__(unpickled, name, value)
    return unpickled
