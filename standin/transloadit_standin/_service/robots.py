"""The vendor's Robots by name, and which Steps the service refuses to run."""

from __future__ import annotations

import json
from functools import cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from .._codes import Refusal, openapi_file

Steps = dict[str, dict[str, Any]]

ORIGINAL = ":original"
"""The Step that stands for the uploads, declared or not."""
HANDLE = "/upload/handle"


@cache
def robots() -> frozenset[str]:
    """The names of the vendor's Robots; the service may have gained others since."""
    return frozenset(json.loads(openapi_file("robots.json"))["robots"])


def check_steps(steps: Steps, *, strict: bool) -> None:
    """Refuse Steps that cannot run; strictly, also a Robot or a `use` that does not exist."""
    if not steps:
        raise Refusal("ASSEMBLY_NO_STEPS")
    for name, step in steps.items():
        if not isinstance(step.get("robot"), str):
            raise Refusal("ASSEMBLY_STEP_NO_ROBOT", f"the Step {name!r} has no robot")
    if strict:
        for name, step in steps.items():
            _check_step(name, step, steps)
        in_order(steps)


def used_by(step: dict[str, Any]) -> list[str]:
    """The names of the Steps whose files a Step takes; without `use` those of the uploads.

    Raises:
        Refusal: `ASSEMBLY_STEP_INVALID_USE` for what is none of the spellings of `use`.
    """
    use = step.get("use", [] if step["robot"] == HANDLE else ORIGINAL)
    if isinstance(use, dict):
        use = use.get("steps")
    names = [use] if isinstance(use, str) else use
    if not isinstance(names, list):
        raise Refusal("ASSEMBLY_STEP_INVALID_USE", "use is a Step's name, or a list of them")
    found = [one.get("name") if isinstance(one, dict) else one for one in names]
    steps = [one for one in found if isinstance(one, str)]
    if len(steps) != len(found):
        raise Refusal("ASSEMBLY_STEP_INVALID_USE", "use is a Step's name, or a list of them")
    return steps


def in_order(steps: Steps) -> list[str]:
    """The names of the Steps, each behind those it uses, otherwise as they were written.

    Raises:
        Refusal: `ASSEMBLY_INFINITE` if Steps use each other in a circle.
    """
    before: set[str] = set()
    for name, step in steps.items():
        if any(used in steps and used not in before for used in used_by(step)):
            break
        before.add(name)
    else:
        return list(steps)
    graph = {
        name: [used for used in used_by(step) if used in steps] for name, step in steps.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise Refusal("ASSEMBLY_INFINITE", f"Steps use each other in a circle: {circle}") from error


def listed(steps: Steps) -> set[str]:
    """The Steps whose files the status lists among the results.

    Those are Steps with `result: true`, Steps that no other uses, and a declared `/upload/handle`;
    never a Step that stores, whose files are those of the Steps it uses.
    """
    used = {name for step in steps.values() for name in used_by(step)}
    return {
        name
        for name, step in steps.items()
        if not stores(step)
        and (
            step["robot"] == HANDLE
            or step.get("result") in (True, "debug")
            or (name not in used and step.get("result") is not False)
        )
    }


def stores(step: dict[str, Any]) -> bool:
    """Whether a Step's Robot exports files."""
    robot: str = step["robot"]
    return robot.endswith("/store")


def imports(step: dict[str, Any]) -> bool:
    """Whether a Step's Robot brings files along."""
    robot: str = step["robot"]
    return robot.endswith("/import")


def _check_step(name: str, step: dict[str, Any], steps: Steps) -> None:
    robot = step["robot"]
    if robot not in robots():
        raise Refusal("ASSEMBLY_STEP_UNKNOWN_ROBOT", f"the Step {name!r} names {robot!r}")
    for used in used_by(step):
        if used != ORIGINAL and used not in steps:
            raise Refusal("ASSEMBLY_STEP_UNKNOWN_USE", f"the Step {name!r} uses {used!r}")
