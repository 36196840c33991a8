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

from ._answers import Answer, read_created, read_notification, read_status
from ._errors import InvalidInput
from ._files import FilePart
from ._hosts import HasAssemblyUrl, assembly_id, assembly_url, own_assembly_id
from ._signing import Params, Secret
from ._status import AssemblyStatus

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
    """

    request: str
    arguments: Mapping[str, Any] = field(repr=False)
    read: Callable[[Answer], T]
    bearer: Secret | None = None


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
    authorized: Authorized,
    *,
    texts: Mapping[str, str],
    files: Sequence[FilePart],
    num_expected_upload_files: int | None,
    own_id: str | None,
) -> Operation[AssemblyStatus]:
    form = CreateAssemblyForm(params=authorized.params, signature=authorized.signature)
    if num_expected_upload_files is not None:
        if not isinstance(num_expected_upload_files, int) or num_expected_upload_files < 0:
            raise InvalidInput(
                f"num_expected_upload_files is {num_expected_upload_files!r}; it counts files"
            )
        # The page has the first name, all SDKs send the second; the same number in both suits both.
        form.num_expected_upload_files = num_expected_upload_files
        form.tus_num_expected_upload_files = num_expected_upload_files
    form.additional_properties = dict(texts)
    if own_id is None:
        arguments = create_assembly._get_kwargs(body=form)
    else:
        arguments = create_assembly_with_id._get_kwargs(own_assembly_id(own_id), body=form)
    return Operation(
        f"create Assembly {own_id}" if own_id else "create an Assembly",
        {**arguments, "files": [*arguments["files"], *files]},
        read_created,
        authorized.bearer,
    )


def reading(assembly: Assembly, base_url: str) -> Operation[AssemblyStatus]:
    url = assembly_url(assembly, base_url)
    identity = assembly_id(assembly)
    arguments = get_assembly._get_kwargs(identity)
    return Operation(
        f"read Assembly {identity}",
        {**arguments, "url": url},
        read_status,
    )


def cancellation(assembly: Assembly, base_url: str) -> Operation[AssemblyStatus]:
    url = assembly_url(assembly, base_url)
    identity = assembly_id(assembly)
    arguments = cancel_assembly._get_kwargs(identity)
    return Operation(
        f"cancel Assembly {identity}",
        {**arguments, "url": url},
        read_status,
    )


def replay(assembly: Assembly, authorized: Authorized) -> Operation[AssemblyStatus]:
    identity = assembly_id(assembly)
    form = ReplayAssemblyForm(params=authorized.params, signature=authorized.signature)
    return Operation(
        f"replay Assembly {identity}",
        replay_assembly._get_kwargs(identity, body=form),
        read_created,
        authorized.bearer,
    )


def notification_replay(
    assembly: Assembly, authorized: Authorized
) -> Operation[ReplayAssemblyNotificationResult]:
    identity = assembly_id(assembly)
    form = ReplayAssemblyNotificationForm(params=authorized.params, signature=authorized.signature)
    return Operation(
        f"replay the Notification of Assembly {identity}",
        replay_assembly_notification._get_kwargs(identity, body=form),
        read_notification,
        authorized.bearer,
    )
