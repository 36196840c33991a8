"""The commands that are one call of the API each."""

from collections.abc import Mapping, Sequence
from typing import Any

from transloadit_client import InvalidInput, new_assembly_id

from .inputs import contents, files_of, steps_of, values_of
from .outcomes import Outcome, of_assembly
from .output import address, report, tell
from .session import Session

# These have arguments of their own in Python, but no options here.
_PARAMS_WITH_ARGUMENTS = ("allow_steps_override", "auth", "quiet")


def create(
    session: Session, *, files: Sequence[str], stdin_name: str, expect: int | None, **given: Any
) -> Outcome:
    wanted = creating(given)
    session.files = files_of(files)
    session.doubt(wanted["assembly_id"])
    with session.client() as client:
        assembly = client.create_assembly(
            **wanted, files=contents(session.files, stdin_name), num_expected_upload_files=expect
        )
    return of_assembly(assembly, [[address(assembly)]])


def status(session: Session, *, assembly: str) -> Outcome:
    with session.client() as client:
        found = client.get_assembly(assembly)
    return of_assembly(found, report(found))


def cancel(session: Session, *, assembly: str) -> Outcome:
    with session.client() as client:
        found = client.cancel_assembly(assembly)
    return of_assembly(found, report(found))


def replay(
    session: Session, *, assembly: str, no_notify: bool, reparse_template: bool, **given: Any
) -> Outcome:
    wanted = instructions(given)
    if no_notify:
        if "notify_url" in wanted:
            raise InvalidInput("--notify-url and --no-notify exclude each other")
        wanted["notify_url"] = None
    with session.client() as client:
        found = client.replay_assembly(assembly, reparse_template=reparse_template, **wanted)
    return of_assembly(found, [[address(found)]])


def replay_notification(
    session: Session, *, assembly: str, notify_url: str | None, no_wait: bool
) -> Outcome:
    where: dict[str, Any] = {} if notify_url is None else {"notify_url": notify_url}
    with session.client() as client:
        answer = client.replay_assembly_notification(
            assembly, wait=False if no_wait else None, **where
        )
    tell(str(answer.ok))
    return Outcome(document={"answer": answer.to_dict()})


def creating(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say of a new Assembly, as the client's keywords."""
    params = values_of(given["param"], "--param")
    known = {name: params.pop(name) for name in _PARAMS_WITH_ARGUMENTS if name in params}
    return {
        **instructions(given),
        **known,
        "form_fields": values_of(given["form_field"], "--form-field"),
        "extra_params": params,
        "assembly_id": given["assembly_id"] or new_assembly_id(),
    }


def instructions(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say of the work to do, as keywords; what was not given is left out."""
    wanted = {
        "steps": given["steps"] and steps_of(given["steps"]),
        "template_id": given["template"],
        "fields": values_of(given["field"], "--field") or None,
        "notify_url": given["notify_url"],
    }
    return {name: value for name, value in wanted.items() if value is not None}
