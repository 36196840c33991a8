"""The parts of a job as methods: sending files, waiting, and saving results.

Each imports what it takes when it is called. `_async_transfers` is the twin that is awaited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._defaults import CHUNK_SIZE, DEADLINE
from .._status import AssemblyStatus
from .calls import Calls

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from .._calls.files import Files
    from .._calls.operations import Assembly
    from .._progress import OnProgress, SavedFile
    from .._waiting.wait import Stop
    from .calls import Timeout


class Transfers(Calls):
    """What `Transloadit` does between a create and its results."""

    __slots__ = ()

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
        arrived. Called again with the same files, by this process or another, it goes on where it
        stopped: what has arrived is not sent again. Memory stays constant whatever the size.

        Args:
            assembly: its id, URL or status.
            files: as in `create_assembly`; also streams of bytes: iterators, and `Stream` where the
                size is known. A stream can be sent again while it is uploaded, but not resumed by
                another call. A content type is of no use here.
            chunk_size: bytes that one request carries at most. Streams are kept in memory by the
                chunk, 4 MiB in all at most.
            parallel: how many files are on their way at once.
            on_progress: told of a `Progress` now and then, and at the end, by this very thread.
            timeout: seconds, or an `httpx.Timeout`, for each request.

        Returns:
            The status after all have arrived.

        Raises:
            InvalidInput: the files cannot be read, or are not as many as the Assembly awaits;
                nothing was sent.
            FileChanged: a file is not the one whose upload began; nothing was sent.
            UploadIncomplete: some did not arrive; it says which, and its `__cause__` why.
            ApiError, NoAnswer: the Assembly's status could not be read.
        """
        from .._uploads.job import Uploads
        from .._uploads.sources import sources

        uploads = Uploads(
            assembly,
            sources(files, asynchronous=False),
            self._home,
            chunk_size=chunk_size,
            parallel=parallel,
            on_progress=on_progress,
        )
        works = self._do(uploads.begin(), timeout)
        outcomes = self._do_all(works, parallel, timeout, uploads.report)
        return self._do(uploads.end(outcomes), timeout)

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
        read when an event asks for it, and beside that every minute or more. Else it is read again
        and again: each `interval` at first, and the longer it takes, the more seldom, up to every
        10 seconds.

        Args:
            assembly: its id, its URL or its status.
            deadline: seconds to wait at most, 9 hours by default; None to wait for however long.
            interval: seconds between two reads at first; the API allows three a second.
            events: whether to listen where a stream of events is offered. A client over an httpx
                client or transport of your own never does: streams need connections of their own.
            on_progress: told of each change. An error raised in it ends the wait.
            stop: ends the wait when it is set, or returns true: an `Event`, or a function, which
                is asked every half second.
            cancel_on_timeout: whether to cancel the Assembly at the deadline.
            timeout: seconds, or an `httpx.Timeout`, for each read; never more than 30.

        Returns:
            The last status, also of an Assembly that failed: see its `failed`.

        Raises:
            StillBusy: the deadline came, or `stop`; see its `status`. The Assembly goes on.
            InvalidInput: that is no Assembly, or it is on a host where none lives.
            ApiError: the API refused. Rate limits are waited for, though.
            NoAnswer: no read got through for as long as the `RetryPolicy` tries.
        """
        from .._http.event_stream import Listener
        from .._waiting.wait import Terms, waiting

        terms = Terms(
            deadline=deadline,
            interval=interval,
            events=events,
            cancel_on_timeout=cancel_on_timeout,
            on_progress=on_progress,
            stop=stop,
        )
        work = waiting(assembly, self._home, terms, self._world)
        connect = self._connections.for_a_stream
        with Listener(self.get_httpx_client(), connect) as listener:
            return self._do(work, timeout, pause=listener.pause)

    def download_results(
        self,
        assembly: Assembly,
        save_to: str | os.PathLike[str],
        *,
        steps: Collection[str] | None = None,
        parallel: int = 4,
        on_progress: OnProgress | None = None,
        timeout: Timeout = None,
    ) -> tuple[SavedFile, ...]:
        """Saves the results of an Assembly that has ended, each as `save_to/STEP/NAME`.

        A result is written to a file ending in `.part`, which gets its name once its size and hash
        are those of the status. What broke goes on where it was, also after a crash: call this
        again, with the same folder. A file that is there already is kept if it is the result, and
        never overwritten if it is not: the result is then saved as `NAME-2`, as is the second of
        two results of one name. Names are made safe for every system; see the returned paths.

        Nothing of the client's is sent along, no header, cookie or secret, and nothing but https is
        used, since a result may be anywhere.

        Args:
            assembly: its id, its URL or its last status.
            save_to: the folder; it is made if need be.
            steps: the Steps whose results are wanted; by default all.
            parallel: how many files at once.
            on_progress: told of each change, about ten times a second at most. An error raised in
                it ends the download.
            timeout: seconds, or an `httpx.Timeout`, for each step of a request.

        Returns:
            What was saved, in the order of the status; nothing if there are no results.

        Raises:
            DownloadIncomplete: some results could not be saved, or have no URL: see its `missing`.
                All others were saved.
            StillBusy: the Assembly has not ended.
            InvalidInput, ApiError, NoAnswer: as `get_assembly`, where its status has to be read.
        """
        from .._results.download import Download, at_once

        if not (isinstance(assembly, AssemblyStatus) and assembly.done):
            assembly = self.get_assembly(assembly, timeout=timeout)
        download = Download(assembly, save_to, self._home, steps=steps, on_progress=on_progress)
        saved = self._do_all(download.works(), at_once(parallel), timeout, download.report)
        return download.outcome(saved)
