"""Which failures may be tried again, and with which bytes: tables, and how they are read. Pure.

The policy is the table `RULES`, and what `next_after` changes once an earlier outcome is unknown.
What makes it safe:

- The nonce makes signed bytes single-use, so the *same bytes* may be sent again whatever happened
  to the first; a request signed *anew* may not, once an earlier one may have been carried out.
- An id of one's own makes a create single-use altogether, and tells where to look.
- What has neither is never sent again when its outcome is unknown.
"""

from enum import Enum

from .._calls.call import Guard
from .._errors import ApiError, Phase, UnreadableAnswer
from .._flow import Outcome


class Next(Enum):
    """What to do after an attempt."""

    STOP = "stop"
    AGAIN = "send the same bytes again"
    RESIGN = "sign anew and send"
    FIND = "look whether it was carried out"
    REPORT = "report that the outcome is unknown"


RULES: dict[Phase, dict[Guard, Next]] = {
    Phase.NEVER_SENT: dict.fromkeys(Guard, Next.AGAIN),
    Phase.NOT_DONE: dict.fromkeys(Guard, Next.AGAIN),
    Phase.LIMITED: dict.fromkeys(Guard, Next.RESIGN),
    Phase.EXPIRED: dict.fromkeys(Guard, Next.RESIGN),
    Phase.REFUSED: dict.fromkeys(Guard, Next.STOP),
    Phase.REUSED: {
        Guard.HARMLESS: Next.STOP,
        Guard.TWICE_IS_ONCE: Next.STOP,
        Guard.OWN_ID: Next.FIND,
        # The nonce was drawn for this call, so a copy that the network made has come first.
        Guard.NONCE: Next.REPORT,
        Guard.CHECKABLE: Next.FIND,
        Guard.NOTHING: Next.STOP,
    },
    Phase.UNKNOWN: {
        Guard.HARMLESS: Next.AGAIN,
        Guard.TWICE_IS_ONCE: Next.AGAIN,
        Guard.OWN_ID: Next.FIND,
        Guard.NONCE: Next.AGAIN,
        Guard.CHECKABLE: Next.FIND,
        Guard.NOTHING: Next.REPORT,
    },
}

# What these codes say of a request, whatever HTTP status they come with. All others are judged by
# that status.
CODES = {
    **dict.fromkeys(
        ("RATE_LIMIT_REACHED", "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED"), Phase.LIMITED
    ),
    "AUTH_EXPIRED": Phase.EXPIRED,
    **dict.fromkeys(("SIGNATURE_REUSE_DETECTED", "DO_NOT_REUSE_ASSEMBLY_IDS"), Phase.REUSED),
    **dict.fromkeys(
        (
            "GET_ACCOUNT_UNKNOWN_AUTH_KEY", "INSUFFICIENT_AUTH_SCOPE", "INVALID_PARAMS_FIELD",
            "INVALID_AUTH_EXPIRES_PARAMETER", "INVALID_SIGNATURE", "NO_AUTH_EXPIRES_PARAMETER",
            "NO_PARAMS_FIELD", "NO_SIGNATURE_FIELD", "TEMPLATE_DENIES_STEPS_OVERRIDE",
            "TEMPLATE_NOT_FOUND",
        ),
        Phase.REFUSED,
    ),
}  # fmt: skip


LOCKED = 423  # the server has not noticed yet that the connection of an earlier request broke
# 408 and 425 say that the request was not dealt with, and may be repeated (RFC 9110, RFC 8470).
STATUSES = {
    408: Phase.NOT_DONE, 425: Phase.NOT_DONE, LOCKED: Phase.LIMITED, 429: Phase.LIMITED,
}  # fmt: skip
# Bytes that do not belong where they were sent, and such as came damaged.
TUS_STATUSES = {**STATUSES, 409: Phase.REUSED, 460: Phase.REUSED}


def phase_of(outcome: Outcome, guard: Guard) -> Phase:
    """How far a failed attempt came, as far as its outcome tells."""
    error = outcome.error
    if outcome.cannot_be_sent:
        return Phase.REFUSED
    if not isinstance(error, ApiError):
        return Phase.NEVER_SENT if outcome.never_sent else Phase.UNKNOWN
    code = error.code or ""
    status = error.http_status or 0
    known = CODES.get(code) or (TUS_STATUSES if guard is Guard.CHECKABLE else STATUSES).get(status)
    if known is not None:
        return known
    if error.status is not None and guard in (Guard.OWN_ID, Guard.NONCE, Guard.NOTHING):
        return Phase.REFUSED  # the Assembly is there, and has failed
    # A proxy's page with status 200 says nothing of the request behind it.
    mute = isinstance(error, UnreadableAnswer) and (error.wrong_assembly or status < 300)
    # A create is never answered that there is no such Assembly: that answers another question.
    stray = guard is Guard.OWN_ID and code in ("ASSEMBLY_NOT_FOUND", "SERVER_404")
    return Phase.UNKNOWN if status >= 500 or mute or stray else Phase.REFUSED


def next_after(phase: Phase, guard: Guard, *, maybe_done: bool, id_is_new: bool) -> Next:
    """What to do.

    Args:
        phase: how far the attempt came.
        guard: what keeps the request from being carried out twice.
        maybe_done: whether the outcome of an earlier attempt is unknown.
        id_is_new: whether no request can have used the id before.
    """
    if not maybe_done:
        # An id that the caller chose may have been used by an earlier program: what is there need
        # not be what this call asked for.
        is_anothers = phase is Phase.REUSED and guard is Guard.OWN_ID and not id_is_new
        return Next.STOP if is_anothers else RULES[phase][guard]
    # The refusal is of this request. The earlier one, whose answer was lost, may have succeeded.
    if guard is Guard.OWN_ID and phase in (Phase.REFUSED, Phase.EXPIRED):
        return Next.FIND
    if guard is Guard.NONCE and phase is Phase.LIMITED:
        return Next.AGAIN  # signed anew it might be carried out twice
    if guard is Guard.NONCE and phase in (Phase.REFUSED, Phase.REUSED, Phase.EXPIRED):
        return Next.REPORT
    return RULES[phase][guard]


CREATES = (Guard.OWN_ID, Guard.NONCE, Guard.NOTHING)
"""What may make a new Assembly."""

NEVER_IN_DOUBT = (Guard.HARMLESS, Guard.CHECKABLE)
"""Harmless to repeat, or checkable later: never an `OutcomeUnknown`."""

AFTER_NOT_FOUND = {
    Phase.UNKNOWN: Next.AGAIN,
    Phase.REUSED: Next.RESIGN,
    Phase.EXPIRED: Next.RESIGN,
    Phase.REFUSED: Next.STOP,
}
"""What follows when the Assembly is not there: a nonce that counts as used needs another."""
