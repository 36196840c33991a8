"""`run`: what it takes, what it gives, and what it makes of a status on the way. Pure."""

from collections.abc import Collection, Sequence
from typing import Any

from attrs import evolve

from .._calls.files import text_parts
from .._calls.numbers import seconds, whole_number
from .._calls.operations import check_objects, params_of
from .._calls.sources import Source, StreamSource, known_size
from .._errors import ApiError, AssemblyFailed, InvalidInput, UploadIncomplete, shortened
from .._flow import Stop, checked_stop
from .._progress import OnProgress, Progress
from .._results.folder import checked_folder
from .._signing import as_dict
from .._status import AssemblyStatus, code_of
from .outcomes import CreateOptions

ORIGINAL = ":original"  # the Step that every Assembly has: the uploaded files


def check_arguments(create: CreateOptions) -> None:
    """Checks what can be told before an Assembly is created, which costs money.

    Raises:
        InvalidInput: Steps or other arguments that cannot be sent.
        TypeError: an argument that `create_assembly` does not have.
    """
    for name in create.keys() - CreateOptions.__annotations__.keys():
        raise TypeError(f"got an unexpected keyword argument {name!r}")
    check_objects(
        steps=create.get("steps"),
        fields=create.get("fields"),
        auth=create.get("auth"),
        needs_robots=create.get("template_id") is None,
    )
    params: dict[str, Any] = {**create}
    text_parts(params.pop("form_fields", None))
    params_of(extra=params.pop("extra_params", None), **params)


def check_saving(
    create: CreateOptions, save_to: object, save_steps: Collection[str] | None
) -> None:
    """Checks which results are to be saved, likewise.

    Raises:
        InvalidInput: `save_to` is no folder, or is missing, or there is no such Step.
    """
    if save_to is not None:
        checked_folder(save_to)
    if save_steps is None:
        return
    if save_to is None:
        raise InvalidInput("save_steps goes with save_to, the folder for the results")
    steps = create.get("steps")
    if steps is not None and create.get("template_id") is None:  # which has Steps of its own
        known = {*as_dict(steps), ORIGINAL}
        wanted = {save_steps} if isinstance(save_steps, str) else {*save_steps}
        for name in sorted(wanted - known):
            raise InvalidInput(
                f"save_steps has {name!r}, which is no Step; there are"
                f" {', '.join(map(repr, sorted(known)))}; nothing was sent"
            )


def check_limits(
    tus_above: int, chunk_size: int, max_size: int | None, deadline: float | None, stop: Stop | None
) -> None:
    """Checks what is used once the Assembly is there: a mistake must not cost one.

    Raises:
        InvalidInput: one of them makes no sense.
    """
    whole_number("tus_above", tus_above, "bytes", least=0)
    whole_number("chunk_size", chunk_size, "bytes", least=1)
    if max_size is not None:
        whole_number("max_size", max_size, "bytes", least=0)
    if deadline is not None:
        seconds("deadline", deadline)
    checked_stop(stop)


def completed(status: AssemblyStatus) -> AssemblyStatus:
    """The status of an Assembly that did what it was created for.

    Raises:
        AssemblyFailed: it ended in another way: with an error, canceled, or aborted.
    """
    if status.ok == "ASSEMBLY_COMPLETED" and not status.failed:
        return status
    code = code_of(status)
    said = f": {status.message.rstrip('.')}" if isinstance(status.message, str) else ""
    failed = AssemblyFailed(shortened(f"Assembly {status.assembly_id} ended as {code}{said}."))
    failed.assembly_id = status.assembly_id if isinstance(status.assembly_id, str) else None
    failed.code, failed.status = code, status
    raise failed


def raise_if_ended(error: UploadIncomplete) -> None:
    """Tells how an Assembly ended that takes no more files: uploading again cannot help.

    Raises:
        AssemblyFailed: it was canceled, or failed, while files were uploaded.
    """
    if error.status is not None and error.status.done:
        try:
            completed(error.status)
        except AssemblyFailed as failed:
            raise failed from error


def initial_progress(files: Sequence[Source], assembly_id: str) -> Progress:
    """What is told before the create request, so that files which go along are seen to leave."""
    return Progress(
        assembly_id=assembly_id,
        phase="uploading",
        bytes_to_send=known_size(files),
        files_to_send=len(files),
    )


def not_done_yet(on_progress: OnProgress | None) -> OnProgress | None:
    """Tells the same, but that all is done only once the results are saved as well."""
    if on_progress is None:
        return None

    def tell(progress: Progress) -> None:
        on_progress(evolve(progress, phase="downloading") if progress.phase == "done" else progress)

    return tell


def go_by_tus(files: Sequence[Source], most: int) -> bool:
    """Whether files are too big for the create request, or streams, or have metadata.

    All of them go the same way: the API takes none with the request when any is to follow.
    """
    size = known_size(files)
    by_tus = any(isinstance(one, StreamSource) or one.metadata for one in files)
    return by_tus or size is None or size > most


def awaits_uploads(status: AssemblyStatus) -> bool:
    """Whether files have yet to come by tus."""
    expected = status.expected_tus_uploads
    return status.ok == "ASSEMBLY_UPLOADING" and isinstance(expected, int) and expected > 0


def exists_already(error: ApiError) -> bool:
    """Whether a create was refused because its id or its very request has been there before."""
    return error.code in ("DO_NOT_REUSE_ASSEMBLY_IDS", "SIGNATURE_REUSE_DETECTED")


def is_missing(error: ApiError) -> bool:
    """Whether there is no such Assembly."""
    return error.code == "ASSEMBLY_NOT_FOUND"


def id_to_resume(assembly_id: str | None) -> str:
    """Checks that there is an id to go on with.

    Raises:
        InvalidInput: there is none.
    """
    if assembly_id is None:
        raise InvalidInput("resume takes the assembly_id of the run to go on with")
    return assembly_id
