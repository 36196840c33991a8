"""What is asked of the machine: a core of one's own, and its name."""

import os
import platform
from pathlib import Path


def pin(cpu: int) -> None:
    """Stays on one core, where the system can say so."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})


def cores() -> tuple[int, int]:
    """A core for the server and another for the clients; the same one if there is no other."""
    known = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    return known[0], known[-1]


def described() -> str:
    """The processor and the system, in a line."""
    known = Path("/proc/cpuinfo")
    lines = known.read_text(encoding="utf-8").splitlines() if known.exists() else []
    names = [line.split(": ")[1] for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {platform.system()} {platform.release()}"
