"""The operations of the API as methods that are awaited: the twin of `_calls`."""

import concurrent.futures.thread  # noqa: F401  # asyncio would, for the first host name
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from anyio import sleep
from anyio.from_thread import run as run_in_loop
from anyio.to_thread import run_sync

from transloadit_api.models import ReplayAssemblyNotificationResult
from transloadit_api.types import UNSET, Unset

from .._calls import operations
from .._calls.addresses import drawn_assembly_id
from .._calls.files import Files, FormFields, are_in_memory, file_parts, text_parts
from .._calls.operations import Assembly, params_of
from .._errors import TransloaditError
from .._http import asyncio_transport as _lanes  # noqa: F401  # `_connections` would, for the first call
from .._http.clients import FAILURES, shortened
from .._http.exchange import Attempts
from .._retry.policy import ONCE, RetryPolicy
from .._retry.rules import Plan
from .._signing import Params
from .._status import AssemblyStatus
from .base import BaseTransloadit

if TYPE_CHECKING:
    from .._flow import Fetch, Pause, Work

# anyio would import it on the first call, and hold up the event loop meanwhile.
with suppress(ImportError):  # the name is anyio's own business
    import anyio._backends._asyncio  # noqa: F401

T = TypeVar("T")
Timeout = float | httpx.Timeout | None


class AsyncCalls(BaseTransloadit):
    """The calls of `AsyncTransloadit`."""

    __slots__ = ()

    async def create_assembly(
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
        """Creates an Assembly; as `Transloadit.create_assembly`."""
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
            plan = operations.creation(
                *self._permit(params, own_id),
                self._home,
                texts=text_parts(form_fields),
                files=parts() if are_in_memory(files) else await run_sync(parts),
                num_expected_upload_files=num_expected_upload_files,
                own_id=own_id,
            )
            return await self._pursue(plan, timeout)

    async def get_assembly(self, assembly: Assembly, *, timeout: Timeout = None) -> AssemblyStatus:
        """Reads the status of an Assembly; as `Transloadit.get_assembly`."""
        return await self._pursue(operations.reading(assembly, self._home), timeout)

    async def cancel_assembly(
        self, assembly: Assembly, *, timeout: Timeout = None
    ) -> AssemblyStatus:
        """Cancels an Assembly; as `Transloadit.cancel_assembly`."""
        return await self._pursue(operations.cancellation(assembly, self._home), timeout)

    async def replay_assembly(
        self,
        assembly: Assembly,
        *,
        reparse_template: bool = False,
        steps: Params | None = None,
        template_id: str | None = None,
        notify_url: str | Unset | None = UNSET,
        fields: Params | None = None,
        auth: Params | None = None,
        timeout: Timeout = None,
    ) -> AssemblyStatus:
        """Runs a crashed Assembly once more; as `Transloadit.replay_assembly`."""
        params = params_of(
            steps=steps,
            template_id=template_id,
            notify_url=notify_url,
            fields=fields,
            auth=auth,
            reparse_template=int(reparse_template),
        )
        return await self._pursue(operations.replay(*self._permit(params), assembly), timeout)

    async def replay_assembly_notification(
        self,
        assembly: Assembly,
        *,
        notify_url: str | Unset = UNSET,
        wait: bool | None = None,
        auth: Params | None = None,
        timeout: Timeout = None,
    ) -> ReplayAssemblyNotificationResult:
        """Sends the Pingback again; as `Transloadit.replay_assembly_notification`."""
        params = params_of(notify_url=notify_url, wait=wait, auth=auth)
        plan = operations.notification_replay(*self._permit(params), assembly)
        return await self._pursue(plan, timeout)

    async def _do_all(
        self,
        works: "Sequence[Work[T]]",
        parallel: int,
        timeout: Timeout = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[T | TransloaditError]:
        """Carries out several works at once; as `Calls._do_all`, and canceled all together."""
        from .side_by_side import in_tasks

        return await in_tasks(works, lambda work: self._do(work, timeout), parallel, meanwhile)

    async def _do(
        self,
        work: "Work[T]",
        timeout: Timeout = None,
        pause: "Callable[[Pause], Awaitable[object]] | None" = None,
    ) -> T:
        """Carries out work made of several calls; as `Calls._do`."""
        from .._flow import Aside, Doing, Fetch, Once, Pause
        from .side_by_side import aside

        doing = Doing(work)
        with closing(work):
            for step in doing:
                try:
                    if isinstance(step, Pause) and pause is not None:
                        doing.done(await pause(step))
                    elif isinstance(step, Pause):
                        await sleep(step.seconds)
                    elif isinstance(step, Aside):
                        doing.done(await aside(step))
                    elif isinstance(step, Once):
                        within = shortened(timeout, self.get_async_httpx_client(), step.longest)
                        async with self._connections.asynchronous_queue():
                            doing.done(await self._pursue(step.plan, within, ONCE))
                    elif isinstance(step, Fetch):
                        doing.done(await self._fetch(step, timeout))
                    else:
                        doing.done(await self._pursue(step, timeout))
                except TransloaditError as error:
                    doing.failed(error)
        return doing.result

    async def _pursue(
        self, plan: Plan[T], timeout: Timeout, policy: RetryPolicy | None = None
    ) -> T:
        """Makes one call; as `Calls._pursue`."""
        http = self.get_async_httpx_client()
        attempts = Attempts(self._course(plan, policy), http, timeout)
        for request in attempts:
            if attempts.wait:
                await sleep(attempts.wait)
            try:
                attempts.received(await http.send(request, follow_redirects=False))
            except FAILURES as error:
                attempts.lost(error)
        return attempts.result

    async def _fetch(self, fetch: "Fetch", timeout: Timeout) -> Any:
        """Makes one call bare; as `Calls._fetch`."""
        from .._http.bare_requests import Bare, poured_aside

        http = self.get_async_httpx_client()
        attempts = Attempts(self._course(fetch.plan), Bare(http), timeout)
        for request in attempts:
            await sleep(attempts.wait)
            try:
                response = await http.send(request, stream=True, auth=None, follow_redirects=False)
                body = await poured_aside(response, fetch.sink)
            except FAILURES as error:
                attempts.lost(error)
            else:
                attempts.answered(response.status_code, response.headers, body)
        return attempts.result
