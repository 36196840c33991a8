"""An Assembly: its record, its states, and the status that people read of it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from .._codes import CODES
from .events import Events
from .notifications import Notification
from .paths import EVENTS_PATH, TUS_PATH
from .status import masked, seconds, service_date

if TYPE_CHECKING:
    from .files import AssemblyFile
    from .keys import AuthKey
    from .robots import Steps
    from .templates import Template
    from .tus_upload import TusUpload

BUSY = frozenset({"ASSEMBLY_UPLOADING", "ASSEMBLY_EXECUTING", "ASSEMBLY_REPLAYING"})
GOOD_OUTCOMES = frozenset({"ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"})


@dataclass
class Assembly:
    """What the stand-in knows of one Assembly."""

    id: str
    host: str
    """Its instance host, such as `http://127.0.0.1:40001`."""
    plain_host: str = field(repr=False)
    """The host of its `assembly_url`, which has a spelling of its own."""
    key: AuthKey
    params: dict[str, Any] = field(repr=False)
    merged: dict[str, Any] = field(repr=False)
    """The params with the Template's content beneath them."""
    template: Template | None = field(default=None, repr=False)
    events: Events = field(default_factory=lambda: Events(None), repr=False)
    parent: Assembly | None = field(default=None, repr=False)
    state: str = "ASSEMBLY_UPLOADING"
    """The code in `ok`, or in `error` once it failed."""
    message: str | None = None
    """In place of the code's own, where a Step has one."""
    reason: str | None = None
    failed_step: str | None = None
    crash_code: str | None = None
    """Set when it is going to crash."""
    crashed: bool = False
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    uploads: list[AssemblyFile] = field(default_factory=list)
    results: dict[str, list[AssemblyFile]] = field(default_factory=dict)
    expected_tus_uploads: int | None = None
    """None as long as its form has not arrived."""
    tus_uploads: list[TusUpload] = field(default_factory=list)
    """Those that count; uploads beyond the expected number are not among them."""
    notifications: list[Notification] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=dict, repr=False)
    """Keys of the status that say how it was created: client, referer, bytes."""
    warnings: list[dict[str, str]] = field(default_factory=list)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    executed: datetime | None = None
    finished: datetime | None = None
    jobs: list[str] = field(default_factory=list)
    """Those that have started, such as `exported::resized`: a Step, and one that it uses."""
    running: list[str] = field(default_factory=list)
    hidden_reads: int = 0
    """How many more reads of its status find nothing."""

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
        """Whether its form is here, and all uploads that were declared have come by tus."""
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
    def bytes_expected(self) -> int:
        """Likewise; of a body or an upload without a length as many as have come."""
        created: int | None = self.request["bytes_expected"]
        uploads = (upload.length or upload.offset for upload in self.tus_uploads)
        return sum(uploads, self.request["bytes_received"] if created is None else created)

    @property
    def account_id(self) -> str:
        """Whose it is: an id for each Auth Key."""
        return _id_of(uuid.NAMESPACE_OID, self.key.key)

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
            self.events.say("assembly_uploading_finished")
            self.events.say("assembly_upload_meta_data_extracted")

    def finish(self, state: str, *, reason: str | None = None, step: str | None = None) -> None:
        """It has an outcome, and keeps it."""
        self.state, self.finished = state, datetime.now(UTC)
        self.reason, self.failed_step, self.running = reason, step, []
        self.tell_end()

    def tell_end(self) -> None:
        """Tell the outcome as an event, to those who listen and those who come late."""
        if self.failed:
            self.events.end("assembly_error", self.outcome)
        else:
            self.events.end("assembly_finished")

    def add_upload(self, file: AssemblyFile) -> None:
        """One of its uploads has arrived."""
        self.uploads.append(file)
        self.events.tell("assembly_upload_finished", file.status)

    def begin_step(self, name: str, used: list[str]) -> None:
        """A Step runs, with the files of those it uses."""
        self.running = [f"{name}::{one}" for one in used]
        self.jobs += self.running
        if self.merged.get("emit_execution_progress") is True:
            self._tell_progress(round(100 * self._begun_share()))

    def end_step(self, name: str, files: list[AssemblyFile]) -> None:
        """A Step has run; the files are those that the status lists as its results."""
        if files:
            self.results[name] = files
        for file in files:
            self.events.tell("assembly_result_finished", partial(_result, name, file))

    def end_steps(self) -> None:
        """All Steps have run."""
        self.running = []
        if self.merged.get("emit_execution_progress") is True:
            self._tell_progress(100)

    def warn(self, text: str) -> None:
        """Tell something in the status that the service would not have to tell."""
        self.warnings.append({"level": "notice", "msg": text})

    def _begun_share(self) -> float:
        begun = {
            name for name in self.steps if any(job.startswith(f"{name}::") for job in self.jobs)
        }
        return (len(begun) - 1) / len(self.steps)

    def _tell_progress(self, share: int) -> None:
        files = [{"original_id": file.id, "progress": share} for file in self.uploads]
        data = {"progress_combined": share, "progress_per_original_file": files}
        self.events.tell("assembly_execution_progress", lambda: data)

    def status(self) -> dict[str, Any]:
        """The whole status, as the service words it."""
        return {
            **self.outcome(),
            **self.addresses(),
            **self._services(),
            **self._progress(),
            **self._request(),
            **self._notified(),
            **self._account(),
            **self._content(),
        }

    def outcome(self) -> dict[str, Any]:
        """The keys that say how it stands."""
        code = CODES.get(self.state, CODES["INTERNAL_COMMAND_ERROR"])
        outcome: dict[str, Any] = {
            "error" if self.failed else "ok": self.state,
            "http_code": code.http_status,
            "message": self.message or code.message,
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
        """Where it lives, in both spellings."""
        return {
            "assembly_url": f"{self.plain_host}/assemblies/{self.id}",
            "assembly_ssl_url": self.ssl_url,
        }

    def _services(self) -> dict[str, Any]:
        """Where its uploads go and its events come from. Nothing answers at the first two."""
        services = {
            "instance": self.host.partition("//")[2],
            "companion_url": f"{self.host}/companion/",
            "uppyserver_url": f"{self.host}/companion/",
            "tus_url": f"{self.host}{TUS_PATH}",
        }
        if self.events.stream is not None:
            url = f"{self.host}{EVENTS_PATH}"
            services |= {"websocket_url": url, "update_stream_url": f"{url}?assembly={self.id}"}
        return services

    def _progress(self) -> dict[str, Any]:
        """The keys that say how far it has come."""
        executed, finished = self.executed, self.finished
        uploaded = executed or finished or datetime.now(UTC)
        return {
            "start_date": service_date(self.started),
            "execution_start": service_date(executed),
            "last_job_completed": service_date(finished) if self.results else None,
            "upload_duration": seconds(self.started, uploaded),
            "execution_duration": seconds(executed, finished),
            "queue_duration": 0,
            "jobs_queue_duration": 0,
            "upload_meta_data_extracted": executed is not None,
            "is_infinite": False,
            "has_dupe_jobs": False,
            "running_jobs": self.running,
            "executing_jobs": self.running,
            "started_jobs": self.jobs,
            "expected_tus_uploads": self.expected_tus_uploads or 0,
            "started_tus_uploads": len(self.tus_uploads),
            "finished_tus_uploads": self.finished_tus_uploads,
            "tus_uploads": [upload.status() for upload in self.tus_uploads],
            "bytes_usage": 0,
            "usage_tags": str(self.merged.get("usage_tags") or ""),
        }

    def _request(self) -> dict[str, Any]:
        """The keys that say how it was created."""
        received, expected = self.bytes_received, self.bytes_expected
        return {**self.request, "bytes_received": received, "bytes_expected": expected}

    def _notified(self) -> dict[str, Any]:
        """The keys that say what became of its last Notification."""
        last = (self.notifications or [Notification("")])[-1]
        return {
            "notify_url": self.notify_url,
            "notify_start": service_date(last.started),
            "notify_status": last.status,
            "notify_response_code": last.response_code,
            "notify_response_data": last.response_text,
            "notify_duration": last.duration,
            "notify_error": last.error,
        }

    def _account(self) -> dict[str, Any]:
        """The keys that say whose it is."""
        return {
            "account_id": self.account_id,
            "account_name": "stand-in",
            "account_slug": "stand-in",
            "api_auth_key_id": _id_of(uuid.NAMESPACE_URL, self.key.key),
            "region": "local",
        }

    def _content(self) -> dict[str, Any]:
        """The keys that say what it is made of, and what it made."""
        template, parent = self.template, self.parent
        return {
            "template_id": template and template.id,
            "template_name": template and template.name,
            "template": template and json.dumps(template.content()),
            "parent_id": parent and parent.id,
            "parent_assembly_status": parent and parent.ssl_url,
            "params": json.dumps(masked(self.params)),
            "merged_params": json.dumps(masked(self.merged)),
            "fields": self.variables,
            "warnings": self.warnings,
            "num_input_files": len(self.uploads),
            "uploads": [upload.status() for upload in self.uploads],
            "results": {
                name: [
                    {**file.status(), "cost": 0, "queue": "live", "queueTime": 0, "execTime": 0}
                    for file in files
                ]
                for name, files in self.results.items()
            },
        }


@cache
def _id_of(namespace: uuid.UUID, name: str) -> str:
    return uuid.uuid5(namespace, name).hex


def _result(step: str, file: AssemblyFile) -> list[Any]:
    return [step, file.status()]
