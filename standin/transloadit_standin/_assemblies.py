"""An Assembly: its record, and the status that people read of it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from transloadit_standin._codes import CODES
from transloadit_standin._files import AssemblyFile
from transloadit_standin._notifications import Notification

if TYPE_CHECKING:
    from transloadit_standin._auth import AuthKey
    from transloadit_standin._templates import Steps, Template

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
    expected_tus_uploads: int = 0
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
    def steps(self) -> Steps:
        """The Steps it runs."""
        steps: Steps = self.merged["steps"]
        return steps

    @property
    def notify_url(self) -> str | None:
        """Where its Notification goes; an empty text is none."""
        return self.merged.get("notify_url") or None

    def execute(self) -> None:
        """All uploads have arrived."""
        self.state, self.executed = "ASSEMBLY_EXECUTING", datetime.now(UTC)

    def finish(self, state: str, *, reason: str | None = None, step: str | None = None) -> None:
        """It has an outcome, and keeps it."""
        self.state, self.finished = state, datetime.now(UTC)
        self.reason, self.failed_step, self.running = reason, step, []

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

    def status(self) -> dict[str, Any]:
        """The whole status, as the service words it."""
        return {**self.outcome(), **self.addresses(), **self._progress(), **self._content()}

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

    def _progress(self) -> dict[str, Any]:
        executed, finished = self.executed, self.finished
        return {
            "instance": self.host.partition("//")[2],
            # Services that the stand-in does not have.
            "companion_url": None,
            "uppyserver_url": None,
            "websocket_url": None,
            "tus_url": None,
            "start_date": service_date(self.started),
            "execution_start": service_date(executed),
            "last_job_completed": service_date(finished) if self.results else None,
            "upload_duration": seconds(self.started, executed or finished),
            "execution_duration": seconds(executed, finished),
            "queue_duration": 0,
            "jobs_queue_duration": 0,
            "upload_meta_data_extracted": executed is not None,
            "is_infinite": False,
            "has_dupe_jobs": False,
            "running_jobs": self.running,
            "executing_jobs": self.running,
            "started_jobs": self.jobs,
            "expected_tus_uploads": self.expected_tus_uploads,
            "started_tus_uploads": 0,
            "finished_tus_uploads": 0,
            "bytes_usage": 0,
            **self.request,
            **self._notified(),
        }

    def _notified(self) -> dict[str, Any]:
        last = self.notifications[-1] if self.notifications else Notification(self.notify_url or "")
        return {
            "notify_url": self.notify_url,
            "notify_start": service_date(last.started),
            "notify_status": last.status,
            "notify_response_code": last.response_code,
            "notify_response_data": last.response_text,
            "notify_duration": last.duration,
            "notify_error": last.error,
        }

    def _content(self) -> dict[str, Any]:
        template, parent = self.template, self.parent
        return {
            "account_id": uuid.uuid5(uuid.NAMESPACE_OID, self.key.key).hex,
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


def masked(params: dict[str, Any]) -> dict[str, Any]:
    """The params as a status shows them."""
    auth = params.get("auth") or {}
    return {**params, "auth": {**auth, "key": "****"}} if "key" in auth else params


def service_date(moment: datetime | None) -> str | None:
    """A date as the service writes it: `2020/01/09 12:02:08 GMT`."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y/%m/%d %H:%M:%S} GMT"


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """How long something took, None while it has not both begun and ended."""
    return None if start is None or end is None else round((end - start).total_seconds(), 3)
