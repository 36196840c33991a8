"""The attempts at a call, as httpx requests: what `_retry` decides, ready to be sent."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import httpx

from .._calls.answers import Answer
from .._errors import ApiError, InvalidInput, UnreadableAnswer
from .._retry.clock import seconds_until
from .._retry.rules import Course, Outcome
from .clients import HOPELESS, NEVER_SENT, no_answer, timeout_of
from .fresh_connection import abandon, on_a_new_connection

if TYPE_CHECKING:
    from .._calls.operations import Operation

T = TypeVar("T")


class Builds(Protocol):
    """What makes the requests, such as an httpx client."""

    @property
    def build_request(self) -> Callable[..., httpx.Request]: ...


class Attempts(Generic[T]):
    """Iterating gives the requests to send, one after the other, until there is a `result`.

    After each, `received` or `lost` has to say what came of it, and before it `wait` seconds have
    to pass. Nothing is sent and nobody waits here, so both clients use it alike.
    """

    result: T

    def __init__(
        self,
        course: Course[T],
        http: Builds,
        timeout: float | httpx.Timeout | None,
    ) -> None:
        self.wait = 0.0
        self._course = course
        self._http = http
        self._timeout = None if timeout is None else timeout_of(timeout).as_dict()
        self._built: list[tuple[Operation[Any], httpx.Request]] = []

    def __iter__(self) -> Iterator[httpx.Request]:
        step = next(self._course)
        while True:
            self.wait, self._operation = step.wait, step.operation
            request = self._request()
            if self._operation.nameless:
                asynchronous = isinstance(self._http, httpx.AsyncClient)
                request.extensions["trace"] = on_a_new_connection(asynchronous=asynchronous)
            yield request
            try:
                step = self._course.send(self._outcome)
            except StopIteration as end:
                self.result = end.value
                return

    def received(self, response: httpx.Response) -> None:
        """An answer came, whatever it says."""
        self.answered(response.status_code, response.headers, response.content)
        error = self._outcome.error
        if isinstance(error, UnreadableAnswer) and error.strayed:
            abandon(response)

    def answered(self, http_status: int, headers: Mapping[str, str], body: bytes) -> None:
        """An answer came, whose body may have gone elsewhere."""
        if self._operation.bearer is not None:
            body, headers = _without(self._operation.bearer.reveal(), body, headers)
        answer = Answer(self._operation.request, http_status, body, headers)
        try:
            self._outcome = Outcome(self._operation.read(answer))
        except ApiError as error:
            date = headers.get("Date")
            retry_after = seconds_until(headers.get("Retry-After"), date)
            if error.retry_in is None:
                error.retry_in = retry_after
            self._outcome = Outcome(error=error, retry_after=retry_after, date=date)

    def lost(self, error: Exception) -> None:
        """No answer came."""
        if isinstance(error, InvalidInput):  # a file broke while it was sent: so would it again
            self._outcome = Outcome(error=error, hopeless=True)
            return
        failure = no_answer(self._operation.request, error)
        failure.__cause__ = error
        self._outcome = Outcome(
            error=failure,
            never_sent=isinstance(error, NEVER_SENT),
            hopeless=isinstance(error, HOPELESS),
        )

    def _request(self) -> httpx.Request:
        """The request of the present operation; the same one each time."""
        for operation, request in self._built:
            if operation is self._operation:
                return request
        request = self._http.build_request(**self._operation.arguments)
        if self._timeout is not None:
            request.extensions["timeout"] = self._timeout
        if self._operation.bearer is not None:
            request.headers["Authorization"] = f"Bearer {self._operation.bearer.reveal()}"
        self._built.append((self._operation, request))
        return request


def _without(
    token: str, body: bytes, headers: Mapping[str, str]
) -> tuple[bytes, Mapping[str, str]]:
    """A server may echo what it was sent, and errors keep the body and name the `Location`."""
    hidden = {name: value.replace(token, "(auth token)") for name, value in headers.items()}
    return body.replace(token.encode(), b"(auth token)"), httpx.Headers(hidden)
