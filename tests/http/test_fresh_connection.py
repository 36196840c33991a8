"""An answer that comes twice is never taken for that of the connection's next request."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from transloadit_client import RetryPolicy
from transloadit_standin import Garble, StandIn

Connect = Callable[..., Any]
STEPS: dict[str, Any] = {"resized": {"robot": "/image/resize", "width": 75}}
AT_ONCE = RetryPolicy(first=0.0, floor=0.0)
NAMELESS: dict[str, Callable[[Any, str], Any]] = {
    "create without an id": lambda client, _: client.create_assembly(steps=STEPS, assembly_id=None),
    "replay": lambda client, crashed: client.replay_assembly(crashed),
    "notification": lambda client, crashed: client.replay_assembly_notification(
        crashed, notify_url="http://127.0.0.1:9/", wait=False
    ),
}


@pytest.fixture
def api() -> Iterator[StandIn]:
    with StandIn(notification_attempts=1) as api:
        yield api


@pytest.fixture
def client(api: StandIn, connect: Connect) -> Any:
    return connect(api.key, api.secret, base_url=api.url, retry=AT_ONCE)


def crashed(api: StandIn, client: Any) -> str:
    api.crash_next()
    created = client.create_assembly(steps=STEPS)
    api.settle()
    assert isinstance(created.assembly_id, str)
    return created.assembly_id


@pytest.mark.parametrize("call", NAMELESS)
def test_what_the_api_names_is_not_mixed_up_with_an_answer_that_came_twice(
    api: StandIn, client: Any, call: str
) -> None:
    """Nor with that to the same call before, which looks just like it."""
    first = crashed(api, client)
    api.faults += [Garble("twice"), Garble("twice")]

    client.get_assembly(first)
    one, other = (NAMELESS[call](client, first) for _ in range(2))

    assert len(api.requests) == 4
    if call == "notification":
        notifications = [sent.id for sent in api.assemblies[first].notifications]
        assert [one.notification_id, other.notification_id] == notifications
    else:
        new = [identity for identity in api.assemblies if identity != first]
        assert [one.assembly_id, other.assembly_id] == new


def test_what_the_api_names_survives_a_pool_full_of_used_connections(
    api: StandIn, connect: Connect
) -> None:
    limits = httpx.Limits(max_connections=1)
    client = connect(api.key, api.secret, base_url=api.url, httpx_args={"limits": limits})
    first = crashed(api, client)

    for _ in range(2):
        assert client.replay_assembly(first).assembly_id != first
        assert client.get_assembly(first).assembly_id == first


def test_a_connection_whose_answers_went_astray_is_not_used_again(
    api: StandIn, client: Any
) -> None:
    """Otherwise it would be one answer behind for ever."""
    one, other = (client.create_assembly(steps=STEPS).assembly_id for _ in range(2))
    before = len(api.requests)
    api.faults.append(Garble("twice"))

    named = [client.get_assembly(asked).assembly_id for asked in (one, other, one, other)]

    assert named == [one, other, one, other]
    assert len(api.requests) - before <= 5  # no more than one had to be asked twice


class Untouchable:
    """The stream of an HTTP/2 connection: others' requests are on it, and its answers are told
    apart.
    """

    def get_extra_info(self, info: str) -> "Untouchable":
        return self

    def fileno(self) -> int:
        raise AssertionError("a shared connection was touched")


def test_a_connection_that_numbers_its_answers_is_left_alone(connect: Connect) -> None:
    mine, others = "a" * 32, "b" * 32
    answers = iter([others, mine])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200,
            json={"ok": "ASSEMBLY_EXECUTING", "assembly_id": next(answers)},
            extensions={"http_version": b"HTTP/2", "network_stream": Untouchable()},
        )

    transport = httpx.MockTransport(answer)
    client = connect(retry=AT_ONCE, httpx_args={"transport": transport})

    assert client.get_assembly(mine).assembly_id == mine
