"""A slow line, so that progress can be seen."""

from __future__ import annotations

import asyncio


class Line:
    """One direction of the line that all clients share; without a rate it is as fast as can be."""

    def __init__(self, rate: float | None) -> None:
        if rate is not None and rate <= 0:
            raise ValueError("a rate is a number of bytes a second, and more than 0")
        self._rate = rate
        self._free = 0.0

    async def carry(self, size: int) -> None:
        """Wait until so many bytes have passed, behind those of everyone who came before."""
        if self._rate is not None and size:
            now = asyncio.get_running_loop().time()
            self._free = max(now, self._free) + size / self._rate
            await asyncio.sleep(self._free - now)
