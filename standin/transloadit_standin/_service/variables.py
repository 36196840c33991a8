"""`${…}` in Instructions: Assembly Variables, and what is known of a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .files import AssemblyFile

_VARIABLE = re.compile(r"\$\{([A-Za-z_][\w.-]*)\}")


def filled(value: Any, variables: dict[str, Any], file: AssemblyFile) -> Any:
    """A value of the Instructions with its variables filled in; unknown ones become empty texts.

    `${fields.NAME}` and `${file.KEY}` are filled in, and no JavaScript is run. A text that is
    nothing but one variable becomes that variable's value, a number for instance.
    """
    if isinstance(value, dict):
        return {key: filled(one, variables, file) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, variables, file) for one in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return _look_up(whole[1], variables, file)
    return _VARIABLE.sub(lambda found: str(_look_up(found[1], variables, file)), value)


def _look_up(path: str, variables: dict[str, Any], file: AssemblyFile) -> Any:
    # Only the two names are looked for: making a file's whole status costs a read of the file.
    first, _, rest = path.partition(".")
    value: Any = variables if first == "fields" else file.status() if first == "file" else None
    for part in rest.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else value
