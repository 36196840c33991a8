"""The commands that send nothing: `sign`, `verify`, `smart-cdn` and `check`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transloadit_client import InvalidInput, pingback

from .exit_codes import Exit
from .inputs import bytes_of, params_of, steps_of, values_of
from .outcomes import Outcome, of_assembly, report
from .output import tell
from .session import Session


def sign(session: Session, *, params: str, expires_in: int) -> Outcome:
    with session.client() as client:
        signed = client.sign(params_of(params), expires_in=timedelta(seconds=expires_in))
    document = {"params": signed.params, "signature": signed.signature}
    return Outcome(rows=[[signed.params], [signed.signature]], document=document)


def verify(session: Session, *, body: str, content_type: str) -> Outcome:
    secret = session.settings().secret
    if secret is None:
        raise InvalidInput("a webhook is verified with the Auth Secret: set TRANSLOADIT_SECRET")
    status = pingback.verify(bytes_of(body), content_type, secret)
    return of_assembly(status, report(status))


def smart_cdn(
    session: Session,
    *,
    workspace: str,
    template: str,
    input: str,  # noqa: A002  # the API's own word for it
    field: Sequence[str],
    expires_in: int,
) -> Outcome:
    expires_at = datetime.now(UTC) + timedelta(seconds=expires_in)
    with session.client() as client:
        url = client.sign_smart_cdn_url(
            workspace, template, input, values_of(field, "--field"), expires_at=expires_at
        )
    return Outcome(rows=[[url]], document={"url": url, "expires_at": expires_at.isoformat()})


def check(session: Session, *, steps: str) -> Outcome:
    found = list(problems(steps_of(steps), robots()))
    if not found and not session.json:
        tell("No problems found.")
    document = {"problems": [{"step": step, "problem": problem} for step, problem in found]}
    return Outcome(Exit.FAILED if found else Exit.DONE, found, document)


def robots() -> frozenset[str]:
    """The names of the Robots, from the table that the mock server checks Steps with as well."""
    package = Path(str((find_spec("transloadit_standin") or find_spec(__name__)).origin)).parent  # type: ignore[union-attr]  # this very module has a spec
    installed = package / "robots.json"
    checkout = package.parents[1] / "openapi" / "robots.json"
    table = json.loads((installed if installed.exists() else checkout).read_text("utf-8"))
    return frozenset(table["robots"])


def problems(steps: Mapping[str, Any], known: frozenset[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with Steps, as a Step's name and a sentence each."""
    if not steps:
        yield "-", "there are no Steps"
    names = {str(name) for name in steps} | {":original"}  # which is always there
    uses: dict[str, list[str]] = {}
    for name, step in steps.items():
        if not isinstance(step, Mapping):
            yield str(name), f"is a {type(step).__name__}, not an object"
            continue
        robot = step.get("robot")
        if not isinstance(robot, str):
            yield str(name), "names no Robot: give one, such as robot: /image/resize"
        elif robot not in known:
            yield str(name), f"there is no Robot {robot!r}{_perhaps(robot, known)}"
        uses[str(name)] = [used for used in _used(step.get("use")) if "${" not in used]
        for used in uses[str(name)]:
            if used not in names:
                yield str(name), f"uses {used!r}, which is no Step{_perhaps(used, names)}"
    try:
        TopologicalSorter(uses).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        yield circle[0], f"is in a circle of Steps: {' uses '.join(circle)}"


def _used(use: Any) -> Iterator[str]:
    """The names in a `use`: a text, an object with `name` or `steps`, or a list of those."""
    if isinstance(use, str):
        yield use
    elif isinstance(use, Mapping):
        yield from _used(use.get("name"))
        yield from _used(use.get("steps"))
    elif isinstance(use, list):
        for one in use:
            yield from _used(one)


def _perhaps(name: str, known: frozenset[str] | set[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
