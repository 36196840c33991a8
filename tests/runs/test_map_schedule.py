"""How `map` keeps to the account's limits, on a simulated clock."""

import heapq
import itertools
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from transloadit_client import InvalidInput
from transloadit_client._runs.journal import Entry
from transloadit_client._runs.map_inputs import Task
from transloadit_client._runs.map_schedule import (
    Await,
    Deliver,
    Quota,
    Start,
    Take,
    at_once_within,
    free_descriptors,
    mapping,
    next_move,
)
from transloadit_client._runs.outcomes import Mapped


class Simulation:
    """Carries a mapping out in no time: each task takes a random while on a clock of its own."""

    def __init__(self, tasks: int, *, at_once: int, a_minute: int | None, longest: float) -> None:
        self.now = 0.0
        self.starts: list[float] = []
        self.most_running = 0
        self._random = random.Random(7)
        self._longest = longest
        self._tasks = (Task(b"", str(number), Entry(f"{number:032x}")) for number in range(tasks))
        self._running: list[tuple[float, str]] = []
        self._moves = mapping(at_once, Quota(a_minute), lambda: self.now)

    def delivered(self) -> Iterator[str]:
        answer: object = None
        while (move := next_move(self._moves, answer)) is not None:
            answer = None
            match move:
                case Take():
                    answer = next(self._tasks, None)
                case Start(task):
                    self._start(task)
                case Await(seconds):
                    answer = self._ended(seconds)
                case Deliver(mapped):
                    yield mapped.key

    def _start(self, task: Task) -> None:
        self.starts.append(self.now)
        end = self.now + self._random.uniform(0.0, self._longest)
        heapq.heappush(self._running, (end, task.key))
        self.most_running = max(self.most_running, len(self._running))

    def _ended(self, seconds: float | None) -> list[Mapped]:
        if self._running and (seconds is None or self._running[0][0] <= self.now + seconds):
            self.now, key = heapq.heappop(self._running)
            return [Mapped(b"", key, "")]
        assert seconds is not None, "it would wait for ever"
        self.now += seconds
        return []


@pytest.mark.parametrize("number", [0, -1])
def test_none_at_once_and_none_a_minute_are_refused(number: int) -> None:
    with pytest.raises(InvalidInput, match=f"at_once is {number}; it takes a whole number"):
        mapping(number, Quota(None), lambda: 0.0)
    with pytest.raises(InvalidInput, match=f"creates_per_minute is {number}; it takes"):
        Quota(number)


def test_a_wait_for_the_quota_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="transloadit_client")

    list(Simulation(25, at_once=100, a_minute=10, longest=20.0).delivered())

    waits = [one.getMessage() for one in caplog.records]
    assert waits == ["waiting 60.0 seconds, as creates_per_minute has been reached"] * 2


@pytest.mark.parametrize("longest", [0.5, 40.0, 600.0])
@pytest.mark.parametrize("a_minute", [1, 7, 250])
def test_no_minute_ever_sees_more_creates_than_allowed(a_minute: int, longest: float) -> None:
    simulation = Simulation(20 * a_minute, at_once=250, a_minute=a_minute, longest=longest)

    assert len(list(simulation.delivered())) == 20 * a_minute

    for first, beyond in zip(simulation.starts, simulation.starts[a_minute:], strict=False):
        assert beyond - first >= 60.0


@pytest.mark.parametrize("at_once", [1, 3, 250])
def test_no_more_are_ever_in_the_works_than_allowed(at_once: int) -> None:
    simulation = Simulation(1000, at_once=at_once, a_minute=None, longest=100.0)

    assert sorted(simulation.delivered(), key=int) == [str(number) for number in range(1000)]
    assert simulation.most_running == at_once


def test_the_allowed_creates_are_used_up() -> None:
    """3,000 short Assemblies at 250 a minute: the last one starts as the twelfth minute begins."""
    simulation = Simulation(3000, at_once=250, a_minute=250, longest=1.0)

    assert len(list(simulation.delivered())) == 3000
    assert simulation.starts[-1] == pytest.approx(11 * 60.0, abs=1.0)


def test_results_come_as_they_end_and_not_only_after_all_have_begun() -> None:
    simulation = Simulation(500, at_once=10, a_minute=250, longest=1.0)

    first = next(iter(simulation.delivered()))

    assert int(first) < 10
    assert len(simulation.starts) <= 10


def test_the_simulation_would_notice() -> None:
    """Without limits the same simulation breaks both: so the claims above can fail."""
    simulation = Simulation(1000, at_once=1000, a_minute=None, longest=100.0)
    list(simulation.delivered())

    assert simulation.most_running == 1000
    assert all(a == b for a, b in itertools.pairwise(simulation.starts))


@pytest.mark.parametrize(
    ("descriptors", "at_once"),
    [(None, 100), (20_000, 100), (1_024, 100), (240, 28), (64, 6), (24, 1), (3, 1), (0, 1)],
)
def test_where_few_files_can_be_open_fewer_assemblies_are_in_progress(
    descriptors: int | None, at_once: int
) -> None:
    assert at_once_within(descriptors) == at_once


@pytest.fixture
def limit() -> Iterator[Callable[[int], None]]:
    """Sets how many files and connections this process may have open."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_descriptors_that_are_left_are_counted(limit: Callable[[int], None]) -> None:
    limit(500)
    before = free_descriptors()
    with Path(os.devnull).open("rb"), Path(os.devnull).open("rb"):
        after = free_descriptors()

    assert before is not None
    assert before < 500
    assert after == before - 2


def test_none_is_left_where_not_even_that_can_be_looked_up(limit: Callable[[int], None]) -> None:
    limit(3)

    assert free_descriptors() == 0


def test_a_system_without_such_a_limit_has_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)

    assert free_descriptors() is None
