"""`AsyncTransloadit`: what people call and await."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from anyio.from_thread import run as run_in_loop

from .._calls.addresses import drawn_assembly_id
from .._calls.files import sources
from .._defaults import CREATES_PER_MINUTE, DEADLINE, TUS_ABOVE
from .._errors import ApiError, TransloaditError
from .async_transfers import AsyncTransfers

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable
    from typing import Unpack

    from .._calls.files import Files
    from .._progress import OnProgress
    from .._runs.map_inputs import Key, Mapped, Task
    from .._runs.run import CreateOptions, Finished
    from .._status import AssemblyStatus
    from .._waiting.wait import Stop
    from .async_calls import Timeout


class AsyncTransloadit(AsyncTransfers):
    """`Transloadit` for asynchronous code: the same methods, awaited."""

    __slots__ = ()

    async def run(
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
        """Creates an Assembly, sends its files, waits, and saves; as `Transloadit.run`."""
        from .._flow import Aside
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
        from .side_by_side import aside

        found = await aside(Aside(partial(sources, files, run_in_loop, side_by_side=True)))
        assembly = await self._begun(id_to_resume(assembly_id), timeout) if resume else None
        if assembly is None:
            own_id = assembly_id or drawn_assembly_id()
            by_tus = go_by_tus(found, tus_above)
            if on_progress is not None and found:
                on_progress(setting_out(found, own_id))
            try:
                assembly = await self.create_assembly(
                    files=None if by_tus else found,
                    num_expected_upload_files=len(found) if by_tus else None,
                    assembly_id=own_id,
                    timeout=timeout,
                    **create,
                )
            except ApiError as error:
                if not (resume and exists_already(error)):
                    raise
                assembly = await self.get_assembly(id_to_resume(assembly_id), timeout=timeout)
        if awaits_uploads(assembly):
            assembly = await self.upload(assembly, found, on_progress=on_progress, timeout=timeout)
        assembly = await self.wait_for_assembly(
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
        saved = await self.download_results(
            assembly, save_to, steps=save_steps, on_progress=on_progress, timeout=timeout
        )
        return Finished(assembly, saved)

    def map(
        self,
        files: Iterable[Files] | AsyncIterable[Files],
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
    ) -> AsyncIterator[Mapped]:
        """Runs one Assembly for each input, many at once; as `Transloadit.map`.

        It takes asyncio. To leave a loop over it early, close it: with `contextlib.aclosing`.
        """
        from .._runs.map_inputs import Tasks, check_inputs, instructions_of
        from .._runs.map_schedule import Quota, at_once_within, free_descriptors, mapping
        from .tasks import by_tasks, delivered, taker

        self._check_credentials()
        check_inputs(files)
        if at_once is None:
            at_once = at_once_within(free_descriptors())
        moves = mapping(at_once, Quota(creates_per_minute), time.monotonic)
        tasks = Tasks(journal, instructions_of(create), key)

        async def work(task: Task) -> Mapped:
            while True:
                try:
                    finished = await self.run(
                        **task.options(save_to),
                        save_steps=save_steps,
                        tus_above=tus_above,
                        deadline=deadline,
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

        return delivered(tasks, by_tasks(moves, taker(tasks, files), work))

    async def _begun(self, assembly_id: str, timeout: Timeout) -> AssemblyStatus | None:
        """The Assembly of a run that was interrupted, if it came to be."""
        from .._runs.run import is_missing

        try:
            return await self.get_assembly(assembly_id, timeout=timeout)
        except ApiError as error:
            if is_missing(error):
                return None
            raise
