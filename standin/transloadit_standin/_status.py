"""An Assembly's status in words: the keys that the service sends."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from transloadit_standin._events import EVENTS_PATH
from transloadit_standin._notifications import Notification
from transloadit_standin._uploads import TUS_PATH

if TYPE_CHECKING:
    from transloadit_standin._assemblies import Assembly


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
