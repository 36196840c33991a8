"""Gauges: the memory that a process takes at its peak, and how late an event loop comes back."""

import asyncio
import time
from pathlib import Path

STATUS, PEAK = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Peak:
    """Watches memory from now on, where the system tells it."""

    def __init__(self) -> None:
        self._known = PEAK.exists()
        if self._known:
            PEAK.write_text("5")  # the peak is counted anew
            self._idle = _memory("VmRSS")

    def over_idle(self) -> float:
        """Bytes at the peak over those at the beginning; not a number if nobody knows."""
        return max(0, _memory("VmHWM") - self._idle) if self._known else float("nan")


class Lag:
    """Asks the loop to come back again and again, in a task, and notes by how much it was late."""

    def __init__(self, every: float) -> None:
        self._late: list[float] = []
        self._task = asyncio.create_task(self._watch(every))

    def stop(self) -> list[float]:
        """Seconds: in the middle, in 99 of 100 cases at most, and at most."""
        self._task.cancel()
        late = sorted(self._late) or [0.0]
        return [late[len(late) // 2], late[len(late) * 99 // 100], late[-1]]

    async def _watch(self, every: float) -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(every)
            self._late.append(time.perf_counter() - begun - every)


def _memory(key: str) -> int:
    """Bytes: `VmRSS` now, or `VmHWM` at most since it was reset."""
    (line,) = [line for line in STATUS.read_text().splitlines() if line.startswith(key)]
    return int(line.split()[1]) * 1024
