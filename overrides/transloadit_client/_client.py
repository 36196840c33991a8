"""`Transloadit`: what people call."""

from attrs import define

from ._calls import Calls, Timeout
from ._events import Listener
from ._operations import Assembly
from ._progress import OnProgress
from ._status import AssemblyStatus
from ._waiting import DEADLINE, Stop, Terms, waiting


@define(init=False, eq=False, repr=False)
class Transloadit(Calls):
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
        InvalidInput: the base URL is none, or would carry credentials in plain text.
    """

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
        read when an event asks for it, and every half minute. Else it is read again and again: each
        `interval` at first, and the longer it takes, the more seldom, up to every 10 seconds.

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
