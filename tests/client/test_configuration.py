"""What a client is made of: arguments, environment, copies, connections, the ecosystem's ways."""

import asyncio
import inspect
import logging
import os
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from transloadit_api.api.assemblies import create_assembly
from transloadit_api.client import Client
from transloadit_api.models import CreateAssemblyForm
from transloadit_client import (
    AsyncTransloadit,
    InvalidInput,
    MissingCredentials,
    StillBusy,
    Transloadit,
)
from transloadit_client._calls.contents import PIECE, Span
from transloadit_client._http.log_filters import OurRequest
from transloadit_client._http.settings import proxy_of
from transloadit_standin import StandIn

from ..scripted import ID, Wire

Connect = Callable[..., Any]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(host_names=["media.invalid"]) as api:
        yield api


def test_the_environment_fills_in_what_is_left_out(
    connect: Connect, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLOADIT_KEY", "env_key")
    monkeypatch.setenv("TRANSLOADIT_SECRET", "env_secret")
    monkeypatch.setenv("TRANSLOADIT_ENDPOINT", "https://api.example.net")
    monkeypatch.setenv("TRANSLOADIT_SIGNATURE_ALGORITHM", "sha256")

    client = connect(httpx_args={"transport": wire.transport})
    client.create_assembly(template_id="t")

    assert str(wire.requests[0].url).startswith("https://api.example.net/assemblies/")
    assert b"env_key" in wire.requests[0].content
    assert b"sha256:" in wire.requests[0].content


def test_arguments_beat_the_environment(
    connect: Connect, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLOADIT_KEY", "env_key")
    monkeypatch.setenv("TRANSLOADIT_AUTH_TOKEN", "env_token")
    monkeypatch.setenv("TRANSLOADIT_ENDPOINT", "https://api.example.net")

    client = connect("k", "s", base_url="https://x.net", httpx_args={"transport": wire.transport})
    client.create_assembly(template_id="t")

    assert str(wire.requests[0].url).startswith("https://x.net/assemblies/")
    assert b"env_key" not in wire.requests[0].content
    assert "authorization" not in wire.requests[0].headers


def test_a_token_in_the_environment_beats_a_key_there(
    connect: Connect, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRANSLOADIT_KEY", "env_key")
    monkeypatch.setenv("TRANSLOADIT_SECRET", "env_secret")
    monkeypatch.setenv("TRANSLOADIT_AUTH_TOKEN", "env_token")

    client = connect(httpx_args={"transport": wire.transport})
    client.create_assembly(template_id="t")
    client.with_options(key="k", secret="s")

    assert wire.requests[0].headers["authorization"] == "Bearer env_token"
    assert b"env_key" not in wire.requests[0].content


@pytest.mark.parametrize(
    ("argument", "variable", "value"),
    [
        ("signature_algorithm", "TRANSLOADIT_SIGNATURE_ALGORITHM", "md5"),
        ("base_url", "TRANSLOADIT_ENDPOINT", "api2.transloadit.com"),
        ("base_url", "TRANSLOADIT_ENDPOINT", "http://api2.transloadit.com"),
        ("auth_token", "TRANSLOADIT_AUTH_TOKEN", "a b"),
        ("key", "TRANSLOADIT_KEY", "a\n"),
        ("secret", "TRANSLOADIT_SECRET", "a\n"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_once_and_named(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, argument: str, variable: str, value: str
) -> None:
    """By the argument where it was given, else by the variable that it comes from."""
    for name in ("KEY", "SECRET", "AUTH_TOKEN", "ENDPOINT", "SIGNATURE_ALGORITHM"):
        monkeypatch.delenv(f"TRANSLOADIT_{name}", raising=False)
    others = {} if argument == "auth_token" else {"key": "k", "secret": "s"}
    others.pop(argument, None)

    with pytest.raises(InvalidInput, match=f"^{argument} "):
        connect(**{**others, argument: value})

    for name, other in others.items():
        monkeypatch.setenv(f"TRANSLOADIT_{name.upper()}", other)
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInput, match=f"^{variable} "):
        connect()


class NoContainer:
    """Something that is nothing of what is asked for."""

    def __repr__(self) -> str:  # which names the test, in every process alike
        return "NoContainer()"


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": 5},
        {"cookies": {"a": 5}},
        {"cookies": {"a": "ü"}},
        {"cookies": 5},
        {"trusted_hosts": 5},
        {"trusted_hosts": [5]},
        {"verify_ssl": 5},
        {"verify_ssl": None},
        {"auth_token": 5.0},
        {"httpx_args": 5},
        {"httpx_args": {"nonsense": 1}},
        {"httpx_args": {"auth": 3}},
        {"httpx_args": {"cookies": {"a": "ü"}}},
        {"httpx_args": {"event_hooks": {"request": 3}}},
        {"httpx_args": {"headers": 5}},
        {"httpx_args": {"limits": 5}},
        {"httpx_args": {"max_redirects": "x"}},
        {"httpx_args": {"mounts": {"x": None}}},
        {"httpx_args": {"params": NoContainer()}},
        {"httpx_args": {"proxy": "ftp://proxy"}},
        {"httpx_args": {"proxy": 5}},
        {"httpx_args": {"proxy": "http://a b:80"}},
        {"httpx_args": {"proxy": "http://[::1"}},
        {"httpx_args": {"proxy": "http://proxy:0"}},
        {"httpx_args": {"proxy": "http://proxy:65536"}},
        {"httpx_args": {"proxy": "http://.proxy"}},
        {"httpx_args": {"timeout": "x"}},
        {"httpx_args": {"transport": "x"}},
        {"httpx_args": {"verify": 5}},
    ],
    ids=lambda given: ascii(given).replace("\\", ""),
)
def test_a_setting_of_the_wrong_kind_is_refused_where_it_is_given(
    connect: Connect, settings: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        connect("k", "s", **settings)


def test_what_httpx_refuses_is_named_and_not_quoted(connect: Connect) -> None:
    """Headers, cookies and proxies are where other secrets stand."""
    for args in ({"auth": ["hunter2"]}, {"proxy": "http://me:hunter2@.proxy"}):
        with pytest.raises(InvalidInput) as caught:
            connect("k", "s", httpx_args=args)

        assert f"httpx_args[{next(iter(args))!r}]" in str(caught.value)
        assert "hunter2" not in str(caught.value)


ODD_TIMEOUT = "it takes seconds above 0, or an httpx.Timeout"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"httpx_args": ["http2"]}, "httpx_args is a list; it takes a mapping"),
        (
            {"httpx_args": {"typo": 1, "nonsense": 2}},
            "httpx_args has 'nonsense', 'typo', which httpx.Client does not take",
        ),
        ({"httpx_args": {"app": print}}, "httpx_args has 'app', which httpx.Client does not take"),
        ({"httpx_args": {"auth": [1]}}, "httpx_args['auth'] is a list that httpx refuses"),
        ({"httpx_args": {"limits": 5}}, "httpx_args['limits'] is a int that httpx refuses"),
        ({"httpx_args": {"timeout": "soon"}}, f"timeout is 'soon'; {ODD_TIMEOUT}"),
        ({"timeout": 0}, f"timeout is 0; {ODD_TIMEOUT}"),
        (
            {"timeout": httpx.Timeout(5, read=0.0)},
            "timeout.read is 0.0; it takes seconds, or None",
        ),
        ({"verify_ssl": 5}, "verify_ssl is a int; it takes True, False, a path or an SSLContext"),
    ],
    ids=lambda given: ascii(given).replace("\\", ""),
)
def test_a_refused_setting_says_what_it_is_and_what_it_takes(
    connect: Connect, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        connect("k", "s", **settings)

    assert str(caught.value) == says


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (0.5, 0.5),
        (httpx.Timeout(0.5), 0.5),
        (httpx.Timeout(None), None),
        (float("inf"), 365 * 24 * 3600),  # sockets take no infinite time
    ],
)
@pytest.mark.parametrize("by", ["argument", "httpx_args"])
def test_a_timeout_is_taken_by_argument_and_by_httpx_args(
    connect: Connect, wire: Wire, given: Any, read: float | None, by: str
) -> None:
    """Of any time above 0, also below a second."""
    args: dict[str, Any] = {"transport": wire.transport}
    if by == "httpx_args":
        client = connect(httpx_args={**args, "timeout": given})
    else:
        client = connect(timeout=given, httpx_args=args)

    client.get_assembly(ID)

    assert wire.requests[0].extensions["timeout"]["read"] == read


NO_PROXY = "is not the URL of a proxy (http, https, socks5 or socks5h)"


def test_what_is_no_proxy_says_which_there_are_and_where_it_came_from(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInput) as by_argument:
        connect("k", "s", httpx_args={"proxy": "ftp://me:hush@proxy"})
    monkeypatch.setenv("HTTPS_PROXY", "ftp://me:hush@proxy")
    with pytest.raises(InvalidInput) as by_variable:
        connect("k", "s")

    assert str(by_argument.value) == f"httpx_args['proxy'] {NO_PROXY}"
    assert str(by_variable.value) == (
        f"the environment variable HTTPS_PROXY (or https_proxy) {NO_PROXY}; correct or unset it,"
        " or give httpx_args={'trust_env': False}"
    )


@pytest.mark.parametrize(
    "proxy",
    [
        "proxy:1",
        "https://proxy:65535",
        "http://[fe80::1%25eth0]:3128",  # an address of this link alone
        httpx.Proxy("http://proxy", auth=("me", "word")),
    ],
    ids=str,
)
def test_a_proxy_that_a_request_can_be_sent_to_is_taken(connect: Connect, proxy: Any) -> None:
    connect("k", "s", httpx_args={"proxy": proxy})


SOCKS = "httpx_args['proxy'] is a SOCKS proxy, which"


@pytest.mark.parametrize(
    ("args", "package", "what", "extra"),
    [
        ({"proxy": "socks5://a.example"}, "socksio", SOCKS, "socks"),
        ({"http2": True}, "h2", "http2", "http2"),
    ],
)
def test_what_takes_another_package_is_refused_without_it(
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    *,
    args: dict[str, Any],
    package: str,
    what: str,
    extra: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(InvalidInput) as caught:
        connect("k", "s", httpx_args=args)

    assert str(caught.value) == f"{what} needs another package: pip install 'httpx[{extra}]'"


def test_a_socks_proxy_is_taken_where_its_package_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "socksio.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    assert proxy_of("socks5://a.example", "proxy").url == "socks5://a.example"


def test_a_certificate_beside_a_context_is_refused(connect: Connect) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    with pytest.raises(InvalidInput, match="load the certificate into the context"):
        connect("k", "s", verify_ssl=context, httpx_args={"cert": "mine.pem"})


def test_usual_settings_of_httpx_are_taken(connect: Connect, wire: Wire) -> None:
    args = {
        "auth": ("me", "word"),
        "cookies": {"a": "b"},
        "default_encoding": "utf-8",
        "event_hooks": {"request": []},
        "headers": {"X-A": "b"},
        "limits": httpx.Limits(max_connections=5),
        "max_redirects": 3,
        "mounts": {"all://nowhere.invalid": None},
        "params": {"c": "d"},
        "timeout": (1.0, 2.0, 3.0, 4.0),
        "transport": wire.transport,
        "trust_env": False,
        "verify": True,
    }

    connect("k", "s", httpx_args=args).get_assembly(ID)

    assert wire.requests[0].headers["X-A"] == "b"
    assert wire.requests[0].extensions["timeout"]["read"] == 2.0


@pytest.mark.parametrize("kind", [httpx.BaseTransport, httpx.AsyncBaseTransport])
def test_a_transport_of_either_kind_is_taken(connect: Connect, kind: type[Any]) -> None:
    """Settings may serve both clients; whether it fits shows when it has to send."""
    connect(httpx_args={"transport": kind()})


def test_a_single_trusted_host_is_one_host(connect: Connect, wire: Wire) -> None:
    client = connect(trusted_hosts="media.example", httpx_args={"transport": wire.transport})

    client.get_assembly(f"https://media.example/assemblies/{ID}")

    assert wire.requests[0].url.host == "media.example"


def test_certificates_may_be_given_as_a_path(connect: Connect, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="gone"):
        connect("k", "s", verify_ssl=tmp_path / "gone.pem")


def test_signing_needs_credentials_even_with_a_token() -> None:
    with pytest.raises(MissingCredentials):
        Transloadit(auth_token="t").sign({})


def test_a_signature_is_good_for_an_hour_unless_told_otherwise() -> None:
    client = Transloadit("k", "s")

    for given, lifetime in (({}, 3600), ({"expires_in": timedelta(minutes=5)}, 300)):
        before = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=lifetime)
        text = client.sign({}, **given).params
        expires = datetime.strptime(
            text.split('"expires":"')[1].split('"')[0], "%Y/%m/%d %H:%M:%S%z"
        )
        assert before <= expires <= before + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("change", "applied"),
    [
        (lambda c: c.with_headers({"X-A": "1"}), lambda r: r.headers.get("x-a") == "1"),
        (lambda c: c.with_cookies({"a": "1"}), lambda r: r.headers.get("cookie") == "a=1"),
        (lambda c: c.with_timeout(7.0), lambda r: r.extensions["timeout"]["read"] == 7.0),
        (
            lambda c: c.with_timeout(httpx.Timeout(9.0, connect=1.0)),
            lambda r: r.extensions["timeout"]["connect"] == 1.0,
        ),
        (lambda c: c.with_options(key="k2", secret="s2"), lambda r: b"k2" in r.content),
        (
            lambda c: c.with_options(auth_token="t"),
            lambda r: r.headers.get("authorization") == "Bearer t",
        ),
        (
            lambda c: c.with_options(signature_algorithm="sha1"),
            lambda r: b"sha1:" in r.content,
        ),
        (
            lambda c: c.with_options(base_url="https://other.net"),
            lambda r: r.url.host == "other.net",
        ),
        (lambda c: attrs.evolve(c, headers={"X-A": "1"}), lambda r: r.headers.get("x-a") == "1"),
    ],
)
@pytest.mark.parametrize("used_before", [True, False])
def test_a_copy_differs_and_its_parent_stays_as_it_was(
    wire: Wire, change: Any, applied: Any, used_before: bool
) -> None:
    parent = Transloadit("k", "s", httpx_args={"transport": wire.transport})
    if used_before:
        parent.create_assembly(template_id="t")

    copy = change(parent)
    copy.create_assembly(template_id="t")
    parent.create_assembly(template_id="t")

    assert type(copy) is Transloadit
    assert applied(wire.requests[-2])
    assert not applied(wire.requests[-1])


def test_an_option_of_the_connections_cannot_change_in_a_copy() -> None:
    with pytest.raises(TypeError):
        Transloadit("k", "s").with_options(verify_tls=False)  # type: ignore[call-arg]  # the point


def test_copies_share_connections_and_do_not_close_them(api: StandIn) -> None:
    parent = Transloadit(api.key, api.secret, base_url=api.url)
    with parent:
        with parent.with_timeout(3.0) as copy:
            assembly = copy.create_assembly(steps={"a": {"robot": "/upload/handle"}})
        assert copy._connections.transport() is parent._connections.transport()
        parent.get_assembly(assembly)

    with pytest.raises(RuntimeError, match=r"^Cannot send a request, as the client has been"):
        parent.get_assembly(assembly)


def test_default_timeouts_are_set_and_each_call_can_have_its_own(
    connect: Connect, wire: Wire
) -> None:
    client = connect(httpx_args={"transport": wire.transport})

    client.get_assembly(ID)
    client.get_assembly(ID, timeout=1.5)
    client.get_assembly(ID, timeout=httpx.Timeout(None))

    waits = [request.extensions["timeout"] for request in wire.requests]
    assert waits[0] == {"connect": 10.0, "read": 60.0, "write": 60.0, "pool": None}
    assert waits[1] == {"connect": 1.5, "read": 1.5, "write": 1.5, "pool": None}
    assert set(waits[2].values()) == {None}


def test_a_read_of_a_wait_has_less_time_than_the_client_says_and_never_more(
    connect: Connect, wire: Wire
) -> None:
    """A read that hangs is given up early, since the next one may well be answered."""
    timeout = httpx.Timeout(3600.0, connect=0.5, pool=None)
    client = connect(timeout=timeout, httpx_args={"transport": wire.transport})

    with pytest.raises(StillBusy):
        client.wait_for_assembly(ID, deadline=0.05)

    assert wire.requests
    for request in wire.requests:
        given = request.extensions["timeout"]
        assert given["connect"] == 0.5
        assert max(given["read"], given["write"], given["pool"]) < 60


def test_a_slow_server_meets_the_timeout_of_the_call(api: StandIn, connect: Connect) -> None:
    api.delay_next(5)

    with pytest.raises(Exception, match="timed out"):
        connect(base_url=api.url, retry=None).get_assembly(ID, timeout=0.05)


def test_an_httpx_client_of_ones_own_is_used_with_its_settings(wire: Wire) -> None:
    """Its headers, timeout and transport apply, ours on top; to close it is its owner's."""
    own = httpx.Client(transport=wire.transport, headers={"X-Own": "1"}, timeout=3.0)

    with Transloadit("k", "s").set_httpx_client(own) as client:
        client.create_assembly(template_id="t", files=[("a", b"1")])
        client.with_headers({"X-More": "2"}).get_assembly(ID)

    first, second = wire.requests
    assert first.headers["x-own"] == second.headers["x-own"] == "1"
    assert second.headers["x-more"] == "2"
    assert "transloadit-client" in first.headers
    assert first.extensions["timeout"]["read"] == 3.0
    assert b"text/plain" not in first.content
    assert not own.is_closed


def test_a_form_over_our_httpx_client_keeps_its_headers_and_draws_its_boundary(wire: Wire) -> None:
    """Generated functions name a boundary, `+++`, which the bytes of a file can forge."""
    http = Transloadit("k", "s", httpx_args={"transport": wire.transport}).get_httpx_client()
    headers = {"X-A": "b", "content-type": "multipart/form-data; boundary=+++"}

    http.post("/assemblies", files={"a": b"1"}, headers=headers)
    with pytest.raises(InvalidInput) as caught:
        http.post("/assemblies", data={"params": "{}"}, files=[("params", (None, "{}"))])

    (request,) = wire.requests
    assert request.headers["X-A"] == "b"
    assert b"+++" not in request.content
    assert re.match(rb"--([0-9a-f]{32})\r\n", request.content)
    assert str(caught.value) == "the form has the field 'params' twice; nothing was sent"


def test_a_form_goes_out_in_pieces_of_a_good_size() -> None:
    """Each is a write of its own, and what a socket does not take at once is copied."""
    large = os.urandom(2 * PIECE + 1)
    form: dict[str, Any] = {"files": [("a", b"1"), ("b", large), ("c", b"2")]}

    async def awaited() -> list[bytes]:
        async with AsyncTransloadit("k", "s") as client:
            request = client.get_async_httpx_client().build_request("POST", "/assemblies", **form)
            stream: Any = request.stream
            pieces = aiter(stream)
            # What is in memory is there at once, without a thread.
            with pytest.raises(StopIteration) as first:
                anext(pieces).__await__().send(None)
            return [first.value.value, *[piece async for piece in pieces]]

    with Transloadit("k", "s") as client:
        request = client.get_httpx_client().build_request("POST", "/assemblies", **form)
        stream: Any = request.stream
        # No more than there should be: endless pieces would fill the memory.
        for take in (lambda: list(islice(stream, 9)), lambda: asyncio.run(awaited())):
            pieces = take()
            assert [len(piece) for piece in pieces[1:4]] == [PIECE, PIECE, 1]
            assert b"".join(pieces[1:4]) == large
            assert len(pieces) == 5
            assert sum(map(len, pieces)) == int(request.headers["Content-Length"])


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_chunk_is_read_in_a_thread_unless_it_is_in_memory(*, in_memory: bool) -> None:
    """A slow disk would hold up the event loop; what is in memory would wait for a thread."""
    readers = set()

    def read(_: int, size: int) -> bytes:
        readers.add(threading.get_ident())
        return bytes(size)

    async def main() -> int:
        async with AsyncTransloadit() as client:
            chunk = Span(read, 0, 10, in_memory=in_memory)
            request = client.get_async_httpx_client().build_request("PATCH", "/x", content=chunk)
            assert await request.aread() == bytes(10)
        return threading.get_ident()

    loop = asyncio.run(main())
    assert (readers == {loop}) == in_memory


async def _with_an_own_async_client(wire: Wire) -> httpx.AsyncClient:
    own = httpx.AsyncClient(transport=wire.transport, headers={"X-Own": "1"})
    async with AsyncTransloadit("k", "s").set_async_httpx_client(own) as client:
        await client.create_assembly(template_id="t")
    return own


def test_an_async_httpx_client_of_ones_own_is_used_too(wire: Wire) -> None:
    own = asyncio.run(_with_an_own_async_client(wire))

    assert wire.requests[0].headers["x-own"] == "1"
    assert not own.is_closed


def test_the_clients_serve_generated_functions(api: StandIn) -> None:
    with Transloadit(api.key, api.secret, base_url=api.url) as client:
        signed = client.sign({"steps": {"a": {"robot": "/upload/handle"}}})
        form = CreateAssemblyForm(params=signed.params, signature=signed.signature)
        answer = create_assembly.sync(client=client, body=form)

    assert isinstance(client, Client)
    assert answer is not None
    assert answer.to_dict()["ok"]


@pytest.mark.parametrize("client", [Transloadit, AsyncTransloadit])
def test_an_own_ca_that_is_none_is_refused_at_once(client: type, tmp_path: Path) -> None:
    """Not by the first call, which may be far from where it was given."""
    ca = tmp_path / "ca.pem"

    with pytest.raises(InvalidInput, match="No such file"):
        client(verify_ssl=str(ca))
    ca.write_text("no certificate")
    with pytest.raises(InvalidInput, match=re.escape(f"verify_ssl={str(ca)!r}")):
        client(verify_ssl=str(ca))


def test_proxies_of_the_environment_are_used(
    connect: Connect, api: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in takes the part of the proxy: a plain HTTP proxy is asked for the whole URL."""
    monkeypatch.setenv("HTTP_PROXY", api.url)
    monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(Exception, match="SERVER_404"):
        connect(base_url="http://media.invalid").get_assembly(ID)

    assert api.requests[-1].headers["host"] == "media.invalid"


def test_one_client_serves_many_threads(api: StandIn) -> None:
    client = Transloadit(api.key, api.secret, base_url=api.url)
    ids: list[Any] = []

    def create() -> None:
        created = [client.create_assembly(steps={"a": {"robot": "/file/hash"}}) for _ in range(5)]
        ids.extend(assembly.assembly_id for assembly in created)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()

    assert len(set(ids)) == 40


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    def surface(client: type) -> dict[str, inspect.Signature]:
        return {
            name: inspect.signature(method)
            for name, method in inspect.getmembers(client, inspect.isfunction)
            if not name.startswith("_")
        }

    sync, awaited = surface(Transloadit), surface(AsyncTransloadit)
    one, other = sync.pop("map"), awaited.pop("map")
    assert sync == awaited
    # `map` is no coroutine, but an iterator of the other kind, and its inputs may be awaited too.
    assert list(one.parameters) == list(other.parameters)
    assert [(it.kind, it.default) for it in one.parameters.values()] == [
        (it.kind, it.default) for it in other.parameters.values()
    ]


def test_closing_a_client_that_was_never_used_is_fine() -> None:
    with Transloadit():
        pass

    async def unused() -> None:
        async with AsyncTransloadit() as client:
            client.close()

    asyncio.run(unused())


def test_transports_of_mounts_are_closed_with_the_client(connect: Connect) -> None:
    closed: list[str] = []

    class Mounted(httpx.MockTransport):
        def close(self) -> None:
            closed.append("close")

        async def aclose(self) -> None:
            closed.append("aclose")

    mounted = Mounted(lambda _: httpx.Response(500))
    client = connect(httpx_args={"mounts": {"all://a.example": mounted, "all://b.example": None}})

    if isinstance(client, Transloadit):
        client.close()
        assert closed == ["close"]
    else:
        client.aclose()
        assert closed == ["aclose"]


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "https://exa mple.org"},
        {"base_url": "https://x\n.org"},
        {"headers": {"X-A": "\ud800"}},
        {"headers": {"X-\u00e9": "a"}},
        {"headers": {"X-A": 3}},
        {"headers": 3},
    ],
)
def test_what_cannot_stand_in_a_request_is_refused_at_once(
    connect: Connect, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput):
        connect(**options)


def test_a_copy_leaves_the_asynchronous_connections_open(wire: Wire) -> None:
    async def main() -> None:
        client = AsyncTransloadit(httpx_args={"transport": wire.transport})
        async with client:
            async with client.with_timeout(1) as copy:
                await copy.get_assembly(ID)
            await client.get_assembly(ID)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a/assemblies/hush", "https://a/assemblies/…"),
        ("https://a/assemblies/hush/replay?x=1", "https://a/assemblies/…/replay?x=1"),
        (
            "https://a/assembly_notifications/hush/replay",
            "https://a/assembly_notifications/…/replay",
        ),
        ("https://a/ws20013?x=1&assembly=hush&y=2", "https://a/ws20013?x=1&assembly=…&y=2"),
        ("https://a/resumable/files/hush", "https://a/resumable/files/…"),
        ("https://a/assemblies", "https://a/assemblies"),
    ],
)
def test_what_gives_power_is_masked_in_a_logged_url(
    caplog: pytest.LogCaptureFixture, url: str, shown: str
) -> None:
    with OurRequest():
        logging.getLogger("httpx").warning("HTTP Request: %s %d", httpx.URL(url), 200)

    assert caplog.messages == [f"HTTP Request: {shown} 200"]


def test_headers_that_the_http_stack_logs_are_cut_and_only_those_of_our_requests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    httpcore, hpack = logging.getLogger("httpcore.http11"), logging.getLogger("hpack.hpack")
    with OurRequest():
        httpcore.debug("receive_response_headers.complete return_value=[(b'A', b'hush')]")
        hpack.debug("Decoded hush")
        hpack.info("of no header")
    httpcore.debug("headers=[(b'B', b'theirs')]")
    hpack.debug("Decoded theirs")

    assert caplog.messages == [
        "receive_response_headers.complete return_value=…",
        "of no header",
        "headers=[(b'B', b'theirs')]",
        "Decoded theirs",
    ]


def test_urls_of_other_programs_requests_are_logged_as_they_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = "https://example.com/assemblies/7/resumable/files/9?assembly=3"

    logging.getLogger("httpx").warning("HTTP Request: %s %d", httpx.URL(url), 200)

    assert caplog.messages == [f"HTTP Request: {url} 200"]


def test_httpx_logs_without_arguments_pass_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("httpx").warning("no arguments, /assemblies/%s", ID)
    logging.getLogger("httpx").warning("a mapping: %(a)s", {"a": 1})

    assert "a mapping: 1" in caplog.text
