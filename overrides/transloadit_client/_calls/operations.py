"""The operations of the API, as values: what is sent, and how the answer reads. Nothing waits here.

Each is built from the generated operation's own request arguments, so that routes and field names
stand in the spec alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

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
from .._signing import JSON_OBJECTS, Params, Secret, as_dict
from .._status import AssemblyStatus
from .addresses import DrawnId, HasAssemblyUrl, Home, assembly_id, assembly_url, own_assembly_id
from .answers import (
    Answer,
    about,
    naming_template,
    read_created,
    read_found,
    read_notification,
    read_status,
)
from .call import Call, Guard, Prepared
from .files import FilePart
from .numbers import whole_number

Assembly: TypeAlias = str | HasAssemblyUrl
"""An Assembly's id, its URL (`assembly_ssl_url`), or its status."""


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
        InvalidInput: `template_id` or `notify_url` is no text, or `extra` names a key that has an
            argument of its own.
    """
    params: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if notify_url is not UNSET:
        params["notify_url"] = notify_url
    for name in ("template_id", "notify_url"):
        text = params.get(name)
        if text is not None and not isinstance(text, str):
            raise InvalidInput(f"{name} is of type {type(text).__name__}; it takes a string")
    if not isinstance(extra or {}, Mapping):
        raise InvalidInput(f"extra_params is a {type(extra).__name__}; it takes a mapping")
    for name, value in (extra or {}).items():
        if name in given or name == "notify_url":
            raise InvalidInput(f"extra_params has {name!r}, which is an argument of its own")
        params[name] = value
    return params


def check_objects(*, needs_robots: bool = False, **given: Params | None) -> None:
    """Checks the arguments that are JSON objects, before they are signed.

    Args:
        needs_robots: whether each Step of `steps` has to name its Robot. With a Template it need
            not: what is given then changes the Template's Step of the same name.
        given: `steps`, `fields` and `auth`, by the names of the arguments.

    Raises:
        InvalidInput: one is a list or a text, there are no Steps, or a Step names no Robot.
    """
    for name, value in given.items():
        if value is not None and not isinstance(value, JSON_OBJECTS):
            raise InvalidInput(
                f"{name} is a {type(value).__name__}; it takes a mapping or a model;"
                " nothing was sent"
            )
    steps = as_dict(given.get("steps") or {})
    if needs_robots and given.get("steps") is not None and not steps:
        raise InvalidInput("steps is empty; give Steps, or a template_id; nothing was sent")
    for name, step in steps.items():
        if not isinstance(step, JSON_OBJECTS):
            raise InvalidInput(
                f"steps[{name!r}] is a {type(step).__name__}; it takes a mapping or a model;"
                " nothing was sent"
            )
        robot = as_dict(step).get("robot")
        if needs_robots and not (isinstance(robot, str) and robot):
            raise InvalidInput(
                f'steps[{name!r}] names no Robot, such as "robot": "/image/resize";'
                " nothing was sent"
            )


def creation(
    authorize: Callable[[], Authorized],
    guard: Guard,
    home: Home,
    *,
    texts: Mapping[str, str],
    files: Sequence[FilePart],
    num_expected_upload_files: int | None,
    own_id: str | None,
    template_id: object = None,
) -> Call[AssemblyStatus]:
    count = _expected(num_expected_upload_files)
    read = naming_template(template_id, read_created)

    def prepare() -> Prepared:
        authorized = authorize()
        form = CreateAssemblyForm(params=authorized.params, signature=authorized.signature)
        # The page has the first name, all SDKs send the second; the same number suits both.
        form.num_expected_upload_files = form.tus_num_expected_upload_files = count
        form.additional_properties = dict(texts)
        if own_id is None:
            arguments = create_assembly._get_kwargs(body=form)
        else:
            arguments = create_assembly_with_id._get_kwargs(own_id, body=form)
        files_and_fields = [*arguments["files"], *files]
        return Prepared({**arguments, "files": files_and_fields}, authorized.bearer)

    def find() -> Call[AssemblyStatus]:
        read_there = naming_template(template_id, read_created if count else read_found)
        return _reading(own_id or "", home, "find", read_there)

    def why_not_again() -> str | None:
        return next(filter(None, (source.why_not_again() for _, (_, source, _) in files)), None)

    size = sum(source.size or 0 for _, (_, source, _) in files)
    if own_id is None:
        return Call(
            "create an Assembly",
            guard,
            prepare,
            read,
            why_not_again=why_not_again,
            own_connection=True,
            size=size,
        )
    return Call(
        f"create Assembly {own_id}",
        guard,
        prepare,
        about(own_assembly_id(own_id), read),
        str(own_id),  # a caller who repeats it with the id of an error did not draw it anew
        isinstance(own_id, DrawnId),
        find,
        why_not_again,
        size=size,
    )


def reading(assembly: Assembly, home: Home) -> Call[AssemblyStatus]:
    return _reading(assembly, home, "read", read_status)


def cancellation(assembly: Assembly, home: Home) -> Call[AssemblyStatus]:
    url = assembly_url(assembly, home)
    identity = assembly_id(assembly)
    request = Prepared({**cancel_assembly._get_kwargs(identity), "url": url})
    read = about(identity, read_status)
    title = f"cancel Assembly {identity}"
    return Call(title, Guard.TWICE_IS_ONCE, lambda: request, read, identity)


def replay(
    authorize: Callable[[], Authorized],
    guard: Guard,
    assembly: Assembly,
    template_id: object = None,
) -> Call[AssemblyStatus]:
    identity = assembly_id(assembly)

    def prepare() -> Prepared:
        authorized = authorize()
        form = ReplayAssemblyForm(params=authorized.params, signature=authorized.signature)
        return Prepared(replay_assembly._get_kwargs(identity, body=form), authorized.bearer)

    # The answer names the new Assembly, so there is no id to compare it with.
    title = f"replay Assembly {identity}"
    read = naming_template(template_id, read_created)
    return Call(title, guard, prepare, read, identity, own_connection=True)


def notification_replay(
    authorize: Callable[[], Authorized], guard: Guard, assembly: Assembly
) -> Call[ReplayAssemblyNotificationResult]:
    identity = assembly_id(assembly)

    def prepare() -> Prepared:
        authorized = authorize()
        form = ReplayAssemblyNotificationForm(
            params=authorized.params, signature=authorized.signature
        )
        arguments = replay_assembly_notification._get_kwargs(identity, body=form)
        return Prepared(arguments, authorized.bearer)

    title = f"replay the Notification of Assembly {identity}"
    read = about(identity, read_notification, or_unnamed=True)
    return Call(title, guard, prepare, read, identity, own_connection=True)


def _reading(
    assembly: Assembly, home: Home, verb: str, read: Callable[[Answer], AssemblyStatus]
) -> Call[AssemblyStatus]:
    url = assembly_url(assembly, home)
    identity = assembly_id(assembly)

    def prepare() -> Prepared:
        return Prepared({**get_assembly._get_kwargs(identity), "url": url})

    title = f"{verb} Assembly {identity}"
    return Call(title, Guard.HARMLESS, prepare, about(identity, read), identity)


def _expected(files: int | None) -> int | Unset:
    if files is None:
        return UNSET
    return whole_number("num_expected_upload_files", files, "files", least=0)
