"""The operations of the API, as values: what is sent, and how the answer reads. Nothing waits here.

Each is built from the generated operation's own request arguments, so that routes and field names
stand in the spec alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from transloadit_api.api.assemblies import (
    cancel_assembly,
    create_assembly,
    create_assembly_with_id,
    get_assembly,
    replay_assembly,
)
from transloadit_api.api.assembly_notifications import replay_assembly_notification
from transloadit_api.models import (
    CreateAssemblyForm,
    ReplayAssemblyForm,
    ReplayAssemblyNotificationForm,
    ReplayAssemblyNotificationResult,
)
from transloadit_api.types import UNSET, Unset

from .._errors import InvalidInput
from .._retry.rules import Guard, Plan
from .._signing import Params, Secret
from .._status import AssemblyStatus
from .addresses import DrawnId, HasAssemblyUrl, Home, assembly_id, assembly_url, own_assembly_id
from .answers import Answer, about, read_created, read_found, read_notification, read_status
from .files import FilePart

T = TypeVar("T")

Assembly: TypeAlias = str | HasAssemblyUrl
"""An Assembly's id, its URL (`assembly_ssl_url`), or its status."""


@frozen
class Operation(Generic[T]):
    """One request, and how to read its answer.

    Attributes:
        request: what is asked, as a person would say it; for errors.
        arguments: the generated request arguments; they hold the form.
        read: makes the result of an answer, or raises.
        bearer: the token to send along, if one stands in for the signature.
        nameless: whether nothing in the answer has to show which request it is for.
    """

    request: str
    arguments: Mapping[str, Any] = field(repr=False)
    read: Callable[[Answer], T]
    bearer: Secret | None = None
    nameless: bool = False


@frozen
class Authorized:
    """The `params` text of a request and what lets it in: a signature, or a token."""

    params: str = field(repr=False)
    signature: str | Unset = field(default=UNSET, repr=False)
    bearer: Secret | None = None


def params_of(
    *,
    extra: Mapping[str, Any] | None = None,
    notify_url: str | Unset | None = UNSET,
    **given: Params | str | bool | int | None,
) -> dict[str, Any]:
    """The `params` object: what was not given is left out, since `steps: {}` is not no `steps`.

    Raises:
        InvalidInput: `extra` names a key that was given, or that has an argument of its own.
    """
    params: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if notify_url is not UNSET:
        params["notify_url"] = notify_url
    for name, value in (extra or {}).items():
        if name in given or name == "notify_url":
            raise InvalidInput(f"extra_params has {name!r}, which is an argument of its own")
        params[name] = value
    return params


def creation(
    authorize: Callable[[], Authorized],
    guard: Guard,
    home: Home,
    *,
    texts: Mapping[str, str],
    files: Sequence[FilePart],
    num_expected_upload_files: int | None,
    own_id: str | None,
) -> Plan[AssemblyStatus]:
    count = _expected(num_expected_upload_files)
    read: Callable[[Answer], AssemblyStatus] = read_created
    if own_id is not None:
        read = about(own_assembly_id(own_id), read_created)

    def make() -> Operation[AssemblyStatus]:
        authorized = authorize()
        form = CreateAssemblyForm(params=authorized.params, signature=authorized.signature)
        # The page has the first name, all SDKs send the second; the same number suits both.
        form.num_expected_upload_files = form.tus_num_expected_upload_files = count
        form.additional_properties = dict(texts)
        if own_id is None:
            arguments = create_assembly._get_kwargs(body=form)
            request = "create an Assembly"
        else:
            arguments = create_assembly_with_id._get_kwargs(own_id, body=form)
            request = f"create Assembly {own_id}"
        arguments = {**arguments, "files": [*arguments["files"], *files]}
        return Operation(request, arguments, read, authorized.bearer, nameless=own_id is None)

    def look() -> Plan[AssemblyStatus]:
        return _reading(own_id or "", home, "find", read_created if count else read_found)

    def obstacle() -> str | None:
        return next(filter(None, (source.why_not_again() for _, (_, source, _) in files)), None)

    if own_id is None:
        return Plan(guard, make, obstacle=obstacle)
    # As a plain text: who reads it in an error may try it again, and then it was drawn before.
    return Plan(guard, make, str(own_id), look, obstacle, fresh=isinstance(own_id, DrawnId))


def reading(assembly: Assembly, home: Home) -> Plan[AssemblyStatus]:
    return _reading(assembly, home, "read", read_status)


def cancellation(assembly: Assembly, home: Home) -> Plan[AssemblyStatus]:
    url = assembly_url(assembly, home)
    identity = assembly_id(assembly)
    arguments = {**cancel_assembly._get_kwargs(identity), "url": url}
    operation = Operation(f"cancel Assembly {identity}", arguments, about(identity, read_status))
    return Plan(Guard.TWICE_IS_ONCE, lambda: operation, identity)


def replay(
    authorize: Callable[[], Authorized], guard: Guard, assembly: Assembly
) -> Plan[AssemblyStatus]:
    identity = assembly_id(assembly)

    def make() -> Operation[AssemblyStatus]:
        authorized = authorize()
        form = ReplayAssemblyForm(params=authorized.params, signature=authorized.signature)
        arguments = replay_assembly._get_kwargs(identity, body=form)
        # The answer names the new Assembly, so there is nothing to compare its id with.
        request = f"replay Assembly {identity}"
        return Operation(request, arguments, read_created, authorized.bearer, nameless=True)

    return Plan(guard, make, identity)


def notification_replay(
    authorize: Callable[[], Authorized], guard: Guard, assembly: Assembly
) -> Plan[ReplayAssemblyNotificationResult]:
    identity = assembly_id(assembly)

    def make() -> Operation[ReplayAssemblyNotificationResult]:
        authorized = authorize()
        form = ReplayAssemblyNotificationForm(
            params=authorized.params, signature=authorized.signature
        )
        arguments = replay_assembly_notification._get_kwargs(identity, body=form)
        request = f"replay the Notification of Assembly {identity}"
        read = about(identity, read_notification, or_unnamed=True)
        return Operation(request, arguments, read, authorized.bearer, nameless=True)

    return Plan(guard, make, identity)


def _reading(
    assembly: Assembly, home: Home, verb: str, read: Callable[[Answer], AssemblyStatus]
) -> Plan[AssemblyStatus]:
    url = assembly_url(assembly, home)
    identity = assembly_id(assembly)
    arguments = {**get_assembly._get_kwargs(identity), "url": url}
    operation = Operation(f"{verb} Assembly {identity}", arguments, about(identity, read))
    return Plan(Guard.HARMLESS, lambda: operation, identity)


def _expected(files: int | None) -> int | Unset:
    if files is None:
        return UNSET
    if not isinstance(files, int) or files < 0:
        raise InvalidInput(f"num_expected_upload_files is {files!r}; it counts files")
    return files
