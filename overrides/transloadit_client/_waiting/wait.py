"""Waiting for an Assembly: when to read its status, when to listen, when to give up. Pure.

The outcome always comes from a status. The stream of events says when to read one, and what to tell
people meanwhile; so nothing is lost where it breaks, lies or is not there.
"""

from math import inf

from attrs import define, evolve, field, frozen

from .._calls.addresses import Home, assembly_id, trusted_url
from .._calls.call import Call
from .._calls.numbers import seconds
from .._calls.operations import Assembly, cancellation, reading
from .._errors import (
    ApiError,
    Attempt,
    NoAnswer,
    Phase,
    StillBusy,
    TransloaditError,
    UntrustedUrl,
)
from .._flow import CLOSED, OPENED, Event, Flow, Listen, Once, Pause, Stop, checked_stop
from .._progress import OnProgress, Tally
from .._retry.attempts import attempts
from .._retry.policy import World
from .._retry.reports import log_retry, logger
from .._status import AssemblyStatus, code_of
from .read_schedule import MOST_OFTEN, SLOWEST, ReadSchedule, phase_of_last

_LONGEST_READ = 30.0  # seconds: a status is small, and the next try finds another connection
_LONGEST_CANCEL = 30.0  # seconds, with all retries: nobody waits for long after the deadline
_LONGEST_INTERVAL = 24 * 3600.0  # seconds
_TICK = 0.5  # seconds between two questions whether to stop
_LONG_ENOUGH = 30.0  # seconds: a stream that stood for so long was no failure
_FAILURES = 5  # so many streams in a row that did not stand are enough
_NOT_THERE = ("ASSEMBLY_NOT_FOUND", "SERVER_404")

_ENDING = ("assembly_finished", "assembly_error")


@frozen(kw_only=True)
class Terms:
    """How to wait.

    Attributes:
        deadline: seconds, or None to wait for however long it takes.
        interval: seconds between two reads, at first.
        events: whether to listen to the stream of events where there is one.
        cancel_on_timeout: whether to cancel the Assembly at the deadline.
        on_progress: who is told.
        stop: who may end it.
    """

    deadline: float | None
    interval: float
    events: bool
    cancel_on_timeout: bool
    on_progress: OnProgress | None
    stop: Stop | None

    def __attrs_post_init__(self) -> None:
        # The API allows three reads a second; and sockets and sleeps take no infinite time.
        seconds("interval", self.interval, least=MOST_OFTEN, most=_LONGEST_INTERVAL)
        if self.deadline is not None:
            seconds("deadline", self.deadline)
        checked_stop(self.stop)

    def stopped(self) -> bool:
        stop = self.stop
        if stop is None:
            return False
        return stop() if callable(stop) else stop.is_set()


def waiting(assembly: Assembly, home: Home, terms: Terms, world: World) -> Flow[AssemblyStatus]:
    """Waits until nothing more will happen, and returns the last status, failed or not.

    Raises:
        StillBusy: the deadline came, or `stop` said so.
        ApiError: a read was refused.
        NoAnswer: no read got through for as long as the policy tries.
    """
    call, now = reading(assembly, home), world.now
    watch = _Watch(terms, world, home, Tally(assembly_id(assembly), terms.on_progress))
    until = inf if terms.deadline is None else now() + terms.deadline
    # A status that has ended stays so, and needs no request.
    if isinstance(assembly, AssemblyStatus) and watch.saw(assembly):
        return assembly
    while True:
        yield from watch.rest(until)
        # At least a second: a read that was cut short at the deadline would tell nothing.
        longest = min(_LONGEST_READ, max(1.0, until - now()))
        stopped = terms.stopped if terms.stop else None
        end = None if until == inf else max(until, now() + longest)
        read = Once(call, longest, end, stopped)
        status = yield from watch.read(read)
        if status is not None and watch.saw(status):
            return status
        if now() >= until:
            return (yield from watch.give_up(cancellation(assembly, home)))


@define
class _Watch:
    """What is done while waiting, as parts of the work."""

    _terms: Terms
    _world: World
    _home: Home
    _tally: Tally
    _schedule: ReadSchedule = field(init=False)
    _events: "_EventWatch" = field(init=False)
    _failed: Attempt | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._schedule = ReadSchedule(self._world, self._terms.interval)
        self._events = _EventWatch(self._world, self._home if self._terms.events else None)

    def saw(self, status: AssemblyStatus) -> bool:
        """Takes note of a status; whether it is the last."""
        self._tally.read(status)
        if not status.done:
            self._events.read(status)
            self._schedule.read(status, listening=self._events.open)
        return status.done

    def rest(self, until: float) -> Flow[None]:
        """Pauses until the status is to be read, or time is up."""
        while True:
            if self._terms.stopped():
                raise _still_busy(self._tally, "when it was no longer waited for")
            rest = min(self._schedule.due, until) - self._world.now()
            if rest <= 0:
                return
            # Half a second at most where there is a `stop`: a function cannot wake this pause, so
            # it has to be asked.
            pause = self._events.pause(min(rest, _TICK) if self._terms.stop else rest)
            failed, self._failed = self._failed, None
            event = yield evolve(pause, retry=failed, assembly_id=self._tally.assembly_id)
            if event is not None:
                self._tally.heard(event.kind, event.data)
                if self._events.heard(event):
                    self._schedule.hasten(anew=event.kind in _ENDING)

    def read(self, read: Once) -> Flow[AssemblyStatus | None]:
        """Reads the status; None if that failed and is to be tried again."""
        try:
            status: AssemblyStatus = yield read
        except (ApiError, NoAnswer) as error:
            seen = _status_in(error)
            if seen is None:
                self._failed = self._schedule.failed(error)
                log_retry(read.call.title, error, self._failed)
            return seen
        return status

    def give_up(self, cancel: Call[AssemblyStatus]) -> Flow[AssemblyStatus]:
        """The deadline came: cancels the Assembly if it is to be; it may just have ended."""
        cause: TransloaditError | None = None
        accepted: str | None = None
        if self._terms.cancel_on_timeout:
            try:
                until = self._world.now() + min(_LONGEST_CANCEL, self._world.policy.deadline)
                status: AssemblyStatus = yield from attempts(cancel, self._world, until)
            except (ApiError, NoAnswer) as error:
                cause = error
            else:
                self._tally.read(status)
                # It ended just before it was canceled: what it made was paid for, and is the
                # answer.
                if status.done and status.ok != "ASSEMBLY_CANCELED":
                    return status
                accepted = "its cancellation was accepted, and may take a moment to show"
        when = f"after {self._terms.deadline:g} seconds"
        raise _still_busy(self._tally, when, accepted, cause)


def _status_in(error: TransloaditError) -> AssemblyStatus | None:
    """How the Assembly ended, where it is told with an HTTP code of 400 or above."""
    status = getattr(error, "status", None)
    if not isinstance(status, AssemblyStatus) or not status.done:
        return None
    if status.error in _NOT_THERE or phase_of_last(error) is Phase.LIMITED:
        return None
    return status


def _still_busy(
    tally: Tally, when: str, accepted: str | None = None, cancel: TransloaditError | None = None
) -> StillBusy:
    status = tally.status
    state = "not read yet" if status is None else status.ok or "in a state unknown to us"
    fate = accepted or "it continues, and can be waited for again"
    if status is not None and status.done:
        state, fate = "busy", "it was canceled"
    elif cancel is not None:
        fate = str(cancel)
    error = StillBusy(f"Assembly {tally.assembly_id} was still {state} {when}; {fate.rstrip('.')}.")
    error.assembly_id = tally.assembly_id
    error.status, error.code = status, None if status is None else code_of(status)
    error.__cause__ = cancel
    return error


@define
class _EventWatch:
    """Whether to listen, and to what."""

    _world: World
    _home: Home | None
    open: bool = field(init=False, default=False)
    _url: str | None = field(init=False, default=None)
    _failures: int = field(init=False, default=0)
    _opened_at: float = field(init=False, default=0.0)
    _not_before: float = field(init=False, default=0.0)
    _tired: bool = field(init=False, default=False)

    def read(self, status: AssemblyStatus) -> None:
        """Keeps to the first stream that a status names, if an Assembly's stream can be there."""
        if self._url is None and self._home and isinstance(status.update_stream_url, str):
            try:
                # Only the first: a later answer that names another host may not be the service's.
                self._url = trusted_url(status.update_stream_url, self._home, "update_stream_url")
            except UntrustedUrl:
                self._tired = True

    def pause(self, seconds: float) -> Pause:
        """A pause with open ears, where there is something to be heard."""
        if self._url is None or self._tired:
            return Pause(seconds)
        if not self.open and (left := self._not_before - self._world.now()) > 0:
            return Pause(min(seconds, left))
        return Listen(seconds, self._url)

    def heard(self, event: Event) -> bool:
        """Takes note of a event; whether it asks for a read of the status."""
        now = self._world.now()
        if event.kind == OPENED:
            self.open, self._opened_at = True, now
            return True
        if event.kind == CLOSED:
            # A proxy that cuts streams after a minute is no failure; one that refuses them is.
            stood = self.open and now - self._opened_at >= _LONG_ENOUGH
            self._failures = 0 if stood else self._failures + 1
            self._tired = self._tired or self._failures >= _FAILURES
            wait = min(SLOWEST, 2.0**self._failures)
            # With jitter, because all waiters of a server that restarts lose their streams
            # together.
            wait += self._world.jitter(wait)
            self._not_before = now + wait
            if not self._tired:
                logger.info("a stream of events broke; opening it again in %.1f seconds", wait)
            was_open, self.open = self.open, False
            return was_open
        if event.kind in _ENDING:  # whatever may follow, the status knows it now
            self._tired, self.open = True, False
        return self._tired
