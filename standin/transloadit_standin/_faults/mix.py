"""Faults at random, and the same ones again for the same seed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from .script import (
    Answer,
    AnswerPoint,
    Delay,
    Drop,
    Fault,
    Garble,
    Refuse,
    rate_limit,
    unavailable,
)

if TYPE_CHECKING:
    from .._ledger import Received
    from .._network.link import Ending

Kind = Callable[[Random], Fault]
"""Makes a fault; what is left open in it is drawn."""

_PAST = datetime(2020, 1, 1, tzinfo=UTC)


def _cut(draw: Random) -> Ending:
    return draw.choice(("end", "reset"))


def _limit(draw: Random, after: AnswerPoint) -> Fault:
    return rate_limit(
        status=draw.choice((413, 429)),
        retry_in=draw.choice((None, 0, 0.02)),
        retry_after=draw.choice((None, 0, _PAST)),
        after=after,
    )


KINDS: dict[str, Kind] = {
    "refused": lambda _: Refuse(0.03),
    "cut unread": lambda draw: Drop("headers", how=_cut(draw)),
    "cut in the request": lambda draw: Drop("headers", draw.randrange(1, 2000), _cut(draw)),
    "cut when read": lambda draw: Drop("body", how=_cut(draw)),
    "answer lost": lambda draw: Drop("work", how=_cut(draw)),
    "cut in the answer": lambda draw: Drop("work", draw.randrange(1, 4000), _cut(draw)),
    "request stalls": lambda draw: Drop("headers", draw.randrange(2000), "stall"),
    "answer stalls": lambda draw: Drop("work", draw.randrange(4000), "stall"),
    "work comes late": lambda draw: Delay(draw.uniform(0.1, 0.6), "work"),
    "answer comes late": lambda draw: Delay(draw.uniform(0.1, 0.6), "answer"),
    "HTML, nothing done": lambda draw: Answer(draw.choice([500, 502, 504])),
    "HTML, nonce noted": lambda draw: Answer(draw.choice([500, 502, 504]), after="nonce"),
    "HTML, work done": lambda draw: Answer(draw.choice([500, 502, 504]), after="work"),
    "503": lambda draw: unavailable(retry_after=draw.choice([None, 0, _PAST])),
    "413 or 429": lambda draw: _limit(draw, "body"),
    "413 or 429, nonce noted": lambda draw: _limit(draw, "nonce"),
    "truncated JSON": lambda _: Garble("truncated"),
    "wrong Content-Length": lambda draw: Garble(draw.choice(["longer", "shorter"])),
    "answered twice": lambda _: Garble("twice"),
    "another's answer": lambda _: Garble("another"),
}
"""All that goes wrong in a `FaultMix`, by the name that the ledger gives it."""


@dataclass
class FaultMix(Fault):
    """Strikes requests at random, and the same ones again for the same seed.

    ```python
    api.faults.append(FaultMix(seed=7, share=0.3))
    ```
    """

    seed: int = 0
    share: float = 0.2
    """Of the requests it meets: how many it strikes, from 0 to 1."""
    kinds: Mapping[str, Kind] = field(default_factory=lambda: dict(KINDS))
    """What may befall a request, each as often as the others."""
    per: str | None = None
    """A header. Requests of the same value have draws of their own, so that it does not matter who
    else asks meanwhile; without it the order of all requests decides."""
    _: KW_ONLY
    times: int = sys.maxsize
    """How many requests it strikes before it is used up."""
    _met: Counter[str] = field(default_factory=Counter, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.share <= 1:
            raise ValueError("share has to be from 0 to 1")

    def draw(self, received: Received) -> Fault | None:
        """A fault for this request, or none."""
        key = (received.headers.get(self.per) or "") if self.per else ""
        draw = Random(f"{self.seed}/{key}/{self._met[key]}")  # noqa: S311 - no secret
        self._met[key] += 1
        if draw.random() >= self.share:
            return None
        name = draw.choice(list(self.kinds))
        return replace(self.kinds[name](draw), name=name)
