"""`Transloadit`: what people call, with the whole job as one call, and many of them.

Each method imports what it takes when it is called. `AsyncTransloadit` is in `_async_client`.
"""

from __future__ import annotations

import time
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

from .._calls.addresses import drawn_assembly_id
from .._calls.files import sources
from .._defaults import CREATES_PER_MINUTE, DEADLINE, TUS_ABOVE
from .._errors import ApiError, TransloaditError
from .transfers import Transfers

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Iterable, Iterator
    from typing import Unpack

    from .._calls.files import Files
    from .._progress import OnProgress
    from .._runs.map_inputs import Key, Mapped, Task
    from .._runs.run import CreateOptions, Finished
    from .._status import AssemblyStatus
    from .._waiting.wait import Stop
    from .calls import Timeout


class Transloadit(Transfers):
    """The client of the API; it also serves as `client=` of every generated function.

    Args:
        key: the Auth Key; else `TRANSLOADIT_KEY`.
        secret: the Auth Secret; else `TRANSLOADIT_SECRET`.
        signature_algorithm: `sha384`, `sha256`, `sha512` or `sha1`, as the key demands; else
            `TRANSLOADIT_SIGNATURE_ALGORITHM`, else `sha384`.
        auth_token: a bearer token, which replaces key and signature; else, where neither key nor
            secret was given, `TRANSLOADIT_AUTH_TOKEN`. It is sent on create and replays alone.
        base_url: where the API is; else `TRANSLOADIT_ENDPOINT`, else the service itself.
        timeout: seconds for each step of a request (connect, write, read), or an `httpx.Timeout`.
            By default 10 to connect and 60 for the others.
        headers: further headers for every request.
        cookies: cookies for every request.
        trusted_hosts: further hosts, beside the base URL's and the service's, on which Assemblies
            may be read and canceled, over https; such as `{"media.example.net"}`.
        retry: how often and how long to try; None to try once. See `RetryPolicy`.
        pickle_secrets: whether a pickle of this client holds its secrets; by default whoever wakes
            it takes them from the environment.
        verify_ssl: a CA file, a folder of them or an `ssl.SSLContext` to trust instead.
        httpx_args: further arguments for httpx's clients: `proxy`, `limits`, `transport`, `http2` …

    Raises:
        InvalidInput: the base URL is none, or would carry credentials in plain text; or there are
            no certificates at `verify_ssl`.
    """

    __slots__ = ()

    def run(
        self,
        *,
        files: Files | None = None,
        save_to: str | os.PathLike[str] | None = None,
        save_steps: Collection[str] | None = None,
        assembly_id: str | None = None,
        resume: bool = False,
        tus_above: int = TUS_ABOVE,
        deadline: float | None = DEADLINE,
        stop: Stop | None = None,
        cancel_on_timeout: bool = False,
        on_progress: OnProgress | None = None,
        timeout: Timeout = None,
        **create: Unpack[CreateOptions],
    ) -> Finished:
        """Creates an Assembly, sends its files, waits for it, and saves its results.

        Files go in the create request while they are small, else by resumable upload: all of an
        Assembly's files the same way, as the API wants it.

        Args:
            files: as `create_assembly` and `upload` take them.
            save_to: the folder for the results; without one nothing is saved.
            save_steps: the Steps whose results are saved; by default all.
            assembly_id: an id of your own; see `create_assembly`.
            resume: whether that Assembly may be there already, from a run that was interrupted: it
                is then gone on with, and none is created. It takes an `assembly_id`.
            tus_above: bytes that all files together may have to go in the create request.
            deadline: seconds to wait for it, 9 hours by default; None for however long it takes.
            stop: ends the wait; see `wait_for_assembly`.
            cancel_on_timeout: whether to cancel the Assembly at the deadline.
            on_progress: told how far everything has come.
            timeout: seconds, or an `httpx.Timeout`, for each request.
            create: what else `create_assembly` takes: `steps`, `template_id`, `fields` …

        Raises:
            InvalidInput, ApiError, NoAnswer, OutcomeUnknown: as `create_assembly`.
            UploadIncomplete: some files did not arrive. Run it again with `resume` and this id.
            StillBusy: the deadline came, or `stop`. The Assembly goes on.
            AssemblyFailed: it ended without completing; see its `status`.
            DownloadIncomplete: some results could not be saved; the others were.
        """
        from .._runs.run import (
            Finished,
            awaits_uploads,
            completed,
            exists_already,
            go_by_tus,
            id_to_resume,
            not_done_yet,
            setting_out,
        )

        found = sources(files, side_by_side=True)
        assembly = self._begun(id_to_resume(assembly_id), timeout) if resume else None
        if assembly is None:
            own_id = assembly_id or drawn_assembly_id()
            by_tus = go_by_tus(found, tus_above)
            if on_progress is not None and found:
                on_progress(setting_out(found, own_id))
            try:
                assembly = self.create_assembly(
                    files=None if by_tus else found,
                    num_expected_upload_files=len(found) if by_tus else None,
                    assembly_id=own_id,
                    timeout=timeout,
                    **create,
                )
            except ApiError as error:
                if not (resume and exists_already(error)):
                    raise
                assembly = self.get_assembly(id_to_resume(assembly_id), timeout=timeout)
        if awaits_uploads(assembly):
            assembly = self.upload(assembly, found, on_progress=on_progress, timeout=timeout)
        assembly = self.wait_for_assembly(
            assembly,
            deadline=deadline,
            on_progress=on_progress if save_to is None else not_done_yet(on_progress),
            stop=stop,
            cancel_on_timeout=cancel_on_timeout,
            timeout=timeout,
        )
        completed(assembly)
        if save_to is None:
            return Finished(assembly)
        saved = self.download_results(
            assembly, save_to, steps=save_steps, on_progress=on_progress, timeout=timeout
        )
        return Finished(assembly, saved)

    def map(
        self,
        files: Iterable[Files],
        *,
        save_to: str | os.PathLike[str] | None = None,
        save_steps: Collection[str] | None = None,
        journal: str | os.PathLike[str] | None = None,
        key: Key | None = None,
        at_once: int | None = None,
        creates_per_minute: int | None = CREATES_PER_MINUTE,
        tus_above: int = TUS_ABOVE,
        deadline: float | None = DEADLINE,
        timeout: Timeout = None,
        **create: Unpack[CreateOptions],
    ) -> Iterator[Mapped]:
        """Runs one Assembly for each input, many at once, and yields what became of each.

        Results come as they end, not in the order of the inputs, which are taken when there is room
        for them: memory does not grow with their number. One that fails stops no other. Closing the
        iterator, or leaving a loop over it, begins nothing more; what runs at the API goes on.

        With a `journal`, a file, an interrupted call goes on where it stopped: what is done is
        passed over, what had begun is gone on with, and nothing is created twice. What failed is
        looked at again.

        Args:
            files: for each Assembly what `run` takes as `files`; a tuple is one `(name, content)`.
            save_to: a folder; each Assembly's results go into a folder of their own in it.
            save_steps: the Steps whose results are saved; by default all.
            journal: a file, made if it is not there. It goes with these very Instructions, and one
                process at a time may use it.
            key: tells the name under which an input stands in the journal, and which no other has.
                By default its path, or the name of a `(name, content)`.
            at_once: how many Assemblies may be in progress; an account may have 250. By default
                100, and fewer where the process may open few files and connections.
            creates_per_minute: how many may be begun in any minute; None for any number.
            tus_above: as for `run`, like the rest, which holds for each Assembly.
            deadline: seconds to wait for each.
            timeout: seconds, or an `httpx.Timeout`, for each request.
            create: what else `create_assembly` takes: `steps`, `template_id`, `fields` …

        Raises:
            InvalidInput: a number makes no sense, the journal cannot be used, or an input has no
                name to stand under in it.
            MissingCredentials: there are none to sign with.
        """
        from .._runs.map_inputs import Tasks, check_inputs, instructions_of
        from .._runs.map_schedule import Quota, at_once_within, free_descriptors, mapping
        from .threads import by_threads, delivered

        self._check_credentials()
        check_inputs(files)
        if at_once is None:
            at_once = at_once_within(free_descriptors())
        moves = mapping(at_once, Quota(creates_per_minute), time.monotonic)
        tasks = Tasks(journal, instructions_of(create), key)
        stopped = Event()

        def work(task: Task) -> Mapped:
            while True:
                try:
                    finished = self.run(
                        **task.options(save_to),
                        save_steps=save_steps,
                        tus_above=tus_above,
                        deadline=deadline,
                        stop=stopped,
                        timeout=timeout,
                        **create,
                    )
                except TransloaditError as error:
                    following = tasks.again(task, error)
                    if following is None:
                        return task.failed(error)
                    task = following
                else:
                    return task.completed(finished)

        take = partial(tasks.next, iter(files))
        return delivered(tasks, by_threads(moves, take, work, at_once, stopped))

    def _begun(self, assembly_id: str, timeout: Timeout) -> AssemblyStatus | None:
        """The Assembly of a run that was interrupted, if it came to be."""
        from .._runs.run import is_missing

        try:
            return self.get_assembly(assembly_id, timeout=timeout)
        except ApiError as error:
            if is_missing(error):
                return None
            raise
