"""`GET /assemblies`: the account's Assemblies, page by page, as the vendor's SDKs ask for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from .._codes import Refusal
from .._network.exchange import json_response
from .._service.status import seconds
from .requests import identify, is_count

if TYPE_CHECKING:
    from starlette.responses import Response

    from .._network.exchange import Exchange
    from .._service.assembly import Assembly
    from .._service.service import Service

TYPES = {
    "uploading": "ASSEMBLY_UPLOADING",
    "executing": "ASSEMBLY_EXECUTING",
    "canceled": "ASSEMBLY_CANCELED",
    "completed": "ASSEMBLY_COMPLETED",
    "request_aborted": "REQUEST_ABORTED",
}
"""The states behind the values of `type`; there are also `all` and `failed`."""


async def list_assemblies(service: Service, exchange: Exchange) -> Response:
    """The newest first [chosen]; `count` is the number of those that the filters leave.

    Besides the filters of the vendor's Node SDK it takes those that the Go SDK adds or spells in
    its own way: `sort`, `order`, `fields`, `assembly_id`, `keyword`.
    """
    query = dict(
        parse_qsl(
            exchange.scope["query_string"].decode("latin-1"),
            keep_blank_values=True,
            encoding="latin-1",
        )
    )
    raw, signature = query.get("params"), query.get("signature")
    key, params = identify(
        service,
        exchange,
        None if raw is None else raw.encode("latin-1"),
        signature,
        scope="assemblies:read",
        must_sign=True,
        instructions=False,
    )
    fits = _filter(params)
    found = [
        assembly
        for assembly in reversed(service.assemblies.values())
        if assembly.key.key == key.key and fits(assembly)
    ]
    page, size = _number(params, "page", 1), _number(params, "pagesize", 50)
    shown = _sorted(params, found)[(page - 1) * size : page * size]
    wanted = _texts(params, "fields")
    items = [_item(assembly, wanted) for assembly in shown]
    return json_response({"items": items, "count": len(found)})


def _sorted(params: dict[str, Any], newest_first: list[Assembly]) -> list[Assembly]:
    sort, order = params.get("sort", "created"), params.get("order", "desc")
    if sort not in ("created", "id") or order not in ("asc", "desc"):
        raise Refusal("INVALID_PARAMS_FIELD", "sort is created or id, and order is asc or desc")
    if sort == "id":
        return sorted(newest_first, key=lambda assembly: assembly.id, reverse=order == "desc")
    return newest_first if order == "desc" else newest_first[::-1]


def _texts(params: dict[str, Any], name: str) -> list[str]:
    value = params.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refusal("INVALID_PARAMS_FIELD", f"{name} has to be a list of texts")
    return value


def _number(params: dict[str, Any], name: str, default: int) -> int:
    value = params.get(name, default)
    if not is_count(value) or not 1 <= value <= 5000:
        raise Refusal("INVALID_PARAMS_FIELD", f"{name} has to be from 1 to 5000")
    number: int = value
    return number


def _filter(params: dict[str, Any]) -> Any:
    kind = params.get("type", "all")
    words = [*_texts(params, "keywords"), *_texts(params, "keyword")]
    assembly_id = params.get("assembly_id")
    if kind not in ("all", "failed", *TYPES):
        raise Refusal("INVALID_PARAMS_FIELD", f"type has to be all, failed, {', '.join(TYPES)}")
    since, until = _date(params, "fromdate"), _date(params, "todate")

    def fits(assembly: Assembly) -> bool:
        of_kind = kind == "all" or (
            assembly.failed if kind == "failed" else assembly.state == TYPES[kind]
        )
        in_time = (since is None or assembly.started > since) and (
            until is None or assembly.started < until
        )
        named = assembly_id in (None, "", assembly.id)
        return of_kind and in_time and named and all(word in _searched(assembly) for word in words)

    return fits


def _searched(assembly: Assembly) -> str:
    names = [file.stored.name for file in assembly.uploads]
    found = (assembly.id, assembly.merged.get("redirect_url"), assembly.notify_url, assembly.state)
    return json.dumps([*found, assembly.variables, names], ensure_ascii=False)


def _date(params: dict[str, Any], name: str) -> datetime | None:
    """A filter's date, in UTC if it names no zone; `NOW()` is the default of `todate`."""
    text = params.get(name)
    if text is None or text == "NOW()":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        reason = f"{name} has to be like 2024-01-01 16:53:14 or 2024-01-01T16:53:14Z"
        raise Refusal("INVALID_PARAMS_FIELD", reason) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _item(assembly: Assembly, wanted: list[str]) -> dict[str, Any]:
    """What the list tells of an Assembly; of all that, the keys that are wanted, if any are."""
    template, started = assembly.template, assembly.started
    files = [{"name": file.stored.name, "size": file.stored.size} for file in assembly.uploads]
    item = {
        "id": assembly.id,
        "parent_id": assembly.parent and assembly.parent.id,
        "account_id": assembly.account_id,
        "template_id": template and template.id,
        "template_name": template and template.name,
        "instance": assembly.host.partition("//")[2],
        "region": "local",
        "notify_url": assembly.notify_url,
        "redirect_url": assembly.merged.get("redirect_url"),
        "files": json.dumps(files),
        "warning_count": len(assembly.warnings),
        "num_input_files": len(assembly.uploads),
        "bytes_received": assembly.bytes_received,
        "bytes_expected": assembly.bytes_expected,
        "bytes_usage": 0,
        "execution_start": _moment(assembly.executed),
        "execution_duration": seconds(assembly.executed, assembly.finished),
        "ok": None if assembly.failed else assembly.state,
        "error": assembly.state if assembly.failed else None,
        "created": _moment(started),
        "created_ts": int(started.timestamp()),
    }
    return {name: item[name] for name in wanted if name in item} if wanted else item


def _moment(moment: datetime | None) -> str | None:
    """As the vendor's Go SDK, whose tests are live, reads it; statuses spell dates otherwise."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
