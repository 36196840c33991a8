"""Which failures may be repeated, and with which bytes: the rules of `retries.json`."""

import base64
import json
from typing import Any

ASKED = "7828446e5acd4aa996dce3455ec914e9"
CODES = {
    **dict.fromkeys(
        ("RATE_LIMIT_REACHED", "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED"), "limited"
    ),
    "AUTH_EXPIRED": "expired",
    **dict.fromkeys(("SIGNATURE_REUSE_DETECTED", "DO_NOT_REUSE_ASSEMBLY_IDS"), "used"),
    **dict.fromkeys(
        (
            "GET_ACCOUNT_UNKNOWN_AUTH_KEY", "INSUFFICIENT_AUTH_SCOPE", "INVALID_PARAMS_FIELD",
            "INVALID_AUTH_EXPIRES_PARAMETER", "INVALID_SIGNATURE", "NO_AUTH_EXPIRES_PARAMETER",
            "NO_PARAMS_FIELD", "NO_SIGNATURE_FIELD", "TEMPLATE_DENIES_STEPS_OVERRIDE",
            "TEMPLATE_NOT_FOUND",
        ),
        "refused",
    ),
}  # fmt: skip
BACKOFF, LONGEST, FLOOR = 0.5, 30.0, 1.0


def answer_of(outcome: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON object in an answer; None if there is none."""
    raw = outcome.get("body", "").encode()
    if "body_base64" in outcome:
        raw = base64.b64decode(outcome["body_base64"])
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def phase(outcome: dict[str, Any], guard: str, *, looking: bool = False) -> str:
    """How far an attempt came: done, or how it failed."""
    if outcome["kind"] != "answer":
        return {"cannot be sent": "refused", "lost": "unknown"}.get(outcome["kind"], "not sent")
    status, data = outcome["http_status"], answer_of(outcome)
    if data is None:
        return "limited" if status in (423, 429) else by_status(status, unreadable=True)
    code, about = data.get("error") or data.get("code"), data.get("assembly_id")
    named = guard in ("own id", "harmless", "twice is once")
    if named and about not in (None, ASKED):
        return "unknown"  # an answer about another Assembly
    reads = guard in ("harmless", "twice is once") and not looking
    failed = status >= 400 or (data.get("error") and not (reads and about))
    if not failed:
        known = about if reads else data.get("ok") or about
        waits = looking and data.get("ok") == "ASSEMBLY_UPLOADING"
        return "done" if known and not waits else by_status(status, unreadable=True)
    if code in CODES:
        return CODES[code]
    if status in (423, 429):
        return "limited"
    if about and guard in ("own id", "nonce", "nothing"):
        return "refused"  # the Assembly is there, and has failed
    if guard == "own id" and code in ("ASSEMBLY_NOT_FOUND", "SERVER_404"):
        return "unknown"  # an answer to another question
    return by_status(status, unreadable=False)


def by_status(status: int, *, unreadable: bool) -> str:
    return "unknown" if status >= 500 or (unreadable and status < 300) else "refused"


RULES = {"not sent": "same", "limited": "anew", "expired": "anew", "refused": "stop"}
AFTER_LOOKING = {"unknown": "same", "used": "anew", "expired": "anew", "refused": "stop"}


def step_after(came: str, guard: str, *, doubt: bool) -> str:
    if doubt and guard == "own id" and came in ("refused", "expired"):
        return "look"
    if doubt and guard == "nonce":
        return "report" if came in ("refused", "used", "expired") else "same"
    if came == "used":
        return "look" if guard == "own id" else "stop"
    if came == "unknown":
        return {"own id": "look", "nothing": "report"}.get(guard, "same")
    return RULES[came]


def decisions(guard: str, attempts: int, outcomes: list[dict[str, Any]]) -> list[str]:
    """What follows each outcome."""
    done: list[str] = []
    left = iter(outcomes)
    doubt = corrected = False
    clock = 0
    for number in range(1, attempts + 1):
        outcome = next(left)
        came = phase(outcome, guard)
        if came == "done":
            return [*done, "done"]
        if came == "expired":
            off = outcome.get("clock_is_off_by", 0)
            corrected = not corrected and abs(off - clock) >= 30
            clock = off if corrected else clock
            came = "expired" if corrected else "refused"
        doubt = doubt or (came == "unknown" and guard != "harmless")
        if came == "refused" and guard == "twice is once":
            doubt = False  # the refusal says how things stand
        step = step_after(came, guard, doubt=doubt)
        if step == "look":
            done.append("look")
            found, looks = look(attempts, left)
            done += ["look"] * looks
            if found != "missing":
                return [*done, found]
            doubt, step = came != "refused", AFTER_LOOKING[came]
        if step in ("stop", "report") or number == attempts:
            return [*done, "report" if doubt else "stop"]
        unsigned = guard in ("harmless", "twice is once")
        done.append("same" if unsigned else step)
    return done


def look(attempts: int, left: Any) -> tuple[str, int]:
    """Reads the status until something is known; how that ends, and how often it looked again."""
    for number in range(attempts):
        outcome = next(left)
        came = phase(outcome, "harmless", looking=True)
        data = answer_of(outcome) or {}
        if came == "done" and data.get("ok") != "REQUEST_ABORTED":
            return "done", number
        if came == "refused" and data.get("error") == "ASSEMBLY_NOT_FOUND":
            return "missing", number
        if came == "done" or data.get("assembly_id") == ASKED:
            return "stop", number  # it is there, and has failed
        if came in ("refused", "used") or number == attempts - 1:
            return "report", number
    return "report", attempts


def wait(outcome: dict[str, Any], guard: str, number: int) -> tuple[float, float]:
    """The least and the most seconds to wait after attempt `number`."""
    info = (answer_of(outcome) or {}).get("info")
    asked = info.get("retryIn") if isinstance(info, dict) else None
    if isinstance(asked, bool) or not isinstance(asked, int | float) or asked < 0:
        header = outcome.get("headers", {}).get("Retry-After")
        asked = float(header) if header else None
    backoff = min(LONGEST, BACKOFF * 2.0 ** (number - 1))
    if phase(outcome, guard) == "limited":
        least = max(FLOOR, backoff if asked is None else asked)
        return least, least + BACKOFF
    return asked or 0.0, max(backoff, asked or 0.0)
