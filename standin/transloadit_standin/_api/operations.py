"""The operations besides create, each named as in the spec."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from .._codes import CODES, Refusal
from .._network.exchange import Exchange, json_response
from .._service.files import AssemblyFile
from .._service.robots import Steps, check_steps
from .._service.service import Service
from .._service.templates import (
    Template,
    find_template,
    merge_params,
    merge_steps,
    read_steps,
)
from .creation import create_assembly
from .downloads import download_file
from .event_stream import stream_events
from .forms import FormReader
from .listing import list_assemblies
from .requests import check_auth_limits, checked_id, describe, identify
from .tokens import create_token

if TYPE_CHECKING:
    from .._service.assembly import Assembly
    from .._service.keys import AuthKey
    from .._service.notifications import Notification
    from .._storage import StoredFile

Handler = Callable[[Service, Exchange], Awaitable[Response]]


async def get_assembly(service: Service, exchange: Exchange) -> Response:
    """The status; of a failed Assembly too it is an HTTP 200."""
    assembly = service.find(checked_id(exchange), exchange.host)
    service.meter.read(assembly.id, service.now())
    if assembly.hidden_reads:
        assembly.hidden_reads -= 1
        raise Refusal("ASSEMBLY_NOT_FOUND")
    return json_response(assembly.status())


async def cancel_assembly(service: Service, exchange: Exchange) -> Response:
    """Cancel, and answer with the latest status."""
    assembly = service.find(checked_id(exchange), exchange.host)
    service.cancel(assembly)
    return json_response(assembly.status())


async def replay_assembly(service: Service, exchange: Exchange) -> Response:
    """Run an Assembly's uploads through a new Assembly."""
    if exchange.host != service.hosts.api and not service.settings.instance_replays:
        raise Refusal("SERVER_404")
    assembly_id = checked_id(exchange)
    key, params = await _read_signed(service, exchange, scope="assemblies:write")
    original = service.find(assembly_id, exchange.host)
    service.meter.check_create(service.now())
    if service.settings.replayable == "crashed" and not original.crashed:
        raise Refusal("ASSEMBLY_CANNOT_BE_REPLAYED")
    replay = _replay_of(service, exchange, original, key, params)
    service.admit(replay, exchange.received)
    service.start(replay)
    return json_response(
        {
            "ok": "ASSEMBLY_REPLAYING",
            "message": CODES["ASSEMBLY_REPLAYING"].message,
            "success": True,
            "assembly_id": replay.id,
            **replay.addresses(),
            "notify_url": replay.notify_url,
        }
    )


async def replay_assembly_notification(service: Service, exchange: Exchange) -> Response:
    """Send the Notification again, and wait for its delivery unless told not to."""
    assembly_id = checked_id(exchange)
    _, params = await _read_signed(service, exchange, scope="assembly_notifications:write")
    assembly = service.find(assembly_id, exchange.host)
    if not assembly.done:
        raise Refusal("ASSEMBLY_NOTIFICATION_NOT_PERSISTED")
    url = params.get("notify_url") or assembly.notify_url
    if url is None:
        raise Refusal("ASSEMBLY_NO_NOTIFY_URL")
    wait = params.get("wait", True)
    if not isinstance(wait, bool):
        raise Refusal("INVALID_PARAMS_FIELD", "wait has to be true or false")
    notification = service.prepare(assembly, url)
    if not wait:
        service.spawn(service.notifier.deliver(notification))
        return _notification_result("ASSEMBLY_NOTIFICATION_REPLAYING", notification)
    await service.notifier.deliver(notification)
    if not notification.delivered:
        raise Refusal("ASSEMBLY_NOTIFICATION_NOT_REPLAYED", notification.error)
    return _notification_result("ASSEMBLY_NOTIFICATION_REPLAYED", notification)


async def _read_signed(
    service: Service, exchange: Exchange, *, scope: str
) -> tuple[AuthKey, dict[str, Any]]:
    reader = FormReader(service.folder, typed_text=service.settings.typed_text, watch=_take_file)
    received = exchange.received
    received.names, received.files = reader.form.names, reader.form.files
    try:
        await reader.read(exchange.header("content-type") or "", exchange.chunks())
    finally:
        received.fields = reader.form.fields()
    form = reader.form
    return identify(
        service,
        exchange,
        form.raw("params"),
        form.text("signature"),
        scope=scope,
        must_sign=True,
    )


def _take_file(_: StoredFile) -> None:
    """A replay has no use for files, and minds them not."""


def _replay_of(
    service: Service, exchange: Exchange, original: Assembly, key: AuthKey, params: dict[str, Any]
) -> Assembly:
    template, steps = _replay_steps(service, original, params)
    overrides = {name: value for name, value in params.items() if name != "steps"}
    merged = {**original.merged, **overrides, "steps": steps}
    if params.get("notify_url") == "" and service.settings.empty_notify_url == "original":
        merged["notify_url"] = original.notify_url
    merged["fields"] = {**original.variables, **(params.get("fields") or {})}
    check_auth_limits(merged)
    replay = service.new_assembly(
        key=key,
        params=params,
        merged=merged,
        template=template,
        parent=original,
        state="ASSEMBLY_REPLAYING",
        variables=merged["fields"],
        expected_tus_uploads=0,
        request={**describe(exchange), "bytes_received": original.bytes_received},
    )
    replay.uploads = [AssemblyFile(upload.stored, replay.host) for upload in original.uploads]
    return replay


def _replay_steps(
    service: Service, original: Assembly, params: dict[str, Any]
) -> tuple[Template | None, Steps]:
    """The Template as it is now, or the Steps as they were: `reparse_template` decides.

    The newest page requires it, an older one takes 0 for granted; so does the stand-in. A
    `template_id` of the replay's own takes the place of all the original's Steps [chosen].
    """
    reparse = params.get("reparse_template", 0)
    if isinstance(reparse, bool) or reparse not in (0, 1):
        raise Refusal("INVALID_PARAMS_FIELD", "reparse_template has to be 0 or 1")
    template = find_template(service.templates, params.get("template_id"))
    given = read_steps(params)
    if template is None and reparse and original.template:
        template = find_template(service.templates, original.template.id)
        given = merge_steps(read_steps(original.params), given)
    if template is None:
        template, steps = original.template, merge_steps(original.steps, given)
    else:
        steps = merge_params(template, {"steps": given} if given else {})["steps"]
    check_steps(steps, strict=service.settings.strict)
    return template, steps


def _notification_result(code: str, notification: Notification) -> Response:
    return json_response(
        {
            "ok": code,
            "message": CODES[code].message,
            "success": True,
            "notification_id": notification.id,
            "notify_duration": notification.duration,
            "notify_response_code": notification.response_code,
        }
    )


OPERATIONS: dict[str, Handler] = {
    "createAssembly": create_assembly,
    "createAssemblyWithId": create_assembly,
    "getAssembly": get_assembly,
    "cancelAssembly": cancel_assembly,
    "replayAssembly": replay_assembly,
    "replayAssemblyNotification": replay_assembly_notification,
    "listAssemblies": list_assemblies,
    "createToken": create_token,
    "downloadFile": download_file,
    "events": stream_events,
}
