"""How the stand-in behaves where the service's way is not known, or is to be stricter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from .events import EventStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._ledger import Received

TypedText = Literal["file", "text"]
SingleUse = Literal["arrival", "work"]
Replayable = Literal["any", "crashed"]
EmptyNotifyUrl = Literal["original", "none"]


@dataclass(kw_only=True)
class Settings:
    """Keywords of `StandIn`, which describes them; each default is what live-tested software sees.

    The options of the command line have the same names.
    """

    step_seconds: float = 0.0
    strict: bool = True
    media: bool = False
    typed_text: TypedText = "text"
    single_use: SingleUse = "arrival"
    forget_refused: bool = False
    replayable: Replayable = "any"
    instance_replays: bool = True
    empty_notify_url: EmptyNotifyUrl = "original"
    not_found_reads: int = 0
    cors: bool = True
    tus_checksum: bool = True
    event_stream: EventStream | None = field(default_factory=EventStream)
    keep_body: int = 1024 * 1024
    host_names: frozenset[str] = frozenset()
    log: Callable[[Received], None] | None = None
