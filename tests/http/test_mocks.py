"""Mocks and recorders of httpx see each request of both clients, and no socket is opened."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import respx
import vcr
from pytest_httpx import HTTPXMock

from transloadit_client import (
    AsyncTransloadit,
    InvalidInput,
    NoAnswer,
    OutcomeUnknown,
    RetryPolicy,
    Transloadit,
)

from .in_memory import ID, SENT, Served, Service, every_call

Connect = Callable[..., Any]


class SocketOpened(Exception):
    """A test that must not open sockets did."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise SocketOpened


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt to look up a host or to connect ends the test."""
    for method in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, _refuse)
    monkeypatch.setattr(socket, "getaddrinfo", _refuse)


@pytest.mark.usefixtures("no_sockets")
def test_without_a_mock_the_guard_would_notice(connect: Connect) -> None:
    with pytest.raises(SocketOpened):
        connect(retry=None).get_assembly(ID)


@pytest.mark.usefixtures("no_sockets")
def test_respx_answers_each_call(connect: Connect, tmp_path: Path) -> None:
    service = Service()
    with respx.mock() as router:
        router.route().mock(side_effect=service)
        every_call(connect("k", "s"), tmp_path)

        assert service.lines == SENT
        assert router.calls.call_count == len(SENT)


@pytest.mark.usefixtures("no_sockets")
def test_respx_refuses_a_request_that_no_route_answers(connect: Connect) -> None:
    with respx.mock(assert_all_called=False) as router:
        router.get("/other").respond(200)

        with pytest.raises(AssertionError, match="not mocked"):
            connect(base_url="https://api.example").get_assembly(ID)


@pytest.mark.httpx_mock(can_send_already_matched_responses=True)
@pytest.mark.usefixtures("no_sockets")
def test_pytest_httpx_answers_each_call(
    connect: Connect, httpx_mock: HTTPXMock, tmp_path: Path
) -> None:
    service = Service()
    httpx_mock.add_callback(service)

    every_call(connect("k", "s"), tmp_path)

    assert service.lines == SENT
    assert len(httpx_mock.get_requests()) == len(SENT)


@pytest.mark.usefixtures("no_sockets")
def test_a_mock_transport_answers_each_call(connect: Connect, tmp_path: Path) -> None:
    service = Service()
    args = {"transport": httpx.MockTransport(service)}

    every_call(connect("k", "s", httpx_args=args), tmp_path)

    assert service.lines == SENT


@pytest.mark.usefixtures("no_sockets")
def test_clients_of_ones_own_answer_each_call(connect: Connect, tmp_path: Path) -> None:
    service = Service()
    transport = httpx.MockTransport(service)
    client = connect("k", "s")
    client.set_httpx_client(httpx.Client(transport=transport))
    client.set_async_httpx_client(httpx.AsyncClient(transport=transport))

    every_call(client, tmp_path)

    assert service.lines == SENT


@pytest.mark.httpx_mock(can_send_already_matched_responses=True)
@pytest.mark.usefixtures("no_sockets")
def test_a_failure_that_a_mock_raises_is_tried_again(
    connect: Connect, httpx_mock: HTTPXMock
) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("slow"))
    policy = RetryPolicy(attempts=3, first=0.0)

    with pytest.raises(NoAnswer) as caught:
        connect(retry=policy).get_assembly(ID)

    assert len(httpx_mock.get_requests()) == len(caught.value.attempts) == 3


@pytest.mark.httpx_mock(can_send_already_matched_responses=True)
@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize(
    "failure",
    [
        httpx.LocalProtocolError("an illegal header"),
        httpx.UnsupportedProtocol("gopher"),
        httpx.StreamConsumed(),
        httpx.InvalidURL("no host"),
        OSError("a file is gone"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_what_can_never_be_sent_is_tried_once(
    connect: Connect, httpx_mock: HTTPXMock, failure: Exception
) -> None:
    httpx_mock.add_exception(failure)
    client = connect("k", "s", retry=RetryPolicy(attempts=3, first=0.0))

    with pytest.raises(NoAnswer) as caught:
        client.create_assembly(template_id="t")

    assert caught.value.__cause__ is failure
    assert len(httpx_mock.get_requests()) == 1


def test_a_file_that_breaks_while_it_is_sent_is_tried_once(
    connect: Connect, tmp_path: Path
) -> None:
    """It would break again, and what is wrong with it is said."""
    file, tries = tmp_path / "a.bin", []
    file.write_bytes(bytes(300_000))

    def shorten(request: httpx.Request) -> None:
        tries.append(request.method)
        file.write_bytes(bytes(100_000))

    async def shorten_async(request: httpx.Request) -> None:
        shorten(request)

    is_sync = isinstance(connect(), Transloadit)
    args = {
        "transport": httpx.MockTransport(Service()),
        "event_hooks": {"request": [shorten if is_sync else shorten_async]},
    }
    client = connect("k", "s", retry=RetryPolicy(attempts=3, first=0.0), httpx_args=args)

    with pytest.raises(InvalidInput, match=r"a\.bin"):
        client.create_assembly(template_id="t", files=[file])

    assert tries == ["POST"]


@pytest.mark.httpx_mock(can_send_already_matched_responses=True)
@pytest.mark.usefixtures("no_sockets")
@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://api.example.test", "api.example.test:443"),
        ("https://api.example.test:8443/v2", "api.example.test:8443"),
        ("http://127.0.0.1", "127.0.0.1:80"),
    ],
)
def test_an_error_names_the_host_that_did_not_answer(
    connect: Connect, httpx_mock: HTTPXMock, base_url: str, host: str
) -> None:
    httpx_mock.add_exception(httpx.ReadTimeout("slow"))
    client = connect("key", "secret", base_url=base_url, retry=None)

    with pytest.raises(NoAnswer) as caught:
        client.get_assembly(ID)
    with pytest.raises(OutcomeUnknown) as unclear:
        client.create_assembly(template_id="t")

    assert caught.value.host == unclear.value.host == host


def test_vcr_records_each_call_and_replays_it_without_a_socket(
    connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recording needs ids of one's own: an id that is drawn anew stands in no recording."""
    recorder = vcr.VCR(match_on=["method", "scheme", "host", "port", "path"])
    cassette = str(tmp_path / "calls.yaml")
    folders = [tmp_path / "recorded", tmp_path / "replayed"]
    for folder in folders:
        folder.mkdir()

    with Served(Service()) as server:
        client = connect("k", "s", base_url=server.url)
        with recorder.use_cassette(cassette, record_mode="once") as recorded:
            every_call(client, folders[0])
    for method in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, _refuse)
    with recorder.use_cassette(cassette, record_mode="none") as replayed:
        every_call(connect("k", "s", base_url=server.url), folders[1])

    assert server.service.lines == SENT
    assert [f"{one.method} {one.path}" for one in recorded.requests] == SENT
    assert replayed.all_played
    with_file = recorded.requests[1].body
    assert (folders[0] / "cat.jpg").read_bytes() in with_file


# What is no httpx client


class Httpx2Client:
    """As a client of httpx2, which is no `httpx.Client`."""


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (None, "builtins.NoneType"),
        (Httpx2Client(), f"{__name__}.Httpx2Client"),
        (AsyncTransloadit, "transloadit_client.AsyncTransloadit"),
    ],
)
def test_an_object_that_is_no_httpx_client_is_refused_where_it_is_given(
    connect: Connect, given: Any, kind: str
) -> None:
    client = connect()

    for wanted, give in (
        ("Client", client.set_httpx_client),
        ("AsyncClient", client.set_async_httpx_client),
    ):
        with pytest.raises(InvalidInput) as caught:
            give(given)
        assert str(caught.value) == (
            f"this takes an httpx.{wanted}, not {kind}: make one with httpx.{wanted}(…);"
            " httpx2 is a library of its own"
        )
