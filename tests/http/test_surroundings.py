"""What surrounds a request: netrc, cookies, redirects and proxies, with real servers."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import pytest

from transloadit_api.api.assemblies import get_assembly
from transloadit_client import (
    AsyncTransloadit,
    NoAnswer,
    RetryPolicy,
    Transloadit,
    TransloaditError,
)
from transloadit_standin import StandIn

Connect = Callable[..., Any]
ID = "7828446e5acd4aa996dce3455ec914e9"
CREDENTIALS: dict[str, dict[str, str]] = {
    "key": {"key": "k", "secret": "hush-secret"},
    "token": {"auth_token": "hush-token"},
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "create": lambda client: client.create_assembly(template_id="t", files=[("a", b"1")]),
    "get": lambda client: client.get_assembly(ID),
    "cancel": lambda client: client.cancel_assembly(ID),
    "replay": lambda client: client.replay_assembly(ID),
    "notification": lambda client: client.replay_assembly_notification(ID),
}
SIGNED = pytest.mark.parametrize("credentials", CREDENTIALS.values(), ids=CREDENTIALS)


class Server:
    """Answers every request with the same status and headers, and keeps what it was sent."""

    def __init__(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        seen: list[tuple[str, dict[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or the body, sent after the headers, comes 40 ms later

            def answer(self) -> None:
                sent = {name.lower(): value for name, value in self.headers.items()}
                seen.append((f"{self.command} {self.path}", sent))
                self.rfile.read(int(sent.get("content-length", 0)))
                body = b'{"ok":"ASSEMBLY_EXECUTING","assembly_id":"%s"}' % ID.encode()
                self.send_response(status)
                for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def __getattr__(self, method: str) -> Callable[[], None]:
                if method.startswith("do_"):
                    return self.answer
                raise AttributeError(method)

            def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # the name it has
                pass

        self.seen = seen
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def received(self, header: str) -> list[str | None]:
        return [headers.get(header) for _, headers in self.seen]


@pytest.fixture
def cookies() -> Iterator[Server]:
    """A server that sets a cookie for its host, and one for all that it could reach."""
    with Server(headers={"Set-Cookie": "session=hush; Path=/"}) as server:
        yield server


@SIGNED
def test_netrc_is_not_asked(
    connect: Connect, credentials: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other programs' passwords are sent nowhere, and never in the place of a token."""
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1 login me password hush\ndefault login me\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))

    with Server() as server:
        policy = RetryPolicy(first=0.0, floor=0.0)
        client = connect(**credentials, base_url=server.url, retry=policy)
        for call in CALLS.values():
            with suppress(TransloaditError):
                call(client)

    bearer = f"Bearer {credentials['auth_token']}" if "auth_token" in credentials else None
    assert len(server.seen) >= len(CALLS)
    assert set(server.received("authorization")) == {None, bearer}


def test_a_cookie_is_not_kept_for_the_next_request(connect: Connect, cookies: Server) -> None:
    client = connect(base_url=cookies.url)

    for _ in range(3):
        client.get_assembly(ID)

    assert cookies.received("cookie") == [None] * 3


@pytest.mark.parametrize(
    "copied",
    [
        lambda client: client.with_options(timeout=3.0),
        lambda client: client.with_headers({"X-A": "1"}),
        lambda client: client.with_timeout(3.0),
    ],
)
def test_a_cookie_is_not_handed_on_to_a_copy(cookies: Server, copied: Callable[[Any], Any]) -> None:
    with Transloadit(base_url=cookies.url) as client:
        client.get_assembly(ID)
        copied(client).get_assembly(ID)

    async def awaited() -> None:
        async with AsyncTransloadit(base_url=cookies.url) as client:
            await client.get_assembly(ID)
            await copied(client).get_assembly(ID)

    asyncio.run(awaited())

    assert cookies.received("cookie") == [None] * 4


def test_cookies_that_were_given_are_sent_and_no_other(connect: Connect, cookies: Server) -> None:
    """To a client, to httpx, or in a jar, which is read and never written to."""
    jar = httpx.Cookies({"theirs": "1"}).jar
    client = connect(base_url=cookies.url, cookies={"own": "1"}, httpx_args={"cookies": jar})

    client.get_assembly(ID)
    client.get_assembly(ID)

    sent = [sorted((value or "").split("; ")) for value in cookies.received("cookie")]
    assert sent == [["own=1", "theirs=1"]] * 2
    assert [cookie.name for cookie in jar] == ["theirs"]


def test_a_requests_own_cookies_go_along_with_those_of_the_client(cookies: Server) -> None:
    """Over `get_httpx_client()`: the request's go before the client's."""
    given, own = {"a": "1", "b": "1"}, {"b": "2", "c": "2"}

    async def awaited() -> None:
        async with AsyncTransloadit(base_url=cookies.url, cookies=given) as client:
            http = client.get_async_httpx_client()
            await http.send(http.build_request("GET", "/x", cookies=own))

    with Transloadit(base_url=cookies.url, cookies=given) as client:
        http = client.get_httpx_client()
        http.send(http.build_request("GET", "/x", cookies=own))
    asyncio.run(awaited())

    sent = [sorted((value or "").split("; ")) for value in cookies.received("cookie")]
    assert sent == [["a=1", "b=2", "c=2"]] * 2


def test_an_own_httpx_client_keeps_its_cookies(cookies: Server) -> None:
    with httpx.Client() as own:
        Transloadit(base_url=cookies.url).set_httpx_client(own).get_assembly(ID)

        assert own.cookies["session"] == "hush"


@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@SIGNED
def test_no_redirect_is_followed_whatever_the_settings_say(
    connect: Connect, credentials: dict[str, str], status: int, follow: bool
) -> None:
    with Server() as elsewhere, Server(status, {"Location": f"{elsewhere.url}/x"}) as server:
        client = connect(
            **credentials, base_url=server.url, follow_redirects=follow, retry=None,
            httpx_args={"follow_redirects": follow},
        )  # fmt: skip
        for call in CALLS.values():
            with suppress(TransloaditError):
                call(client)

    assert len(server.seen) >= len(CALLS)
    assert elsewhere.seen == []


def test_a_generated_function_that_follows_takes_nothing_along(cookies: Server) -> None:
    """It is followed when asked for; the cookie of the first host is not for the second."""
    with Server(302, {"Location": f"{cookies.url}/x", "Set-Cookie": "a=hush"}) as server:
        client = Transloadit(auth_token="hush", base_url=server.url, follow_redirects=True)
        for _ in range(2):
            get_assembly.sync_detailed(ID, client=client)
        client.close()

    assert len(cookies.seen) == 2
    for header in ("cookie", "authorization"):
        assert cookies.received(header) == server.received(header) == [None, None]


@pytest.mark.parametrize("setting", [False, True])
@pytest.mark.parametrize("asked", [None, False, True])
def test_a_request_over_our_httpx_client_is_followed_as_it_says_or_else_as_our_client_does(
    *, setting: bool, asked: bool | None
) -> None:
    """`get_httpx_client()` is for requests that no method sends, whoever carries them."""
    options: Any = {} if asked is None else {"follow_redirects": asked}
    other: Any = {"follow_redirects": not setting}

    async def awaited(url: str) -> None:
        async with httpx.AsyncClient(**other) as own:
            client = AsyncTransloadit(base_url=url, follow_redirects=setting)
            http = client.set_async_httpx_client(own).get_async_httpx_client()
            await http.get("/a", **options)
            await http.send(http.build_request("GET", "/a"), **options)

    with Server() as elsewhere, Server(302, {"Location": f"{elsewhere.url}/x"}) as server:
        with httpx.Client(**other) as own:
            client = Transloadit(base_url=server.url, follow_redirects=setting)
            http = client.set_httpx_client(own).get_httpx_client()
            http.get("/a", **options)
            http.send(http.build_request("GET", "/a"), **options)
        asyncio.run(awaited(server.url))

    assert len(server.seen) == 4
    assert len(elsewhere.seen) == (4 if (setting if asked is None else asked) else 0)


class Proxy(ThreadingHTTPServer):
    """A forward proxy: hands each request on to the server that its URL names."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        super().__init__(("127.0.0.1", 0), _Forwarding)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Forwarding(BaseHTTPRequestHandler):
    def forward(self) -> None:
        assert isinstance(self.server, Proxy)
        self.server.passed.append(f"{self.command} {self.path}")
        url = urlsplit(self.path)
        onward = HTTPConnection(url.hostname or "", url.port)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        onward.request(self.command, url.path, body, dict(self.headers.items()))
        answer = onward.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.read())
        onward.close()

    def __getattr__(self, method: str) -> Callable[[], None]:
        if method.startswith("do_"):
            return self.forward
        raise AttributeError(method)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # the name it has
        pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    Thread(target=proxy.serve_forever, args=(0.01,)).start()
    yield proxy
    proxy.shutdown()
    proxy.server_close()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_carries_every_call(
    connect: Connect, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    with StandIn() as api:
        api.add_template("t", steps={"a": {"robot": "/upload/handle"}})
        client = connect(api.key, api.secret, base_url=api.url)

        assembly = client.create_assembly(template_id="t", files=[("a", b"1" * 100_000)])
        client.get_assembly(assembly.assembly_id)
        client.cancel_assembly(assembly.assembly_id)

    assert [line.split(f"{api.url}/")[0] for line in proxy.passed] == ["POST ", "GET ", "DELETE "]
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("no_proxy", "is_proxied"),
    [("127.0.0.1", False), ("127.0.0.1:{port}", False), ("127.0.0.1:1", True)],
)
def test_no_proxy_leaves_a_host_out(
    connect: Connect,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    no_proxy: str,
    *,
    is_proxied: bool,
) -> None:
    """On all of its ports, or on one."""
    with Server() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy.format(port=urlsplit(server.url).port))
        connect(base_url=server.url).get_assembly(ID)

    assert len(proxy.passed) == is_proxied
    assert len(server.seen) == 1


@SIGNED
def test_a_proxy_of_https_learns_the_host_and_nothing_else(
    connect: Connect, credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server(status=403) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client = connect(**credentials, base_url="https://media.invalid", retry=None)

        with pytest.raises(NoAnswer):
            client.create_assembly(template_id="t")

    ((line, headers),) = proxy.seen
    assert line == "CONNECT media.invalid:443"
    assert set(headers) <= {"host", "accept", "user-agent"}
