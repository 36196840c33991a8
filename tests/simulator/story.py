"""Stories: operations of one program at once, told from a seed, and what is wrong with them."""

import asyncio
import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import aclosing
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, field, frozen

from transloadit_client import (
    ApiError,
    AssemblyStatus,
    OutcomeUnknown,
    RetryPolicy,
    StillBusy,
    Stream,
    TransloaditError,
)
from transloadit_client._calls.addresses import new_assembly_id
from transloadit_client._calls.answers import Answer, read_status

from .client import SimulatedTransloadit, Stuck
from .loop import Deadlock, VirtualLoop, without_threads
from .network import CURRENT, LATEST, SLOWEST, Line, Network, Operation, written
from .service import BASE, Assembly, Manners, Service

STEPS = {"s": {"robot": "/file/filter"}}
# How often each kind of operation comes. Those that take many requests come seldom, since a second
# of real time is worth more in the others: there what is not repeatable is repeated.
KINDS = {
    "create": 22,
    "given": 8,  # under an id that the caller chose
    "anonymous": 30,  # the API chooses the id
    "replay": 12,
    "notify": 12,
    "cancel": 12,
    "wait": 8,
    "upload": 4,
    "stream": 2,
    "map": 1,
}
USED = ("DO_NOT_REUSE_ASSEMBLY_IDS", "SIGNATURE_REUSE_DETECTED")
INPUTS = 10  # of one `map`, each of which counts as an operation
PASSES = 7  # how often a `map` or an upload is begun anew; in the last ones nothing goes wrong
CALM = 2
SELDOM = 120.0  # seconds between two reads of a wait, at most
FOREVER = 9000.0  # virtual seconds: an operation that takes longer never ends
SHM = Path("/dev/shm")  # where Linux keeps files in memory; a journal waits for its disk


@frozen(kw_only=True)
class Story:
    """What a seed decides, and what was left out to make the story shorter.

    Attributes:
        operations: the numbers of those that are told.
        spared: exchanges that no fault strikes, by operation.
    """

    seed: int
    operations: tuple[int, ...]
    spared: Mapping[int, Collection[int]] = field(factory=dict)


@frozen
class Finding:
    """Something that must not be: `kind` is one of `REPORTED`."""

    kind: str
    operation: str
    text: str


REPORTED = {
    "twice": "carried out twice",
    "lost": "lost without an `OutcomeUnknown`",
    "unknown": "an `OutcomeUnknown` where the outcome could be known",
    "late": "beyond the deadline",
    "stuck": "no progress",
    "budget": "over a budget",
    "failed": "failed without a reason",
    "wrong": "a wrong result",
}


@define
class Report:
    """What became of some stories."""

    operations: Counter[str] = field(factory=Counter)
    told: Counter[str] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)
    exchanges: int = 0
    seconds: float = 0.0
    findings: list[tuple[int, Finding]] = field(factory=list)
    struck: dict[int, set[int]] = field(factory=dict)
    log: list[str] = field(factory=list)

    def add(self, other: "Report") -> None:
        self.operations += other.operations
        self.told += other.told
        self.faults += other.faults
        self.exchanges += other.exchanges
        self.seconds += other.seconds
        self.findings += other.findings


def planned(seed: int) -> Story:
    """The whole story of a seed."""
    return Story(seed=seed, operations=tuple(range(Random(f"{seed} size").choice((4, 12, 24)))))


def told(story: Story) -> Report:
    """Carries out a story; gives what became of it."""
    loop = VirtualLoop()
    folder = Path(tempfile.mkdtemp(dir=SHM if SHM.is_dir() else None))
    try:
        asyncio.set_event_loop(loop)
        with without_threads():
            program = Program(story, loop, folder)
            return loop.run_until_complete(program.run())
    except Deadlock:
        stuck = Finding("stuck", "all", "everything waits, and nothing will ever happen")
        return Report(findings=[(story.seed, stuck)])
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        shutil.rmtree(folder)


class Program:
    """The program that a story is about: one client, and operations side by side."""

    def __init__(self, story: Story, loop: VirtualLoop, folder: Path) -> None:
        draw = Random(f"{story.seed} world")
        self.story, self.loop, self.folder, self.draw = story, loop, folder, draw
        self.share = draw.choice((0.0, 0.05, 0.2, 0.2, 0.5))
        self.service = Service(
            loop.time,
            Random(f"{story.seed} service"),
            Manners(
                notes_early=draw.random() < 0.5,
                forgets_refused=draw.random() < 0.5,
                limited=draw.choice((0.0, 0.05, 0.3)),
                behind=draw.choice((0.0, 0.0, 0.5, 2.0)),
                checksums=draw.random() < 0.3,
                bodies=draw.random() < 0.5,
                locks=draw.choice((0.0, 2.0)),
            ),
        )
        plenty = draw.random() < 0.6
        self.policy = RetryPolicy(
            attempts=draw.choice((1, 3, 5, 8)),
            deadline=draw.choice((2.0, 10.0, 60.0)),
            first=draw.choice((0.05, 0.5)),
            longest=draw.choice((0.5, 5.0)),
            floor=0.1,
            share=1.0 if plenty else 0.2,
            reserve=1e6 if plenty else 3.0,
        )
        self.by_token = draw.random() < 0.2
        lets_in = {"auth_token": "t0k3n"} if self.by_token else {"key": "k", "secret": "s"}
        self.client = SimulatedTransloadit(
            Network(self.service, loop),
            lambda most: draw.random() * most,
            draw.choice((0.0, 0.0, -7200.0, 7200.0)),
            base_url=BASE,
            retry=self.policy,
            **lets_in,
        )
        self.report = Report()
        self.findings: list[Finding] = []

    async def run(self) -> Report:
        """Carries all operations out, and judges them once nothing is on its way any more."""
        kinds = Random(f"{self.story.seed} kinds")
        names = kinds.choices(
            list(KINDS), list(KINDS.values()), k=len(planned(self.story.seed).operations)
        )
        operations = [
            Operation(
                number,
                names[number],
                Random(f"{self.story.seed} {number}"),
                Random(f"{self.story.seed} {number} service"),
                self.share,
                self.story.spared.get(number, ()),
            )
            for number in self.story.operations
        ]
        tasks = [asyncio.create_task(self._one(operation)) for operation in operations]
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=FOREVER)
            for task, operation in zip(tasks, operations, strict=True):
                if task in pending:
                    self._find("stuck", operation, f"did not end in {FOREVER} seconds")
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(LATEST + 2 * SLOWEST)
        for task in tasks:
            if not task.cancelled():
                task.result()()  # the judgment, now that nothing can arrive any more
        self._judge_budgets(operations)
        self._close(operations)
        return self.report

    def _close(self, operations: list[Operation]) -> None:
        report = self.report
        report.findings = [(self.story.seed, finding) for finding in self.findings]
        for operation in operations:
            report.operations[operation.kind] += INPUTS if operation.kind == "map" else 1
            report.faults.update(kind.value for kind in operation.struck.values())
            report.exchanges += operation.exchanges
            report.struck[operation.number] = set(operation.struck)
            if self.findings:
                report.log += [f"{operation.tag}:", *(f"  {written(one)}" for one in operation.log)]
        report.seconds = self.loop.time()

    def _find(self, kind: str, operation: Operation, text: str) -> None:
        self.findings.append(Finding(kind, operation.tag, text))

    async def _one(self, operation: Operation) -> Callable[[], None]:
        """Carries out an operation; gives what judges it later."""
        CURRENT.set(operation)
        await asyncio.sleep(operation.draw.random() * 5.0)
        kinds: dict[str, Callable[[Operation], Coroutine[Any, Any, Callable[[], None]]]] = {
            "create": self._create,
            "given": self._create,
            "anonymous": self._create,
            "replay": self._replay,
            "notify": self._notify,
            "cancel": self._cancel,
            "wait": self._wait,
            "upload": self._upload,
            "stream": self._upload,
            "map": self._map,
        }
        try:
            return await kinds[operation.kind](operation)
        except Stuck as error:
            self._find("stuck", operation, str(error))
            return lambda: None

    async def _call(self, operation: Operation, doing: Awaitable[Any]) -> Any:
        """What one call gives, or the error that it ends with.

        No attempt begins after the deadline; the last is followed by its look-ups, at once.
        """
        began = self.loop.time()
        result = await _result_of(doing)
        for start, _, request, *_ in operation.log:
            spare = SLOWEST if request.startswith("GET") else 0.0
            if start > began + self.policy.deadline + spare + 1e-6:
                text = f"begun {start - began:.2f} s later, of {self.policy.deadline}: {request}"
                self._find("late", operation, text)
        return result

    # Each of the following carries out one kind of operation, and gives what judges it.

    async def _create(self, operation: Operation) -> Callable[[], None]:
        draw, options = operation.draw, dict[str, Any]()
        if operation.kind == "anonymous":
            options["assembly_id"] = None
        elif operation.kind == "given":
            options["assembly_id"] = new_assembly_id()
        if draw.random() < 0.3:
            options["files"] = [("f.bin", b"x" * 100)]
        doing = self.client.create_assembly(steps=STEPS, fields={"op": operation.tag}, **options)
        result = await self._call(operation, doing)
        return lambda: self._judge(operation, result, self.service.ran[operation.tag])

    async def _replay(self, operation: Operation) -> Callable[[], None]:
        original = self._aged(operation)
        doing = self.client.replay_assembly(original.id, fields={"op": operation.tag})
        result = await self._call(operation, doing)
        return lambda: self._judge(operation, result, self.service.ran[operation.tag])

    async def _notify(self, operation: Operation) -> Callable[[], None]:
        original = self._aged(operation)
        url = f"https://example.com/?op={operation.tag}"
        doing = self.client.replay_assembly_notification(original.id, notify_url=url)
        result = await self._call(operation, doing)
        return lambda: self._judge(operation, result, self.service.notified[operation.tag])

    async def _cancel(self, operation: Operation) -> Callable[[], None]:
        assembly = self._aged(operation, takes=1e6)
        doing = self.client.cancel_assembly(self._named(operation, assembly))
        result = await self._call(operation, doing)

        def judge() -> None:
            done = [assembly.id] if assembly.canceled is not None else []
            self._judge(operation, result, done)

        return judge

    async def _wait(self, operation: Operation) -> Callable[[], None]:
        draw = operation.draw
        assembly = self._aged(operation, takes=draw.choice((0.5, 5.0, 60.0, 700.0)))
        deadline = draw.choice((0.0, 3.0, 30.0, 600.0, 1000.0))
        cancels = draw.random() < 0.3
        # The cancel at the deadline is a call of its own, with a deadline of its own.
        bound = deadline + SLOWEST + (self.policy.deadline + SLOWEST if cancels else 0.0) + 0.01
        began = self.loop.time()
        doing = self.client.wait_for_assembly(
            self._named(operation, assembly),
            deadline=deadline,
            cancel_on_timeout=cancels,
            events=draw.random() < 0.5,
            stop=(lambda: False) if draw.random() < 0.2 else None,
        )
        result = await _result_of(doing)
        took, now = self.loop.time() - began, self.loop.time()
        if took > bound:
            self._find("late", operation, f"took {took:.2f} of {bound:.2f} s: {result!r:.200}")

        def judge() -> None:
            self.report.told["wait: " + type(result).__name__] += 1
            if isinstance(result, AssemblyStatus):
                if not result.done or assembly.ended is None or assembly.ended > now:
                    self._find("wrong", operation, f"not at its end: {result!r:.200}")
            elif isinstance(result, StillBusy):
                if took < deadline - 1e-6:  # but for what floats lose
                    self._find("failed", operation, f"gave up after {took} of {deadline} s")
                if operation.is_troubled or assembly.ended is None:
                    return
                if assembly.ended < began + deadline - SELDOM:
                    self._find("failed", operation, f"the end was not noticed: {assembly.ended}")
                if cancels and assembly.ended > now:
                    self._find("failed", operation, "was not canceled")
            elif not operation.is_troubled:
                self._find("failed", operation, f"{result!r:.300}")

        return judge

    async def _upload(self, operation: Operation) -> Callable[[], None]:
        draw = operation.draw
        count = draw.randrange(1, 4)
        sizes = [draw.choice((0, 1, 500, 1500, 4000)) for _ in range(count)]
        contents = [draw.randbytes(size) for size in sizes]
        twins = draw.random() < 0.3  # files of one name and size, which their bytes tell apart
        if twins:
            contents = [draw.randbytes(1500) for _ in range(count)]
        names = ["twin" if twins else f"f{number}" for number in range(count)]
        once = operation.kind == "stream"
        self.service.draw = operation.dice
        assembly = self.service.begun(operation.tag, expected=count)
        status = _status(self.service.status_of(assembly))

        def files() -> list[Any]:
            pieces = [[one[at : at + 700] for at in range(0, len(one), 700)] for one in contents]
            streams = [Stream(iter(some)) for some in pieces]
            return list(zip(names, streams if once else contents, strict=True))

        result: Any = None
        for number in range(1 if once else PASSES):
            if number >= PASSES - CALM:
                await self._calm(operation)
            doing = self.client.upload(
                status, files(), chunk_size=draw.choice((400, 1000)), parallel=2
            )
            result = await self._killed_or(operation, doing)
            if isinstance(result, AssemblyStatus):
                break

        def judge() -> None:
            self.report.told[f"{operation.kind}: {type(result).__name__}"] += 1
            finished = [one for one in assembly.uploads if one.is_finished]
            # A creation that was sent again may arrive after all, and with all of its bytes: the
            # Assembly then takes one file twice, in place of another. That has to be told.
            came = Counter((one.metadata["filename"], bytes(one.content)) for one in finished)
            is_doubled = bool(came - Counter(zip(names, contents, strict=True)))
            arrived = sorted(bytes(one.content) for one in finished)
            if isinstance(result, AssemblyStatus):
                if assembly.executing is None:
                    self._find("lost", operation, "told that all have arrived")
                elif arrived != sorted(contents):
                    self._find("wrong", operation, f"other bytes arrived; told {result!r:.200}")
            elif assembly.executing is not None and not is_doubled and arrived != sorted(contents):
                self._find("wrong", operation, f"other bytes arrived; told {result!r:.200}")
            elif not is_doubled and not once:
                self._find("failed", operation, f"cannot be resumed: {result!r:.300}")

        return judge

    async def _map(self, operation: Operation) -> Callable[[], None]:
        draw = operation.draw
        inputs = [
            (f"{operation.tag}-{n}", draw.randbytes(draw.choice((0, 30, 2000))))
            for n in range(INPUTS)
        ]
        journal = self.folder / f"{operation.tag}-0"
        quota = draw.choice((None, 4, 30))
        done: dict[str, str] = {}
        errors: dict[str, Any] = {}

        async def pass_over(at: Path) -> None:
            found = self.client.map(
                inputs,
                steps=STEPS,
                fields={"op": operation.tag},
                journal=at,
                at_once=5,
                creates_per_minute=quota,
                tus_above=draw.choice((0, 100, 10**6)),
            )
            async with aclosing(found) as each:  # type: ignore[type-var]  # it is a generator
                async for one in each:
                    errors[one.key] = one.error
                    if one.error is None:
                        done[one.key] = one.assembly_id

        result: Any = None
        for number in range(PASSES):
            if number >= PASSES - CALM:
                await self._calm(operation)
            operation.starts.clear()
            task = asyncio.create_task(pass_over(journal))
            if operation.share and draw.random() < 0.5:
                await asyncio.wait([task], timeout=draw.random() * 10.0)
            else:
                await asyncio.wait([task])
            if not task.done():
                # What a crash leaves is what is on the disk now, not what closing writes.
                following = self.folder / f"{operation.tag}-{number + 1}"
                for ending in ("", "-wal"):
                    if (kept := Path(f"{journal}{ending}")).exists():
                        shutil.copy(kept, f"{following}{ending}")
                journal = following
                task.cancel()
                operation.log.append(_died(self.loop.time()))
            result = (await asyncio.gather(task, return_exceptions=True))[0]
            self._judge_quota(operation, quota)
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result
            if len(done) == INPUTS:
                break

        def judge() -> None:
            self.report.told["map: inputs done"] += len(done)
            for name, _ in inputs:
                ran = self.service.ran[name]
                if len(ran) > 1:
                    self._find("twice", operation, f"{name}: {ran}")
                if name not in done:
                    self._find("failed", operation, f"{name}: {errors.get(name)!r:.300}")
                elif ran != [done[name]]:
                    self._find("lost", operation, f"{name} was to be {done[name]}, ran {ran}")

        return judge

    # What they share.

    async def _calm(self, operation: Operation) -> None:
        """From now on nothing goes wrong for it; what was on its way has come or never will."""
        operation.share = 0.0
        await asyncio.sleep(LATEST + 2 * SLOWEST)
        self.service.manners.limited = 0.0

    async def _killed_or(self, operation: Operation, doing: Coroutine[Any, Any, Any]) -> Any:
        """What a call gives, or the error that it ends with; now and then its process dies."""
        task = asyncio.create_task(doing)
        if operation.share and operation.draw.random() < 0.3:
            await asyncio.wait([task], timeout=operation.draw.random() * 3.0)
            if not task.done():
                operation.log.append(_died(self.loop.time()))
                task.cancel()
        else:
            await asyncio.wait([task])
        result = (await asyncio.gather(task, return_exceptions=True))[0]
        expected = TransloaditError | asyncio.CancelledError
        if isinstance(result, BaseException) and not isinstance(result, expected):
            raise result
        return result

    def _aged(self, operation: Operation, *, takes: float = 0.0) -> Assembly:
        """An Assembly that everybody knows of."""
        self.service.draw = operation.dice
        assembly = self.service.begun(f"{operation.tag}, before", takes=takes)
        assembly.created -= 100.0
        return assembly

    def _named(self, operation: Operation, assembly: Assembly) -> Any:
        """It, by its id or by its status."""
        if operation.draw.random() < 0.5:
            return assembly.id
        return _status(self.service.status_of(assembly))

    def _judge(self, operation: Operation, result: Any, done: list[str]) -> None:
        """Holds what a caller was told against what was done."""
        state = "done" if done else "not done"
        kind = operation.kind
        if len(done) > 1:
            self._find("twice", operation, f"{done}, told {result!r:.300}")
        if isinstance(result, OutcomeUnknown):
            self.report.told[f"{kind}: unknown, and {state}"] += 1
            looked = kind not in ("create", "given") or any(operation.doubts)
            if not operation.doubts or not looked:
                self._find("unknown", operation, f"{state}; {result!r:.300} {result.attempts}")
        elif isinstance(result, TransloaditError):
            status = result.status if isinstance(result, ApiError) else None
            named = status is not None and status.assembly_id in done
            # Who gave an id is told that it has been used, and can look.
            named = named or (kind == "given" and getattr(result, "code", "") in USED)
            self.report.told[f"{kind}: failed, and {state}"] += 1
            if done and not named:
                text = f"done, told {result!r:.300} {getattr(result, 'attempts', ())}"
                self._find("lost", operation, text)
            elif not operation.is_troubled and not self._is_expired_for_good(operation):
                self._find("failed", operation, f"{result!r:.300}")
        else:
            self.report.told[f"{kind}: told of, and {state}"] += 1
            name = getattr(result, "notification_id", None) or result.assembly_id
            if not done:
                self._find("lost", operation, f"not done, told {result!r:.300}")
            elif name not in done:
                self._find("wrong", operation, f"{done}, told {result!r:.300}")

    def _is_expired_for_good(self, operation: Operation) -> bool:
        """Whether a wrong clock was noticed, and no attempt was left to sign by the right one."""
        return self.policy.attempts == 1 and "expired" in operation.notes

    def _judge_quota(self, operation: Operation, quota: int | None) -> None:
        """No more inputs are begun in any minute than allowed.

        One whose upload broke off is given another id at once, and counts once.
        """
        if quota is not None:
            quota += sum(one.aborted is not None for one in self.service.assemblies.values())
        starts = sorted(at for path, at in operation.starts.items() if "/assemblies/" in path)
        for first, last in zip(starts, starts[quota or len(starts) :], strict=False):
            if last - first < 60.0 - 1e-6:
                self._find("budget", operation, f"{quota} a minute, but {starts}")
                break

    def _judge_budgets(self, operations: list[Operation]) -> None:
        """No call is sent more often than its policy allows, nor all together than the budget."""
        calls = repeats = 0
        for operation in operations:
            for sends in operation.sent.values():
                calls += 1
                repeats += sends.repeats
                if sends.number - sends.queued > self.policy.attempts:
                    text = f"{sends.call.title}: sent {sends.number} times"
                    self._find("budget", operation, text)
            calls += operation.reads
        if repeats > self.policy.reserve + self.policy.share * calls:
            text = f"{repeats} repeats of {calls} calls"
            self._find("budget", operations[0], text)


async def _result_of(doing: Awaitable[Any]) -> Any:
    try:
        return await doing
    except TransloaditError as error:
        return error


def _died(now: float) -> Line:
    return (now, now, "the process dies", None, "", None)


def _status(said: Mapping[str, Any]) -> AssemblyStatus:
    return read_status(Answer("read", 200, json.dumps(said).encode()))
