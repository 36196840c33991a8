"""An Assembly: its record, and the status that people read of it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from .._codes import CODES
from .events import Events
from .files import AssemblyFile
from .notifications import Notification
from .paths import EVENTS_PATH, TUS_PATH
from .status import masked, seconds, service_date

if TYPE_CHECKING:
    from .keys import AuthKey
    from .templates import Steps, Template
    from .tus_upload import TusUpload

BUSY = frozenset({"ASSEMBLY_UPLOADING", "ASSEMBLY_EXECUTING", "ASSEMBLY_REPLAYING"})
GOOD_OUTCOMES = frozenset({"ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"})
UNPROCESSED = "The stand-in processes no media: every result is the uploaded file, byte for byte."
NOT_IMPORTED = "The stand-in imports nothing, so the Step {name!r} has no results."


@dataclass
class Assembly:
    """What the stand-in knows of one Assembly."""

    id: str
    host: str
    """Its instance host, such as `http://127.0.0.1:40001`."""
    dead_host: str = field(repr=False)
    """Where `assembly_url` points: nobody listens there, since nobody may use it."""
    key: AuthKey
    params: dict[str, Any] = field(repr=False)
    merged: dict[str, Any] = field(repr=False)
    """The params with the Template's content beneath them."""
    template: Template | None = field(default=None, repr=False)
    events: Events = field(default_factory=lambda: Events(None), repr=False)
    parent: Assembly | None = field(default=None, repr=False)
    state: str = "ASSEMBLY_UPLOADING"
    """The code in `ok`, or in `error` once it failed."""
    reason: str | None = None
    failed_step: str | None = None
    crash_code: str | None = None
    """Set when it is going to crash."""
    crashed: bool = False
    """Whether it can be replayed."""
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    uploads: list[AssemblyFile] = field(default_factory=list)
    results: dict[str, list[AssemblyFile]] = field(default_factory=dict)
    expected_tus_uploads: int | None = None
    """None as long as its form has not arrived."""
    tus_uploads: list[TusUpload] = field(default_factory=list)
    """Those that count; what is beyond the expected number is not among them."""
    notifications: list[Notification] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=dict, repr=False)
    """Keys of the status that say how it was created: client, referer, bytes."""
    warnings: list[dict[str, str]] = field(default_factory=list)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    executed: datetime | None = None
    finished: datetime | None = None
    jobs: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)

    @property
    def ssl_url(self) -> str:
        """The address it lives at: plain http, on loopback."""
        return f"{self.host}/assemblies/{self.id}"

    @property
    def done(self) -> bool:
        """Whether it has an outcome."""
        return self.state not in BUSY

    @property
    def failed(self) -> bool:
        """Whether that outcome is an error."""
        return self.done and self.state not in GOOD_OUTCOMES

    @property
    def waits(self) -> bool:
        """Whether files are still to come."""
        return self.state == "ASSEMBLY_UPLOADING" and not self.all_arrived

    @property
    def all_arrived(self) -> bool:
        """Whether its form is here, and all that was declared has come by tus."""
        expected = self.expected_tus_uploads
        return expected is not None and self.finished_tus_uploads >= expected

    @property
    def finished_tus_uploads(self) -> int:
        """How many uploads have come by tus."""
        return sum(upload.finished for upload in self.tus_uploads)

    @property
    def bytes_received(self) -> int:
        """Of the request that created it, and of its uploads by tus."""
        created: int = self.request["bytes_received"]
        return created + sum(upload.offset for upload in self.tus_uploads)

    @property
    def bytes_expected(self) -> int | None:
        """Likewise; None while the length of any of them is unknown."""
        lengths = [upload.length for upload in self.tus_uploads]
        known = [n for n in (self.request["bytes_expected"], *lengths) if n is not None]
        return sum(known) if len(known) == len(lengths) + 1 else None

    @property
    def steps(self) -> Steps:
        """The Steps it runs."""
        steps: Steps = self.merged["steps"]
        return steps

    @property
    def notify_url(self) -> str | None:
        """Where its Notification goes; an empty text is none."""
        return self.merged.get("notify_url") or None

    def execute(self) -> None:
        """All uploads have arrived; told once, though the answer to a create may come first."""
        self.state = "ASSEMBLY_EXECUTING"
        if self.executed is None:
            self.executed = datetime.now(UTC)
            self.events.say("assembly_upload_meta_data_extracted")
            self.events.say("assembly_uploading_finished")

    def finish(self, state: str, *, reason: str | None = None, step: str | None = None) -> None:
        """It has an outcome, and keeps it."""
        self.state, self.finished = state, datetime.now(UTC)
        self.reason, self.failed_step, self.running = reason, step, []
        if self.failed:
            self.events.tell("assembly_error", self.outcome)
        else:
            self.events.say("assembly_finished")
        self.events.end()

    def add_upload(self, file: AssemblyFile) -> None:
        """One of its uploads has arrived."""
        self.uploads.append(file)
        self.events.tell("assembly_upload_finished", file.status)

    def begin_step(self, name: str) -> None:
        """A Step runs."""
        self.running = [name]
        self.jobs.append(f"{name}:::original")

    def end_step(self, name: str, step: dict[str, Any]) -> None:
        """A Step has run: its results are the uploads, unchanged."""
        if step["robot"].endswith("/import"):
            self.warnings.append({"level": "notice", "msg": NOT_IMPORTED.format(name=name)})
        elif step.get("result") is not False and self.uploads:
            self.results[name] = [
                AssemblyFile(upload.stored, self.host, upload.id) for upload in self.uploads
            ]
            for file in self.results[name]:
                self.events.tell("assembly_result_finished", partial(_result, name, file))

    def tell_progress(self) -> None:
        """Tell how many of its Steps have run, if its params ask for that."""
        if self.merged.get("emit_execution_progress") is True:
            ended = len(self.jobs) - len(self.running)
            share = round(100 * ended / len(self.steps))
            self.events.tell("assembly_execution_progress", lambda: self._progress(share))

    def _progress(self, share: int) -> dict[str, Any]:
        files = [{"original_id": file.id, "progress": share} for file in self.uploads]
        return {"progress_combined": share, "progress_per_original_file": files}

    def status(self) -> dict[str, Any]:
        """The whole status, as the service words it."""
        return {**self.outcome(), **self.addresses(), **progress(self), **content(self)}

    def outcome(self) -> dict[str, Any]:
        """The keys that say how it stands."""
        code = CODES.get(self.state, CODES["INTERNAL_COMMAND_ERROR"])
        outcome: dict[str, Any] = {
            "error" if self.failed else "ok": self.state,
            "http_code": code.http_status,
            "message": code.message,
            "assembly_id": self.id,
        }
        if self.reason is not None:
            outcome["reason"] = self.reason
        if self.failed_step is not None:
            outcome["step"] = self.failed_step
        return outcome

    def quiet_status(self) -> dict[str, Any]:
        """All that a quiet create is answered with."""
        keys = ("error", "http_code", "message") if self.failed else ("ok",)
        outcome = self.outcome()
        return {key: outcome[key] for key in (*keys, "assembly_id")}

    def addresses(self) -> dict[str, Any]:
        """Where it lives, and where it must not be looked for."""
        return {
            "assembly_url": f"{self.dead_host}/assemblies/{self.id}",
            "assembly_ssl_url": self.ssl_url,
        }


def _result(step: str, file: AssemblyFile) -> list[Any]:
    return [step, file.status()]


def progress(assembly: Assembly) -> dict[str, Any]:
    """The keys that say how far it has come."""
    executed, finished = assembly.executed, assembly.finished
    return {
        "instance": assembly.host.partition("//")[2],
        # Services that the stand-in does not have.
        "companion_url": None,
        "uppyserver_url": None,
        **event_urls(assembly),
        "tus_url": f"{assembly.host}{TUS_PATH}",
        "start_date": service_date(assembly.started),
        "execution_start": service_date(executed),
        "last_job_completed": service_date(finished) if assembly.results else None,
        "upload_duration": seconds(assembly.started, executed or finished),
        "execution_duration": seconds(executed, finished),
        "queue_duration": 0,
        "jobs_queue_duration": 0,
        "upload_meta_data_extracted": executed is not None,
        "is_infinite": False,
        "has_dupe_jobs": False,
        "running_jobs": assembly.running,
        "executing_jobs": assembly.running,
        "started_jobs": assembly.jobs,
        "expected_tus_uploads": assembly.expected_tus_uploads or 0,
        "started_tus_uploads": len(assembly.tus_uploads),
        "finished_tus_uploads": assembly.finished_tus_uploads,
        "tus_uploads": [upload.status() for upload in assembly.tus_uploads],
        "bytes_usage": 0,
        **assembly.request,
        "bytes_received": assembly.bytes_received,
        "bytes_expected": assembly.bytes_expected,
        **notified(assembly),
    }


def event_urls(assembly: Assembly) -> dict[str, str | None]:
    """Where its events are, if they are offered."""
    if assembly.events.stream is None:
        return {"websocket_url": None, "update_stream_url": None}
    url = f"{assembly.host}{EVENTS_PATH}"
    return {"websocket_url": url, "update_stream_url": f"{url}?assembly={assembly.id}"}


def notified(assembly: Assembly) -> dict[str, Any]:
    """The keys that say what became of its last Notification."""
    last = (assembly.notifications or [Notification("")])[-1]
    return {
        "notify_url": assembly.notify_url,
        "notify_start": service_date(last.started),
        "notify_status": last.status,
        "notify_response_code": last.response_code,
        "notify_response_data": last.response_text,
        "notify_duration": last.duration,
        "notify_error": last.error,
    }


def content(assembly: Assembly) -> dict[str, Any]:
    """The keys that say what it is made of, and what it made."""
    template, parent = assembly.template, assembly.parent
    return {
        "account_id": uuid.uuid5(uuid.NAMESPACE_OID, assembly.key.key).hex,
        "template_id": template and template.id,
        "template_name": template and template.name,
        "template": template and json.dumps(template.content()),
        "parent_id": parent and parent.id,
        "parent_assembly_status": parent and parent.ssl_url,
        "params": json.dumps(masked(assembly.params)),
        "merged_params": json.dumps(masked(assembly.merged)),
        "fields": assembly.variables,
        "warnings": assembly.warnings,
        "num_input_files": len(assembly.uploads),
        "uploads": [upload.status() for upload in assembly.uploads],
        "results": {
            name: [
                {**file.status(), "cost": 0, "queue": "live", "queueTime": 0, "execTime": 0}
                for file in files
            ]
            for name, files in assembly.results.items()
        },
    }
