"""The outcome of a command: rows for people, a document for `--json`, and an exit code."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from transloadit_client import (
    ApiError,
    AssemblyFailed,
    AssemblyStatus,
    DownloadIncomplete,
    InvalidInput,
    NoAnswer,
    OutcomeUnknown,
    SavedFile,
    StillBusy,
    TransloaditError,
    UploadIncomplete,
    pingback,
)

from .exit_codes import Exit

# Read from the top: an error's own class stands above its parents'.
_OF_ERRORS: tuple[tuple[type[Exception], Exit], ...] = (
    (InvalidInput, Exit.USAGE),
    (OutcomeUnknown, Exit.OUTCOME_UNKNOWN),
    (NoAnswer, Exit.NO_ANSWER),
    (ApiError, Exit.REFUSED),
    (AssemblyFailed, Exit.FAILED),
    (pingback.PingbackError, Exit.FAILED),
    (StillBusy, Exit.STILL_BUSY),
    (UploadIncomplete, Exit.INCOMPLETE),
    (DownloadIncomplete, Exit.INCOMPLETE),
)

# Errors of the package name Python arguments; these become options. Names that are English words,
# such as `steps`, stay.
_OPTIONS = {
    "assembly_id": "--assembly-id",
    "at_once": "--at-once",
    "auth_token": "TRANSLOADIT_AUTH_TOKEN",
    "base_url": "--endpoint",
    "cancel_on_timeout": "--cancel-on-timeout",
    "chunk_size": "--chunk-size",
    "content_type": "--content-type",
    "creates_per_minute": "--per-minute",
    "extra_params": "--param",
    "form_fields": "--form-field",
    "max_size": "--max-size",
    "notify_url": "--notify-url",
    "num_expected_upload_files": "--expect",
    "reparse_template": "--reparse-template",
    "save_steps": "--step",
    "save_to": "--save-to",
    "signature_algorithm": "TRANSLOADIT_SIGNATURE_ALGORITHM",
    "template_id": "--template",
    "trusted_hosts": "trusted_hosts in Python",
    "tus_above": "--tus-above",
}
_ARGUMENT = re.compile(rf"`?\b({'|'.join(_OPTIONS)})\b`?(=(?=\w))?")


@frozen
class Outcome:
    """The outcome of a command.

    Attributes:
        exit: the exit code.
        rows: the lines of the standard output, each with its parts.
        document: the document of `--json`, which then stands there instead.
        notes: lines for people, on the standard error.
    """

    exit: Exit = Exit.DONE
    rows: Sequence[Sequence[str]] = ()
    document: Mapping[str, Any] = field(factory=dict)
    notes: Sequence[str] = ()


def of_assembly(
    status: AssemblyStatus,
    rows: Sequence[Sequence[str]] = (),
    code: Exit = Exit.DONE,
    **more: object,
) -> Outcome:
    return Outcome(code, rows, {**about(status), **more})


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """Several outcomes as one; its code is the first that is not 0."""
    return Outcome(
        next((outcome.exit for outcome in outcomes if outcome.exit), Exit.DONE),
        [row for outcome in outcomes for row in outcome.rows],
        {"assemblies": [dict(outcome.document) for outcome in outcomes]},
    )


def about(status: AssemblyStatus) -> dict[str, Any]:
    """An Assembly in the document of `--json`."""
    return {"assembly": address(status), "status": status.to_dict()}


def about_error(error: TransloaditError) -> dict[str, Any]:
    """An error in the document of `--json`, with its Assembly if it has one."""
    facts = {name: getattr(error, name, None) for name in ("code", "http_status", "assembly_id")}
    known = {name: value for name, value in facts.items() if value is not None}
    status = getattr(error, "status", None)
    return {
        **(about(status) if isinstance(status, AssemblyStatus) else {}),
        **_about_files(error),
        "error": {"type": type(error).__name__, "message": message(error), **known},
    }


def _about_files(error: TransloaditError) -> dict[str, Any]:
    if isinstance(error, UploadIncomplete):
        return {"sent": list(error.finished), "missing": list(error.missing)}
    if isinstance(error, DownloadIncomplete):
        missing = [
            {"step": one.step, "file": one.file.to_dict(), "why": one.why} for one in error.missing
        ]
        return {"saved": saved_files(error.saved), "missing": missing}
    return {}


def message(error: TransloaditError) -> str:
    """An error's sentence, with options in the place of Python's arguments."""

    def option(found: re.Match[str]) -> str:
        # `name=5` is an argument to give; `name is …` is one that was given.
        return _OPTIONS[found[1]] + (" " if found[2] else "")

    return _ARGUMENT.sub(option, str(error))


def code_of(error: TransloaditError) -> Exit:
    """The exit code of an error."""
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), Exit.DEFECT)


def code_of_end(status: AssemblyStatus) -> Exit:
    """The exit code for how an Assembly ended: 1 unless it completed."""
    complete = status.ok == "ASSEMBLY_COMPLETED" and not status.failed
    return Exit.DONE if complete else Exit.FAILED


def headline(status: AssemblyStatus) -> str:
    """The state of an Assembly in a line, with the API's own words about it."""
    state = status.error if status.failed else status.ok
    said = f": {status.message}" if isinstance(status.message, str) and status.message else ""
    return f"{state or 'unknown state'}{said}"


def address(status: AssemblyStatus) -> str:
    """The URL of an Assembly, or its id where the answer has no URL."""
    found = (status.assembly_ssl_url, status.assembly_id)
    return next((text for text in found if isinstance(text, str) and text), "-")


def report(status: AssemblyStatus) -> list[tuple[str, ...]]:
    """An Assembly in a few rows, each with its name first."""
    uploads = status.uploads if isinstance(status.uploads, list) else []
    return [
        ("assembly", address(status)),
        ("state", headline(status)),
        ("uploads", str(len(uploads))),
        *(("results", step, str(len(files))) for step, files in status.files.items()),
    ]


def result_rows(status: AssemblyStatus, steps: Collection[str] = ()) -> list[tuple[str, ...]]:
    """The results in rows of Step, name and URL; `-` stands for a missing value."""
    return [
        tuple(value if isinstance(value, str) and value else "-" for value in values)
        for step, files in status.files.items()
        if not steps or step in steps
        for values in ((step, file.name, file.ssl_url or file.url) for file in files)
    ]


def saved_files(saved: Iterable[SavedFile]) -> list[dict[str, Any]]:
    """The saved results as `--json` has them."""
    return [{"step": one.step, "path": str(one.path), "file": one.file.to_dict()} for one in saved]
