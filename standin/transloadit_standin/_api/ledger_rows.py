"""Requests and Pingbacks as rows of the admin API."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .._ledger import Received
    from .._service.notifications import Notification

UNSHOWN = frozenset({"authorization", "cookie", "proxy-authorization"})
"""Headers that hold secrets."""


def request_row(number: int, received: Received) -> dict[str, Any]:
    """A request: what came, what the signature is worth, and what was answered."""
    check = received.signature
    return {
        "number": number,
        "time": received.time.isoformat(),
        "operation": received.operation,
        "method": received.method,
        "url": received.url,
        "path": received.path,
        "headers": {name: value for name, value in received.headers.items() if name not in UNSHOWN},
        "fields": received.fields,
        "params": _params(received),
        "files": [
            {"field": file.field_name, "name": file.filename, "size": file.size}
            for file in received.files
        ],
        "body_size": received.body_size,
        "signature": received.verdict,
        "signature_check": None if check is None else dataclasses.asdict(check),
        "status": received.status,
        "code": received.code,
        "assembly_id": received.assembly_id,
        "state": received.state,
        "fault": received.fault,
    }


def pingback_row(assembly_id: str, notification: Notification) -> dict[str, Any]:
    """A Notification, with what became of it."""
    started = notification.started
    return {
        "id": notification.id,
        "assembly_id": assembly_id,
        "url": notification.url,
        "transloadit": notification.text,
        "signature": notification.signature,
        "created": notification.created.isoformat(),
        "started": started and started.isoformat(),
        "attempts": notification.attempts,
        "status": notification.status,
        "response_code": notification.response_code,
        "response_text": notification.response_text,
        "duration": notification.duration,
        "error": notification.error,
    }


def _params(received: Received) -> Any:
    """`params` as JSON, None where there are none, or none that can be read."""
    try:
        return json.loads(received.fields["params"])
    except (KeyError, ValueError, RecursionError):
        return None
