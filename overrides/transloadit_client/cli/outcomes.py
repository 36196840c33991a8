"""What a command came to, and which exit code that is."""

from collections.abc import Mapping, Sequence
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
    StillBusy,
    TransloaditError,
    UploadIncomplete,
    pingback,
)

from .exit_codes import Exit
from .output import address, saved_files

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


@frozen
class Outcome:
    """What a command came to: rows for people, and the document of `--json`."""

    exit: Exit = Exit.DONE
    rows: Sequence[Sequence[str]] = ()
    document: Mapping[str, Any] = field(factory=dict)


def of_assembly(
    status: AssemblyStatus,
    rows: Sequence[Sequence[str]] = (),
    code: Exit = Exit.DONE,
    **more: object,
) -> Outcome:
    return Outcome(code, rows, {**about(status), **more})


def about(status: AssemblyStatus) -> dict[str, Any]:
    """What the document of `--json` holds of an Assembly."""
    return {"assembly": address(status), "status": status.to_dict()}


def about_error(error: TransloaditError) -> dict[str, Any]:
    """What it holds of an error, and of the Assembly that the error knows."""
    facts = {name: getattr(error, name, None) for name in ("code", "http_status", "assembly_id")}
    known = {name: value for name, value in facts.items() if value is not None}
    status = getattr(error, "status", None)
    return {
        **(about(status) if isinstance(status, AssemblyStatus) else {}),
        **_about_parts(error),
        "error": {"type": type(error).__name__, "message": str(error), **known},
    }


def _about_parts(error: TransloaditError) -> dict[str, Any]:
    if isinstance(error, UploadIncomplete):
        return {"sent": list(error.finished), "missing": list(error.missing)}
    if isinstance(error, DownloadIncomplete):
        missing = [
            {"step": one.step, "file": one.file.to_dict(), "why": one.why} for one in error.missing
        ]
        return {"saved": saved_files(error.saved), "missing": missing}
    return {}


def code_of(error: TransloaditError) -> Exit:
    return next((code for kind, code in _OF_ERRORS if isinstance(error, kind)), Exit.DEFECT)


def code_of_end(status: AssemblyStatus) -> Exit:
    """For whoever waits for an Assembly: one canceled or aborted did not do its work."""
    whole = status.ok == "ASSEMBLY_COMPLETED" and not status.failed
    return Exit.DONE if whole else Exit.FAILED
