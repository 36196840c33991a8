"""When statuses are read and when not, on a simulated clock. `test_events` has the real streams."""

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import (
    ApiError,
    AssemblyStatus,
    Attempt,
    InvalidInput,
    NoAnswer,
    OutcomeUnknown,
    Progress,
    RetryPolicy,
    StillBusy,
    UntrustedUrl,
)
from transloadit_client._calls.addresses import Home
from transloadit_client._calls.answers import Answer
from transloadit_client._calls.call import Call
from transloadit_client._flow import CLOSED, OPENED, Event, Listen, Once, Outcome, Pause, Send, Step
from transloadit_client._retry.attempts import attempts
from transloadit_client._retry.policy import ONCE, World
from transloadit_client._waiting.wait import Terms, waiting

from ..flows import carried_out

ID = "0123456789abcdef0123456789abcdef"
HOME = Home("https://api2.transloadit.com")
STREAM = f"https://api2-frankfurt.transloadit.com/ws20?assembly={ID}"
DOWN = None

Reply = tuple[int, dict[str, Any]] | None


def busy(**more: object) -> Reply:
    return 200, {"ok": "ASSEMBLY_EXECUTING", "assembly_id": ID, **more}


def done(**more: object) -> Reply:
    return 200, {"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, **more}


def limited(retry_in: float | None = None, code: int = 429) -> Reply:
    info = {} if retry_in is None else {"info": {"retryIn": retry_in}}
    return code, {"error": "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED", **info}


@define
class Simulation:
    """An API that answers by the clock, and the clock.

    Attributes:
        replies: what a read is answered at a time; None for a connection that failed.
        events: what the stream says, and when; each opening of it goes on where the last was.
        opens_in: seconds that it takes to open the stream.
    """

    replies: Callable[[float], Reply]
    events: list[tuple[float, Event]] = field(factory=list)
    opens_in: float = 0.1
    time: float = 0.0
    reads: list[float] = field(factory=list)
    canceled: list[float] = field(factory=list)
    opened: list[float] = field(factory=list)
    policy: RetryPolicy = field(factory=RetryPolicy)
    canceling: Reply = None
    retries: list[Attempt] = field(factory=list)
    _opening: float | None = None

    def wait(self, assembly: str | AssemblyStatus = ID, **terms: Any) -> AssemblyStatus:
        options: dict[str, Any] = {
            "deadline": 9 * 3600.0,
            "interval": 1.0,
            "events": True,
            "cancel_on_timeout": False,
            "on_progress": None,
            "stop": None,
        }
        random = Random(7)
        world = World(self.policy, lambda: self.time, lambda most: random.uniform(0.0, most))
        flow = waiting(assembly, HOME, Terms(**{**options, **terms}), world)
        return carried_out(flow, self._do)

    def _do(self, step: Step) -> Any:
        if isinstance(step, Pause) and step.retry is not None:
            assert step.assembly_id == ID
            self.retries.append(step.retry)
        match step:
            case Listen():
                return self._hear(step)
            case Once():
                self.reads.append(self.time)
                return self._call(step.call, self.replies(self.time))
            case Send():
                self.canceled.append(self.time)
                assert step.until is not None
                assert step.until <= self.time + 30.0
                self.time += 0.01
                return self._outcome(step.call, self.canceling)
            case Pause():
                assert step.seconds > 0
                self.time += step.seconds
                return None
        raise AssertionError(step)

    def _call(self, call: Call[Any], reply: Reply) -> Any:
        self.time += 0.01

        def answer(step: Any) -> Outcome:
            assert isinstance(step, Send)
            return self._outcome(call, reply)

        world = World(ONCE, lambda: self.time, lambda most: most)
        return carried_out(attempts(call, world), answer)

    def _outcome(self, call: Call[Any], reply: Reply) -> Outcome:
        if reply is None:
            return Outcome(error=NoAnswer("down"))
        try:
            read = Answer(call.title, reply[0], json.dumps(reply[1]).encode())
            return Outcome(call.read(read))
        except ApiError as error:
            return Outcome(error=error)

    def _hear(self, listen: Listen) -> Event | None:
        assert listen.url == STREAM
        assert listen.seconds > 0
        until = self.time + listen.seconds
        if self._opening is None:
            self.opened.append(self.time)
            self._opening = self.time + self.opens_in
            self.events = [(max(at, self._opening), event) for at, event in self.events]
        if self.events and self.events[0][0] <= until:
            at, event = self.events.pop(0)
            self.time = max(at, self.time)
            if event.kind == CLOSED:
                self._opening = None
            return event
        self.time = until
        return None


def ends_at(end: float, **more: object) -> Callable[[float], Reply]:
    return lambda time: done() if time >= end else busy(**more)


def with_stream(end: float) -> Callable[[float], Reply]:
    return ends_at(end, update_stream_url=STREAM)


def gaps(times: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(times)]


# What ends it


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (200, {"ok": "ASSEMBLY_COMPLETED"}),
        (200, {"ok": "ASSEMBLY_CANCELED"}),
        (200, {"ok": "REQUEST_ABORTED"}),
        (200, {"error": "IMPORT_FILE_ERROR"}),
        (302, {"error": "IMPORT_FILE_ERROR"}),
        (200, {"ok": "ASSEMBLY_EXECUTING", "error": "A_CODE_OF_NEXT_YEAR"}),
        (400, {"error": "MAX_SIZE_EXCEEDED", "http_code": 400}),
        (500, {"error": "INTERNAL_COMMAND_ERROR"}),
    ],
)
def test_whatever_is_an_end_ends_it(code: int, body: dict[str, Any]) -> None:
    simulation = Simulation(lambda time: (code, {**body, "assembly_id": ID}))

    status = simulation.wait()

    assert status.done
    assert len(simulation.reads) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"ok": "ASSEMBLY_UPLOADING"},
        {"ok": "ASSEMBLY_EXECUTING"},
        {"ok": "ASSEMBLY_REPLAYING"},
        {"ok": "A_STATE_OF_NEXT_YEAR"},
        {"ok": None},
        {},
    ],
)
def test_whatever_is_no_end_is_waited_for_until_the_deadline(body: dict[str, Any]) -> None:
    simulation = Simulation(lambda time: (200, {**body, "assembly_id": ID}))

    with pytest.raises(StillBusy, match="it continues") as caught:
        simulation.wait(deadline=30.0)

    assert caught.value.assembly_id == ID
    assert caught.value.status is not None
    assert caught.value.status.to_dict() == {**body, "assembly_id": ID}
    assert 30.0 <= simulation.time < 31.0
    assert simulation.canceled == []


def test_a_status_that_is_an_end_is_not_read_again() -> None:
    simulation = Simulation(lambda time: busy())
    told: list[Progress] = []
    status = AssemblyStatus.from_dict({"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID})

    assert simulation.wait(status, on_progress=told.append) is status

    assert simulation.reads == []
    assert [progress.phase for progress in told] == ["done"]


def test_a_refusal_is_raised_at_once() -> None:
    simulation = Simulation(lambda time: (404, {"error": "ASSEMBLY_NOT_FOUND", "assembly_id": ID}))

    with pytest.raises(ApiError, match="ASSEMBLY_NOT_FOUND"):
        simulation.wait()

    assert len(simulation.reads) == 1


def test_no_time_at_all_is_one_read() -> None:
    simulation = Simulation(lambda time: busy())

    with pytest.raises(StillBusy):
        simulation.wait(deadline=0.0)

    assert len(simulation.reads) == 1


def test_at_the_deadline_it_is_read_once_more() -> None:
    simulation = Simulation(ends_at(99.9))

    assert simulation.wait(deadline=100.0).done

    assert 99.9 < simulation.reads[-1] <= 100.0


@pytest.mark.parametrize("wrong", [{"interval": 0.2}, {"interval": float("nan")}, {"deadline": -1}])
def test_terms_that_the_api_would_not_bear_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Simulation(lambda time: done()).wait(**wrong)


# Canceling


def test_the_assembly_is_canceled_at_the_deadline_if_asked() -> None:
    canceled = (200, {"ok": "ASSEMBLY_CANCELED", "assembly_id": ID})
    simulation = Simulation(lambda time: busy(), canceling=canceled)

    with pytest.raises(StillBusy, match="it was canceled") as caught:
        simulation.wait(deadline=10.0, cancel_on_timeout=True)

    assert len(simulation.canceled) == 1
    assert caught.value.status is not None
    assert caught.value.status.ok == "ASSEMBLY_CANCELED"


def test_a_cancel_that_does_not_show_yet_is_said_to_be_accepted() -> None:
    """The status is eventually consistent: the answer to a cancel may still say EXECUTING."""
    simulation = Simulation(lambda time: busy(), canceling=busy())

    with pytest.raises(StillBusy, match="cancellation was accepted") as caught:
        simulation.wait(deadline=10.0, cancel_on_timeout=True)

    assert "waited for again" not in str(caught.value)
    assert caught.value.code == "ASSEMBLY_EXECUTING"


def test_a_cancel_does_not_outlive_the_deadline_by_more_than_half_a_minute() -> None:
    simulation = Simulation(lambda time: busy(), canceling=DOWN, policy=RetryPolicy(attempts=99))

    with pytest.raises(StillBusy, match="was carried out is unknown"):
        simulation.wait(deadline=10.0, cancel_on_timeout=True)

    assert len(simulation.canceled) > 5
    assert 10.0 < simulation.time < 45.0


def test_an_assembly_that_ended_before_it_could_be_canceled_has_ended() -> None:
    simulation = Simulation(lambda time: busy(), canceling=done())

    assert simulation.wait(deadline=10.0, cancel_on_timeout=True).ok == "ASSEMBLY_COMPLETED"


def test_a_cancel_that_failed_is_the_cause_of_what_is_raised() -> None:
    simulation = Simulation(lambda time: busy(), canceling=(503, {"error": "NOT_CONFIRMED"}))

    with pytest.raises(StillBusy, match="NOT_CONFIRMED") as caught:
        simulation.wait(deadline=10.0, cancel_on_timeout=True)

    assert isinstance(caught.value.__cause__, OutcomeUnknown)


# Retries


def test_every_read_that_is_repeated_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    replies = iter([DOWN, limited(7.0), (502, {}), busy(), DOWN, done()])
    caplog.set_level("INFO", logger="transloadit_client")
    simulation = Simulation(lambda time: next(replies))

    simulation.wait()

    lines = [one.getMessage() for one in caplog.records]
    assert [one.phase for one in simulation.retries] == [
        "outcome unknown", "refused by a rate limit", "outcome unknown", "outcome unknown",
    ]  # fmt: skip
    assert [one.number for one in simulation.retries] == [1, 1, 2, 1]
    assert {one.most for one in simulation.retries} == {None}
    assert (simulation.retries[1].delay or 0.0) >= 7.0
    assert len(lines) == 4
    assert "FETCHING_RATE_LIMIT_REACHED) after attempt 1; going to read it again in" in lines[1]
    assert not any(ID in line for line in lines)


def test_a_stream_that_is_opened_again_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="transloadit_client")
    simulation = Simulation(with_stream(400.0), events=[(50.0, Event(CLOSED))])

    simulation.wait()

    assert "a stream of events broke; opening it again in" in caplog.text


# Stopping


def test_a_event_of_the_caller_ends_it_within_half_a_second() -> None:
    simulation = Simulation(lambda time: busy())

    with pytest.raises(StillBusy, match="no longer waited for") as caught:
        simulation.wait(stop=lambda: simulation.time > 100.0)

    assert 100.0 < simulation.time <= 100.6
    assert caught.value.status is not None


def test_an_event_that_is_set_ends_it_before_anything_is_read() -> None:
    simulation = Simulation(lambda time: busy())
    stop = threading.Event()
    stop.set()

    with pytest.raises(StillBusy, match="not read yet"):
        simulation.wait(stop=stop)

    assert simulation.reads == []


def test_an_error_of_whoever_is_told_ends_it() -> None:
    def tell(progress: Progress) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        Simulation(lambda time: busy()).wait(on_progress=tell)


# Polling


def test_reads_are_a_second_apart_at_first_and_at_most_twelve_later() -> None:
    simulation = Simulation(ends_at(3600.0))

    simulation.wait()

    apart = gaps(simulation.reads)
    assert all(1.0 <= gap <= 1.3 for gap in apart[:8])
    assert all(10.0 <= gap <= 12.6 for gap in apart[-100:])
    assert len(simulation.reads) < 400


@pytest.mark.parametrize("seconds", [3.0, 30.0, 100.0, 1000.0])
def test_an_end_is_noticed_at_most_an_eighth_too_late(seconds: float) -> None:
    simulation = Simulation(ends_at(seconds))

    simulation.wait()

    assert simulation.time - seconds <= max(1.3, seconds / 8 + 0.1)


def test_the_interval_is_the_callers_also_for_those_in_no_hurry() -> None:
    simulation = Simulation(ends_at(600.0))

    simulation.wait(interval=60.0)

    assert min(gaps(simulation.reads)) >= 60.0


def test_the_status_may_ask_for_more_time() -> None:
    simulation = Simulation(ends_at(40.0, info={"retryIn": 15}))

    simulation.wait()

    assert min(gaps(simulation.reads)) >= 15.0


@pytest.mark.parametrize("asked", [True, "15", -3, 1e9, None])
def test_what_is_no_such_wish_is_passed_over(asked: object) -> None:
    simulation = Simulation(ends_at(3.0, info={"retryIn": asked}))

    simulation.wait()

    assert max(gaps(simulation.reads)) < 1.4


@pytest.mark.parametrize("code", [413, 429])
@pytest.mark.parametrize("hint", [None, 0, 7])
def test_a_rate_limit_is_no_outcome(code: int, hint: float | None) -> None:
    def replies(time: float) -> Reply:
        return limited(hint, code) if time < 50.0 else done()

    simulation = Simulation(replies)

    assert simulation.wait().done

    assert min(gaps(simulation.reads)) >= max(1.0, hint or 0.0)
    assert len(simulation.reads) < 60


def test_a_rate_limit_counts_even_where_nothing_is_to_be_tried_again() -> None:
    simulation = Simulation(lambda time: limited() if time < 50.0 else done(), policy=ONCE)

    assert simulation.wait().done


def test_after_rate_limits_it_is_read_more_seldom_and_then_as_ever() -> None:
    simulation = Simulation(lambda time: limited(0) if time < 3.0 else ends_at(900.0)(time))

    simulation.wait()

    apart = gaps(simulation.reads)
    assert max(apart[:6]) > 3.0
    assert max(apart[-20:]) < 12.6


def test_rate_limits_do_not_move_the_deadline() -> None:
    simulation = Simulation(lambda time: limited(500))

    with pytest.raises(StillBusy, match="not read yet"):
        simulation.wait(deadline=60.0)

    assert simulation.time <= 60.1


@pytest.mark.parametrize("trouble", [DOWN, (502, {}), (200, {}), (200, {"assembly_id": "b" * 32})])
def test_trouble_is_waited_out_for_as_long_as_the_policy_tries(trouble: Reply) -> None:
    within = Simulation(lambda time: trouble if 10.0 < time < 300.0 else ends_at(320.0)(time))
    beyond = Simulation(lambda time: trouble if time > 10.0 else busy())

    assert within.wait().done
    with pytest.raises((ApiError, NoAnswer)):
        beyond.wait()

    assert 310.0 <= beyond.time < 345.0
    assert len(beyond.reads) < 60


def test_with_no_retries_the_first_trouble_ends_it() -> None:
    simulation = Simulation(lambda time: DOWN, policy=ONCE)

    with pytest.raises(NoAnswer):
        simulation.wait()

    assert len(simulation.reads) == 1


# Listening


def stream(*events: tuple[float, str | Event]) -> list[tuple[float, Event]]:
    return [(at, Event(event) if isinstance(event, str) else event) for at, event in events]


def test_with_a_stream_four_reads_do_for_two_minutes() -> None:
    events = stream((0.0, OPENED), (119.0, "assembly_finished"), (119.0, CLOSED))
    simulation = Simulation(with_stream(119.0), events)

    assert simulation.wait().done

    assert len(simulation.reads) == 4  # at first, once it stands, on the way, and at the end
    assert simulation.time - 119.0 < 0.5


@pytest.mark.parametrize(("seconds", "reads"), [(100.0, 3), (600.0, 8), (3600.0, 45)])
def test_with_a_stream_reads_grow_more_seldom(seconds: float, reads: int) -> None:
    events = stream((0.0, OPENED), (seconds, "assembly_finished"), (seconds, CLOSED))
    simulation = Simulation(with_stream(seconds), events)
    status = AssemblyStatus.from_dict(busy(update_stream_url=STREAM)[1])  # type: ignore[index]

    assert simulation.wait(status).done

    assert len(simulation.reads) <= reads
    assert max(gaps(simulation.reads)) <= 113.0


def test_a_status_at_hand_opens_the_stream_at_once() -> None:
    events = stream((0.0, OPENED), (20.0, "assembly_finished"))
    simulation = Simulation(with_stream(20.0), events)
    status = AssemblyStatus.from_dict(busy(update_stream_url=STREAM)[1])  # type: ignore[index]

    assert simulation.wait(status).done

    assert len(simulation.reads) == 2
    assert simulation.opened == [0.0]


def test_an_end_before_the_stream_stood_is_not_missed() -> None:
    simulation = Simulation(with_stream(0.5), stream((0.0, OPENED)), opens_in=0.9)

    assert simulation.wait().done

    assert simulation.time < 2.0


@pytest.mark.parametrize(("seconds", "late"), [(20.0, 56.0), (100.0, 76.0), (3600.0, 113.0)])
def test_a_stream_that_dies_in_silence_costs_two_minutes_at_worst(
    seconds: float, late: float
) -> None:
    simulation = Simulation(with_stream(seconds), stream((0.0, OPENED)))

    assert simulation.wait().done

    assert simulation.time - seconds < late


def test_a_stream_that_cannot_be_opened_is_given_up_after_some_tries() -> None:
    events = stream(*[(0.0, CLOSED)] * 100)
    simulation = Simulation(with_stream(600.0), events)

    assert simulation.wait().done

    assert len(simulation.opened) == 5
    assert all(gap >= 2.0 for gap in gaps(simulation.opened))
    assert simulation.time - 600.0 < 13.0


def test_a_stream_that_breaks_is_opened_again_and_read_after() -> None:
    broken = [(at, event) for minute in range(1, 9) for at, event in (
        (minute * 60.0, CLOSED), (minute * 60.0 + 3.0, OPENED))]  # fmt: skip
    events = stream((0.0, OPENED), *broken, (600.0, "assembly_finished"))
    simulation = Simulation(with_stream(600.0), events)

    assert simulation.wait().done

    assert len(simulation.opened) == 9
    assert simulation.time - 600.0 < 0.5
    assert len(simulation.reads) < 50


def test_an_event_that_comes_before_its_status_is_not_the_end() -> None:
    """The status lags behind for ten seconds; the stream is closed and needed no more."""
    events = stream((0.0, OPENED), (60.0, "assembly_finished"), (60.0, CLOSED))
    simulation = Simulation(with_stream(70.0), events)

    assert simulation.wait().done

    assert simulation.time - 70.0 < 1.4
    assert len(simulation.opened) == 1


def test_a_stream_that_says_it_is_over_all_the_time_is_not_believed() -> None:
    events = stream((0.0, OPENED), *[(at / 10, "assembly_finished") for at in range(1, 1000)])
    simulation = Simulation(with_stream(100.0), events)

    assert simulation.wait().done

    assert min(gaps(simulation.reads)) > 0.33


def test_the_stream_does_not_hasten_a_read_that_was_limited() -> None:
    events = stream((0.0, OPENED), (0.5, "assembly_error"))
    limits = Simulation(
        lambda time: busy(update_stream_url=STREAM) if time < 0.05
        else limited(20) if time < 20.0 else done(), events)  # fmt: skip

    assert limits.wait().done

    assert min(gaps(limits.reads)[1:]) >= 20.0


def test_whoever_wants_no_events_gets_none() -> None:
    simulation = Simulation(with_stream(10.0), stream((0.0, OPENED)))

    simulation.wait(events=False)

    assert simulation.opened == []


@pytest.mark.parametrize(
    "url", ["https://evil.example/?assembly=1", "http://169.254.169.254/", 7, None, "ws:"]
)
def test_a_stream_elsewhere_is_not_listened_to(url: object) -> None:
    simulation = Simulation(ends_at(10.0, update_stream_url=url))

    assert simulation.wait().done

    assert simulation.opened == []


def test_a_stream_that_a_later_status_names_does_not_count() -> None:
    def replies(time: float) -> Reply:
        other = STREAM if time < 1.0 else STREAM.replace("frankfurt", "elsewhere")
        return ends_at(100.0, update_stream_url=other)(time)

    events = stream((0.0, OPENED), (50.0, CLOSED), (53.0, OPENED))
    simulation = Simulation(replies, events)

    assert simulation.wait().done

    assert len(simulation.opened) == 2  # `_hear` sees to the URL


def test_an_assembly_elsewhere_is_not_read() -> None:
    with pytest.raises(UntrustedUrl):
        Simulation(lambda time: busy()).wait(f"https://evil.example/assemblies/{ID}")


@given(
    end=st.floats(0.0, 300.0),
    events=st.lists(
        st.tuples(
            st.floats(0.0, 300.0),
            st.sampled_from([OPENED, CLOSED, "assembly_finished", "assembly_error", "", "x"]),
        ),
        max_size=40,
    ),
    limits=st.lists(st.floats(0.0, 300.0), max_size=5),
)
def test_whatever_a_stream_says_the_end_is_found_and_never_asked_for_too_often(
    end: float, events: list[tuple[float, str]], limits: list[float]
) -> None:
    def replies(time: float) -> Reply:
        if any(limit <= time < limit + 2 for limit in limits):
            return limited(0)
        return with_stream(end)(time)

    simulation = Simulation(replies, stream(*sorted(events)))

    assert simulation.wait().done

    assert end <= simulation.time < end + 120.0
    times = simulation.reads
    assert all(after - before >= 1.0 for before, after in zip(times, times[3:], strict=False))


# What is told


def told_of(
    replies: Iterable[dict[str, Any]], *events: tuple[float, str | Event]
) -> list[Progress]:
    ordered = iter(replies)
    told: list[Progress] = []
    simulation = Simulation(
        lambda time: (200, {"assembly_id": ID, "update_stream_url": STREAM, **next(ordered)}),
        stream((0.0, OPENED), *events),
    )
    simulation.wait(on_progress=told.append)
    return told


def test_files_and_results_are_told_as_they_arrive() -> None:
    first, second = ({"id": name, "name": f"{name}.jpg"} for name in ("one", "two"))
    told = told_of(
        [
            {"ok": "ASSEMBLY_UPLOADING", "bytes_received": 10, "bytes_expected": 100,
             "num_input_files": 2},
            {"ok": "ASSEMBLY_UPLOADING", "bytes_received": 60, "bytes_expected": 100,
             "num_input_files": 2},
            {"ok": "ASSEMBLY_COMPLETED", "bytes_received": 100, "bytes_expected": 100,
             "num_input_files": 2, "uploads": [{}, {}], "results": {"small": [first, second]}},
        ],
        (1.0, Event("assembly_upload_finished", {"id": "u1"})),
        (1.1, Event("assembly_upload_finished", {"id": "u2"})),
        (1.2, Event("assembly_uploading_finished")),
        (1.5, Event("assembly_execution_progress", {"progress_combined": 50})),
        (2.0, Event("assembly_result_finished", ["small", first])),
        (3.0, Event("assembly_finished")),
    )  # fmt: skip

    assert [progress.phase for progress in told] == [
        "uploading", "uploading", "uploading", "uploading", "executing", "executing", "executing",
        "done",
    ]  # fmt: skip
    assert [progress.files_sent for progress in told] == [0, 0, 1, 2, 2, 2, 2, 2]
    assert [progress.bytes_sent for progress in told][-3:] == [60, 60, 100]
    assert (told[0].bytes_to_send, told[0].files_to_send) == (100, 2)
    assert [progress.percent for progress in told][3:] == [None, None, 50.0, 50.0, 50.0]
    names = [[file.name for _, file in progress.results] for progress in told]
    assert names[-3:] == [[], ["one.jpg"], ["one.jpg", "two.jpg"]]
    assert told[-1].results[0][0] == "small"
    assert told[-1].status is not None


def test_what_did_not_change_is_not_told_again() -> None:
    told: list[Progress] = []

    Simulation(ends_at(60.0)).wait(on_progress=told.append)

    assert [progress.phase for progress in told] == ["executing", "done"]


@pytest.mark.parametrize(
    "event",
    [
        Event(""),
        Event("assembly_result_finished"),
        Event("assembly_result_finished", ["small"]),
        Event("assembly_result_finished", [7, {}]),
        Event("assembly_result_finished", ["small", None]),
        Event("assembly_upload_finished", "u1"),
        Event("assembly_execution_progress", 50),
        Event("assembly_execution_progress", {"progress_combined": "50"}),
        Event("assembly_execution_progress", {"progress_combined": float("nan")}),
        Event("assembly_execution_progress", {"progress_combined": True}),
        Event("an_event_of_next_year", {"any": ["thing"]}),
    ],
    ids=str,
)
def test_an_event_of_another_shape_breaks_nothing(event: Event) -> None:
    told = told_of([{"ok": "X"}, {"ok": "X"}, {"ok": "ASSEMBLY_COMPLETED"}], (1.0, event),
                   (2.0, "assembly_finished"))  # fmt: skip

    assert told[-1].phase == "done"
    assert told[-1].percent is None
    assert told[-1].results == ()


@pytest.mark.parametrize(
    "odd",
    [
        {"bytes_received": "10", "bytes_expected": "", "uploads": {}, "num_input_files": None},
        {"bytes_received": None, "bytes_expected": None, "uploads": None, "results": []},
        {"bytes_received": True, "results": {"a": None}, "expected_tus_uploads": "3"},
    ],
)
def test_a_status_of_another_shape_breaks_nothing(odd: dict[str, Any]) -> None:
    [progress] = told_of([{"ok": "ASSEMBLY_COMPLETED", **odd}])

    assert (progress.bytes_sent, progress.bytes_to_send, progress.files_to_send) == (0, None, None)
