"""Templates: Instructions that the service keeps, and how a request is merged with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._codes import Refusal

if TYPE_CHECKING:
    from .robots import Steps

RESIZE_TO_FIT: dict[str, Any] = {
    "steps": {
        "resized": {
            "robot": "/image/resize",
            "use": ":original",
            "width": 300,
            "height": 300,
            "resize_strategy": "fit",
        }
    }
}
"""The content of `resize-to-fit`, the Template that is there from the start: examples use it."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Of a Template that a file, a folder or the admin API names."""

_TOLD_APART = ("steps", "allow_steps_override", "auth", "notify_url", "fields")


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
    further: dict[str, Any] = field(default_factory=dict)
    """All other keys of its content, as they are."""

    def content(self) -> dict[str, Any]:
        """The Template as the JSON that people write into one."""
        content: dict[str, Any] = {"steps": self.steps, **self.further}
        if not self.allow_steps_override:
            content["allow_steps_override"] = False
        if self.max_size is not None:
            content["auth"] = {"max_size": self.max_size}
        if self.notify_url is not None:
            content["notify_url"] = self.notify_url
        if self.fields:
            content["fields"] = self.fields
        return content


def read_template(name: str, content: Any) -> Template:
    """A Template of its content.

    Raises:
        ValueError: the content is not Instructions; the message says where.
    """
    _demand(isinstance(content, dict), 'a Template is a JSON object such as {"steps": {…}}')
    steps, auth = content.get("steps"), content.get("auth", {})
    objects = isinstance(steps, dict) and all(isinstance(step, dict) for step in steps.values())
    _demand(objects, "steps has to be an object of objects")
    max_size = auth.get("max_size") if isinstance(auth, dict) else auth
    override, url = content.get("allow_steps_override", True), content.get("notify_url")
    fields = content.get("fields", {})
    counts = max_size is None or (type(max_size) is int and max_size >= 0)
    _demand(counts, "auth.max_size has to be a number of bytes")
    _demand(isinstance(override, bool), "allow_steps_override has to be true or false")
    _demand(isinstance(url, str | None), "notify_url has to be a text")
    _demand(isinstance(fields, dict), "fields has to be an object")
    further = {key: value for key, value in content.items() if key not in _TOLD_APART}
    return Template(name, steps, override, max_size, url, fields, name, further)


def _demand(fulfilled: bool, sentence: str) -> None:
    if not fulfilled:
        raise ValueError(sentence)


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


def find_template(templates: dict[str, Template], template_id: Any) -> Template | None:
    """The Template of that id; none if no id, or an empty one, is given."""
    if template_id is None or template_id == "":
        return None
    template = templates.get(template_id) if isinstance(template_id, str) else None
    if template is None:
        raise Refusal("TEMPLATE_NOT_FOUND")
    return template
