"""Templates and Steps: which Instructions an Assembly runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .._codes import Refusal

Steps = dict[str, dict[str, Any]]


@dataclass
class Template:
    """Assembly Instructions kept by the service; change its attributes to change the Template."""

    id: str
    steps: Steps = field(default_factory=dict)
    allow_steps_override: bool = True
    max_size: int | None = None
    """In bytes, for each upload."""
    notify_url: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    name: str | None = None

    def content(self) -> dict[str, Any]:
        """What the Template says, as the JSON that people write into one."""
        content: dict[str, Any] = {"steps": self.steps}
        if not self.allow_steps_override:
            content["allow_steps_override"] = False
        if self.max_size is not None:
            content["auth"] = {"max_size": self.max_size}
        if self.notify_url is not None:
            content["notify_url"] = self.notify_url
        if self.fields:
            content["fields"] = self.fields
        return content


def merge_steps(base: Steps, overrides: Steps) -> Steps:
    """Steps whose keys are overridden Step by Step: an override may be partial."""
    merged = {name: dict(step) for name, step in base.items()}
    for name, step in overrides.items():
        merged[name] = {**merged.get(name, {}), **step}
    return merged


def merge_params(template: Template | None, params: dict[str, Any]) -> dict[str, Any]:
    """The params with the Template's content beneath them.

    Raises:
        Refusal: when the Template, or the request itself, denies the override of Steps.
    """
    given = read_steps(params)
    if template is None:
        return {**params, "steps": given}
    # An empty `steps` counts as an override: an SDK that always sends one has that bug.
    denied = not template.allow_steps_override or params.get("allow_steps_override") is False
    if denied and "steps" in params:
        raise Refusal("TEMPLATE_DENIES_STEPS_OVERRIDE")
    content = template.content()
    return {
        **content,
        **params,
        "auth": {**content.get("auth", {}), **(params.get("auth") or {})},
        "fields": {**content.get("fields", {}), **(params.get("fields") or {})},
        "steps": merge_steps(template.steps, given),
    }


def read_steps(params: dict[str, Any]) -> Steps:
    """The `steps` of a request, none if there are none."""
    steps = params.get("steps", {})
    if not isinstance(steps, dict) or not all(isinstance(step, dict) for step in steps.values()):
        raise Refusal("ASSEMBLY_INVALID_STEPS")
    return steps


def check_steps(steps: Steps) -> None:
    """Refuse Steps that cannot run."""
    if not steps:
        raise Refusal("ASSEMBLY_NO_STEPS")
    for name, step in steps.items():
        if not isinstance(step.get("robot"), str):
            raise Refusal("ASSEMBLY_STEP_NO_ROBOT", f"the Step {name!r} has no robot")


def find_template(templates: dict[str, Template], template_id: Any) -> Template | None:
    """The Template of that id; none if no id, or an empty one, is given."""
    if template_id is None or template_id == "":
        return None
    template = templates.get(template_id) if isinstance(template_id, str) else None
    if template is None:
        raise Refusal("TEMPLATE_NOT_FOUND")
    return template
