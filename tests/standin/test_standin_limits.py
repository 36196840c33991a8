"""Rate limits on a clock that only the test moves, and lines that are slow."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from transloadit_standin import Limits, StandIn

from .caller import STEPS, Caller, calling
from .test_standin_tus import begun, patch, waiting

READS = "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED"


class Clock:
    """A time that only waiting moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_there_are_no_limits_unless_one_asks(caller: Caller) -> None:
    assembly_id = caller.created()["assembly_id"]

    assert [caller.status(assembly_id)["ok"] for _ in range(10)]


def test_a_status_can_be_read_three_times_a_second(clock: Clock) -> None:
    with calling(limits=Limits(), clock=clock) as caller:
        first, second = (caller.created()["assembly_id"] for _ in range(2))
        for _ in range(3):
            caller.status(first)
            clock.wait(0.25)

        refused = caller.send("GET", f"/assemblies/{first}")
        assert (refused.status_code, refused.json()["error"]) == (429, READS)
        assert refused.json()["info"] == {"retryIn": 0.25}
        assert "assembly_id" not in refused.json()
        caller.status(second)
        clock.wait(refused.json()["info"]["retryIn"])
        caller.status(first)
        assert caller.send("GET", f"/assemblies/{first}").status_code == 429


@pytest.mark.parametrize("status", [413, 429])
def test_so_many_assemblies_can_be_created_in_a_minute(clock: Clock, status: Any) -> None:
    with calling(limits=Limits(creates=2, http_status=status), clock=clock) as caller:
        caller.created()
        clock.wait(20)
        caller.crashed()

        form = caller.signed({"steps": STEPS}, nonce="n")
        refused = caller.create(form=form)
        assert (refused.status_code, refused.json()["error"]) == (status, "RATE_LIMIT_REACHED")
        assert refused.json()["info"] == {"retryIn": 40}
        assert len(caller.api.assemblies) == 2
        clock.wait(39.9)
        assert caller.create(form=form).json()["info"] == {"retryIn": 0.1}
        clock.wait(0.1)
        # Its nonce is still good, and what was refused did not count.
        assert caller.create(form=form).status_code == 200


def test_replays_count_as_creates(clock: Clock) -> None:
    with calling(limits=Limits(creates=2), clock=clock) as caller:
        crashed = caller.crashed()
        assert caller.replay(crashed["assembly_id"]).status_code == 200
        caller.api.settle()

        assert caller.replay(crashed["assembly_id"]).json()["error"] == "RATE_LIMIT_REACHED"
        assert caller.create().json()["error"] == "RATE_LIMIT_REACHED"


def test_so_many_assemblies_can_run_at_a_time() -> None:
    with calling(limits=Limits(running=2)) as caller:
        first, _ = (waiting(caller) for _ in range(2))

        refused = caller.create()
        assert refused.json()["error"] == "RATE_LIMIT_REACHED"
        assert refused.json()["info"]["retryIn"] > 0
        caller.send("DELETE", first["assembly_ssl_url"])
        assert caller.finished()["ok"] == "ASSEMBLY_COMPLETED"


@pytest.mark.parametrize("rate", [0, -1])
@pytest.mark.parametrize("name", ["upload_rate", "download_rate"])
def test_a_line_without_any_bytes_is_refused(name: str, rate: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        StandIn(**{name: rate})  # type: ignore[arg-type] # a parameter is a plain str


def test_a_slow_line_takes_uploads_at_its_pace_and_the_status_shows_it() -> None:
    with calling(upload_rate=1_000_000) as caller:
        created = waiting(caller)
        url = begun(caller, created, 400_000)
        begin = time.monotonic()
        other = Caller(caller.api)
        sender = threading.Thread(target=patch, args=(other, url, 0, b"x" * 400_000))
        sender.start()
        seen = set()
        while sender.is_alive():
            status = caller.http.get(created["assembly_ssl_url"]).json()
            seen.add(status["tus_uploads"][0]["offset"])
            time.sleep(0.01)
        sender.join()
        other.http.close()

        assert time.monotonic() - begin >= 0.4
        assert any(0 < each < 400_000 for each in seen)
        assert caller.status(created["assembly_id"])["tus_uploads"][0]["offset"] == 400_000


def test_a_slow_line_is_shared_by_all_who_download() -> None:
    with calling(download_rate=1_000_000) as caller:
        url = caller.finished(files={"f": ("a.bin", b"x" * 200_000)})["uploads"][0]["url"]
        readers = [Caller(caller.api) for _ in range(2)]
        threads = [threading.Thread(target=each.http.get, args=(url,)) for each in readers]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for reader in readers:
            reader.http.close()

        assert time.monotonic() - begin >= 0.4
