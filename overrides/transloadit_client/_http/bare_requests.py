"""Requests that carry nothing of ours, and bodies that go to the disk instead of into memory."""

from collections.abc import Callable, Mapping
from contextlib import aclosing, closing

import httpx

from .._errors import UntrustedUrl
from .._flow import Sink
from .._version import __version__
from .clients import FAILURES

_AGENT = {"User-Agent": f"python-transloadit-client/{__version__}"}  # some servers ask for one
_AT_ONCE = 1024 * 1024  # bytes that are handed to another thread together
_SHOWN = 4096  # bytes of a refusal


class Bare:
    """Builds requests without the headers, cookies and credentials of a client; see `_attempts`."""

    def __init__(self, http: httpx.Client | httpx.AsyncClient) -> None:
        self._timeout = http.timeout.as_dict()

    def build_request(self, *, method: str, url: str, headers: Mapping[str, str]) -> httpx.Request:
        try:
            return httpx.Request(
                method, url, headers={**_AGENT, **headers}, extensions={"timeout": self._timeout}
            )
        except (httpx.InvalidURL, ValueError):
            raise UntrustedUrl("it has no URL that is safe to use") from None


def poured(response: httpx.Response, sink: Sink, look: Callable[[], None]) -> bytes:
    """Gives the body to the sink, and closes the answer; `look` is called before each piece.

    Returns:
        The beginning of a body that does not belong there.
    """
    with closing(response):
        if not sink.begin(response.status_code, response.headers):
            return next(response.iter_raw(_SHOWN), b"")
        for data in response.iter_raw():
            look()
            if not sink.write(data):
                break
        return b""


async def poured_aside(response: httpx.Response, sink: Sink) -> bytes:
    """As `poured`, for asynchronous code: whatever touches the disk is done in another thread."""
    from anyio.to_thread import run_sync  # noqa: PLC0415  # httpx imports it as late, it costs a lot

    async with aclosing(response):
        if not await run_sync(sink.begin, response.status_code, response.headers):
            return await anext(response.aiter_raw(_SHOWN), b"")
        held, broken = bytearray(), None
        try:
            async for data in response.aiter_raw():
                held += data
                if len(held) >= _AT_ONCE:
                    more = await run_sync(sink.write, bytes(held))
                    held.clear()
                    if not more:
                        break
        except FAILURES as error:  # what came before it is good
            broken = error
        if held:
            await run_sync(sink.write, bytes(held))
        if broken is not None:
            raise broken
        return b""
