"""What all operations share: keys, Templates, Assemblies, and the running of them."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._codes import Refusal
from .._faults.script import Crash, Faults
from .assembly import Assembly
from .events import Events
from .keys import Keyring
from .notifications import Notification, Notifier
from .runs import Run, StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime
    from pathlib import Path

    from .._ledger import Received
    from .._network.line import Line
    from .files import AssemblyFile
    from .keys import AuthKey
    from .limits import Meter
    from .settings import Settings
    from .templates import Template
    from .tus_upload import TusUpload

Nonce = tuple[set[str], str]
"""The used nonces of an Auth Key, and one that was sent with it."""

CENTURY = 100 * 365 * 24 * 60 * 60.0
"""Seconds; dates beyond year 9999 have no representation."""

logger = logging.getLogger("transloadit_standin")


@dataclass
class Hosts:
    """The origins of one stand-in."""

    api: str = ""
    instances: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    """One for each instance: the host that its `assembly_url`s name. If those are not to answer it
    is bound, so that it stays ours, and refuses connections."""

    def plain_of(self, instance: str) -> str:
        """The plain host of an instance."""
        return self.plain[self.instances.index(instance)]

    def instance_of(self, origin: str) -> str:
        """The host that serves what is asked for at an origin."""
        return self.instances[self.plain.index(origin)] if origin in self.plain else origin


@dataclass
class Service:
    """The state behind the API. All of it changes on the server's event loop alone."""

    hosts: Hosts
    folder: Path
    notifier: Notifier
    clock: Callable[[], datetime]
    settings: Settings
    reserved: frozenset[str]
    meter: Meter
    upload_line: Line
    download_line: Line
    keys: Keyring = field(default_factory=Keyring)
    templates: dict[str, Template] = field(default_factory=dict)
    assemblies: dict[str, Assembly] = field(default_factory=dict)
    files: dict[str, AssemblyFile] = field(default_factory=dict)
    tus_uploads: dict[str, TusUpload] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    errors: list[Exception] = field(default_factory=list)
    """What went wrong in the stand-in itself."""
    clock_offset: timedelta = timedelta()
    """How far the service's clock is ahead of `clock`."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _runs: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    def now(self) -> datetime:
        """The time by the service's clock."""
        return self.clock() + self.clock_offset

    def set_clock_ahead(self, seconds: float) -> None:
        """Let the service's clock be so far ahead of `clock`; negative: behind.

        Raises:
            ValueError: that would be more than a hundred years.
        """
        if not abs(seconds) < CENTURY:
            raise ValueError("a clock is at most a hundred years off")
        self.clock_offset = timedelta(seconds=seconds)

    def new_assembly(
        self,
        *,
        assembly_id: str | None = None,
        key: AuthKey,
        params: dict[str, Any],
        merged: dict[str, Any],
        template: Template | None,
        **further: Any,
    ) -> Assembly:
        """An Assembly on the next instance host; they take turns."""
        host = self.hosts.instances[next(self._turn) % len(self.hosts.instances)]
        return Assembly(
            id=assembly_id or uuid.uuid4().hex,
            host=host,
            plain_host=self.hosts.plain_of(host),
            key=key,
            params=params,
            merged=merged,
            template=template,
            events=Events(self.settings.event_stream),
            hidden_reads=self.settings.not_found_reads,
            **further,
        )

    def find(self, assembly_id: str, host: str) -> Assembly:
        """An Assembly, asked for at a host: the API's knows all, an instance's its own."""
        assembly = self.assemblies.get(assembly_id)
        if assembly is None or host not in (self.hosts.api, assembly.host):
            raise Refusal("ASSEMBLY_NOT_FOUND")
        return assembly

    def id_taken(self, assembly_id: str | None) -> bool:
        """Whether no other Assembly may have this id."""
        assembly = self.assemblies.get(assembly_id or "")
        aborted = assembly is not None and assembly.state == "REQUEST_ABORTED"
        return assembly is not None and not (self.settings.single_use == "work" and aborted)

    def note_nonce(self, nonce: Nonce, *, refused: bool) -> None:
        """Note the nonce of a request that was worked on; or, once it was refused, forget it."""
        used, value = nonce
        if not refused:
            used.add(value)
        elif self.settings.forget_refused:
            used.discard(value)

    def admit(self, assembly: Assembly, received: Received) -> None:
        """Take a new Assembly in; a `Crash` that waits for one has found it."""
        crash = self.faults.crash(received)
        assembly.crash_code = crash.code if isinstance(crash, Crash) else None
        self.assemblies[assembly.id] = assembly
        self.meter.created(assembly.id, self.now())
        received.assembly_id = assembly.id

    async def ended(self, assembly: Assembly) -> None:
        """Wait for an Assembly's outcome."""
        with assembly.events.listen() as listener:
            while not assembly.done:
                await listener.get()

    async def reset(self) -> None:
        """Forget Assemblies, requests, faults and used nonces; Templates and keys stay."""
        for run in self._runs.values():
            run.cancel()
        for assembly in self.assemblies.values():
            assembly.merged["notify_url"] = None  # nobody waits for it any more
            self.conclude(assembly, "ASSEMBLY_CANCELED")
        for key in self.keys:
            key.nonces.clear()
        for forgotten in (self.assemblies, self.files, self.tus_uploads, self._runs):
            forgotten.clear()
        self.requests.clear()
        self.faults.clear()
        self.meter.forget()
        for path in self.folder.iterdir():
            path.unlink()
        self.clock_offset = timedelta()

    def proceed(self, assembly: Assembly) -> None:
        """Run an Assembly if all its uploads have arrived."""
        if assembly.all_arrived:
            self.start(assembly)

    def start(self, assembly: Assembly) -> None:
        """Run an Assembly that has all its uploads."""
        for upload in assembly.uploads:
            self.publish(upload)
        self._runs[assembly.id] = self.spawn(self._run(assembly))

    def cancel(self, assembly: Assembly) -> None:
        """Cancel an Assembly, unless it has an outcome already."""
        if run := self._runs.get(assembly.id):
            run.cancel()
        self.conclude(assembly, "ASSEMBLY_CANCELED")

    def conclude(
        self, assembly: Assembly, state: str, *, reason: str | None = None, step: str | None = None
    ) -> None:
        """Give an Assembly its outcome, unless it has one, which it then keeps.

        Its `notify_url` is told of every outcome [chosen].
        """
        if assembly.done:
            return
        self._runs.pop(assembly.id, None)
        self.meter.running.discard(assembly.id)
        assembly.finish(state, reason=reason, step=step)
        if assembly.notify_url is not None:
            notification = self.prepare(assembly, assembly.notify_url)
            self.spawn(self.notifier.deliver(notification))

    def prepare(self, assembly: Assembly, url: str) -> Notification:
        """A Notification of the Assembly as it stands, ready for delivery."""
        text = json.dumps(assembly.status())
        signature = self.notifier.sign(text, assembly.key.secret)
        notification = Notification(url, text, signature)
        assembly.notifications.append(notification)
        return notification

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the requests; what it raises is reported."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    async def settle(self) -> None:
        """Wait until nothing runs any more."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def close(self) -> None:
        """End all that runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.notifier.close()

    def answered(self, received: Received) -> None:
        """A request was answered, or its client has gone: note the state it left, and log it."""
        if assembly := self.assemblies.get(received.assembly_id or ""):
            received.state = assembly.state
        if self.settings.log is not None:
            self.settings.log(received)

    def report(self, error: Exception) -> None:
        """Keep an error of the stand-in itself for whoever stops it."""
        logger.error("the stand-in failed", exc_info=error)
        self.errors.append(error)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.report(error)

    async def _run(self, assembly: Assembly) -> None:
        if assembly.state == "ASSEMBLY_REPLAYING":
            await asyncio.sleep(self.settings.step_seconds)
        assembly.execute()
        try:
            await Run(assembly, self.settings, self.folder, self.publish).run()
        except StepFailed as failure:
            assembly.message = failure.message
            self.conclude(assembly, failure.code, reason=failure.reason, step=failure.step)
        else:
            self.conclude(assembly, "ASSEMBLY_COMPLETED")

    def publish(self, file: AssemblyFile) -> None:
        """Let a file's address answer."""
        self.files[file.id] = file
