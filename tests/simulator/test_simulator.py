"""20,000 operations in virtual time keep every promise, and mutants of the rules do not.

`make simulate` carries out a million. Each mutant is a rule that somebody might well have written.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from attrs import evolve

from transloadit_client import RetryPolicy
from transloadit_client._calls.call import Guard
from transloadit_client._errors import Phase
from transloadit_client._flow import Flow, Pause
from transloadit_client._retry import attempts, rules
from transloadit_client._retry.policy import Budget, World
from transloadit_client._retry.rules import CODES, RULES, Next
from transloadit_client._runs import map_schedule
from transloadit_client._uploads import matching, tus

from . import story
from .client import SimulatedTransloadit, Stuck, VirtualDriver
from .loop import Deadlock, VirtualLoop
from .network import CURRENT, Network, Operation
from .service import BASE, Manners, Service
from .shrinking import as_told, many, shrunk
from .story import KINDS, planned, told

OPERATIONS = 20_000
PARTS, APART = 4, 10**6
ENOUGH = 12_000  # operations within which a mutant is found; some ten seconds
Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("part", range(PARTS))
def test_20_000_operations_keep_every_promise(part: int) -> None:
    """None done twice, lost in silence, late, stuck, over a budget, or failed without a reason."""
    report = many(part * APART, OPERATIONS // PARTS)

    for seed, finding in report.findings[:1]:
        pytest.fail("\n".join(as_told(shrunk(seed, finding))))
    assert set(report.operations) == set(KINDS)
    assert report.faults.total() > 0.1 * report.exchanges
    for kind in ("create", "given", "anonymous", "replay", "notify", "cancel"):
        assert report.told[f"{kind}: told of, and done"] > 0.7 * report.operations[kind]


def test_a_seed_tells_the_same_story_again() -> None:
    """But for the ids, which the client draws from the operating system."""
    once, again = told(planned(7)), told(planned(7))

    assert once.seconds == again.seconds
    assert once.struck == again.struck
    assert once.told == again.told


def finds(patch: Patch, kind: str, operations: str = "") -> Any:
    """Lets stories, of such operations alone, go on until there is such a finding; gives it and
    its seed."""

    def is_found(finding: Any) -> bool:
        return bool(finding.kind == kind and finding.operation.startswith(operations))

    if operations:
        patch.setattr(story, "KINDS", {operations: 1})
    report = many(0, ENOUGH, lambda report: any(is_found(one) for _, one in report.findings))
    found = [(seed, one) for seed, one in report.findings if is_found(one)]
    assert found, f"{report.operations.total()} operations, and {report.findings}"
    return found[0]


def of_rules(phase: Phase, guard: Guard, step: Next) -> Callable[[Patch], None]:
    return lambda patch: patch.setitem(RULES[phase], guard, step)


def a_refusal_settles_it(patch: Patch) -> None:
    patch.setitem(CODES, "SIGNATURE_REUSE_DETECTED", Phase.REFUSED)


def creates_are_never_in_doubt(patch: Patch) -> None:
    patch.setattr(attempts, "NEVER_IN_DOUBT", (*rules.NEVER_IN_DOUBT, Guard.OWN_ID))


def files_are_told_apart_by_name(patch: Patch) -> None:
    patch.setattr(
        matching, "_by_fingerprint", lambda upload, file, _: matching._alike(upload, file)
    )


def nothing_was_begun_anew(patch: Patch) -> None:
    patch.setattr(matching, "_begun_anew", lambda upload, mine: False)


def all_of_a_chunk_has_arrived(patch: Patch) -> None:
    """What a lost answer would have said is taken for granted."""
    patch.setattr(tus, "_told", lambda answer, url: tus.UploadState(url, *_as_if_all(answer)))


def _as_if_all(answer: Any) -> tuple[int, int | None]:
    length = answer.headers.get("Upload-Length")
    end = int(length or answer.headers.get("Upload-Offset") or 0)
    return end, None if length is None else int(length)


def budgets_never_end(patch: Patch) -> None:
    patch.setattr(Budget, "spend", lambda _: True)


def quotas_never_end(patch: Patch) -> None:
    patch.setattr(map_schedule.Quota, "wait", lambda *_: 0.0)


def deadlines_are_long(patch: Patch) -> None:
    made = SimulatedTransloadit._world

    def patient(client: SimulatedTransloadit, policy: RetryPolicy | None = None) -> World:
        world = made(client, policy)
        return evolve(world, policy=evolve(world.policy, deadline=100 * world.policy.deadline))

    patch.setattr(SimulatedTransloadit, "_world", patient)


MUTANTS: list[tuple[str, str, str, Callable[[Patch], None]]] = [
    ("a lost answer is reason to sign anew", "twice", "anonymous",
     of_rules(Phase.UNKNOWN, Guard.NONCE, Next.RESIGN)),
    ("what nothing guards is sent again", "twice", "",
     of_rules(Phase.UNKNOWN, Guard.NOTHING, Next.AGAIN)),
    ("a used id is not looked for", "lost", "create",
     of_rules(Phase.REUSED, Guard.OWN_ID, Next.STOP)),
    ("a lost create is reported unseen", "unknown", "create",
     of_rules(Phase.UNKNOWN, Guard.OWN_ID, Next.REPORT)),
    ("a used nonce is the caller's mistake", "lost", "",
     of_rules(Phase.REUSED, Guard.NONCE, Next.STOP)),
    ("a wrong clock stays wrong", "failed", "",
     of_rules(Phase.EXPIRED, Guard.NONCE, Next.STOP)),
    ("a used nonce is a refusal", "lost", "", a_refusal_settles_it),
    ("creates are never in doubt", "lost", "create", creates_are_never_in_doubt),
    ("files are told apart by their names", "wrong", "upload", files_are_told_apart_by_name),
    ("an upload that was begun twice is another's", "failed", "upload", nothing_was_begun_anew),
    ("all of a chunk has arrived", "lost", "", all_of_a_chunk_has_arrived),
    ("repeats are free", "budget", "", budgets_never_end),
    ("a map begins all at once", "budget", "map", quotas_never_end),
    ("deadlines are a hundred times as long", "late", "", deadlines_are_long),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "operations", "mutate"), [row[1:] for row in MUTANTS], ids=[row[0] for row in MUTANTS]
)
def test_a_mutant_is_found(
    kind: str, operations: str, mutate: Callable[[Patch], None], monkeypatch: Patch
) -> None:
    mutate(monkeypatch)

    finds(monkeypatch, kind, operations)


def test_a_finding_is_told_as_its_shortest_story(monkeypatch: Patch) -> None:
    """One create, whose answer is lost once, is all it takes to create something twice."""
    monkeypatch.setitem(RULES[Phase.UNKNOWN], Guard.NONCE, Next.RESIGN)
    seed, finding = finds(monkeypatch, "twice", "anonymous")

    shortest = shrunk(seed, finding)

    assert len(shortest.operations) == 1
    [struck] = told(shortest).struck.values()
    assert len(struck) == 1
    head, operation, *lines = as_told(shortest)
    assert head == f"seed {seed}:"
    assert operation.startswith("anonymous-")
    assert len(lines) == 3, lines  # two requests, and what is wrong
    assert lines[-1].startswith("! twice: anonymous-")


def test_a_flow_that_lets_no_time_pass_is_noticed() -> None:
    def restless() -> Flow[None]:
        while True:
            yield Pause(0.0)

    loop = VirtualLoop()
    service = Service(loop.time, Random(1), Manners())
    network = Network(service, loop)
    client = SimulatedTransloadit(
        network, lambda most: most, 0.0, key="k", secret="s", base_url=BASE
    )

    async def run() -> None:
        CURRENT.set(Operation(0, "create", Random(1), Random(1), 0.0, ()))
        await VirtualDriver(client).run(restless())

    with pytest.raises(Stuck, match="no time passed; the last is Pause"):
        loop.run_until_complete(run())
    loop.close()


def test_a_wait_that_nothing_can_end_is_noticed() -> None:
    loop = VirtualLoop()
    try:
        with pytest.raises(Deadlock):
            loop.run_until_complete(loop.create_future())
    finally:
        loop.close()


def test_an_hour_of_virtual_time_takes_no_time() -> None:
    loop = VirtualLoop()

    loop.run_until_complete(asyncio.sleep(3600.0))

    assert loop.time() == 3600.0
    loop.close()
