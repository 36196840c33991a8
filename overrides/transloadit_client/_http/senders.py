"""What carries the requests: httpx clients that keep no cookies."""

from functools import cached_property
from typing import Any

import httpx

from .log_filters import tell

STRAIGHT = {"follow_redirects": False}
"""The options of requests that need nothing of httpx's client, if its settings need nothing either:
no auth, no redirect, and an answer that is read as a whole."""


class _Given(httpx.Cookies):
    """Cookies as they were given: no answer adds any. Looking for some costs as much as signing."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leaves the cookies of an answer alone."""


class Sender(httpx.Client):
    """Sends what `HttpClient` builds.

    Args:
        straight: the transport, if nothing else has to be done to a request on its way to it.
        options: httpx's own.
    """

    def __init__(self, straight: httpx.BaseTransport | None, **options: Any) -> None:
        super().__init__(**({**options, "transport": straight} if straight else options))
        self._straight = straight

    @cached_property  # nobody sets a sender's
    def cookies(self) -> httpx.Cookies:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Given(super().cookies)

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        if self._straight is None or options != STRAIGHT or self.is_closed:
            return super().send(request, **options)
        try:
            response = self._straight.handle_request(request)
            response.request = request
            try:
                response.read()
            finally:
                response.close()
        except httpx.RequestError as error:
            error.request = request
            raise
        tell(request, response)
        return response


class AsyncSender(httpx.AsyncClient):
    """Sends what `AsyncHttpClient` builds."""

    @cached_property  # nobody sets a sender's
    def cookies(self) -> httpx.Cookies:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Given(super().cookies)
