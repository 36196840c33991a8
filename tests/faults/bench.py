"""Errands under faults: run them, and hold what the callers were told against the ledger."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product, zip_longest
from typing import TYPE_CHECKING, Any, Literal

from transloadit_client import (
    ApiError,
    AsyncTransloadit,
    NoAnswer,
    OutcomeUnknown,
    RetryPolicy,
    Transloadit,
    TransloaditError,
)
from transloadit_standin import FaultMix, StandIn

if TYPE_CHECKING:
    from transloadit_standin import Received

    from .errands import Errand

Style = Literal["sync", "async"]
STYLES: tuple[Style, ...] = ("sync", "async")
SHARE = 0.25
AT_A_TIME = 12
TIMEOUT = 0.4  # seconds; the late answers of the mix are partly later
CALL = "X-Call"

# A budget without end: a bench is an outage that never ends. Few attempts, so that some calls fail.
POLICY = RetryPolicy(
    attempts=4, deadline=60, first=0.01, longest=0.1, floor=0.01, share=1e9, reserve=1e9
)


@dataclass(frozen=True)
class Mode:
    """How the stand-in treats what is single-use; the service's way is not known."""

    single_use: Literal["arrival", "work"]
    forget_refused: bool

    def __str__(self) -> str:
        forgets = "forgets" if self.forget_refused else "keeps"
        return f"noted on {self.single_use}, {forgets} those of refused requests"


NOTED: tuple[Literal["arrival", "work"], ...] = ("arrival", "work")
MODES = [Mode(noted, forget) for noted, forget in product(NOTED, (False, True))]


@dataclass
class Report:
    """What became of a number of calls."""

    calls: int = 0
    requests: int = 0
    struck: int = 0
    told: Counter[str] = field(default_factory=Counter)
    """What callers were told, and how it stood."""
    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """For each kind of fault: what followed."""
    twice: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the requests, how many were struck."""
        return self.struck / self.requests

    @property
    def findings(self) -> list[str]:
        """All that should not have happened."""
        return [*self.twice, *self.lost, *self.unexplained]

    def add(self, other: Report) -> None:
        """Put two reports together."""
        self.calls += other.calls
        self.requests += other.requests
        self.struck += other.struck
        self.told.update(other.told)
        for kind, followed in other.kinds.items():
            self.kinds[kind].update(followed)
        self.twice += other.twice
        self.lost += other.lost
        self.unexplained += other.unexplained


def run(kind: type[Errand], *, style: Style, mode: Mode, count: int, seed: int) -> Report:
    """So many calls of one kind, by one client, under a mix of all faults."""
    with StandIn(
        step_seconds=kind.step_seconds,
        single_use=mode.single_use,
        forget_refused=mode.forget_refused,
        notification_attempts=1,
        keep_body=0,
    ) as api:
        errand = kind(api)
        errand.prepare(count)
        before = len(api.requests)
        api.faults.append(FaultMix(seed, SHARE, kind.kinds, per=CALL))
        told = _ask_sync(errand, count) if style == "sync" else asyncio.run(_ask(errand, count))
        api.faults.clear()
        if not kind.step_seconds:
            api.settle()
        done = errand.done()
        report = Report(calls=count)
        for number, answer in enumerate(told):
            _judge(
                report, f"{mode}; {style}, seed {seed}, call {number}", answer, done.get(number, [])
            )
        _trace(report, api.requests[before:], told)
        return report


def _options(api: StandIn) -> dict[str, Any]:
    return {"base_url": api.url, "timeout": TIMEOUT, "retry": POLICY}


def _ask_sync(errand: Errand, count: int) -> list[Any]:
    api = errand.api

    def ask(number: int) -> Any:
        try:
            return errand.ask(client.with_headers({CALL: str(number)}), number)
        except (ApiError, NoAnswer) as error:
            return error

    with Transloadit(api.key, api.secret, **_options(api)) as client:  # noqa: SIM117 - in this order
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            return list(pool.map(ask, range(count)))


async def _ask(errand: Errand, count: int) -> list[Any]:
    api, turn = errand.api, asyncio.Semaphore(AT_A_TIME)

    async def ask(number: int) -> Any:
        async with turn:
            try:
                return await errand.ask(client.with_headers({CALL: str(number)}), number)
            except (ApiError, NoAnswer) as error:
                return error

    async with AsyncTransloadit(api.key, api.secret, **_options(api)) as client:
        return await asyncio.gather(*(ask(number) for number in range(count)))


def _judge(report: Report, call: str, told: Any, done: list[str]) -> None:
    """Hold what a caller was told against what was done."""
    if len(done) > 1:
        report.twice.append(f"{call}: done {len(done)} times, and told {told!r}")
    if isinstance(told, OutcomeUnknown):
        report.told[f"unknown; it was {'done' if done else 'not done'}"] += 1
        return
    if isinstance(told, TransloaditError):
        status = told.status if isinstance(told, ApiError) else None
        names_it = status is not None and status.assembly_id in done
        report.told["failed; it was " + ("done, as told" if names_it else "not done")] += 1
        if done and not names_it:
            report.unexplained.append(f"{call}: done, and told {told!r} {told.attempts}")
        return
    report.told["done"] += 1
    if not done:
        report.lost.append(f"{call}: not done, and told {told!r}"[:400])
    elif id_of(told) not in done:
        report.unexplained.append(f"{call}: done is {done}, and told {told!r}"[:400])


def id_of(result: Any) -> Any:
    """The id in a result: an Assembly's, or a Notification's."""
    return getattr(result, "notification_id", None) or result.assembly_id


def _trace(report: Report, requests: list[Received], told: list[Any]) -> None:
    """What followed each request that was struck."""
    calls: dict[int, list[Received]] = defaultdict(list)
    for request in requests:
        calls[int(request.headers[CALL])].append(request)
    report.requests = len(requests)
    for number, sent in calls.items():
        failed = isinstance(told[number], TransloaditError)
        for request, following in zip_longest(sent, sent[1:]):
            if request.fault is None:
                continue
            report.struck += 1
            report.kinds[request.fault][_what_followed(request, following, failed=failed)] += 1


def _what_followed(request: Received, following: Received | None, *, failed: bool) -> str:
    if following is None:
        return "reported" if failed else "harmless"
    looked = following.method == "GET" and request.method != "GET"
    return "looked" if looked else "repeated"
