"""The parts of a job as methods that are awaited: the twin of `_transfers`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .._defaults import CHUNK_SIZE, DEADLINE
from .._status import AssemblyStatus
from .async_calls import AsyncCalls

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from .._calls.files import Files
    from .._calls.operations import Assembly
    from .._progress import OnProgress, SavedFile
    from .._waiting.wait import Stop
    from .async_calls import Timeout


class AsyncTransfers(AsyncCalls):
    """What `AsyncTransloadit` does between a create and its results."""

    __slots__ = ()

    async def upload(
        self,
        assembly: Assembly,
        files: Files,
        *,
        chunk_size: int = CHUNK_SIZE,
        parallel: int = 4,
        on_progress: OnProgress | None = None,
        timeout: Timeout = None,
    ) -> AssemblyStatus:
        """Uploads files to an Assembly that awaits them; as `Transloadit.upload`.

        Streams may be asynchronous. No file is read on the event loop's own thread.
        """
        from .._flow import Aside
        from .._uploads.job import Uploads
        from .._uploads.sources import sources
        from .side_by_side import aside

        uploads = Uploads(
            assembly,
            await aside(Aside(partial(sources, files, asynchronous=True))),
            self._home,
            chunk_size=chunk_size,
            parallel=parallel,
            on_progress=on_progress,
        )
        works = await self._do(uploads.begin(), timeout)
        outcomes = await self._do_all(works, parallel, timeout, uploads.report)
        return await self._do(uploads.end(outcomes), timeout)

    async def wait_for_assembly(
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
        """Waits until an Assembly has ended; as `Transloadit.wait_for_assembly`."""
        from .._http.async_event_stream import AsyncListener
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
        connect = self._connections.for_an_asynchronous_stream
        async with AsyncListener(self.get_async_httpx_client(), connect) as listener:
            return await self._do(work, timeout, pause=listener.pause)

    async def download_results(
        self,
        assembly: Assembly,
        save_to: str | os.PathLike[str],
        *,
        steps: Collection[str] | None = None,
        parallel: int = 4,
        on_progress: OnProgress | None = None,
        timeout: Timeout = None,
    ) -> tuple[SavedFile, ...]:
        """Saves the results of an Assembly; as `Transloadit.download_results`."""
        from .._results.download import Download, at_once

        if not (isinstance(assembly, AssemblyStatus) and assembly.done):
            assembly = await self.get_assembly(assembly, timeout=timeout)
        download = Download(assembly, save_to, self._home, steps=steps, on_progress=on_progress)
        saved = await self._do_all(download.works(), at_once(parallel), timeout, download.report)
        return download.outcome(saved)
