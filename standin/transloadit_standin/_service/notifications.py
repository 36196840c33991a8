"""Notifications, or Pingbacks: the POST that tells `notify_url` of an Assembly's outcome."""

from __future__ import annotations

import asyncio
import ipaddress
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from .verdict import hmac_hex

if TYPE_CHECKING:
    import httpx

Encoding = Literal["multipart", "urlencoded"]

TIMEOUT = 30.0
"""Seconds that a receiver may take to answer."""
KEEP_ANSWER = 2000
"""Characters of the receiver's answer that the status repeats."""


@dataclass
class Notification:
    """One Notification, with all attempts to deliver it."""

    url: str
    text: str = field(default="", repr=False)
    """The status as JSON: exactly the text that `signature` signs."""
    signature: str = field(default="", repr=False)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    attempts: int = 0
    started: datetime | None = None
    duration: float | None = None
    response_code: int | None = None
    response_text: str | None = None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        """Any answer but 200 counts as not received."""
        return self.response_code == 200

    @property
    def status(self) -> str | None:
        """The status's `notify_status`; the words are chosen."""
        if self.duration is None:
            return None if self.started is None else "processing"
        return "successful" if self.delivered else "failed"


class Notifier:
    """Delivers Notifications, to loopback addresses alone.

    It is urlencoded by default, as receivers read it that are tested against the service; the pages
    call it multipart. Its signature is a bare SHA-1 hex unless another algorithm is set.
    """

    def __init__(
        self, *, encoding: Encoding, algorithm: str, attempts: int, retry_seconds: float
    ) -> None:
        self._encoding = encoding
        self._algorithm = algorithm
        self._attempts = attempts
        self._retry_seconds = retry_seconds
        self._client: httpx.AsyncClient | None = None

    def sign(self, text: str, secret: str) -> str:
        """The signature of a Notification's text; SHA-1 goes without a prefix."""
        digest = hmac_hex(self._algorithm, secret, text.encode())
        return digest if self._algorithm == "sha1" else f"{self._algorithm}:{digest}"

    async def deliver(self, notification: Notification) -> None:
        """Send it until it is received, or the attempts are used up; the outcome is in it."""
        notification.started = datetime.now(UTC)
        begun = time.monotonic()
        if not is_loopback(notification.url):
            notification.error = "The stand-in sends to loopback addresses alone."
        else:
            for wait in [0.0, *[self._retry_seconds] * (self._attempts - 1)]:
                await asyncio.sleep(wait)
                if await self._attempt(notification):
                    break
        notification.duration = round(time.monotonic() - begun, 3)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _attempt(self, notification: Notification) -> bool:
        import httpx  # noqa: PLC0415 - a third of the start-up, and most runs notify nobody

        notification.attempts += 1
        fields = {"transloadit": notification.text, "signature": notification.signature}
        try:
            if self._encoding == "multipart":
                parts = {name: (None, text) for name, text in fields.items()}
                response = await self._http().post(notification.url, files=parts)
            else:
                response = await self._http().post(notification.url, data=fields)
        except httpx.HTTPError as error:
            notification.response_code = notification.response_text = None
            notification.error = f"{type(error).__name__}: {error}"
        else:
            notification.response_code = response.status_code
            notification.response_text = response.text[:KEEP_ANSWER]
            notification.error = None if notification.delivered else "The answer was not 200."
        return notification.delivered

    def _http(self) -> httpx.AsyncClient:
        import httpx  # noqa: PLC0415 - likewise

        if self._client is None:
            self._client = httpx.AsyncClient(
                verify=False,  # noqa: S501 - a receiver on loopback has no certificate to go by
                trust_env=False,  # a proxy would carry it off the machine
                follow_redirects=False,  # and so could a redirect
                timeout=TIMEOUT,
            )
        return self._client


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine, to a port that there can be."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme not in ("http", "https") or parts.port == 0:
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
