"""One upload by tus: its bytes, its offset, and which request may write to it."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .paths import TUS_PATH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .._network.exchange import Exchange
    from .._storage import StoredFile


@dataclass
class TusUpload:
    """One upload by tus."""

    host: str
    """Its Assembly's."""
    assembly_id: str
    stored: StoredFile
    metadata: str = field(repr=False)
    """`Upload-Metadata` as sent, which HEAD repeats."""
    user_meta: dict[str, str] = field(repr=False)
    length: int | None
    """None as long as it is deferred."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    finished: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _holder: Exchange | None = field(default=None, repr=False)
    _newest: Exchange | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where it is sent to."""
        return f"{self.host}{TUS_PATH}{self.id}"

    @property
    def offset(self) -> int:
        """How many bytes have come, and are kept."""
        return self.stored.size

    @asynccontextmanager
    async def turn(self, exchange: Exchange) -> AsyncIterator[None]:
        """Have the upload to oneself; a request that comes later ends the connection of this one.

        So a client whose connection died can go on at once, and what HEAD answers stays true.

        Raises:
            ClientGone: a newer request was here first.
        """
        self._newest = exchange
        if self._holder is not None:
            self._holder.link.end("reset")
        async with self._lock:
            if self._newest is not exchange:
                await exchange.lose("reset")
            self._holder = exchange
            try:
                yield
            finally:
                self._holder = None

    def status(self) -> dict[str, Any]:
        """Its object in the Assembly's status."""
        return {
            "filename": self.stored.filename,
            "fieldname": self.stored.field_name,
            "user_meta": self.user_meta,
            "size": self.length or 0,  # as in tusd, where 0 also says that it is not known yet
            "offset": self.offset,
            "finished": self.finished,
            "upload_url": self.url,
        }
