"""How a status words things: masked params, dates, durations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def masked(params: dict[str, Any]) -> dict[str, Any]:
    """The params as a status shows them."""
    auth = params.get("auth") or {}
    return {**params, "auth": {**auth, "key": "****"}} if "key" in auth else params


def service_date(moment: datetime | None) -> str | None:
    """A date as the service writes it: `2020/01/09 12:02:08 GMT`."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y/%m/%d %H:%M:%S} GMT"


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """How long something took, None while it has not both begun and ended."""
    return None if start is None or end is None else round((end - start).total_seconds(), 3)
