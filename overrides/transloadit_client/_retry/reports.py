"""The log of retries. (`on_progress` hears of the same ones, by the `retry` of a `Pause`.)"""

import logging
import re

from attrs import evolve

from .._errors import ApiError, Attempt, InvalidInput, NoAnswer, Phase
from .._flow import Pause

logger = logging.getLogger("transloadit_client")
_ID = re.compile(r"\b[0-9a-f]{32}\b")  # whoever knows an Assembly's id may cancel it


def log_retry(title: str, error: ApiError | InvalidInput | NoAnswer, attempt: Attempt) -> None:
    """Logs at INFO that something is tried again.

    Args:
        title: what is tried, such as `read Assembly 7828…`.
        error: why the last attempt failed.
        attempt: that attempt, with the wait that follows.
    """
    # Ids and URLs give power, so they stand in errors and not in logs.
    cause = type(error.__cause__ or error).__name__
    if isinstance(error, ApiError):
        cause = error.code or f"HTTP {error.http_status}"
    of = "" if attempt.most is None else f" of {attempt.most}"
    logger.info(
        "could not %s: %s (%s) after attempt %d%s; going to %s in %.1f seconds",
        _ID.sub("(id)", title),
        attempt.phase,
        cause,
        attempt.number,
        of,
        attempt.decision,
        attempt.delay or 0.0,
        extra={"attempt": attempt},
    )


def again(title: str, error: ApiError | NoAnswer, decision: str) -> Pause:
    """The step before something is tried in another way, without a wait. It is logged.

    Args:
        title: see `log_retry`.
        error: why it did not succeed.
        decision: what follows, such as `begin it anew`.
    """
    last = error.attempts[-1] if error.attempts else Attempt(str(error), Phase.REFUSED.value, "")
    attempt = evolve(last, decision=decision, delay=0.0)
    log_retry(title, error, attempt)
    return Pause(0.0, retry=attempt)
