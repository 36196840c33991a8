"""The status that people get: the generated one, and what they ask of it first."""

import copyreg

from transloadit_api import models
from transloadit_api.types import Unset

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

    __slots__ = ()

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
