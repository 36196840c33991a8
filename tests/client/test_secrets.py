"""The Auth Secret and the bearer token show nowhere, whatever happens."""

import logging
import os
import pickle
import re
import subprocess
import sys
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import attrs
import hpack
import httpx
import pytest

import transloadit_client
from transloadit_client import (
    Credentials,
    InvalidInput,
    RetryPolicy,
    Secret,
    Transloadit,
    TransloaditError,
    pingback,
    smart_cdn,
)
from transloadit_standin import StandIn

Connect = Callable[..., Any]
FORM = "application/x-www-form-urlencoded"
SECRET = "hush-3f9c-secret"
TOKEN = "hush-77aa-token"
AT_ONCE = RetryPolicy(first=0, floor=0)
ID = "7828446e5acd4aa996dce3455ec914e9"


def shown(error: BaseException) -> str:
    """All that a crash reporter could print: the traceback with every frame's locals, and more."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts = ["".join(report.format(chain=True)), repr(error), repr(vars(error))]
    link: BaseException | None = error
    while link is not None:
        parts += [repr(vars(link)), repr(link.args)]
        link = link.__cause__ or link.__context__
    return "\n".join(parts)


def assert_hushed(text: str) -> None:
    assert "hush" not in re.sub(r"SECRET = .*|TOKEN = .*", "", text)


def clients(connect: Connect, **options: Any) -> list[Any]:
    return [
        connect("k", SECRET, retry=AT_ONCE, **options),
        connect(auth_token=TOKEN, retry=AT_ONCE, **options),
    ]


def failing(request: httpx.Request) -> httpx.Response:
    headers = list(request.headers.multi_items())  # what an HTTP stack has in its frames
    raise httpx.ConnectError(f"no route for {len(headers)} headers")


def echoing(request: httpx.Request) -> httpx.Response:
    return httpx.Response(400, json={"error": "X", "message": dict(request.headers)})


def test_reprs_hide_them(connect: Connect) -> None:
    credentials = Credentials("k", SECRET)
    for client in clients(connect):
        copy = client.with_options(timeout=3)
        assert_hushed(f"{copy!r} {copy} {copy._authentication!r} {copy.get_httpx_client()!r}")
        assert_hushed(repr(attrs.asdict(copy, recurse=False)))
        assert vars(copy) == {}  # which crash reporters print
    assert_hushed(
        f"{credentials!r} {attrs.asdict(credentials)!r} {Secret(SECRET)!r} {Secret(SECRET)}"
    )
    assert_hushed(repr(credentials.secret) + repr(credentials.secret == Secret(SECRET)))
    assert Secret(SECRET).reveal() == SECRET
    assert {Secret(SECRET), Secret(SECRET), Secret(TOKEN)} == {Secret(SECRET), Secret(TOKEN)}


def test_they_do_not_pickle(connect: Connect) -> None:
    for holder in (Secret(SECRET), Credentials("k", SECRET)):
        with pytest.raises(TypeError, match="environment"):
            pickle.dumps(holder)


def test_signed_params_do_not_print(connect: Connect) -> None:
    """Instructions hold credentials of storage services."""
    client = connect("k", SECRET)

    assert_hushed(repr(client.sign({"steps": {"export": {"password": SECRET}}})))


def all_that_hangs_on(error: BaseException | None) -> bytes:
    """What an engine like Dask, which pickles causes and attributes too, would send elsewhere."""
    found = b""
    while error is not None:
        found += pickle.dumps({name: value for name, value in vars(error).items() if value})
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("handler", [failing, echoing])
def test_errors_hide_them(connect: Connect, handler: Any) -> None:
    for client in clients(connect, httpx_args={"transport": httpx.MockTransport(handler)}):
        calls: list[Callable[[Any], Any]] = [
            lambda client: client.create_assembly(template_id="t", files=[("a", b"1")]),
            lambda client: client.replay_assembly(ID),
            lambda client: client.replay_assembly_notification(ID),
            lambda client: client.create_assembly(template_id="t", form_fields={"params": "x"}),
            lambda client: client.create_assembly(fields={"x": float("nan")}),
            lambda client: client.create_assembly(template_id="t", assembly_id="x"),
        ]
        for call in calls:
            with pytest.raises(TransloaditError) as caught:
                call(client)

            assert_hushed(shown(caught.value))
            assert b"hush" not in pickle.dumps(caught.value)
            assert b"hush" not in all_that_hangs_on(caught.value)


def test_errors_hide_them_where_they_pickle_with_their_causes() -> None:
    """As tblib makes them do, and Dask with it; in a process of its own."""
    code = """
import pickle
import httpx, tblib.pickling_support
from transloadit_client import Transloadit, TransloaditError

tblib.pickling_support.install()
for client in (Transloadit("k", "hush", retry=None), Transloadit(auth_token="hush", retry=None)):
    try:
        client.create_assembly(template_id="t", assembly_id=None)
    except TransloaditError as error:
        pickled = pickle.dumps(error)
        print(b"ReadError" in pickled or b"RemoteProtocolError" in pickled, b"hush" in pickled)
"""
    with StandIn() as api:
        api.drop_next(times=9)
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "TRANSLOADIT_ENDPOINT": api.url}, capture_output=True, text=True,
            check=True,
        )  # fmt: skip

    assert done.stdout == "True False\n" * 2


def test_errors_of_the_constructor_hide_them(connect: Connect) -> None:
    secret, token = Secret(SECRET), Secret(TOKEN)  # a caller's plain text is in the caller's frame
    makers: list[Callable[[], Any]] = [
        lambda: connect("k", secret, base_url="http://example.org"),
        lambda: connect(auth_token=token, base_url="http://example.org"),
        lambda: Credentials("k", secret, "md5"),
        lambda: connect("k", secret, signature_algorithm="md5").create_assembly(),
    ]
    for make in makers:
        with pytest.raises(InvalidInput) as caught:
            make()

        assert_hushed(shown(caught.value))


def test_plain_texts_leave_our_frames_before_anything_can_fail() -> None:
    makers: list[Callable[[], Any]] = [
        lambda: Credentials("k", SECRET, "md5"),
        lambda: Credentials("", SECRET),
        lambda: Transloadit("k", SECRET, base_url="http://example.org"),
        lambda: Transloadit(auth_token=TOKEN, base_url="http://example.org"),
        lambda: Transloadit(auth_token=f"{TOKEN}\n"),
        lambda: Transloadit(auth_token=f"{TOKEN} é"),
        lambda: Credentials("k", f"{SECRET}\ud800"),
        lambda: Transloadit("k", SECRET, timeout="soon"),  # type: ignore[arg-type]  # the point
        lambda: smart_cdn.sign_url("w", "", "i", key="k", secret=SECRET),
        lambda: pingback.verify(b"", None, SECRET, algorithms=()),
        lambda: pingback.verify(b"", None, SECRET),
        lambda: pingback.verify(b"signature=0&transloadit=", FORM, SECRET),
        lambda: pingback.verify_fields("{}", "0", SECRET),
    ]
    for make in makers:
        with pytest.raises(TransloaditError) as caught:
            make()

        frames = traceback.TracebackException.from_exception(
            caught.value, capture_locals=True
        ).stack
        assert_hushed(repr([frame.locals for frame in frames if frame.filename != __file__]))


def test_a_broken_connection_leaves_nothing_of_the_stack_in_the_traceback(
    connect: Connect,
) -> None:
    """Real sockets: h11's event with all headers would stand in a frame of the HTTP stack."""
    with StandIn(key="k", auth_token=TOKEN, secret=SECRET) as api:
        for client in clients(connect, base_url=api.url):
            for point in ("headers", "body", "work", "half"):
                api.drop_next(after=point)

                with pytest.raises(TransloaditError) as caught:
                    client.create_assembly(template_id="t", files=[("a", b"1" * 100_000)])

                assert_hushed(shown(caught.value))


def test_logs_hide_them_and_ids_are_for_debugging_only(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever knows an Assembly's id may cancel it, and httpx logs each URL at level INFO."""
    caplog.set_level(logging.DEBUG)
    with StandIn(key="k", auth_token=TOKEN, secret=SECRET) as api:
        ids = set()
        for client in clients(connect, base_url=api.url):
            assembly = client.create_assembly(steps={"a": {"robot": "/upload/handle"}})
            client.get_assembly(assembly)
            client.cancel_assembly(assembly)
            ids.add(assembly.assembly_id)

    assert_hushed(caplog.text)
    assert "HTTP Request: DELETE" in caplog.text
    louder = [r.getMessage() for r in caplog.records if r.levelno > logging.DEBUG]
    assert not [line for line in louder if any(identity in line for identity in ids)]


def test_a_header_that_cannot_be_sent_is_not_quoted(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with StandIn() as api:
        client = connect(base_url=api.url, headers={"X-Own": "hush\n"})

        with pytest.raises(TransloaditError) as caught:
            client.get_assembly(ID)

    assert "hush" not in str(caught.value)
    assert "Illegal" not in caplog.text
    assert "hush" not in caplog.text


def test_a_server_that_echoes_the_token_puts_it_into_no_error_and_no_log(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Real sockets, for httpcore logs the headers of answers.

    Awaited creates go past it, but for those without an id, which want a new connection.
    """
    caplog.set_level(logging.DEBUG)

    class Echo(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            given = self.headers["Authorization"]
            self.send_response(302)
            self.send_header("X-Echo", given)
            self.send_header("Location", f"https://example.org/{given.removeprefix('Bearer ')}")
            self.end_headers()
            self.wfile.write(given.encode())

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # the name it has
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever, args=(0.01,)).start()
        client = connect(
            auth_token=TOKEN, base_url=f"http://127.0.0.1:{server.server_port}", retry=None
        )
        for own_id in (ID, None):
            with pytest.raises(TransloaditError) as caught:
                client.create_assembly(template_id="t", assembly_id=own_id)
            assert "https://example.org/(auth token)" in str(caught.value)
            assert_hushed(shown(caught.value))
        server.shutdown()

    assert "receive_response_headers.complete" in caplog.text
    assert_hushed(caplog.text)
    assert "X-Echo" not in caplog.text


def test_headers_of_others_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    with StandIn() as api, httpx.Client() as theirs:
        theirs.get(f"{api.url}/x")

    assert "content-type" in caplog.text.lower()


def test_headers_that_others_write_over_http_2_are_logged_and_ours_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """hpack writes HTTP/2's headers, and logs them as text and as bytes, of which we need none."""
    caplog.set_level(logging.DEBUG)
    kept: list[Any] = []

    class OverHttp2(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            written = hpack.Encoder().encode(request.headers.items())
            kept.append(hpack.Decoder().decode(written))
            return httpx.Response(400, json={"error": "X"})

    client = Transloadit(auth_token=TOKEN, httpx_args={"transport": OverHttp2()})
    with pytest.raises(TransloaditError):
        client.create_assembly(template_id="t")
    ours, theirs = caplog.text, hpack.Encoder().encode([("x-theirs", "1")])

    assert ("authorization", f"Bearer {TOKEN}") in kept[0]
    assert "hpack" not in ours
    assert theirs
    assert "x-theirs" in caplog.text


def test_our_own_words_come_from_one_logger() -> None:
    for path in Path(str(transloadit_client.__file__)).parent.rglob("*.py"):
        loggers = re.findall(r"getLogger\((.*?)\)", path.read_text("utf-8"))

        assert loggers in ([], ['"transloadit_client"']) or path.stem in (
            "log_filters",
            "session",  # of the command line, which shows what it hears with -v
        )
