"""The commands that take their time: they show how far they are, and can be gone on with."""

from typing import Any

from transloadit_client import AssemblyStatus

from .exits import Exit
from .outcomes import Outcome, code_of_end, of_assembly
from .output import headline, report, tell
from .session import Session


def wait(
    session: Session, *, assembly: str, deadline: float | None, cancel_on_timeout: bool
) -> Outcome:
    session.follow(assembly, "executing", executing=("wait", []))
    limit: dict[str, Any] = {} if deadline is None else {"deadline": deadline}
    with session.client() as client, session.showing() as on_progress:
        status = client.wait_for_assembly(
            assembly, on_progress=on_progress, cancel_on_timeout=cancel_on_timeout, **limit
        )
    return of_assembly(status, report(status), judged(status))


def judged(status: AssemblyStatus) -> Exit:
    """The exit code for how an Assembly ended; if it failed, people are told with what."""
    code = code_of_end(status)
    if code is Exit.FAILED:
        tell(f"Error: the Assembly ended with {headline(status)}")
    return code
