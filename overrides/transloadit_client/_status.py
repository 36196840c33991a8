"""The status that people get: the generated one, and what they ask of it first."""

import copyreg
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from transloadit_api import models
from transloadit_api.types import Unset

from ._reading import reader

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

    __slots__ = ("_unread",)
    _unread: dict[str, list[Any]]

    if not TYPE_CHECKING:  # pragma: no branch  # checkers would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """A part that nobody has asked for yet: Python calls this where a slot is empty."""
            parts = reader(AssemblyStatus).parts
            if name in parts and (part := getattr(self, "_unread", {}).get(name)):
                _, read = parts[name]
                part.append(read(part[0]))
                setattr(self, name, part[1])  # of threads that read at once all get the first one's
                self._unread.pop(name, None)
            return super().__getattribute__(name)

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
    """The status in an answer that nobody else holds: as `from_dict`, but its files are read later.

    Reading 10,000 files takes two thirds of the time of their JSON, and most callers want `ok`.
    """
    read = reader(AssemblyStatus)
    status: AssemblyStatus = read.outline(data)
    status._unread = {}
    for name, (kind, _) in read.parts.items():
        value = getattr(status, name)
        if isinstance(value, kind):
            status._unread[name] = [value]
            delattr(status, name)
    return status


reader(AssemblyStatus)  # now, not on the first answer: it imports the models of the parts
