# Derived from _client/async_driver.py by overrides/derive_sync.py. Do not edit.
"""Carries out flows: sends their requests, waits, and reads files, until each has its result."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from ..._calls.call import Call
from ..._errors import TransloaditError
from ..._flow import Flow, InThread, Listen, Once, Outcome, Pause, Send, advanced
from ..._http.bodies import Body, BodyProblem, Rate
from ..._http.exchange import built, is_mixed_up, lost, received
from ..._http.failures import FAILURES
from ..._http.pool_state import PEER
from ..._http.settings import shortened
from ..._progress import current_story
from ..._retry.attempts import attempts
from ..._retry.policy import ONCE
from ..threads import Bound, Sleep, bounded, check, checkpoint, done_in_thread, poured, sleep

if TYPE_CHECKING:
    from ..._flow import Step
    from ..._http.event_stream import Listener
    from ..base import BaseTransloadit

T = TypeVar("T")


class Driver:
    """Carries out flows for a client.

    Args:
        client: whose connections, policy and clock it takes.
        timeout: for each step of a request; None for the client's.
        sleep: how it waits.
        listener: what hears a stream of events, for flows that listen.
    """

    def __init__(
        self,
        client: BaseTransloadit,
        timeout: httpx.Timeout | None = None,
        sleep: Sleep = sleep,
        listener: Listener | None = None,
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._sleep = sleep
        self._listener = listener
        # By the context and no argument: `run` is made of public methods, whose arguments are for
        # people, and each of them may retry.
        self._story = current_story()

    def run(self, flow: Flow[T]) -> T:
        """Carries out a flow; gives its result, or raises the error that it ends with."""
        # A flow that is canceled in the middle has files open; closing it runs its `finally`.
        with closing(flow):
            is_done, step = advanced(flow)
            while not is_done:
                answer, error = None, None
                try:
                    answer = self._do(step)
                # Only errors of ours are a flow's business. A bug, a cancellation or Ctrl-C passes
                # it by, and `closing` tidies up.
                except TransloaditError as raised:
                    error = raised
                is_done, step = advanced(flow, answer, error)
        result: T = step
        return result

    def call(self, call: Call[T]) -> T:
        """Carries out a call, as often as the rules for retries allow."""
        return self.run(attempts(call, self._client._world()))

    def _do(self, step: Step) -> Any:
        if self._story is not None and isinstance(step, Pause) and step.retry is not None:
            self._story.retries(step.retry, step.assembly_id)
        match step:
            case Send():
                return self._send(step)
            case Call():
                return self.call(step)
            case Once():
                return self._once(step)
            case Listen() if self._listener is not None:
                return self._listener.pause(step)
            case InThread():
                return done_in_thread(step)
        return self._sleep(step.seconds)

    def _once(self, step: Once) -> Any:
        http = self._client.get_httpx_client()
        timeout = shortened(self._timeout or http.timeout, step.longest)
        with self._client._connections.queue():
            # A driver of its own, because the shorter timeout is for this read alone.
            driver = Driver(self._client, timeout, self._sleep, self._listener)
            world = self._client._world(ONCE)
            return driver.run(attempts(step.call, world, step.until, step.stopped))

    def _send(self, send: Send) -> Outcome:
        http = self._client.get_httpx_client()
        request = built(send, http, self._timeout)
        if send.call.check_peer and self._client._connections.are_direct:
            request.extensions[PEER] = send.call.check_peer
        check(self._sleep)
        # `httpx_args` may hold credentials for the API, and a file's URL may lead anywhere.
        auth = None if send.call.sink else httpx.USE_CLIENT_DEFAULT
        try:
            with bounded(request, send.until, send.stopped, self._listener) as bound:
                # `stream=True`: the body is read below with a limit, while httpx would read it
                # without one. Redirects are followed by our own rules, or not at all.
                response = http.send(request, stream=True, auth=auth, follow_redirects=False)
                try:
                    body = self._body(send.call, response, bound)
                    path = http.base_url.path
                    outcome = received(send, response.status_code, response.headers, body, path)
                    # Every further answer on this connection would be one behind. HTTP/2 numbers
                    # its answers, and other calls share the connection.
                    if is_mixed_up(outcome) and response.http_version != "HTTP/2":
                        _hang_up(response)
                finally:
                    response.close()
        except FAILURES as error:
            return lost(send, error, self._client._connections.proxy_for(request.url))
        return outcome

    def _body(self, call: Call[Any], response: httpx.Response, bound: Bound) -> bytes | BodyProblem:
        if call.sink is not None:
            rate = Rate(self._client._retry.minimum_rate)
            return poured(response, call.sink, self._sleep, rate, bound)
        if response.is_stream_consumed:  # by an event hook of the caller's, or made by a mock
            return response.content
        try:
            body = Body(response.headers, self._client._max_answer_size)
            for piece in response.iter_raw():
                bound.check()
                for _ in body.feed(piece):
                    checkpoint()
        except BodyProblem as problem:
            return problem
        return body.end()


def _hang_up(response: httpx.Response) -> None:
    """Ends the connection of an answer; the pool notices, and opens another."""
    stream = response.extensions.get("network_stream")
    if stream is not None:
        stream.close()
