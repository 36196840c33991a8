# Derived from _client/async_transloadit.py by overrides/derive_sync.py. Do not edit.
"""`Transloadit`: the methods that people call."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar, Unpack

from transloadit_api.models import ReplayAssemblyNotificationResult
from transloadit_api.types import UNSET, Unset

from ..._calls import operations
from ..._calls.addresses import drawn_assembly_id
from ..._calls.files import Files, FormFields, are_in_memory, file_parts, sources, text_parts
from ..._calls.operations import Assembly, params_of
from ..._calls.sources import Source, known_size
from ..._errors import ApiError, TransloaditError, UploadIncomplete
from ..._flow import Flow, InThread, Stop
from ..._http.settings import Timeout, timeout_of
from ..._progress import OnProgress, Story
from ..._runs.outcomes import CreateOptions, Finished, Key, Mapped
from ..._signing import Params
from ..._status import AssemblyStatus, SavedFile
from ..base import BaseTransloadit
from ..options import CHUNK_SIZE, CREATES_PER_MINUTE, DEADLINE, TUS_ABOVE
from ..threads import Inputs, Sleep, all_done, done_in_thread, reports, run_in_loop
from .driver import Driver

T = TypeVar("T")


class Transloadit(BaseTransloadit):
    """The client of the API; it also serves as `client=` of every generated function.

    It may be shared by threads. See `__init__` for its settings.

    Example:
        with Transloadit() as client:
            assembly = client.create_assembly(template_id="…", files=["cat.jpg"])
    """

    __module__ = "transloadit_client"
    _uses_await = False

    def create_assembly(
        self,
        *,
        steps: Params | None = None,
        template_id: str | None = None,
        fields: Params | None = None,
        notify_url: str | Unset | None = UNSET,
        allow_steps_override: bool | None = None,
        quiet: bool | None = None,
        auth: Params | None = None,
        files: Files | None = None,
        form_fields: FormFields | None = None,
        num_expected_upload_files: int | None = None,
        assembly_id: str | Unset | None = UNSET,
        extra_params: Mapping[str, Any] | None = None,
        timeout: Timeout = None,
    ) -> AssemblyStatus:
        """Creates an Assembly. Arguments that are not given are not sent.

        Args:
            steps: Assembly Instructions by Step name: mappings, generated models or pydantic's.
            template_id: the Template that holds the Instructions.
            fields: Assembly Variables, any JSON: `${fields.NAME}` in the Instructions.
            notify_url: where the webhook (Pingback) goes; None is sent as null.
            allow_steps_override: whether `steps` may overrule the Template's.
            quiet: whether the answer holds `ok` and `assembly_id` alone.
            auth: further `auth` keys: `referer`, `max_size`, `max_number_of_files` …
            files: paths, bytes, files opened for reading bytes, or `(name, content[, type])`: one
                or several of them for the field `files`, or a mapping from field names. Open files
                are read from where they stand, paths are opened when their turn comes.
            form_fields: further form fields: text, or numbers and booleans, sent as JSON text.
            num_expected_upload_files: how many files will follow by resumable upload (tus).
            assembly_id: an id of your own: 32 unguessable hex digits. By default a new one is
                drawn, so that an Assembly whose answer was lost can be found again and none is ever
                created twice. None lets the API choose; a lost answer is then an `OutcomeUnknown`.
            extra_params: keys of `params` that have no argument here.
            timeout: seconds for each step of the request, or an `httpx.Timeout`.

        Raises:
            InvalidInput: an argument cannot be sent; nothing was.
            FileChanged: a file changed, or vanished, while it was sent; there is no new Assembly.
            ApiError: the API refused; its `status` is there if the Assembly exists all the same.
            NoAnswer: the API was not reached; there is no new Assembly.
            OutcomeUnknown: whether there is one cannot be told from here; see its `assembly_id`.

        Example:
            status = client.create_assembly(template_id="…", files=["cat.jpg"])
        """
        operations.check_objects(
            steps=steps, fields=fields, auth=auth, needs_robots=template_id is None
        )
        params = params_of(
            steps=steps,
            template_id=template_id,
            fields=fields,
            notify_url=notify_url,
            allow_steps_override=allow_steps_override,
            quiet=quiet,
            auth=auth,
            extra=extra_params,
        )
        own_id = drawn_assembly_id() if isinstance(assembly_id, Unset) else assembly_id
        with ExitStack() as opened:
            parts = partial(file_parts, files, opened, run_in_loop)
            call = operations.creation(
                *self._permit(params, own_id),
                self._home,
                texts=text_parts(form_fields),
                files=parts() if are_in_memory(files) else done_in_thread(InThread(parts)),
                num_expected_upload_files=num_expected_upload_files,
                own_id=own_id,
                template_id=template_id,
            )
            return self._driver(timeout).call(call)

    def get_assembly(self, assembly: Assembly, *, timeout: Timeout = None) -> AssemblyStatus:
        """Reads the status of an Assembly, given by its id, its URL or a status. Unsigned.

        Raises:
            InvalidInput: it is none of these, or a URL on a host where no Assembly lives.
            ApiError: the API refused. An Assembly that failed does not raise: see its `failed`.
            NoAnswer: the connection failed.

        Example:
            status = client.get_assembly("7828446e5acd4aa996dce3455ec914e9")
        """
        return self._driver(timeout).call(operations.reading(assembly, self._home))

    def cancel_assembly(self, assembly: Assembly, *, timeout: Timeout = None) -> AssemblyStatus:
        """Cancels an Assembly, and its upload if that still runs. Unsigned.

        Returns:
            The latest status. An Assembly that had already finished keeps its outcome.

        Raises:
            InvalidInput, ApiError, NoAnswer: as `get_assembly`.

        Example:
            status = client.cancel_assembly(status)
        """
        return self._driver(timeout).call(operations.cancellation(assembly, self._home))

    def replay_assembly(
        self,
        assembly: Assembly,
        *,
        reparse_template: bool = False,
        steps: Params | None = None,
        template_id: str | None = None,
        notify_url: str | Unset | None = UNSET,
        fields: Params | None = None,
        auth: Params | None = None,
        extra_params: Mapping[str, Any] | None = None,
        timeout: Timeout = None,
    ) -> AssemblyStatus:
        """Runs an Assembly once more, from the same input files; made for those that crashed.

        Args:
            assembly: its id, URL or status.
            reparse_template: whether to take the Template as it is now, or the Steps as they were.
            steps: Steps that override the original's.
            template_id: another Template.
            notify_url: where the webhook goes instead; None is null: nowhere, as we read it.
            fields: Assembly Variables.
            auth, extra_params: further keys of `auth`, and of `params`.
            timeout: seconds for each step of the request, or an `httpx.Timeout`.

        Returns:
            The first status of the *new* Assembly, with an id of its own.

        Raises:
            InvalidInput, ApiError, NoAnswer: as `create_assembly`.
            OutcomeUnknown: it may or may not run again; the account's Assemblies will tell.

        Example:
            again = client.replay_assembly(crashed, reparse_template=True)
        """
        operations.check_objects(steps=steps, fields=fields, auth=auth)
        params = params_of(
            steps=steps,
            template_id=template_id,
            notify_url=notify_url,
            fields=fields,
            auth=auth,
            reparse_template=int(reparse_template),
            extra=extra_params,
        )
        call = operations.replay(*self._permit(params), assembly, template_id)
        return self._driver(timeout).call(call)

    def replay_assembly_notification(
        self,
        assembly: Assembly,
        *,
        notify_url: str | Unset = UNSET,
        wait: bool | None = None,
        auth: Params | None = None,
        extra_params: Mapping[str, Any] | None = None,
        timeout: Timeout = None,
    ) -> ReplayAssemblyNotificationResult:
        """Sends the webhook (Notification, Pingback) of a finished Assembly again.

        Args:
            assembly: its id, URL or status.
            notify_url: where to send it; by default where it went before.
            wait: whether to answer only once it was delivered; the API's default is true.
            auth, extra_params: further keys of `auth`, and of `params`.
            timeout: seconds for each step of the request, or an `httpx.Timeout`.

        Raises:
            InvalidInput, ApiError, NoAnswer: as `create_assembly`.
            OutcomeUnknown: the Notification may or may not have been sent.

        Example:
            client.replay_assembly_notification(status, notify_url="https://example.com/hook")
        """
        operations.check_objects(auth=auth)
        params = params_of(notify_url=notify_url, wait=wait, auth=auth, extra=extra_params)
        call = operations.notification_replay(*self._permit(params), assembly)
        return self._driver(timeout).call(call)

    @reports
    def upload(
        self,
        assembly: Assembly,
        files: Files,
        *,
        chunk_size: int = CHUNK_SIZE,
        parallel: int = 4,
        on_progress: OnProgress | None = None,
        timeout: Timeout = None,
    ) -> AssemblyStatus:
        """Uploads files to an Assembly that awaits them, by the resumable protocol tus.

        The Assembly was created with `num_expected_upload_files`, and goes on once all have
        arrived. Called again with the same files, by this process or another, the upload is resumed
        where it stopped. Memory stays constant whatever the size.

        Args:
            assembly: its id, URL or status.
            files: as in `create_assembly`; also streams of bytes: iterators (asynchronous ones with
                `AsyncTransloadit`), and `Stream` where the size is known. A stream can be repeated
                while it is uploaded, but not resumed by another call. Metadata of your own goes
                along: `(name, content, type or None, {"caption": "…"})`.
            chunk_size: bytes that one request carries at most, 64 MiB by default. Streams are kept
                in memory by the chunk, 4 MiB in all at most.
            parallel: how many files are uploaded at once.
            on_progress: called with a `Progress` now and then, and at the end; an `def` is
                awaited by `AsyncTransloadit`.
            timeout: seconds for each step of a request, or an `httpx.Timeout`.

        Returns:
            The status after all have arrived.

        Raises:
            InvalidInput: the files cannot be read, or are not as many as the Assembly awaits;
                nothing was sent.
            FileChanged: a file is not the one whose upload began; nothing was sent.
            UploadIncomplete: some did not arrive; it says which, and its `__cause__` why, such as
                `FileChanged`, or `InvalidInput` for a file that could not be read to its end.
            ApiError, NoAnswer: the Assembly's status could not be read.

        Example:
            status = client.create_assembly(template_id="…", num_expected_upload_files=1)
            status = client.upload(status, "holiday.mp4")
        """
        from ..._uploads.job import Uploads

        found = self._sources(files)
        uploads = Uploads(
            assembly,
            found,
            self._home,
            chunk_size=chunk_size,
            parallel=parallel,
            on_progress=on_progress,
            hosts=self._upload_hosts,
        )
        flows = self._carry_out(uploads.begin(), timeout)
        outcomes = self._all_done(flows, parallel, timeout, uploads.report)
        return self._carry_out(uploads.end(outcomes), timeout)

    @reports
    def wait_for_assembly(
        self,
        assembly: Assembly,
        *,
        deadline: float | None = DEADLINE,
        interval: float = 1.0,
        events: bool = True,
        on_progress: OnProgress | None = None,
        stop: Stop | None = None,
        cancel_on_timeout: bool = False,
        timeout: Timeout = None,
    ) -> AssemblyStatus:
        """Waits until an Assembly has ended: it completed, failed, or was canceled or aborted.

        Where the status offers a stream of events, one connection is kept open and the status is
        read when an event asks for it, and every 60 to 90 seconds as well. Otherwise the status is
        polled: every `interval` at first, and less often the longer it takes, up to every 10 s.

        Args:
            assembly: its id, its URL or its status.
            deadline: seconds to wait at most, 9 hours by default; None for no limit.
            interval: seconds between two reads at first; the API allows three reads a second.
            events: whether to listen where a stream of events is offered. A client over an httpx
                client or transport of your own never does: streams need connections of their own.
            on_progress: called with a `Progress` whenever that has changed; as for `upload`.
            stop: ends the wait: a function that returns true, or an event of `threading`, `asyncio`
                or `anyio`. It is asked every half second.
            cancel_on_timeout: whether to cancel the Assembly at the deadline.
            timeout: seconds for each step of a read, never more than 30; or an `httpx.Timeout`.

        Returns:
            The last status, also of an Assembly that failed: see its `failed`.

        Raises:
            StillBusy: the deadline came, or `stop`; see its `status`. The Assembly goes on.
            InvalidInput: it is no Assembly, or it is on a host where none lives.
            ApiError: the API refused. Rate limits are waited for, though.
            NoAnswer: no read succeeded for as long as the `RetryPolicy` tries.

        Example:
            status = client.wait_for_assembly(status, deadline=600)
        """
        from ..._http.event_stream import Listener
        from ..._waiting.wait import Terms, waiting

        terms = Terms(
            deadline=deadline,
            interval=interval,
            events=events and self._connections.are_apart,
            cancel_on_timeout=cancel_on_timeout,
            on_progress=on_progress,
            stop=stop,
        )
        flow = waiting(assembly, self._home, terms, self._world())
        with Listener(self.get_httpx_client()) as listener:
            return self._driver(timeout, listener=listener).run(flow)

    @reports
    def download_results(
        self,
        assembly: Assembly,
        save_to: str | os.PathLike[str],
        *,
        steps: Collection[str] | None = None,
        parallel: int = 4,
        max_size: int | None = None,
        on_progress: OnProgress | None = None,
        timeout: Timeout = None,
    ) -> tuple[SavedFile, ...]:
        """Saves the results of an Assembly that has ended, each as `save_to/STEP/NAME`.

        A result is written to a file ending in `.part`, which gets its name once its size and hash
        are right; called again, the download is resumed where it stopped. A file that is there
        already is kept if it is the result, and never overwritten if it is not: the result is then
        saved as `NAME-2`, as is the second of two results of one name. Names are made safe for
        every system; see the returned paths. No header, cookie or secret of the client's is sent
        along, and only https is used, since a result may be on any host.

        Args:
            assembly: its id, its URL or its last status.
            save_to: the folder; it is made if need be.
            steps: the Steps whose results are wanted; by default all.
            parallel: how many files are downloaded at once.
            max_size: bytes that a result may have; one that has more is missing. None for any.
            on_progress: called with a `Progress` about ten times a second. An error raised in it
                ends the download.
            timeout: seconds for each step of a request, or an `httpx.Timeout`.

        Returns:
            What was saved, in the order of the status; nothing if there are no results.

        Raises:
            DownloadIncomplete: some results could not be saved, or have no URL: see its `missing`.
                All others were saved.
            StillBusy: the Assembly has not ended.
            InvalidInput, ApiError, NoAnswer: as `get_assembly`, where its status has to be read.

        Example:
            saved = client.download_results(status, "results", steps=["thumbnails"])
        """
        from ..._results.download import Download, at_once

        if not (isinstance(assembly, AssemblyStatus) and assembly.done):
            assembly = self.get_assembly(assembly, timeout=timeout)
        download = Download(
            assembly, save_to, self._home, steps=steps, max_size=max_size, on_progress=on_progress
        )
        saved = self._all_done(download.works(), at_once(parallel), timeout, download.report)
        return download.outcome(saved)

    @reports
    def run(
        self,
        *,
        files: Files | None = None,
        save_to: str | os.PathLike[str] | None = None,
        save_steps: Collection[str] | None = None,
        max_size: int | None = None,
        assembly_id: str | None = None,
        resume: bool = False,
        tus_above: int = TUS_ABOVE,
        chunk_size: int = CHUNK_SIZE,
        deadline: float | None = DEADLINE,
        stop: Stop | None = None,
        cancel_on_timeout: bool = False,
        on_progress: OnProgress | None = None,
        timeout: Timeout = None,
        **create: Unpack[CreateOptions],
    ) -> Finished:
        """Creates an Assembly, sends its files, waits for it, and saves its results.

        Files go in the create request while they are small, and otherwise by resumable upload: all
        files of an Assembly the same way, as the API wants it.

        Args:
            files: as `create_assembly` and `upload` take them.
            save_to: the folder for the results; without one nothing is saved.
            save_steps, max_size: the `steps` and the `max_size` of `download_results`.
            assembly_id: an id of your own; see `create_assembly`.
            resume: whether that Assembly may exist already, from a run that was interrupted: it is
                then resumed, and none is created. It takes an `assembly_id`.
            tus_above: bytes that all files together may have to go in the create request; 8 MiB.
            chunk_size: see `upload`.
            deadline: seconds to wait for it, 9 hours by default; None for no limit.
            stop: ends the wait; see `wait_for_assembly`.
            cancel_on_timeout: whether to cancel the Assembly at the deadline.
            on_progress: called with a `Progress`; as for `upload`. Totals and numbers only grow.
            timeout: seconds for each step of a request, or an `httpx.Timeout`.
            create: other arguments of `create_assembly`: `steps`, `template_id`, `fields` …

        Raises:
            InvalidInput, ApiError, NoAnswer, OutcomeUnknown: as `create_assembly`.
            UploadIncomplete: some files did not arrive. Run it again with `resume` and this id.
            StillBusy: the deadline came, or `stop`. The Assembly goes on.
            AssemblyFailed: it ended without completing; see its `status`.
            DownloadIncomplete: some results could not be saved; the others were.

        Example:
            finished = client.run(template_id="…", files=["cat.jpg"], save_to="results")
        """
        from ..._runs import run

        run.check_arguments(create)
        run.check_saving(create, save_to, save_steps)
        run.check_limits(tus_above, chunk_size, max_size, deadline, stop)
        found = self._sources(files)
        if isinstance(on_progress, Story):  # which `reports` makes of any
            on_progress.sends(len(found), known_size(found))
        assembly = self._existing(run.id_to_resume(assembly_id), timeout) if resume else None
        if assembly is None:
            own_id = assembly_id or drawn_assembly_id()
            by_tus = run.go_by_tus(found, tus_above)
            if on_progress is not None and found:
                on_progress(run.initial_progress(found, own_id))
            try:
                assembly = self.create_assembly(
                    files=None if by_tus else found,
                    num_expected_upload_files=len(found) if by_tus else None,
                    assembly_id=own_id,
                    timeout=timeout,
                    **create,
                )
            except ApiError as error:
                if not (resume and run.exists_already(error)):
                    raise
                assembly = self.get_assembly(run.id_to_resume(assembly_id), timeout=timeout)
        if run.awaits_uploads(assembly):
            try:
                assembly = self.upload(
                    assembly,
                    found,
                    chunk_size=chunk_size,
                    on_progress=on_progress,
                    timeout=timeout,
                )
            except UploadIncomplete as error:
                run.raise_if_ended(error)
                raise
        assembly = self.wait_for_assembly(
            assembly,
            deadline=deadline,
            on_progress=on_progress if save_to is None else run.not_done_yet(on_progress),
            stop=stop,
            cancel_on_timeout=cancel_on_timeout,
            timeout=timeout,
        )
        run.completed(assembly)
        if save_to is None:
            return Finished(assembly)
        saved = self.download_results(
            assembly,
            save_to,
            steps=save_steps,
            max_size=max_size,
            on_progress=on_progress,
            timeout=timeout,
        )
        return Finished(assembly, saved)

    def map(
        self,
        files: Inputs,
        *,
        save_to: str | os.PathLike[str] | None = None,
        save_steps: Collection[str] | None = None,
        max_size: int | None = None,
        journal: str | os.PathLike[str] | None = None,
        key: Key | None = None,
        at_once: int | None = None,
        creates_per_minute: int | None = CREATES_PER_MINUTE,
        tus_above: int = TUS_ABOVE,
        chunk_size: int = CHUNK_SIZE,
        deadline: float | None = DEADLINE,
        timeout: Timeout = None,
        **create: Unpack[CreateOptions],
    ) -> Iterator[Mapped]:
        """Runs one Assembly for each input, many at once, and yields the outcome of each.

        Outcomes come as they end, not in the order of the inputs, which are taken when there is
        room for them: memory does not grow with their number. One that fails stops no other.
        Closing the iterator begins nothing more; what runs at the API goes on. (Asynchronous code
        needs asyncio, and leaves a loop over it early with `contextlib.aclosing`.)

        With a `journal`, a file, an interrupted call is resumed: inputs that are done are passed
        over, Assemblies that had begun are waited for, and none is created twice. Inputs that
        failed are looked at again.

        Args:
            files: for each Assembly what `run` takes as `files`; a tuple is one `(name, content)`.
            save_to: a folder, in which each Assembly's results have a folder of their own.
            journal: a file, made if need be, for these very Instructions and one process at a time.
            key: returns the name of an input in the journal, which no other input has. By default
                its path, or the name of a `(name, content)`.
            at_once: how many Assemblies may run at once; an account may have 250. By default 100,
                and fewer where the process may open few files and connections.
            creates_per_minute: 250 by default, which is an account's limit; None for no limit.
            save_steps, max_size, tus_above, chunk_size, deadline, timeout, create: as for `run`,
                for each Assembly.

        Raises:
            InvalidInput: a number makes no sense, the journal cannot be used, or an input has no
                name for it.
            MissingCredentials: there are none to sign with.

        Example:
            for outcome in client.map(["a.jpg", "b.jpg"], template_id="…", journal="journal"):
                print(outcome.key, outcome.error)
        """
        # What its Assemblies need is imported now: later no file descriptor may be left for it.
        from ..._http.event_stream import Listener  # noqa: F401
        from ..._results import download  # noqa: F401
        from ..._runs import run
        from ..._runs.map_inputs import Task, Tasks, check_inputs, instructions_of
        from ..._runs.map_schedule import Quota, at_once_within, free_descriptors, mapping
        from ..._uploads import job  # noqa: F401
        from ..._waiting import wait  # noqa: F401
        from ..map_threads import mapped

        self._authentication.check()
        check_inputs(files)
        run.check_arguments(create)
        run.check_saving(create, save_to, save_steps)
        run.check_limits(tus_above, chunk_size, max_size, deadline, None)
        if at_once is None:
            at_once = at_once_within(free_descriptors())
        moves = mapping(at_once, Quota(creates_per_minute), self._world().now)
        tasks = Tasks(journal, instructions_of(create), key)

        def work(task: Task, stop: Stop | None) -> Mapped:
            while True:
                try:
                    finished = self.run(
                        **task.options(save_to),
                        save_steps=save_steps,
                        max_size=max_size,
                        tus_above=tus_above,
                        chunk_size=chunk_size,
                        deadline=deadline,
                        stop=stop,
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

        return mapped(moves, tasks, files, work, at_once)

    def _sources(self, files: Files | None) -> list[Source]:
        find = partial(sources, files, run_in_loop, side_by_side=True)
        found: list[Source] = done_in_thread(InThread(find))
        return found

    def _existing(self, assembly_id: str, timeout: Timeout) -> AssemblyStatus | None:
        """The Assembly of a run that was interrupted, if it was created."""
        from ..._runs.run import is_missing

        try:
            return self.get_assembly(assembly_id, timeout=timeout)
        except ApiError as error:
            if is_missing(error):
                return None
            raise

    def _carry_out(self, flow: Flow[T], timeout: Timeout = None) -> T:
        return self._driver(timeout).run(flow)

    def _all_done(
        self,
        flows: Sequence[Flow[T]],
        parallel: int,
        timeout: Timeout = None,
        on_tick: Callable[[], object] = lambda: None,
    ) -> list[T | TransloaditError]:
        """Carries out several flows at once; an error of ours stands in the place of a result."""

        def one(flow: Flow[T], sleep: Sleep) -> T:
            return self._driver(timeout, sleep).run(flow)

        return all_done(flows, one, parallel, on_tick)

    def _driver(self, timeout: Timeout, *how: Any, **also: Any) -> Driver:
        return Driver(self, timeout_of(timeout), *how, **also)
