"""Reading answers: what is a status, what is an error, and what is neither.

Only `ok` or `error` can be relied on; everything else may be missing, null or of another type, and
a proxy in front may answer HTML. Nothing here raises anything but `ApiError` and its kind.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from attrs import field, frozen

from transloadit_api.models import ReplayAssemblyNotificationResult

from .._errors import ApiError, UnreadableAnswer, advice, shortened
from .._status import AssemblyStatus, as_received

T = TypeVar("T")
E = TypeVar("E", bound=ApiError)

# Errors are logged and pickled; a body of megabytes in them would be neither.
_BODY_SHOWN = 4096  # characters of a body that an error keeps: enough for any proxy's page to show


@frozen
class Answer:
    """An HTTP answer without its connection, and the request it answers."""

    title: str
    """What was asked, such as `cancel Assembly 7828…`."""
    http_status: int
    body: bytes
    headers: Mapping[str, str] = field(factory=dict, repr=False)
    """By any spelling of their names, as httpx gives them."""


def read_created(answer: Answer) -> AssemblyStatus:
    """The status of a new Assembly; an `error` in it raises, for then there is none to wait for."""
    data = _data(answer)
    # Some refusals come with HTTP 200, so the code alone decides nothing.
    if data.get("error") or answer.http_status >= 400:
        _refused(answer, data)
    if not (data.get("ok") or data.get("assembly_id")):
        raise _unreadable(answer, "says neither ok nor error", data)
    return as_received(data, answer.headers)


def read_status(answer: Answer) -> AssemblyStatus:
    """The status of an Assembly, failed or not, whatever HTTP code below 400 it comes with."""
    data = _data(answer)
    # An Assembly that failed has an `error` and an id: that is a status, and no refusal.
    if answer.http_status >= 400 or (data.get("error") and not data.get("assembly_id")):
        _refused(answer, data)
    if not data.get("assembly_id"):
        raise _unreadable(answer, "has no assembly_id", data)
    return as_received(data, answer.headers)


def read_found(answer: Answer) -> AssemblyStatus:
    """As `read_created`, of an Assembly that was looked for after its answer was lost.

    While it waits for its upload nobody knows what will become of it, for the upload may be the one
    that broke.
    """
    status = read_created(answer)
    if status.ok == "ASSEMBLY_UPLOADING":
        raise _unreadable(answer, "says that the upload is not complete", status.to_dict())
    if status.ok == "REQUEST_ABORTED":
        text = "REQUEST_ABORTED: its upload broke off, so the API gave it up; create it anew."
        data = status.to_dict()
        raise _filled(ApiError(_sentence(answer, data, text, "")), answer, data)
    return status


def about(
    identity: str, read: Callable[[Answer], T], *, or_unnamed: bool = False
) -> Callable[[Answer], T]:
    """Reads as `read` does, but takes no answer that is about another Assembly than this."""

    def read_ours(answer: Answer) -> T:
        try:
            status = read(answer)
            named = _assembly_of(status)
        except ApiError as error:
            # A refusal names no Assembly, or this one.
            if error.assembly_id in (None, identity):
                raise
            named = error.assembly_id
        else:
            if named == identity or (named is None and or_unnamed):
                return status
        wrong = _unreadable(answer, f"is about another Assembly ({named})", {})
        # The driver closes the connection at this: its answers are out of step with its requests.
        wrong.wrong_assembly = True
        raise wrong

    return read_ours


def naming_template(template_id: object, read: Callable[[Answer], T]) -> Callable[[Answer], T]:
    """Reads as `read` does; an error about a Template names the id that was asked for."""

    def read_named(answer: Answer) -> T:
        try:
            return read(answer)
        except ApiError as error:
            if error.code == "TEMPLATE_NOT_FOUND" and template_id is not None:
                error.args = (f"{error} The template_id was {template_id!r:.200}.",)
            raise

    return read_named


def read_notification(answer: Answer) -> ReplayAssemblyNotificationResult:
    """What the API says of a Notification that it replayed, or is replaying."""
    data = _data(answer)
    if data.get("error") or answer.http_status >= 400:
        _refused(answer, data)
    if not data.get("ok"):
        raise _unreadable(answer, "says neither ok nor error", data)
    return ReplayAssemblyNotificationResult.from_dict(data)


def accepted(answer: Answer) -> None:
    """Checks that a server of uploads did what it was asked; what it says is in the headers.

    Raises:
        ApiError: it did not; its body is JSON, or text of any kind.
    """
    if 200 <= answer.http_status < 300:
        return
    try:
        data = _data(answer)
    except UnreadableAnswer:
        text = _beginning(answer, 200).strip() or "no error code."
        raise _filled(ApiError(_sentence(answer, {}, text, "")), answer, {}) from None
    _refused(answer, data)


def unreadable(answer: Answer, problem: str) -> UnreadableAnswer:
    """The error for an answer that does not fit: it may well be to another question."""
    error = _unreadable(answer, problem, {})
    error.wrong_assembly = True
    return error


def _assembly_of(status: Any) -> object:
    return getattr(status, "assembly_id", None) or status.additional_properties.get("assembly_id")


def _data(answer: Answer) -> dict[str, Any]:
    """The JSON object in the body."""
    try:
        data = json.loads(answer.body)
    except ValueError:
        data, problem = None, "is not JSON" if answer.body.strip() else "is empty"
    # A kilobyte of brackets is enough to raise it; it must not look like a bug of ours.
    except RecursionError:
        data, problem = None, "is nested too deeply"
    else:
        problem = "is no JSON object"
    if not isinstance(data, dict):
        raise _unreadable(answer, problem, {})
    return data


def _refused(answer: Answer, data: Mapping[str, Any]) -> NoReturn:
    # A system error has neither `ok` nor `error`, but `errno`, `code` and `syscall`.
    # Codes are open strings: the vendor adds some each month, and none is unknown here.
    code = _text(data.get("error")) or _text(data.get("code"))
    message = _text(data.get("message"))
    text = ": ".join(part for part in (code, message) if part) or "no error code"
    sentence = _sentence(answer, data, f"{text.rstrip('.')}.", advice(code))
    raise _filled(ApiError(sentence), answer, data)


def _unreadable(answer: Answer, problem: str, data: Mapping[str, Any]) -> UnreadableAnswer:
    location = answer.headers.get("Location")
    hint = f"It redirects to {location}, which is not followed." if location else ""
    text = f"the answer {problem}: {_beginning(answer, 200)!r}."
    return _filled(UnreadableAnswer(_sentence(answer, data, text, hint)), answer, data)


def _sentence(answer: Answer, data: Mapping[str, Any], text: str, hint: str) -> str:
    assembly = _text(data.get("assembly_id"))
    concerning = f"(Assembly {assembly})" if assembly and assembly not in answer.title else ""
    parts = (f"could not {answer.title}: HTTP {answer.http_status},", text, concerning, hint)
    return " ".join(shortened(part) for part in parts if part)


def _filled(error: E, answer: Answer, data: Mapping[str, Any]) -> E:
    error.http_status = answer.http_status
    error.code = _text(data.get("error")) or _text(data.get("code"))
    error.reason = data.get("reason")
    error.assembly_id = _text(data.get("assembly_id"))
    error.status = as_received(dict(data), answer.headers) if error.assembly_id else None
    error.retry_in = _seconds(data.get("info"))
    error.body = _beginning(answer, _BODY_SHOWN)
    error.headers = answer.headers
    return error


def _seconds(info: object) -> float | None:
    # Seconds, as a number. It may be 0, and most errors have none.
    wait = info.get("retryIn") if isinstance(info, Mapping) else None
    if isinstance(wait, bool) or not isinstance(wait, int | float):
        return None
    return float(wait) if 0 <= wait < 1e9 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _beginning(answer: Answer, characters: int) -> str:
    # A character takes four bytes at most; decoding 64 MB to show 200 of them would be a waste.
    return answer.body[: 4 * characters].decode(errors="replace")[:characters]
