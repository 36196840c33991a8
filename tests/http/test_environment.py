"""The environment, certificates, HTTP/2, hooks and logs: all as users of httpx know them."""

import asyncio
import hashlib
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import trustme
from cryptography import x509
from hypercorn.asyncio import serve
from hypercorn.config import Config

from transloadit_client import (
    AiohttpTransport,
    DownloadIncomplete,
    InvalidInput,
    NoAnswer,
    Transloadit,
)
from transloadit_client._http.environment import Proxies
from transloadit_client._http.pool_state import STRANGER

from .in_memory import ID, SENT, Served, Service, copy_of, every_call, handler_of, line_of

Connect = Callable[..., Any]


class Secure:
    """A service over TLS that asks for client certificates, and knows which it was shown."""

    def __init__(self, authority: trustme.CA, name: str = "127.0.0.1") -> None:
        self.shown: list[str | None] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(self._context)
        authority.configure_trust(self._context)
        self._context.verify_mode = ssl.CERT_OPTIONAL
        secure = self

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request: Any, client_address: Any) -> None:
                with suppress(OSError):  # refused by the client
                    tls = secure._context.wrap_socket(request, server_side=True)
                    names = dict(tls.getpeercert() or {}).get("subjectAltName", ())
                    secure.shown.append(str(names[0][1]) if names else None)
                    super().finish_request(tls, client_address)
                    tls.close()

        self.service = Service()
        self._server = Server(("127.0.0.1", 0), handler_of(self.service))
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self.service.origin = self.service.results = self.url

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Secure]:
    with Secure(authority) as server:
        yield server


# Certificates


def name_in_a_folder(ca_file: str) -> str:
    """The name by which OpenSSL looks up a certificate in a folder: a hash of its subject.

    `openssl rehash` gives such names. The subject is hashed in lower case, without its outer head.
    """
    subject = x509.load_pem_x509_certificate(Path(ca_file).read_bytes()).subject
    lower = x509.Name([x509.NameAttribute(one.oid, str(one.value).lower()) for one in subject])
    digest = hashlib.sha1(lower.public_bytes()[2:], usedforsecurity=False).digest()
    return f"{int.from_bytes(digest[:4], 'little'):08x}.0"


def test_ssl_cert_file_is_heeded_by_each_call(
    connect: Connect,
    secure: Secure,
    ca_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    folder = tmp_path / "work"
    folder.mkdir()

    every_call(connect("k", "s", base_url=secure.url), folder)

    assert secure.service.lines == SENT


@pytest.mark.parametrize("others", [[], ["gone"]], ids=["one", "two"])
def test_ssl_cert_dir_is_heeded(
    connect: Connect,
    secure: Secure,
    ca_file: str,
    monkeypatch: pytest.MonkeyPatch,
    others: list[str],
) -> None:
    """OpenSSL finds certificates by names of its own, and no others."""
    folder = Path(ca_file).parent
    folders = [str(folder / other) for other in others] + [str(folder)]
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)  # which would go before it
    monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(folders))

    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        connect(base_url=secure.url, retry=None).get_assembly(ID)

    Path(ca_file).rename(folder / name_in_a_folder(ca_file))
    assert connect(base_url=secure.url, retry=None).get_assembly(ID).done


@pytest.mark.parametrize("trust_env", [True, False])
def test_a_folder_of_certificates_may_be_given(
    connect: Connect, secure: Secure, ca_file: str, *, trust_env: bool
) -> None:
    folder, args = Path(ca_file).parent, {"trust_env": trust_env}
    options = {"base_url": secure.url, "verify_ssl": folder, "retry": None, "httpx_args": args}

    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        connect(**options).get_assembly(ID)

    Path(ca_file).rename(folder / name_in_a_folder(ca_file))
    assert connect(**options).get_assembly(ID).done


def test_how_servers_are_verified_may_stand_in_httpx_args(
    connect: Connect, secure: Secure, ca_file: str
) -> None:
    """There it goes before `verify_ssl`."""
    args = {"verify": ca_file}

    client = connect(base_url=secure.url, verify_ssl=True, retry=None, httpx_args=args)

    assert client.get_assembly(ID).done


@pytest.mark.parametrize("verify", [True, "file", False], ids=["default", "file", "unverified"])
def test_without_trust_env_no_variable_of_tls_is_read(
    connect: Connect, secure: Secure, ca_file: str, monkeypatch: pytest.MonkeyPatch, verify: Any
) -> None:
    """Neither whom to trust nor where to write the keys of connections."""
    keys = Path(ca_file).with_name("keys.log")
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    given = ca_file if verify == "file" else verify
    client = connect(
        base_url=secure.url, verify_ssl=given, retry=None, httpx_args={"trust_env": False}
    )

    if verify is True:
        with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
            client.get_assembly(ID)
    else:
        assert client.get_assembly(ID).done

    assert not keys.exists()


def test_sslkeylogfile_gets_the_keys_of_each_connection(
    connect: Connect,
    secure: Secure,
    ca_file: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = tmp_path / "keys.log"
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))

    connect(base_url=secure.url, retry=None).get_assembly(ID)

    assert "CLIENT_TRAFFIC_SECRET_0" in keys.read_text()


def test_a_client_certificate_is_shown_by_the_client_it_was_given_to_alone(
    connect: Connect, secure: Secure, authority: trustme.CA, ca_file: str, tmp_path: Path
) -> None:
    """Not by clients that were made before or after it, nor by those of another."""
    paths = {}
    for name in ("first", "second"):
        paths[name] = str(tmp_path / f"{name}.pem")
        certificate = authority.issue_cert(f"{name}@example.org")
        certificate.private_key_and_cert_chain_pem.write_to_path(paths[name])

    def client(name: str | None) -> Any:
        args = {"cert": paths[name]} if name else {}
        return connect(base_url=secure.url, verify_ssl=ca_file, retry=None, httpx_args=args)

    names = [None, "first", None, "second", None]
    clients = [client(name) for name in names]
    for one in clients:
        one.get_assembly(ID)
        copy_of(one, timeout=3.0).get_assembly(ID)  # a copy, on the same connection

    assert secure.shown == [name and f"{name}@example.org" for name in names]


@pytest.mark.parametrize("given", ["cert", "context", "context of a folder", "own context"])
def test_hosts_of_results_are_shown_no_client_certificate(
    connect: Connect, secure: Secure, authority: trustme.CA, tmp_path: Path, given: str
) -> None:
    """A status may name any host as that of a result."""
    mine, ca_file = tmp_path / "mine.pem", str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(ca_file)
    issued = authority.issue_cert("mine@example.org").private_key_and_cert_chain_pem
    issued.write_to_path(str(mine))
    settings: dict[str, Any] = {"verify_ssl": ca_file, "httpx_args": {"cert": str(mine)}}
    if given != "cert":
        kind = type("OwnContext", (ssl.SSLContext,), {}) if "own" in given else ssl.SSLContext
        context = kind(ssl.PROTOCOL_TLS_CLIENT)
        context.load_cert_chain(str(mine))
        if "folder" in given:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        else:
            context.load_verify_locations(ca_file)
        settings = {"verify_ssl": context}
    client = connect("k", "s", base_url=secure.url, retry=None, **settings)

    status = client.get_assembly(ID)
    client.download_results(status, tmp_path / "saved")

    shown = None if given != "own context" else "mine@example.org"  # which cannot be copied
    assert secure.shown == ["mine@example.org", shown]


@pytest.mark.parametrize("given", ["file", "context"])
def test_hosts_of_results_are_believed_by_their_own_names_alone(
    connect: Connect, secure: Secure, authority: trustme.CA, ca_file: str, given: str
) -> None:
    """A certificate of an authority that is trusted does not do, if it is another host's."""
    verify = ca_file if given == "file" else ssl.create_default_context(cafile=ca_file)
    client = connect("k", "s", base_url=secure.url, verify_ssl=verify, retry=None)

    with Secure(authority, "results.example") as other:
        secure.service.results = other.url
        status = client.get_assembly(ID)
        with pytest.raises(DownloadIncomplete, match=r"(Hostname|IP address) mismatch"):
            client.download_results(status, Path(ca_file).with_name("saved"))

    assert other.service.lines == []


def test_where_the_environment_says_nothing_of_tls_nothing_is_looked_at(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)

    connect("k", "s")

    assert list(tmp_path.iterdir()) == []  # no file for keys either


def test_over_aiohttp_too_hosts_of_results_are_shown_no_client_certificate(
    secure: Secure, authority: trustme.CA
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    authority.issue_cert("mine@example.org").configure_cert(context)

    async def main() -> None:
        transport = AiohttpTransport(verify=context)
        async with httpx.AsyncClient(transport=transport) as http:
            for extensions in ({}, {STRANGER: True}):
                await http.get(f"{secure.url}/assemblies/{ID}", extensions=extensions)
        await asyncio.sleep(0.02)  # until sockets are closed

    asyncio.run(main())

    assert secure.shown == ["mine@example.org", None]


def test_a_ca_file_that_changed_is_read_anew_by_a_new_client(
    connect: Connect, secure: Secure, authority: trustme.CA, tmp_path: Path
) -> None:
    file = tmp_path / "rotated.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    options = {"base_url": secure.url, "verify_ssl": str(file), "retry": None}
    before = connect(**options)
    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        before.get_assembly(ID)

    authority.cert_pem.write_to_path(str(file))

    assert connect(**options).get_assembly(ID).done
    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        before.get_assembly(ID)


def test_ssl_cert_file_that_changed_is_read_anew_by_a_new_client(
    connect: Connect,
    secure: Secure,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "rotated.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
        connect(base_url=secure.url, retry=None).get_assembly(ID)

    authority.cert_pem.write_to_path(str(file))

    assert connect(base_url=secure.url, retry=None).get_assembly(ID).done


def test_a_certificate_that_is_broken_further_down_in_ssl_cert_file_names_the_variable(
    connect: Connect,
    secure: Secure,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "broken.pem"
    good = authority.cert_pem.bytes()
    file.write_bytes(good + good.replace(b"\nMII", b"\n!!!"))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    with pytest.raises(InvalidInput, match=r"SSL_CERT_FILE=.*broken\.pem.* cannot be used"):
        connect(base_url=secure.url, retry=None).get_assembly(ID)


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("SSL_CERT_FILE", "gone.pem", "No such file"),
        ("SSL_CERT_FILE", "folder", "Errno"),  # which one, the systems disagree
        ("SSL_CERT_FILE", "no.pem", "(it holds no certificate)"),
        ("SSL_CERT_DIR", "gone", "(it is no folder)"),
        ("SSL_CERT_DIR", "no.pem", "(it is no folder)"),
        ("SSLKEYLOGFILE", "gone/keys.log", "No such file"),
    ],
)
def test_a_variable_of_tls_that_cannot_be_used_is_named_as_the_client_is_made(
    connect: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    variable: str,
    value: str,
    why: str,
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "no.pem").write_text("no certificate")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / value))

    with pytest.raises(InvalidInput) as caught:
        connect("k", "s")
    before, _, after = str(caught.value).partition(why)
    assert before.startswith(
        f"the environment variable {variable} is {str(tmp_path / value)!r}, which cannot be used "
    )
    assert after.endswith(": correct or unset it, or give httpx_args={'trust_env': False}")

    # Where it is not needed it does no harm.
    connect("k", "s", httpx_args={"trust_env": False})
    connect("k", "s", httpx_args={"transport": httpx.MockTransport(lambda _: httpx.Response(200))})


# Proxies


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_an_error_names_the_host_and_the_proxy_without_its_password(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    proxy = "http://me:hunter2@127.0.0.1:9"
    args = {"proxy": proxy} if by == "argument" else {}
    if by == "environment":
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    client = connect(base_url="https://api.example", retry=None, httpx_args=args)

    with pytest.raises(NoAnswer) as caught:
        client.get_assembly(ID)

    error = caught.value
    assert (error.host, error.proxy) == ("api.example:443", "http://127.0.0.1:9")
    assert "to api.example:443 through the proxy http://127.0.0.1:9 got no answer" in str(error)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize("no_proxy", ["::1", "[::1]:9"])
def test_an_error_names_the_proxy_of_that_host_alone(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", no_proxy)

    with pytest.raises(NoAnswer) as caught:
        connect(base_url="http://[::1]:9", retry=None).get_assembly(ID)

    assert caught.value.proxy is None
    assert caught.value.host == "[::1]:9"
    assert "[::1]:9 got no answer" in str(caught.value)


def test_whose_way_is_not_known_has_no_proxy_in_errors(connect: Connect) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    args = {"transport": httpx.MockTransport(broken)}

    with pytest.raises(NoAnswer) as caught:
        connect("k", "s", retry=None, httpx_args=args).create_assembly(template_id="t")

    assert caught.value.proxy is None


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_without_trust_env_no_proxy_is_read(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with Served(Service()) as server:
        args = {"trust_env": False}
        assert connect(base_url=server.url, retry=None, httpx_args=args).get_assembly(ID).done
        with pytest.raises(NoAnswer, match="ConnectError"):
            connect(base_url=server.url, retry=None).get_assembly(ID)

    assert server.service.lines == [f"GET /assemblies/{ID}"]


@pytest.mark.parametrize(
    ("variable", "is_proxied"), [("HTTP_PROXY", {"http"}), ("HTTPS_PROXY", {"https"})]
)
def test_a_proxy_of_one_scheme_is_for_that_scheme_alone(
    monkeypatch: pytest.MonkeyPatch, variable: str, is_proxied: set[str]
) -> None:
    """And goes before that of all schemes."""
    monkeypatch.setenv(variable, "http://one.example")
    alone = {scheme: Proxies()(scheme, "api.example", None) for scheme in ("http", "https")}
    monkeypatch.setenv("ALL_PROXY", "http://all.example")
    both = {scheme: Proxies()(scheme, "api.example", None) for scheme in ("http", "https")}

    assert {scheme for scheme, proxy in alone.items() if proxy} == is_proxied
    for scheme, proxy in both.items():
        assert proxy is not None
        assert proxy.url.host == ("one.example" if scheme in is_proxied else "all.example")


@pytest.mark.parametrize(
    ("scheme", "port", "is_proxied"),
    [
        ("https", None, False),
        ("https", 443, False),
        ("https", 8443, True),
        ("http", None, True),
        ("http", 443, False),
    ],
)
def test_no_proxy_with_a_port_means_the_port_of_the_scheme_too(
    monkeypatch: pytest.MonkeyPatch, scheme: str, port: int | None, *, is_proxied: bool
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example")
    monkeypatch.setenv("NO_PROXY", "api.example:443")

    assert (Proxies()(scheme, "api.example", port) is not None) == is_proxied


def test_a_proxy_or_transport_that_was_given_goes_before_the_environment(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then its variables are not even read: one that names no proxy does no harm."""
    monkeypatch.setenv("HTTP_PROXY", "gopher://proxy.example")
    monkeypatch.setenv("NO_PROXY", "*")
    service = Service()

    by_transport = connect(httpx_args={"transport": httpx.MockTransport(service)})
    by_proxy = connect(
        base_url="http://127.0.0.1:9", retry=None, httpx_args={"proxy": "http://127.0.0.1:1"}
    )

    assert by_transport.get_assembly(ID).done
    with pytest.raises(NoAnswer) as caught:
        by_proxy.get_assembly(ID)
    assert caught.value.proxy == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_proxied"),
    [
        ("", "api.example", True),
        ("other.example", "api.example", True),
        ("10.0.0.0/8", "api.example", True),
        ("api.example", "api.example", False),
        ("example", "api.example", False),
        (".example", "api.example", False),
        ("*.example", "api.example", False),
        (".api.example", "api.example", True),
        ("*.api.example", "api.example", True),
        ("pi.example", "api.example", True),
        ("API.Example", "api.example", False),
        (" other.example , api.example ", "api.example", False),
        ("http://api.example/", "api.example", False),
        ("api.example:80", "api.example", False),
        ("api.example:8080", "api.example", True),
        ("*", "api.example", False),
        ("10.0.0.0/8", "10.1.2.3", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.9.8.7/8", "10.1.2.3", False),
        ("other.example,api.example", "api.example", False),
        ("[::1]", "::1", False),
        ("[::1]:8080", "::1", True),
        ("::1", "::1", False),
        ("fe80::/10", "fe80::1", False),
        ("[", "api.example", True),
        (",,;", "api.example", True),
    ],
)
def test_no_proxy_is_read_in_the_spellings_that_are_in_use(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str, is_proxied: bool
) -> None:
    """As curl, Go and Python's own library take them."""
    monkeypatch.setenv("ALL_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)

    proxy = Proxies()("http", host, None)

    assert (proxy is not None) == is_proxied
    assert proxy is None or proxy.url == "http://proxy.example:3128"


def test_a_variable_that_names_no_proxy_is_named_when_a_client_is_made(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://hush@proxy.example")

    with pytest.raises(InvalidInput, match="HTTPS_PROXY") as caught:
        connect()

    assert "hush" not in str(caught.value)


# HTTP/2


class OverHttp2:
    """A server of HTTP/2, over TLS, in a thread. It knows over which connections requests came."""

    def __init__(self, authority: trustme.CA, folder: Path) -> None:
        self.requests: list[tuple[str, str, Any]] = []
        self._service = Service()
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        certificate.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        self._config = Config()
        self._config.bind = [f"fd://{listening.detach()}"]
        self._config.certfile = str(folder / "certificate.pem")
        self._config.keyfile = str(folder / "key.pem")
        self._config.graceful_timeout = 0.1
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        self._loop.run_until_complete(
            serve(self._answer, self._config, shutdown_trigger=self._end.wait)
        )
        self._loop.close()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message["body"]
        self.requests.append((scope["http_version"], scope["path"], scope["client"]))
        url = f"{self.url}{scope['path']}"
        answer = self._service(
            httpx.Request(scope["method"], url, headers=scope["headers"], content=body)
        )
        await asyncio.sleep(0.05)  # so that requests overlap
        head = {"status": answer.status_code, "headers": answer.headers.raw}
        await send({"type": "http.response.start", **head})
        await send({"type": "http.response.body", "body": answer.content})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)


@pytest.mark.parametrize("at_once", [1, 10])
def test_over_http_2_awaited_requests_share_one_connection_and_threads_share_none(
    connect: Connect, authority: trustme.CA, ca_file: str, tmp_path: Path, at_once: int
) -> None:
    with OverHttp2(authority, tmp_path) as server:
        client = connect(
            "k", "s", base_url=server.url, verify_ssl=ca_file, httpx_args={"http2": True}
        )

        def create(_: int) -> None:
            created = client.create_assembly(template_id="t", files=[("a", b"1" * 100_000)])
            client.get_assembly(created.assembly_id)

        with ThreadPoolExecutor(at_once) as threads:
            list(threads.map(create, range(10)))
        client.close() if isinstance(client, Transloadit) else client.aclose()

    assert len(server.requests) == 20
    assert {version for version, _, _ in server.requests} == {"2"}
    connections = len({peer for _, _, peer in server.requests})
    assert connections <= at_once if isinstance(client, Transloadit) else connections == 1


@pytest.mark.parametrize("http2", [False, True])
def test_requests_run_at_the_same_time_over_http_1_also_where_http_2_is_allowed(
    connect: Connect, *, http2: bool
) -> None:
    """A server without HTTP/2 is sent no request behind another on one connection."""
    together = threading.Barrier(3)

    class Meeting(Service):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            together.wait(10)  # for the other two
            return super().__call__(request)

    with Served(Meeting()) as server, ThreadPoolExecutor(3) as threads:
        client = connect(base_url=server.url, retry=None, httpx_args={"http2": http2})

        found = list(threads.map(client.get_assembly, [ID] * 3))

    assert [one.done for one in found] == [True] * 3


@pytest.mark.parametrize(
    ("args", "first"),
    [({}, b"GET"), ({"http2": True}, b"GET"), ({"http2": True, "http1": False}, b"PRI")],
)
def test_without_tls_http_2_is_spoken_where_http_1_is_ruled_out(
    connect: Connect, args: dict[str, Any], first: bytes
) -> None:
    """There both sides have to know it beforehand: TLS is where they agree on a version."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def hear() -> None:
            connection, _ = listening.accept()
            with connection:
                heard.append(connection.recv(3))

        ear = threading.Thread(target=hear)
        ear.start()
        client = connect(
            base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", retry=None, httpx_args=args
        )
        with pytest.raises(NoAnswer):
            client.get_assembly(ID)
        ear.join(10)

    assert heard == [first]


# Hooks


def test_event_hooks_are_called_once_for_each_request(connect: Connect, tmp_path: Path) -> None:
    lines: list[str] = []

    def asked(request: httpx.Request) -> None:
        lines.append(line_of(request))

    def answered(response: httpx.Response) -> None:
        lines.append(line_of(response.request))

    async def asked_async(request: httpx.Request) -> None:
        asked(request)

    async def answered_async(response: httpx.Response) -> None:
        answered(response)

    with Served(Service()) as server:
        client = connect("k", "s", base_url=server.url)
        hooks: Any = {"request": [asked], "response": [answered]}
        if not isinstance(client, Transloadit):
            hooks = {"request": [asked_async], "response": [answered_async]}
        client = connect("k", "s", base_url=server.url, httpx_args={"event_hooks": hooks})
        every_call(client, tmp_path)

    assert server.service.lines == SENT
    assert lines == [line for sent in SENT for line in (sent, sent)]


# Logs


def test_debug_logs_are_masked_in_our_requests_alone(
    connect: Connect, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Also between two of ours: the mask ends with the request, however that ends."""
    caplog.set_level(logging.DEBUG)
    theirs = "0" * 31 + "f"

    def other(server: Served) -> str:
        caplog.clear()
        with httpx.Client(headers={"X-Theirs": "seen"}) as http:
            http.get(f"{server.url}/assemblies/{theirs}")
        return caplog.text

    with Served(Service()) as server:
        client = connect("k", "hush-secret", base_url=server.url, retry=None)
        every_call(client, tmp_path)
        ours = caplog.text
        after_success = other(server)
        with suppress(NoAnswer):
            copy_of(client, base_url="http://127.0.0.1:9").get_assembly(ID)
        after_failure = other(server)

    assert ours.count("HTTP Request: ") == len(SENT)
    assert ours.count("send_request_headers.started") == len(SENT)
    louder = [line for line in ours.splitlines() if "HTTP Request: " in line]
    assert not [line for line in louder if ID in line]
    for hidden in ("hush-secret", "content-length", "Content-Length"):
        assert hidden not in ours
    for text in (after_success, after_failure):
        assert f"/assemblies/{theirs}" in text
        assert "content-length" in text.lower()
