"""`AsyncTransloadit`: what people call and await."""

from attrs import define

from ._async_calls import AsyncCalls, Timeout
from ._operations import Assembly
from ._progress import OnProgress
from ._status import AssemblyStatus
from ._waiting import DEADLINE, Stop, Terms, waiting


@define(init=False, eq=False, repr=False)
class AsyncTransloadit(AsyncCalls):
    """`Transloadit` for asynchronous code: the same methods, awaited."""

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
        from ._async_events import AsyncListener  # noqa: PLC0415  # anyio costs a lot to import

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
