"""The faults as methods: what people write who want one thing to go wrong, next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .script import (
    Answer,
    AnswerPoint,
    Crash,
    Delay,
    Drop,
    DropPoint,
    Faults,
    Garble,
    Garbling,
    rate_limit,
)

if TYPE_CHECKING:
    from datetime import datetime

    from .._network.link import Ending


class Breakable:
    """Something with a list of faults to come; each method adds one to its end."""

    faults: Faults
    """What is to go wrong on purpose."""

    def crash_next(self, *, code: str = "INTERNAL_COMMAND_ERROR", times: int = 1) -> None:
        """Let the next Assembly crash during its first Step."""
        self.faults.append(Crash(code, times=times))

    def rate_limit_next(
        self,
        *,
        retry_in: float | None = 1.0,
        retry_after: float | datetime | None = None,
        status: int = 429,
        code: str = "RATE_LIMIT_REACHED",
        operation: str | None = None,
        times: int = 1,
    ) -> None:
        """Refuse the next request for coming too soon; see `rate_limit()`."""
        self.faults.append(
            rate_limit(
                retry_in=retry_in,
                retry_after=retry_after,
                status=status,
                code=code,
                operation=operation,
                times=times,
            )
        )

    def delay_next(
        self,
        seconds: float,
        *,
        before: Literal["work", "answer"] = "work",
        operation: str | None = None,
        times: int = 1,
    ) -> None:
        """Let the next request wait: before it is worked on, or for its answer alone."""
        self.faults.append(Delay(seconds, before, operation=operation, times=times))

    def drop_next(
        self,
        *,
        after: DropPoint = "headers",
        byte: int = 0,
        how: Ending = "end",
        operation: str | None = None,
        times: int = 1,
    ) -> None:
        """Cut the next request's connection; see `Drop` for what has been done by then."""
        self.faults.append(Drop(after, byte, how, operation=operation, times=times))

    def garble_next(
        self, how: Garbling = "truncated", *, operation: str | None = None, times: int = 1
    ) -> None:
        """Do what the next request asks for, and spoil its answer; see `Garble`."""
        self.faults.append(Garble(how, operation=operation, times=times))

    def answer_next(
        self,
        status: int,
        content: bytes,
        *,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
        after: AnswerPoint = "body",
        operation: str | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next request with this, whatever it asks for; see `Answer`."""
        self.faults.append(
            Answer(
                status,
                content,
                content_type,
                headers or {},
                after,
                operation=operation,
                times=times,
            )
        )
