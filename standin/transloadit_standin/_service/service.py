"""What all operations share: keys, Templates, Assemblies, and the running of them."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .._codes import Refusal
from .._faults.script import Crash, Faults
from .assembly import UNPROCESSED, Assembly
from .keys import Keyring
from .notifications import Notification, Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime
    from pathlib import Path

    from .._ledger import Received
    from .._network.line import Line
    from .events import EventStream
    from .files import AssemblyFile
    from .limits import Meter
    from .templates import Template
    from .tus_upload import TusUpload

SingleUse = Literal["arrival", "work"]
TypedText = Literal["file", "text"]
Nonce = tuple[set[str], str]
"""The used nonces of an Auth Key, and one that was sent with it."""

logger = logging.getLogger("transloadit_standin")


@dataclass
class Hosts:
    """The origins of one stand-in."""

    api: str
    instances: list[str]
    dead: str
    """Bound, so that it stays ours, and not listening: connections are refused."""


@dataclass
class Service:
    """The state behind the API. All of it changes on the server's event loop alone."""

    hosts: Hosts
    folder: Path
    notifier: Notifier
    clock: Callable[[], datetime]
    step_seconds: float
    typed_text: TypedText
    keep_body: int
    reserved: frozenset[str]
    single_use: SingleUse
    forget_refused: bool
    tus_checksum: bool
    event_stream: EventStream | None
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
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _runs: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    def next_instance(self) -> str:
        """The host of the next Assembly; they take turns."""
        return self.hosts.instances[next(self._turn) % len(self.hosts.instances)]

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
        return assembly is not None and not (self.single_use == "work" and aborted)

    def note_nonce(self, nonce: Nonce, *, refused: bool) -> None:
        """Note the nonce of a request that was worked on; or, once it was refused, forget it."""
        used, value = nonce
        if not refused:
            used.add(value)
        elif self.forget_refused:
            used.discard(value)

    def admit(self, assembly: Assembly, received: Received) -> None:
        """Take a new Assembly in; a `Crash` that waits for one has found it."""
        crash = self.faults.crash(received)
        assembly.crash_code = crash.code if isinstance(crash, Crash) else None
        self.assemblies[assembly.id] = assembly
        self.meter.created(assembly.id, self.clock())

    def proceed(self, assembly: Assembly) -> None:
        """Run an Assembly if all its uploads have arrived."""
        if assembly.all_arrived:
            self.start(assembly)

    def start(self, assembly: Assembly) -> None:
        """Run an Assembly that has all its uploads."""
        for upload in assembly.uploads:
            self.files[upload.id] = upload
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
            await asyncio.sleep(self.step_seconds)
        assembly.execute()
        if assembly.uploads:
            assembly.warnings.append({"level": "notice", "msg": UNPROCESSED})
        if ":original" not in assembly.steps:
            assembly.end_step(":original", {"robot": "/upload/handle"})
        for name, step in assembly.steps.items():
            assembly.begin_step(name)
            assembly.tell_progress()
            await asyncio.sleep(self.step_seconds)
            if assembly.crash_code is not None:
                assembly.crashed = True
                self.conclude(assembly, assembly.crash_code, reason="on purpose", step=name)
                return
            assembly.end_step(name, step)
            self._publish(assembly)
        assembly.running = []
        assembly.tell_progress()
        self.conclude(assembly, "ASSEMBLY_COMPLETED")

    def _publish(self, assembly: Assembly) -> None:
        for files in assembly.results.values():
            self.files.update({file.id: file for file in files})
