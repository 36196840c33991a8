"""Everything this package raises on purpose: one tree, with `TransloaditError` at its root.

    TransloaditError
    ├── InvalidInput            refused here, before anything was sent
    │   ├── FileChanged         a file that changed while it was sent, or since its upload began
    │   ├── MissingCredentials  no key, secret or token for a call that needs one
    │   └── UntrustedUrl        a URL that leads somewhere an Assembly cannot live
    ├── NoAnswer                the connection failed or timed out
    │   └── OutcomeUnknown      the API may or may not have done what was asked
    ├── ApiError                the API refused
    │   └── UnreadableAnswer    an answer that is not the API's: HTML, empty, cut short …
    ├── UploadIncomplete        some files did not arrive
    ├── StillBusy               waiting ended before the Assembly did
    ├── AssemblyFailed          the Assembly ended with an error
    └── DownloadIncomplete      some results could not be saved

All of them pickle, and none of them holds a secret.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from ._status import AssemblyStatus, MissingFile, SavedFile

_SAID = 1000  # characters; more of what a server said is in an error's `status` or `body`

# What a person can do about the codes they meet first.
_ADVICE = {
    "AUTH_EXPIRED": "Is this machine's clock right?",
    "GET_ACCOUNT_UNKNOWN_AUTH_KEY": "Check TRANSLOADIT_KEY.",
    "INSUFFICIENT_AUTH_SCOPE": "Give the Auth Key the scope that this call needs.",
    "INVALID_SIGNATURE": "Check that TRANSLOADIT_SECRET belongs to the Auth Key, and whether the"
    " key asks for another signature_algorithm.",
    "NO_SIGNATURE_FIELD": "The Auth Key demands signed requests.",
    "RATE_LIMIT_REACHED": "Wait `retry_in` seconds, and some more, before the next try.",
    "SIGNATURE_REUSE_DETECTED": "This very request has arrived before; sign again to send another.",
    "TEMPLATE_DENIES_STEPS_OVERRIDE": "Leave out either `steps` or `template_id`.",
}


class Phase(Enum):
    """How far an attempt came, as far as can be told from here."""

    NEVER_SENT = "never sent"
    NOT_DONE = "answered, but not done"
    LIMITED = "refused by a rate limit"
    EXPIRED = "refused as expired"
    REUSED = "refused as sent before"
    REFUSED = "refused"
    UNKNOWN = "outcome unknown"


@frozen
class Attempt:
    """One attempt at a request, as it stands in the `attempts` of an error.

    Attributes:
        cause: what went wrong, as text.
        phase: how far it came, as one of `Phase`, such as `outcome unknown`.
        decision: what was done next, and why.
        delay: seconds waited before the next attempt; None if there was none.
        number: which attempt it was, from 1; those that only waited for their turn do not count.
        most: how many there may be; None where time alone ends them.
    """

    __module__ = "transloadit_client"

    cause: str
    phase: str
    decision: str
    delay: float | None = None
    number: int = 1
    most: int | None = None


class TransloaditError(Exception):
    """The root of all errors that this package raises.

    Its text is one line that any encoding of Unicode can write, whatever a server or a file's name
    put into it: line ends, escape sequences and the like are spelled out, as in `\\n`.

    Attributes:
        attempts: what was tried, in order; empty where nothing was sent.
        status: the last status of the Assembly concerned, where one is known.
        code: the API's code, such as `INVALID_SIGNATURE` (an open set), or the state in `status`,
            such as `ASSEMBLY_CANCELED`; None where neither is known.
    """

    __module__ = "transloadit_client"

    attempts: tuple[Attempt, ...] = ()
    status: "AssemblyStatus | None" = None
    code: str | None = None

    def __str__(self) -> str:
        text = super().__str__()
        return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


class InvalidInput(TransloaditError, ValueError):
    """The caller's input was refused, and nothing was sent."""

    __module__ = "transloadit_client"


class FileChanged(InvalidInput):
    """A file changed or vanished while it was sent, or is not the one whose upload was begun.

    No mixture of two versions ever becomes a complete file.
    """

    __module__ = "transloadit_client"


class MissingCredentials(InvalidInput):
    """The call needs credentials that were neither given nor found in the environment."""

    __module__ = "transloadit_client"


class UntrustedUrl(InvalidInput):
    """A URL that leads to a host where no Assembly of the configured API lives."""

    __module__ = "transloadit_client"


class NoAnswer(TransloaditError):
    """No answer arrived: the connection failed, broke or timed out.

    A request that changes something was then never sent; otherwise `OutcomeUnknown` says so. The
    `__cause__` is httpx's own error.

    Attributes:
        host: the host and port that did not answer, such as `api2.transloadit.com:443`, if known.
        proxy: the proxy that the request went through, such as `http://10.0.0.1:3128`, without its
            user and password; None if there was none, or an httpx client or transport of your own
            decides.
    """

    __module__ = "transloadit_client"

    host: str | None = None
    proxy: str | None = None


class OutcomeUnknown(NoAnswer):
    """The API may or may not have carried out the request; the client cannot tell.

    Attributes:
        assembly_id: the id to ask for later: of the Assembly to be created, if it was chosen here,
            or of the one to be replayed. None if the API was to choose it.
        last: the error of the last attempt.
    """

    __module__ = "transloadit_client"

    assembly_id: str | None = None
    last: "ApiError | NoAnswer | InvalidInput | None" = None


class ApiError(TransloaditError):
    """The API answered with an error.

    Attributes:
        http_status: the HTTP status code, such as 400.
        reason: whatever the API said as `reason`: any JSON value.
        assembly_id: the Assembly concerned, where it is known.
        retry_in: seconds the API asks to wait, as `info.retryIn` or in `Retry-After`; may be 0.
        body: the beginning of the answer's body, as text.
        headers: the headers of the answer; names are case-insensitive. They are pickled.
    """

    __module__ = "transloadit_client"

    http_status: int | None = None
    reason: Any = None
    assembly_id: str | None = None
    retry_in: float | None = None
    body: str = ""
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def request_id(self) -> str | None:
        """The id that the service, or a proxy before it, gave the answer in `X-Request-Id`."""
        return self.headers.get("X-Request-Id")


class UnreadableAnswer(ApiError):
    """The answer is not one of the API's: HTML, empty, cut short, or JSON of another kind.

    Attributes:
        wrong_assembly: whether it is about another Assembly, and so answers another request.
    """

    __module__ = "transloadit_client"

    wrong_assembly = False


class UploadIncomplete(TransloaditError):
    """Some files did not arrive; the Assembly keeps waiting for them.

    Attributes:
        assembly_id: the Assembly.
        assembly_url: its URL, with which the upload can be resumed: also by another process, given
            the same files.
        finished: the names of the files that arrived.
        missing: the names of those that did not. If `status` says that the Assembly has ended, they
            are no longer needed.
    """

    __module__ = "transloadit_client"

    assembly_id: str | None = None
    assembly_url: str | None = None
    finished: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class StillBusy(TransloaditError):
    """Waiting ended, by its deadline or by `stop`, before the Assembly did.

    The Assembly continues, unless it was to be canceled; `status` then shows the outcome.

    Attributes:
        assembly_id: the Assembly.
    """

    __module__ = "transloadit_client"

    assembly_id: str | None = None


class AssemblyFailed(TransloaditError):
    """The Assembly ended with an error, or was canceled or aborted.

    Attributes:
        assembly_id: the Assembly.
    """

    __module__ = "transloadit_client"

    assembly_id: str | None = None


class DownloadIncomplete(TransloaditError):
    """Some results could not be saved; all others were saved completely.

    Attributes:
        assembly_id: the Assembly.
        saved: the results that are on the disk.
        missing: those that are not, each with the reason.
    """

    __module__ = "transloadit_client"

    assembly_id: str | None = None
    saved: "tuple[SavedFile, ...]" = ()
    missing: "tuple[MissingFile, ...]" = ()


def shortened(text: str) -> str:
    """As much of what a server said as a sentence can carry."""
    return text if len(text) <= _SAID else f"{text[:_SAID]} …"


def check_function(name: str, value: object) -> None:
    """Checks an argument that is called.

    Raises:
        InvalidInput: it is neither None nor a function.
    """
    if value is not None and not callable(value):
        raise InvalidInput(f"{name} is of type {type(value).__name__}; it takes a function")


def advice(code: str | None) -> str:
    """What to do about `code`, as a sentence, or an empty text."""
    return _ADVICE.get(code or "", "")
