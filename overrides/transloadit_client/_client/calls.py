"""The operations of the API as methods: each is one call, and waits for its answer.

What is sent stands in `_operations`; `_async_calls` is the twin that is awaited. What it takes to
carry out work made of several calls is imported when there is some.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from transloadit_api.models import ReplayAssemblyNotificationResult
from transloadit_api.types import UNSET, Unset

from .._calls import operations
from .._calls.addresses import drawn_assembly_id
from .._calls.files import Files, FormFields, file_parts, text_parts
from .._calls.operations import Assembly, params_of
from .._errors import TransloaditError
from .._http.clients import FAILURES, shortened
from .._http.exchange import Attempts
from .._retry.policy import ONCE, RetryPolicy
from .._retry.rules import Plan
from .._signing import Params
from .._status import AssemblyStatus
from .base import BaseTransloadit

if TYPE_CHECKING:
    from .._flow import Fetch, Pause, Work

T = TypeVar("T")
Timeout = float | httpx.Timeout | None


def _sleep(seconds: float) -> None:
    """As `time.sleep`, which hands the processor to others even where there is nothing to wait."""
    if seconds:
        time.sleep(seconds)


class Calls(BaseTransloadit):
    """The calls of `Transloadit`."""

    __slots__ = ()

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
        """Creates an Assembly. What is not given is not sent.

        Args:
            steps: Assembly Instructions by Step name.
            template_id: the Template that holds the Instructions.
            fields: Assembly Variables, any JSON: `${fields.NAME}` in the Instructions.
            notify_url: where the Pingback goes; None is sent as null.
            allow_steps_override: whether `steps` may overrule the Template's.
            quiet: whether the answer holds `ok` and `assembly_id` alone.
            auth: further `auth` keys: `referer`, `max_size`, `max_number_of_files` …
            files: paths, bytes, files opened for reading bytes, or `(name, content[, type])`: one
                or several of them for the field `files`, or a mapping from field names. Open files
                are read from where they stand, paths are opened when their turn comes. A file
                that changes while it is sent is refused (`FileChanged`).
            form_fields: further form fields: text, or numbers and booleans, sent as JSON text.
            num_expected_upload_files: how many files will follow by tus.
            assembly_id: an id of your own: 32 hex digits nobody can guess. By default a new one is
                drawn, so that an Assembly whose answer was lost can be found again and none is ever
                created twice. None lets the API choose; a lost answer is then an `OutcomeUnknown`.
            extra_params: keys of `params` that have no argument here.
            timeout: seconds, or an `httpx.Timeout`, for this call.

        Raises:
            InvalidInput: something given cannot be sent; nothing was.
            FileChanged: a file changed, or vanished, while it was sent; there is no new Assembly.
            ApiError: the API refused; its `status` is there if the Assembly exists all the same.
            NoAnswer: the API was not reached; there is no new Assembly.
            OutcomeUnknown: whether there is one cannot be told from here; see its `assembly_id`.
        """
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
            plan = operations.creation(
                *self._permit(params, own_id),
                self._home,
                texts=text_parts(form_fields),
                files=file_parts(files, opened),
                num_expected_upload_files=num_expected_upload_files,
                own_id=own_id,
            )
            return self._pursue(plan, timeout)

    def get_assembly(self, assembly: Assembly, *, timeout: Timeout = None) -> AssemblyStatus:
        """Reads the status of an Assembly, given by its id, its URL or a status. Unsigned.

        Raises:
            InvalidInput: that is none, or a URL on a host where no Assembly lives.
            ApiError: the API refused. An Assembly that failed does not raise: see its `failed`.
            NoAnswer: the connection failed.
        """
        return self._pursue(operations.reading(assembly, self._home), timeout)

    def cancel_assembly(self, assembly: Assembly, *, timeout: Timeout = None) -> AssemblyStatus:
        """Cancels an Assembly, and its upload if that still runs. Unsigned.

        Returns:
            The latest status. One that had already finished keeps its outcome.

        Raises:
            InvalidInput, ApiError, NoAnswer: as `get_assembly`.
        """
        return self._pursue(operations.cancellation(assembly, self._home), timeout)

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
        timeout: Timeout = None,
    ) -> AssemblyStatus:
        """Runs a crashed Assembly once more, from the same input files.

        Args:
            assembly: the crashed one: its id, URL or status.
            reparse_template: whether to take the Template as it is now, or the Steps as they were.
            steps: Steps that override the original's.
            template_id: another Template.
            notify_url: where the Pingback goes instead; None for nowhere.
            fields: Assembly Variables.
            auth: further `auth` keys.
            timeout: seconds, or an `httpx.Timeout`, for this call.

        Returns:
            The first status of the *new* Assembly, with an id of its own.

        Raises:
            InvalidInput, ApiError, NoAnswer: as `create_assembly`.
            OutcomeUnknown: it may or may not run again; the account's Assemblies will tell.
        """
        params = params_of(
            steps=steps,
            template_id=template_id,
            notify_url=notify_url,
            fields=fields,
            auth=auth,
            reparse_template=int(reparse_template),
        )
        return self._pursue(operations.replay(*self._permit(params), assembly), timeout)

    def replay_assembly_notification(
        self,
        assembly: Assembly,
        *,
        notify_url: str | Unset = UNSET,
        wait: bool | None = None,
        auth: Params | None = None,
        timeout: Timeout = None,
    ) -> ReplayAssemblyNotificationResult:
        """Sends the Pingback of a finished Assembly again.

        Args:
            assembly: its id, URL or status.
            notify_url: where to send it; by default where it went before.
            wait: whether to answer only once it was delivered; the API's default is true.
            auth: further `auth` keys.
            timeout: seconds, or an `httpx.Timeout`, for this call.

        Raises:
            InvalidInput, ApiError, NoAnswer: as `create_assembly`.
            OutcomeUnknown: the Notification may or may not have been sent.
        """
        params = params_of(notify_url=notify_url, wait=wait, auth=auth)
        plan = operations.notification_replay(*self._permit(params), assembly)
        return self._pursue(plan, timeout)

    def _do_all(
        self,
        works: "Sequence[Work[T]]",
        parallel: int,
        timeout: Timeout = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[T | TransloaditError]:
        """Carries out several works at once; an error of ours stands in the place of a result.

        Any other error ends them all after the request that each is at; Ctrl-C does so at once.
        `meanwhile` is called now and then, and at the end, where this was called.
        """
        from .side_by_side import in_threads

        def one(work: "Work[T]", sleep: Callable[[float], None]) -> T:
            return self._do(work, timeout, sleep)

        return in_threads(works, one, parallel, meanwhile)

    def _do(
        self,
        work: "Work[T]",
        timeout: Timeout = None,
        sleep: Callable[[float], None] = _sleep,
        pause: "Callable[[Pause], object] | None" = None,
    ) -> T:
        """Carries out work made of several calls.

        Args:
            work: what is to be done.
            timeout: for each of its calls.
            sleep: waits for seconds.
            pause: carries out the pauses of work that listens meanwhile.
        """
        from .._flow import Aside, Doing, Fetch, Once, Pause

        doing = Doing(work)
        with closing(work):
            for step in doing:
                try:
                    if isinstance(step, Pause) and pause is not None:
                        doing.done(pause(step))
                    elif isinstance(step, Pause):
                        sleep(step.seconds)
                    elif isinstance(step, Aside):
                        doing.done(step.do())
                    elif isinstance(step, Once):
                        within = shortened(timeout, self.get_httpx_client(), step.longest)
                        with self._connections.queue():
                            doing.done(self._pursue(step.plan, within, sleep, ONCE))
                    elif isinstance(step, Fetch):
                        doing.done(self._fetch(step, timeout, sleep))
                    else:
                        doing.done(self._pursue(step, timeout, sleep))
                except TransloaditError as error:
                    doing.failed(error)
        return doing.result

    def _pursue(
        self,
        plan: Plan[T],
        timeout: Timeout,
        sleep: Callable[[float], None] = _sleep,
        policy: RetryPolicy | None = None,
    ) -> T:
        """Makes one call: as often as the rules for retries allow, until it has a result."""
        http = self.get_httpx_client()
        attempts = Attempts(self._course(plan, policy), http, timeout)
        for request in attempts:
            sleep(attempts.wait)
            try:
                attempts.received(http.send(request, follow_redirects=False))
            except FAILURES as error:
                attempts.lost(error)
        return attempts.result

    def _fetch(self, fetch: "Fetch", timeout: Timeout, sleep: Callable[[float], None]) -> Any:
        """Makes one call bare, and pours the body into its sink."""
        from .._http.bare_requests import Bare, poured

        http = self.get_httpx_client()
        attempts = Attempts(self._course(fetch.plan), Bare(http), timeout)
        for request in attempts:
            sleep(attempts.wait)
            try:
                response = http.send(request, stream=True, auth=None, follow_redirects=False)
                body = poured(response, fetch.sink, lambda: sleep(0.0))
            except FAILURES as error:
                attempts.lost(error)
            else:
                attempts.answered(response.status_code, response.headers, body)
        return attempts.result
