"""The commands that work on one Assembly, or on a few."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from attrs import frozen

from transloadit_client import (
    AssemblyStatus,
    InvalidInput,
    Progress,
    SavedFile,
    new_assembly_id,
)

from .exit_codes import Exit
from .inputs import check_new, check_steps, contents, files_of, steps_of, values_of
from .outcomes import (
    Outcome,
    about,
    address,
    code_of_end,
    headline,
    of_assembly,
    report,
    result_rows,
    saved_files,
)
from .output import give_file, tell
from .progress import Show
from .session import Session


@frozen
class Target:
    """Where results go: a folder, one file (`-` is the standard output), or nowhere."""

    folder: Path | None = None
    file: str | None = None


def create(
    session: Session, *, files: Sequence[str], stdin_name: str, expect: int | None, **given: Any
) -> Outcome:
    wanted = creating(given)
    check_new(wanted)
    session.files = files_of(files)
    session.doubt(wanted["assembly_id"])
    session.creates(wanted["assembly_id"])
    with session.client() as client:
        assembly = client.create_assembly(
            **wanted, files=contents(session.files, stdin_name), num_expected_upload_files=expect
        )
    return of_assembly(assembly, [[address(assembly)]])


def run(
    session: Session,
    *,
    files: Sequence[str],
    stdin_name: str,
    save_to: Path | None,
    output: str | None,
    step: Sequence[str],
    max_size: int | None,
    tus_above: int | None,
    chunk_size: int | None,
    resume: bool,
    deadline: float | None,
    cancel_on_timeout: bool,
    **given: Any,
) -> Outcome:
    target = target_of(output, save_to, session)
    wanted = creating(given)
    if resume and not given["assembly_id"]:
        raise InvalidInput("--resume goes with the --assembly-id of the run to go on with")
    if "quiet" in wanted:
        raise InvalidInput("with quiet the answer says too little to run on; see `create`")
    check_new(wanted, step, resume=resume)
    session.files = files_of(files)
    own_id = wanted["assembly_id"]
    session.follow(own_id, *_to_resume(own_id, given, resume))
    limits = {"deadline": deadline, "tus_above": tus_above, "chunk_size": chunk_size}
    session.creates(own_id)
    with session.client() as client, session.showing() as on_progress:
        finished = client.run(
            **wanted,
            **without_none(limits),
            files=contents(session.files, stdin_name),
            resume=resume,
            cancel_on_timeout=cancel_on_timeout,
            on_progress=_not_done(on_progress) if target != Target() else on_progress,
        )
        save = partial(
            client.download_results,
            finished.status,
            steps=step or None,
            max_size=max_size,
            on_progress=on_progress,
        )
        return _delivered(session, finished.status, target, step, save)


def status(session: Session, *, assemblies: Sequence[str]) -> Outcome:
    def one(assembly: str) -> Outcome:
        found = client.get_assembly(assembly)
        return of_assembly(found, report(found))

    with session.client() as client:
        return session.each(assemblies, one)


def wait(
    session: Session, *, assemblies: Sequence[str], deadline: float | None, cancel_on_timeout: bool
) -> Outcome:
    ends = None if deadline is None else monotonic() + deadline

    def one(assembly: str) -> Outcome:
        session.follow(assembly)
        left: dict[str, Any] = {} if ends is None else {"deadline": max(0.0, ends - monotonic())}
        with session.showing() as on_progress:
            status = client.wait_for_assembly(
                assembly, on_progress=on_progress, cancel_on_timeout=cancel_on_timeout, **left
            )
        return of_assembly(status, report(status), judged(status))

    with session.client() as client:
        return session.each(assemblies, one)


def upload(
    session: Session,
    *,
    assembly: str,
    files: Sequence[str],
    stdin_name: str,
    parallel: int,
    chunk_size: int | None,
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
            **without_none({"chunk_size": chunk_size}),
        )
    return of_assembly(status, [[address(status)]])


def results(
    session: Session,
    *,
    assembly: str,
    save_to: Path | None,
    output: str | None,
    step: Sequence[str],
    max_size: int | None,
    parallel: int,
) -> Outcome:
    target = target_of(output, save_to, session)
    if target == Target():
        return _listed(session, assembly, step)
    session.follow(assembly)
    with session.client() as client, session.showing() as on_progress:
        status = client.get_assembly(assembly)
        save = partial(
            client.download_results,
            status,
            steps=step or None,
            max_size=max_size,
            parallel=parallel,
            on_progress=on_progress,
        )
        return _delivered(session, status, target, step, save)


def cancel(session: Session, *, assemblies: Sequence[str]) -> Outcome:
    def one(assembly: str) -> Outcome:
        found = client.cancel_assembly(assembly)
        return of_assembly(found, report(found))

    with session.client() as client:
        return session.each(assemblies, one)


def replay(
    session: Session, *, assembly: str, no_notify: bool, reparse_template: bool, **given: Any
) -> Outcome:
    wanted = {**instructions(given), **further_params(given, "auth")}
    if no_notify:
        if "notify_url" in wanted:
            raise InvalidInput("--notify-url and --no-notify exclude each other")
        wanted["notify_url"] = None
    with session.client() as client:
        found = client.replay_assembly(assembly, reparse_template=reparse_template, **wanted)
    return of_assembly(found, [[address(found)]])


def replay_notification(
    session: Session, *, assembly: str, notify_url: str | None, no_wait: bool, **given: Any
) -> Outcome:
    where: dict[str, Any] = {} if notify_url is None else {"notify_url": notify_url}
    with session.client() as client:
        answer = client.replay_assembly_notification(
            assembly, wait=False if no_wait else None, **where, **further_params(given, "auth")
        )
    tell(str(answer.ok))
    return Outcome(document={"answer": answer.to_dict()})


# -- what the options mean --


def creating(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a new Assembly with an id of its own, as the client's keywords."""
    return {**described(given), "assembly_id": given["assembly_id"] or new_assembly_id()}


def described(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a new Assembly, as the client's keywords."""
    return {
        **instructions(given),
        **further_params(given, "allow_steps_override", "auth", "quiet"),
        "form_fields": values_of(given["form_field"], "--form-field"),
    }


def further_params(given: Mapping[str, Any], *arguments: str) -> dict[str, Any]:
    """What `--param` names, as the client's keywords.

    `arguments` have arguments of their own in Python, but no options here.
    """
    params = values_of(given["param"], "--param")
    known = {name: params.pop(name) for name in arguments if name in params}
    return {**known, "extra_params": params}


def instructions(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that describe the processing, as keywords; without those that were not given."""
    wanted = {
        "steps": given["steps"] and steps_of(given["steps"]),
        "template_id": given["template"],
        "fields": values_of(given["field"], "--field") or None,
        "notify_url": given["notify_url"],
    }
    return without_none(wanted)


def without_none(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; the client has its own defaults for the others."""
    return {name: value for name, value in options.items() if value is not None}


def target_of(output: str | None, save_to: Path | None, session: Session) -> Target:
    """Where `-o` and `--save-to` send the results.

    Raises:
        InvalidInput: they contradict each other or `--json`, or the place cannot be written to.
    """
    if save_to is not None and save_to.exists() and not save_to.is_dir():
        raise InvalidInput(f"--save-to takes a folder, and {str(save_to)!r} is a file")
    if output is None:
        return Target(save_to)
    if save_to is not None:
        raise InvalidInput("-o and --save-to exclude each other")
    if output == "-":
        if session.json:
            raise InvalidInput("-o - and --json both write to the standard output")
        if sys.stdout.isatty():
            raise InvalidInput("-o - would write the bytes of a file to the terminal: redirect it")
        return Target(file=output)
    path = Path(output)
    if path.is_dir() or output.endswith(("/", os.sep)):
        return Target(path)
    if not os.access(path.parent, os.W_OK):
        why = "cannot be written to" if path.parent.is_dir() else "is not there"
        raise InvalidInput(f"-o {output}: the folder {str(path.parent)!r} {why}")
    return Target(file=output)


# -- results --


def _delivered(
    session: Session,
    status: AssemblyStatus,
    target: Target,
    steps: Sequence[str],
    save: Callable[[str | Path], Sequence[SavedFile]],
) -> Outcome:
    """Lists the results, or saves them: `save` takes a folder."""
    if not status.busy:
        check_steps(steps, _step_names(status))
    if target.folder is not None:
        return _saved(status, save(target.folder))
    rows = result_rows(status, steps)
    if target.file is None:
        return of_assembly(status, rows)
    if len(rows) != 1 and not status.busy:
        return _not_one(session, status, rows)
    # A neighbour of the file is on the same disk, so that the last step is a rename.
    beside = None if target.file == "-" else Path(target.file).parent
    with TemporaryDirectory(prefix=".transloadit-", dir=beside) as folder:
        [saved] = save(folder)
        if target.file == "-":
            give_file(saved.path)
            return of_assembly(status)
        return _saved(status, [SavedFile(saved.step, saved.file, saved.path.replace(target.file))])


def _not_one(session: Session, status: AssemblyStatus, rows: Sequence[Sequence[str]]) -> Outcome:
    resume = session.command("results", address(status), "--save-to", "results")
    notes = [
        f"Error: -o takes one result, and the Assembly has {len(rows)}:",
        *(f"  {step}: {name}" for step, name, _ in rows),
        "Choose a Step with --step, or save all of them:",
        f"  {resume}",
    ]
    return Outcome(Exit.INCOMPLETE, (), {**about(status), "resume": resume}, notes)


def _saved(status: AssemblyStatus, saved: Sequence[SavedFile]) -> Outcome:
    paths = [[str(one.path)] for one in saved]
    return of_assembly(status, paths, saved=saved_files(saved))


def _listed(session: Session, assembly: str, steps: Sequence[str]) -> Outcome:
    with session.client() as client:
        status = client.get_assembly(assembly)
    if status.busy:
        tell(f"There may be more to come: the Assembly is {headline(status)}")
        return of_assembly(status, result_rows(status, steps), Exit.STILL_BUSY)
    check_steps(steps, _step_names(status))
    return of_assembly(status, result_rows(status, steps))


def _step_names(status: AssemblyStatus) -> set[str]:
    """The Steps that a status knows: those with results, and those that were sent.

    The Steps of a Template are not in a status, so one of them that made nothing is not among them.
    """
    names = set(status.files)
    try:
        sent = json.loads(status.params) if isinstance(status.params, str) else {}
        names |= set(sent["steps"])
    except (KeyError, TypeError, ValueError):
        pass  # `params` may hold anything, or be missing
    return names


def judged(status: AssemblyStatus) -> Exit:
    """The exit code for how an Assembly ended; a failure is printed."""
    code = code_of_end(status)
    if code is Exit.FAILED:
        tell(f"Error: the Assembly ended with {headline(status)}")
    return code


def _not_done(on_progress: Show) -> Show:
    """Reports the same without the end: the results are still to be saved."""

    def report_progress(progress: Progress) -> None:
        if progress.phase != "done":
            on_progress(progress)

    return report_progress


def _to_resume(identity: str, given: Mapping[str, Any], resume: bool) -> list[str]:
    """The options that turn the typed words into the command that resumes it."""
    named = [] if given["assembly_id"] else ["--assembly-id", identity]
    return [*named, *([] if resume else ["--resume"])]
