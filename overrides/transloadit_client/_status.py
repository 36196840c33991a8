"""The status that people get: the generated one, and what they ask of it first."""

import copyreg
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import fields

from transloadit_api import models
from transloadit_api.types import UNSET, Unset

# What ends an Assembly well or on purpose; any `error` ends it too. All else is busy, also what
# nobody knows yet. (Two of the vendor's SDKs take ASSEMBLY_REPLAYING for an end; it is not.)
_FINAL = frozenset({"ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"})

# Generated models compare with the one `UNSET`, so a pickle must come back as that very object.
copyreg.pickle(Unset, lambda _unset: "UNSET")

AssemblyFile = models.AssemblyFile
"""A file of an Assembly: an upload, or a Step's result. The generated class, by a public name."""


class AssemblyStatus(models.AssemblyStatus):
    """The state of an Assembly.

    Any attribute can be `UNSET` (not in the answer), None, or of a type that the API never
    documented: nothing an answer holds is refused or lost. Keys that the spec does not know are in
    `additional_properties`, and `to_dict()` gives back what was received.
    """

    __slots__ = ("_received",)
    _received: Mapping[str, Any]

    if not TYPE_CHECKING:  # pragma: no branch  # checkers would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """What nobody has asked for yet: Python calls this where a slot is empty."""
            if name not in _KEYS:
                raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
            value = _read(self._received, name)
            setattr(self, name, value)
            return value

    @property
    def failed(self) -> bool:
        """Whether the Assembly ended with an error; `error` and `message` say which."""
        return bool(self.error)

    @property
    def done(self) -> bool:
        """Whether nothing more will happen: completed, canceled, aborted or failed."""
        return self.failed or (isinstance(self.ok, str) and self.ok in _FINAL)

    @property
    def busy(self) -> bool:
        """Whether the Assembly is uploading, executing, replaying, or in a state unknown to us."""
        return not self.done

    @property
    def files(self) -> dict[str, list[AssemblyFile]]:
        """The result files by Step name; empty until there are any."""
        by_step = getattr(self.results, "additional_properties", {})
        return {
            step: [file for file in files if isinstance(file, AssemblyFile)]
            for step, files in by_step.items()
            if isinstance(files, list)
        }


def as_received(data: Mapping[str, Any]) -> AssemblyStatus:
    """The status in an answer that nobody else holds: as `from_dict`, but read when asked for.

    Reading 10,000 result files takes twice as long as their JSON does, and most callers want `ok`.
    """
    status = AssemblyStatus.__new__(AssemblyStatus)
    status._received = data
    return status


def _read(received: Mapping[str, Any], name: str) -> Any:
    """One attribute. The generated class makes models of dicts and lists, and of nothing else."""
    key = _KEYS[name]
    if key is None:
        return {key: value for key, value in received.items() if key not in _KNOWN}
    value = received.get(key, UNSET)
    if isinstance(value, dict | list):
        return getattr(models.AssemblyStatus.from_dict({key: value}), name)
    return value


def _keys() -> dict[str, str | None]:
    """The JSON key of each attribute, asked of the generated class; None for all other keys."""
    names: Any = {one.name: one.name for one in fields(models.AssemblyStatus) if one.init}
    keys = models.AssemblyStatus(**names).to_dict()
    return {"additional_properties": None} | {name: key for key, name in keys.items()}


_KEYS = _keys()
_KNOWN = frozenset(_KEYS.values())
