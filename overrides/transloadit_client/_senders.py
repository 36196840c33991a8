"""What carries the requests: httpx clients that keep no cookies, and many of them side by side."""

import time
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx

# httpx's own, which it does not export.
DEFAULT_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


class _Given(httpx.Cookies):
    """Cookies as they were given: no answer adds any. Looking for some costs as much as signing."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Leaves the cookies of an answer alone."""


class Sender(httpx.Client):
    """Sends what `HttpClient` builds."""

    @cached_property  # nobody sets a sender's
    def cookies(self) -> httpx.Cookies:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Given(super().cookies)


class AsyncSender(httpx.AsyncClient):
    """Sends what `AsyncHttpClient` builds."""

    @cached_property  # nobody sets a sender's
    def cookies(self) -> httpx.Cookies:  # pyright: ignore[reportIncompatibleMethodOverride]
        return _Given(super().cookies)


class Lanes:
    """Senders of one connection each, for requests that are in flight at the same time.

    The pool of httpx looks through all of its requests and connections whenever one of them begins
    or ends, so that 256 in flight take four times as long as one by one. Here nobody looks.

    Args:
        make: makes a sender, given its limits.
        limits: how many there are at once, how many are kept, and for how long.
    """

    def __init__(
        self, make: Callable[[httpx.Limits], httpx.AsyncClient], limits: httpx.Limits
    ) -> None:
        from anyio import Semaphore  # noqa: PLC0415  # costs a lot; httpx imports it as late

        self._make = make
        self._expiry = limits.keepalive_expiry
        self._kept = limits.max_keepalive_connections
        self._one = httpx.Limits(
            max_connections=1,
            max_keepalive_connections=None if self._kept is None else min(1, self._kept),
            keepalive_expiry=self._expiry,
        )
        most = limits.max_connections
        self._turns = None if most is None else Semaphore(most, fast_acquire=True)
        self._idle: deque[tuple[httpx.AsyncClient, float]] = deque()

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As httpx does, and read as a whole: with the connection that was last used."""
        await self._tidy()
        await self._turn(request)
        sender = self._idle.pop()[0] if self._idle else self._make(self._one)
        try:
            return await sender.send(request, **options)
        finally:
            self._idle.append((sender, time.monotonic()))
            if self._turns is not None:
                self._turns.release()

    async def _tidy(self) -> None:
        """Closes what is too many to keep, or has been idle for too long."""
        while self._idle and self._is_surplus(self._idle[0][1]):
            await self._idle.popleft()[0].aclose()

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.popleft()[0].aclose()

    def _is_surplus(self, since: float) -> bool:
        many = self._kept is not None and len(self._idle) > self._kept
        return many or (self._expiry is not None and time.monotonic() - since > self._expiry)

    async def _turn(self, request: httpx.Request) -> None:
        from anyio import WouldBlock, fail_after  # noqa: PLC0415  # likewise

        if self._turns is None:
            return
        try:
            self._turns.acquire_nowait()
        except WouldBlock:
            try:
                with fail_after(request.extensions.get("timeout", {}).get("pool")):
                    await self._turns.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("", request=request) from None
