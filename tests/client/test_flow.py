"""Work made of several calls, carried out by both clients: one piece, and several at once."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from transloadit_client import ApiError, AsyncTransloadit, InvalidInput, Transloadit
from transloadit_client._calls.addresses import Home
from transloadit_client._calls.operations import reading
from transloadit_client._flow import Flow, InThread, Pause
from transloadit_standin import StandIn

Connect = Callable[..., Any]
MISSING = "0" * 32


class Interrupted(Exception):
    """Not ours: what a caller's own function may raise."""


def fails(error: Exception) -> Flow[str]:
    yield Pause(0.0)
    raise error


def waits(log: list[str], seconds: float) -> Flow[str]:
    log.append("begun")
    yield Pause(seconds)
    log.append("waited")
    yield Pause(0.0)
    log.append("went on")
    return "done"


def test_a_failed_call_is_thrown_into_the_work(
    connect: Connect, transloadit_standin: StandIn
) -> None:
    client = connect("key", "secret", base_url=transloadit_standin.url, retry=None)
    home = Home(transloadit_standin.url)

    def looks() -> Flow[str]:
        try:
            yield reading(MISSING, home)
        except ApiError as error:
            return f"saw {error.code}"
        return "saw nothing"

    def does_not_look() -> Flow[None]:
        yield reading(MISSING, home)

    assert client._carry_out(looks()) == "saw ASSEMBLY_NOT_FOUND"
    with pytest.raises(ApiError, match="ASSEMBLY_NOT_FOUND"):
        client._carry_out(does_not_look())


def test_several_works_end_each_with_a_result_or_an_error_of_ours(connect: Connect) -> None:
    client = connect("key", "secret", base_url="http://127.0.0.1:1")
    log: list[str] = []
    wrong = InvalidInput("no")

    results = client._all_done(
        [waits(log, 0.0), fails(wrong), waits(log, 0.01)], 2, None, lambda: None
    )

    assert results == ["done", wrong, "done"]
    assert client._all_done([], 2) == []


def test_any_other_error_ends_them_all(connect: Connect) -> None:
    """Such as one in `on_progress`: nothing is begun any more, and nobody waits it out."""
    client = connect("key", "secret", base_url="http://127.0.0.1:1")
    log: list[str] = []
    begun = time.monotonic()
    error = Interrupted("by the caller")

    with pytest.raises(Interrupted):
        client._all_done(
            [waits(log, 60.0), fails(error), waits(log, 60.0), waits(log, 60.0)],
            2,
            None,
            lambda: None,
        )

    assert time.monotonic() - begun < 30.0
    assert log.count("begun") <= 2
    assert "went on" not in log


def test_no_more_than_allowed_run_at_once(connect: Connect) -> None:
    client = connect("key", "secret", base_url="http://127.0.0.1:1")
    running, most = [0], [0]

    def counts() -> Flow[None]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        yield Pause(0.01)
        running[0] -= 1

    client._all_done([counts() for _ in range(20)], 3)

    assert most == [3]


def test_a_flow_is_told_what_was_done_in_a_thread(connect: Connect) -> None:
    client = connect("key", "secret", base_url="http://127.0.0.1:1")

    def asks() -> Flow[str]:
        thread = yield InThread(threading.get_ident)
        try:
            yield InThread(fail)
        except InvalidInput:
            return f"{thread != threading.get_ident()}"
        return "no error came"

    def fail() -> None:
        raise InvalidInput("no")

    in_a_thread = client._carry_out(asks())

    assert in_a_thread == str(not isinstance(client, Transloadit))


def test_in_asynchronous_code_it_may_be_awaited() -> None:
    async def give() -> int:
        await asyncio.sleep(0)
        return 7

    def asks() -> Flow[int]:
        given: int = yield InThread(give, is_awaited=True)
        return given

    async def main() -> int:
        async with AsyncTransloadit("key", "secret", base_url="http://127.0.0.1:1") as client:
            return await client._carry_out(asks())

    assert asyncio.run(main()) == 7


def test_on_tick_is_called_in_the_callers_thread_and_at_the_end(connect: Connect) -> None:
    client = connect("key", "secret", base_url="http://127.0.0.1:1")
    log: list[str] = []
    looks: list[tuple[int, int]] = []

    client._all_done(
        [waits(log, 0.35)], 2, on_tick=lambda: looks.append((len(log), threading.get_ident()))
    )

    assert looks[0][0] == 1
    assert looks[-1][0] == 3
    assert len({thread for _, thread in looks}) == 1


def test_an_error_in_on_tick_ends_them_all(connect: Connect) -> None:
    client = connect("key", "secret", base_url="http://127.0.0.1:1")
    log: list[str] = []

    def interrupt() -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        client._all_done([waits(log, 60.0), waits(log, 60.0)], 2, on_tick=interrupt)

    assert "waited" not in log


def test_ctrl_c_holds_up_nobody() -> None:
    """Not even a thread that is in the midst of a request."""
    code = """
import signal, threading, time
from transloadit_client._client.threads import all_done
def interrupt():
    time.sleep(0.5)
    signal.raise_signal(signal.SIGINT)
threading.Thread(target=interrupt).start()
all_done([1, 2], lambda work, sleep: time.sleep(60), 2, lambda: None)
"""
    begun = time.monotonic()

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert ended.stderr.strip().endswith(b"KeyboardInterrupt")
    assert time.monotonic() - begun < 20.0
