"""What `run` and `map` take and give, as types: apart, since every client knows them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypedDict

from attrs import field, frozen

from transloadit_api.types import Unset

from .._calls.files import Files, FormFields
from .._errors import TransloaditError
from .._signing import Params
from .._status import AssemblyStatus, SavedFile


class CreateOptions(TypedDict, total=False):
    """What `create_assembly` takes beside files, id and timeout; each as described there."""

    steps: Params | None
    template_id: str | None
    fields: Params | None
    notify_url: str | Unset | None
    allow_steps_override: bool | None
    auth: Params | None
    form_fields: FormFields | None
    extra_params: Mapping[str, Any] | None


def _number(saved: tuple[SavedFile, ...]) -> str:
    return f"<{len(saved)} files>"


@frozen
class Finished:
    """The result of `run`.

    Attributes:
        status: the last status; it says `ASSEMBLY_COMPLETED`.
        saved: the results that were saved; none without a `save_to`.
    """

    __module__ = "transloadit_client"

    status: AssemblyStatus
    saved: tuple[SavedFile, ...] = field(default=(), repr=_number)


Key: TypeAlias = Callable[[Files], str | None]
"""Tells the name under which an input stands in the journal, and which no other has."""


@frozen
class Mapped:
    """The outcome of one input of `map`.

    Attributes:
        files: the input.
        key: its name in the journal.
        assembly_id: the id of its Assembly, whether or not that was created.
        status: the last status, if there is one.
        saved: the results that were saved.
        error: why it failed; None if the Assembly completed and all results were saved.
    """

    __module__ = "transloadit_client"

    files: Files = field(repr=False)
    key: str
    assembly_id: str
    status: AssemblyStatus | None = field(default=None, repr=False)
    saved: tuple[SavedFile, ...] = field(default=(), repr=_number)
    error: TransloaditError | None = None

    @property
    def failed(self) -> bool:
        return self.error is not None
