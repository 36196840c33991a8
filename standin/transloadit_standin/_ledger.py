"""The ledger: every request as it was received, and what it was answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from ._storage import StoredFile


Verdict = Literal["good", "wrong", "absent"]


@dataclass
class SignatureCheck:
    """A signature, and what it should have been; the Auth Secret is only hinted at."""

    good: bool
    given: str
    right: str
    """The signature that would have been right, of the same algorithm."""
    signed: str
    """The text that has to be signed: `params` as it came."""
    secret_fingerprint: str
    """The first digits of the Auth Secret's SHA-256, to compare with `shasum -a 256`."""
    why: str = ""
    """The likely reason that it is wrong."""


@dataclass
class Received:
    """A request; it enters the ledger with its headers, and is filled in as more is known."""

    operation: str | None
    """The spec's `operationId`, or `listAssemblies`, `createToken`, `downloadFile`, `events`,
    `tusCreate`, `tusHead`, `tusPatch`, `tusDelete`, `tusOptions`, or `preflight`; None if there is
    no such route."""
    method: str
    url: str
    path: str
    """Still percent-encoded, as on the wire."""
    headers: Headers = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    """The first bytes of the body, as many as the stand-in's `keep_body` says."""
    body_size: int = 0
    """All bytes of the body that arrived, kept or not; it still grows when a create was refused
    before its files were read."""
    names: list[str] = field(default_factory=list)
    """The form's field names in the order of their arrival, texts and files alike."""
    fields: dict[str, str] = field(default_factory=dict, repr=False)
    files: list[StoredFile] = field(default_factory=list)
    status: int | None = None
    """The answer's HTTP status; None as long as nothing was answered."""
    code: str | None = None
    """The answer's `ok` or `error`."""
    assembly_id: str | None = None
    """The Assembly that it is about, as far as that is known."""
    signature: SignatureCheck | None = field(default=None, repr=False)
    """None if there was none to check."""
    state: str | None = None
    """The Assembly's state once the request was answered."""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    fault: str | None = None
    """The name of the fault it met: its class's, such as `Drop`, or what a `FaultMix` calls it."""

    @property
    def verdict(self) -> Verdict:
        """What came of the signature."""
        if self.signature is None:
            return "absent"
        return "good" if self.signature.good else "wrong"

    @property
    def body_complete(self) -> bool:
        """Whether `body` holds all that arrived."""
        return len(self.body) == self.body_size

    @property
    def params(self) -> dict[str, Any]:
        """The form's `params`, parsed."""
        params: dict[str, Any] = json.loads(self.fields["params"])
        return params
