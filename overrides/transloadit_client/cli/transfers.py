"""The commands that take their time: they show how far they are, and can be gone on with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transloadit_client import AssemblyStatus, InvalidInput, SavedFile

from .assemblies import creating
from .exit_codes import Exit
from .inputs import contents, files_of
from .outcomes import Outcome, code_of_end, of_assembly
from .output import address, headline, report, result_rows, saved_files, tell
from .session import Session


def run(
    session: Session,
    *,
    files: Sequence[str],
    stdin_name: str,
    save_to: Path | None,
    step: Sequence[str],
    tus_above: int | None,
    resume: bool,
    deadline: float | None,
    cancel_on_timeout: bool,
    **given: Any,
) -> Outcome:
    wanted = creating(given)
    if resume and not given["assembly_id"]:
        raise InvalidInput("--resume goes with the --assembly-id of the run to go on with")
    if "quiet" in wanted:
        raise InvalidInput("with quiet the answer says too little to run on; see `create`")
    session.files = files_of(files)
    session.follow(wanted["assembly_id"], *_to_resume(wanted["assembly_id"], given, resume))
    limits = {"deadline": deadline, "tus_above": tus_above}
    with session.client() as client, session.showing() as on_progress:
        finished = client.run(
            **wanted,
            **_given(limits),
            files=contents(session.files, stdin_name),
            save_to=save_to,
            save_steps=step or None,
            resume=resume,
            cancel_on_timeout=cancel_on_timeout,
            on_progress=on_progress,
        )
    if save_to is None:
        return of_assembly(finished.status, result_rows(finished.status, step))
    return _saved(finished.status, finished.saved)


def wait(
    session: Session, *, assembly: str, deadline: float | None, cancel_on_timeout: bool
) -> Outcome:
    session.follow(assembly)
    with session.client() as client, session.showing() as on_progress:
        status = client.wait_for_assembly(
            assembly,
            on_progress=on_progress,
            cancel_on_timeout=cancel_on_timeout,
            **_given({"deadline": deadline}),
        )
    return of_assembly(status, report(status), judged(status))


def upload(
    session: Session, *, assembly: str, files: Sequence[str], stdin_name: str, parallel: int
) -> Outcome:
    session.files = files_of(files)
    if not session.files:
        raise InvalidInput("there is nothing to upload: name the files")
    session.follow(assembly)
    with session.client() as client, session.showing() as on_progress:
        status = client.upload(
            assembly,
            contents(session.files, stdin_name),
            parallel=parallel,
            on_progress=on_progress,
        )
    return of_assembly(status, [[address(status)]])


def results(
    session: Session,
    *,
    assembly: str,
    save_to: Path | None,
    step: Sequence[str],
    parallel: int,
) -> Outcome:
    if save_to is None:
        return _listed(session, assembly, step)
    session.follow(assembly)
    with session.client() as client, session.showing() as on_progress:
        status = client.get_assembly(assembly)
        saved = client.download_results(
            status, save_to, steps=step or None, parallel=parallel, on_progress=on_progress
        )
    return _saved(status, saved)


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """What was given; the client has its own defaults."""
    return {name: value for name, value in options.items() if value is not None}


def _to_resume(identity: str, given: Mapping[str, Any], resume: bool) -> list[str]:
    """The options that turn what was typed into the command that goes on with it."""
    named = [] if given["assembly_id"] else ["--assembly-id", identity]
    return [*named, *([] if resume else ["--resume"])]


def _saved(status: AssemblyStatus, saved: Sequence[SavedFile]) -> Outcome:
    paths = [[str(one.path)] for one in saved]
    return of_assembly(status, paths, saved=saved_files(saved))


def _listed(session: Session, assembly: str, steps: Sequence[str]) -> Outcome:
    with session.client() as client:
        status = client.get_assembly(assembly)
    code = Exit.STILL_BUSY if status.busy else Exit.DONE
    if status.busy:
        tell(f"There may be more to come: the Assembly is {headline(status)}")
    return of_assembly(status, result_rows(status, steps), code)


def judged(status: AssemblyStatus) -> Exit:
    """The exit code for how an Assembly ended; if it failed, people are told with what."""
    code = code_of_end(status)
    if code is Exit.FAILED:
        tell(f"Error: the Assembly ended with {headline(status)}")
    return code
