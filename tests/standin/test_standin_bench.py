"""What each fault does on the wire, seen by plain sockets and by httpx."""

import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx
import pytest

from transloadit_standin import (
    KINDS,
    Answer,
    Delay,
    Drop,
    FaultMix,
    Refuse,
    StandIn,
    rate_limit,
    unavailable,
)

from .caller import STEPS, Caller, calling

NOT_FOUND = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(caller: Caller) -> socket.socket:
    host, _, port = caller.api.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def exchange(caller: Caller, request: bytes) -> tuple[bytes, str]:
    """What comes back on a connection, and how it ends: by "end", "reset" or "stall"."""
    received = b""
    with connect(caller) as connection:
        connection.sendall(request)
        connection.settimeout(0.3)
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            return received, "reset"
        except TimeoutError:
            return received, "stall"
        return received, "end"


def whole_answer(caller: Caller) -> bytes:
    return exchange(caller, NOT_FOUND)[0]


@pytest.mark.parametrize("how", ["end", "reset", "stall"])
@pytest.mark.parametrize("after", ["headers", "body", "work"])
def test_a_connection_ends_by_fin_or_by_rst_or_not_at_all(
    caller: Caller, after: Any, how: Any
) -> None:
    caller.api.drop_next(after=after, how=how)

    assert exchange(caller, NOT_FOUND) == (b"", how)
    assert caller.api.requests[-1].status is None


@pytest.mark.parametrize("how", ["end", "reset", "stall"])
@pytest.mark.parametrize("byte", [1, 20, 150])
def test_an_answer_breaks_at_the_very_byte(caller: Caller, byte: int, how: Any) -> None:
    whole = whole_answer(caller)
    caller.api.drop_next(after="work", byte=byte, how=how)

    received, ending = exchange(caller, NOT_FOUND)
    assert (len(received), received[:20], ending) == (byte, whole[: min(byte, 20)], how)


def test_an_answer_that_is_shorter_breaks_behind_its_end(caller: Caller) -> None:
    caller.api.drop_next(after="work", byte=10**6)

    received, ending = exchange(caller, NOT_FOUND)
    assert received.endswith(b"}")
    assert ending == "end"


@pytest.mark.parametrize("byte", [1, 300, 20_000])
def test_a_request_breaks_at_the_very_byte_of_its_body(caller: Caller, byte: int) -> None:
    caller.api.drop_next(after="headers", byte=byte, how="reset")

    with pytest.raises(httpx.TransportError):
        caller.create(files={"f": ("f.bin", b"x" * 300_000)})
    assert caller.api.requests[-1].body_size == byte
    # The files have begun by then, or not.
    expected = ["REQUEST_ABORTED"] if byte == 20_000 else []
    wait_for(lambda: [each.state for each in caller.api.assemblies.values()] == expected)


def test_a_body_that_is_shorter_breaks_at_its_end(caller: Caller) -> None:
    caller.api.drop_next(after="headers", byte=10**6)

    with pytest.raises(httpx.RemoteProtocolError):
        caller.create()
    assert caller.api.requests[-1].body.startswith(b"params=")
    assert not caller.api.assemblies


def test_a_stalled_upload_goes_on_until_the_client_gives_up(caller: Caller) -> None:
    caller.api.drop_next(after="headers", byte=20_000, how="stall")

    with pytest.raises(httpx.TimeoutException):
        caller.http.post(
            f"{caller.api.url}/assemblies",
            data=caller.signed({"steps": STEPS}),
            files={"f": ("f.bin", b"x" * 30_000)},
            timeout=0.3,
        )
    (assembly,) = caller.api.assemblies.values()
    wait_for(lambda: assembly.state == "REQUEST_ABORTED")


@pytest.mark.parametrize(("after", "byte"), [("body", 1), ("half", 1), ("work", -1)])
def test_a_byte_that_makes_no_sense_is_refused(after: Any, byte: int) -> None:
    with pytest.raises(ValueError, match="byte counts from 0"):
        Drop(after, byte)


def test_connections_are_refused_for_a_while_and_old_ones_live_on(caller: Caller) -> None:
    with connect(caller) as old:
        old.sendall(NOT_FOUND)
        assert old.recv(65536)
        caller.api.faults.append(Refuse(0.3))
        assert exchange(caller, NOT_FOUND) == (b"", "reset")

        with pytest.raises(ConnectionRefusedError):
            connect(caller)
        old.sendall(NOT_FOUND)
        assert old.recv(65536)
    assert [request.fault for request in caller.api.requests] == [None, "Refuse", None]
    wait_for(lambda: accepts(caller))
    assert caller.create().status_code == 200


def test_a_second_refusal_begins_the_time_anew(caller: Caller) -> None:
    with connect(caller) as old, connect(caller) as other:
        caller.api.faults += [Refuse(60), Refuse(0.05)]
        for connection in (old, other):
            connection.sendall(NOT_FOUND)
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
    wait_for(lambda: accepts(caller))


def test_a_client_that_went_first_is_no_trouble(caller: Caller) -> None:
    caller.api.faults += [Drop("work", how="reset"), Delay(0.1, times=2), Drop(how="reset")]
    for _ in range(4):
        with connect(caller) as connection:
            connection.sendall(NOT_FOUND)

    wait_for(lambda: len(caller.api.requests) == 4)
    assert caller.create().status_code == 200


def test_nobody_listens_in_a_block(caller: Caller) -> None:
    with connect(caller) as old:
        old.sendall(NOT_FOUND)
        assert old.recv(65536)
        with caller.api.refusing():
            with pytest.raises(ConnectionResetError):
                old.recv(1)
            with pytest.raises(httpx.ConnectError):
                caller.create()
        assert caller.create().status_code == 200
    assert len(caller.api.requests) == 2


def test_it_stops_while_it_refuses() -> None:
    with calling() as caller:
        caller.api.faults.append(Refuse(60))
        assert exchange(caller, NOT_FOUND) == (b"", "reset")
    with pytest.raises(RuntimeError, match="does not run"), caller.api.refusing():
        pass


def test_half_the_json_comes_in_a_whole_answer(caller: Caller) -> None:
    caller.api.garble_next("truncated")

    response = raw_create(caller)
    assert response.text.startswith('{"ok": "ASSEMBLY_EXECUTING"')
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        response.json()
    assert len(caller.api.assemblies) == 1


@pytest.mark.parametrize(("how", "extra"), [("longer", 10), ("shorter", -10)])
def test_a_content_length_may_be_wrong(
    caller: Caller, how: Literal["longer", "shorter"], extra: int
) -> None:
    caller.api.garble_next(how)

    received, ending = exchange(caller, NOT_FOUND)
    head, _, body = received.partition(b"\r\n\r\n")
    assert json.loads(body)["error"] == "SERVER_404"
    assert f"content-length: {len(body) + extra}".encode() in head
    assert ending == "end"


def test_an_answer_may_come_twice_and_the_connection_goes_on(caller: Caller) -> None:
    whole = whole_answer(caller)
    caller.api.garble_next("twice")

    received, ending = exchange(caller, NOT_FOUND)
    assert received[: len(received) // 2] == received[len(received) // 2 :]
    assert (len(received), ending) == (2 * len(whole), "stall")


def test_an_answer_may_be_about_another_assembly(caller: Caller) -> None:
    caller.api.garble_next("another")

    status = raw_create(caller).json()
    (assembly,) = caller.api.assemblies.values()
    assert len(status["assembly_id"]) == 32
    assert status["assembly_id"] != assembly.id
    assert assembly.id not in json.dumps(status)


def test_a_download_can_break_too(caller: Caller) -> None:
    status = caller.created(files={"f": ("f.bin", b"x" * 200_000)})
    caller.api.faults.append(Drop("half", operation="downloadFile"))

    with pytest.raises(httpx.RemoteProtocolError, match="100000"):
        caller.http.get(status["uploads"][0]["url"])


def test_work_comes_late_though_nobody_waits(caller: Caller) -> None:
    caller.api.delay_next(0.3)

    with pytest.raises(httpx.ReadTimeout):
        raw_create(caller, timeout=0.1)
    assert not caller.api.assemblies
    wait_for(lambda: len(caller.api.assemblies) == 1)


def test_work_that_was_never_asked_for_in_full_is_not_done_late(caller: Caller) -> None:
    caller.api.delay_next(0.01)
    with connect(caller) as connection:
        connection.sendall(
            b"POST /assemblies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc"
        )
        wait_for(lambda: len(caller.api.requests) == 1)

    assert caller.create().status_code == 200
    assert len(caller.api.assemblies) == 1


@pytest.mark.parametrize(
    ("after", "nonces", "assemblies"), [("body", 0, 0), ("nonce", 1, 0), ("work", 1, 1)]
)
def test_an_answer_comes_before_or_after_the_work(
    caller: Caller, after: Any, nonces: int, assemblies: int
) -> None:
    key = caller.api.add_key(caller.api.key, caller.api.secret)
    caller.api.answer_next(503, b"busy", headers={"X-By": "proxy"}, after=after)

    response = raw_create(caller, nonce="n")
    assert (response.status_code, response.text, response.headers["x-by"]) == (503, "busy", "proxy")
    assert (len(key.nonces), len(caller.api.assemblies)) == (nonces, assemblies)


@pytest.mark.parametrize("files", [None, {"f": ("f.bin", b"x" * 5000)}])
def test_an_answer_in_the_work_leaves_the_nonce_used(caller: Caller, files: Any) -> None:
    caller.api.faults.append(unavailable(after="nonce"))
    form = caller.signed({"steps": STEPS}, nonce="n")
    first = caller.http.post(f"{caller.api.url}/assemblies", data=form, files=files)

    again = caller.create(form=form, files=files)
    assert (first.status_code, again.json()["error"]) == (503, "SIGNATURE_REUSE_DETECTED")
    assert not caller.api.assemblies


@pytest.mark.parametrize("retry_after", [0, 2, datetime(2030, 1, 2, tzinfo=UTC), None])
@pytest.mark.parametrize("make", [rate_limit, unavailable])
def test_a_limit_may_say_when_in_a_header(
    caller: Caller, make: Callable[..., Answer], retry_after: Any
) -> None:
    caller.api.faults.append(make(retry_after=retry_after))

    header = raw_create(caller).headers.get("retry-after")
    if isinstance(retry_after, datetime):
        assert header is not None
        assert header.endswith("GMT")
        assert parsedate_to_datetime(header) == retry_after
    else:
        assert header == (None if retry_after is None else str(retry_after))


def test_a_nonce_is_noted_on_arrival_or_once_the_work_is_done() -> None:
    for single_use, code in [("arrival", "SIGNATURE_REUSE_DETECTED"), ("work", None)]:
        with calling(single_use=single_use) as caller:
            form = caller.signed({"steps": STEPS}, nonce="n")
            caller.api.faults.append(unavailable(after="nonce"))
            caller.http.post(f"{caller.api.url}/assemblies", data=form)
            codes = [caller.create(form=form).json().get("error") for _ in range(2)]
        assert codes == [code, "SIGNATURE_REUSE_DETECTED"]


def test_the_nonce_of_a_refused_request_is_forgotten_or_not() -> None:
    for forget, code in [(False, "SIGNATURE_REUSE_DETECTED"), (True, "ASSEMBLY_NO_STEPS")]:
        with calling(forget_refused=forget) as caller:
            form = caller.signed({}, nonce="n")
            codes = [caller.create(form=form).json()["error"] for _ in range(2)]
        assert codes == ["ASSEMBLY_NO_STEPS", code]


def test_an_upload_that_broke_off_uses_up_its_id_or_not() -> None:
    files = {"f": ("f.bin", b"x" * 300_000)}
    for single_use, code in [("arrival", "DO_NOT_REUSE_ASSEMBLY_IDS"), ("work", None)]:
        with calling(single_use=single_use) as caller:
            caller.api.drop_next(byte=20_000)
            with pytest.raises(httpx.TransportError):
                caller.create(assembly_id="a" * 32, files=files)
            again = caller.create(assembly_id="a" * 32, files=files).json()
            other = caller.create(assembly_id="a" * 32, files=files).json()
        assert again.get("error") == code
        assert other["error"] == "DO_NOT_REUSE_ASSEMBLY_IDS"


def drawn(api: StandIn, mix: FaultMix, *names: str) -> list[str | None]:
    """The faults that requests meet, each with one of these names in a header."""
    api.faults[:] = [mix]
    with httpx.Client(trust_env=False, verify=False) as http:
        for name in names:
            http.get(f"{api.url}/nowhere", headers={"X-Who": name})
    return [request.fault for request in api.requests[-len(names) :]]


def test_a_mix_strikes_the_same_again_for_the_same_seed(caller: Caller) -> None:
    kinds = {name: lambda _: Answer() for name in ("one", "other")}
    first, again, other = (
        drawn(caller.api, FaultMix(seed, 0.5, kinds), *["x"] * 60) for seed in (1, 1, 2)
    )

    assert first == again != other
    assert Counter(first).keys() == {"one", "other", None}
    assert 15 <= sum(fault is not None for fault in first) <= 45


def test_a_mix_may_draw_for_each_one_who_asks(caller: Caller) -> None:
    kinds = {str(number): lambda _: Answer() for number in range(1000)}
    alone = drawn(caller.api, FaultMix(1, 1.0, kinds, per="x-who"), "a", "a", "a")
    mixed = drawn(caller.api, FaultMix(1, 1.0, kinds, per="x-who"), *"babcabb")

    assert [fault for fault, who in zip(mixed, "babcabb", strict=True) if who == "a"] == alone[:2]


def test_a_mix_is_one_fault_of_the_list(caller: Caller) -> None:
    caller.api.faults += [
        Answer(500, operation="createAssembly"),
        FaultMix(share=1.0, kinds={"HTML": lambda _: Answer()}, times=2, operation="getAssembly"),
    ]
    path = f"{caller.api.url}/assemblies/{'a' * 32}"

    statuses = [caller.http.get(path).status_code for _ in range(3)]
    assert statuses == [502, 502, 404]
    assert [fault.operation for fault in caller.api.faults] == ["createAssembly"]


def test_a_mix_crashes_no_assembly(caller: Caller) -> None:
    caller.api.faults.append(FaultMix(share=0.0))

    assert caller.finished()["ok"] == "ASSEMBLY_COMPLETED"


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_is_as_good_as_new_after_every_kind_of_fault(caller: Caller, kind: str) -> None:
    for seed in range(3):
        caller.api.faults[:] = [FaultMix(seed, 1.0, {kind: KINDS[kind]}, times=1)]
        with suppress(httpx.TransportError):
            raw_create(caller, timeout=0.2, nonce="n", headers={"Connection": "close"})
        # On a busy machine the call may have given up before the mock server has seen it.
        wait_for(lambda: any(seen.fault == kind for seen in caller.api.requests[-1:]))
        wait_for(lambda: accepts(caller))
        assert caller.create(headers={"Connection": "close"}).status_code == 200


def raw_create(
    caller: Caller, *, timeout: float = 5, headers: dict[str, str] | None = None, **auth: Any
) -> httpx.Response:
    """A create whose answer is looked at by nobody else."""
    form = caller.signed({"steps": STEPS}, **auth)
    url = f"{caller.api.url}/assemblies"
    return caller.http.post(url, data=form, timeout=timeout, headers=headers)


def accepts(caller: Caller) -> bool:
    try:
        connect(caller).close()
    except ConnectionRefusedError:
        return False
    return True


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)
