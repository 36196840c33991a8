"""One operation of an API as a value: what is sent, how its answer reads, and what guards it."""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from attrs import define, field, frozen

from .._signing import Secret
from .answers import Answer

T = TypeVar("T")


class Guard(Enum):
    """What keeps a request from being carried out twice."""

    # Reads, and requests that ask a server of uploads how things stand.
    HARMLESS = "nothing has to: it changes nothing"
    TWICE_IS_ONCE = "nothing has to: canceled twice is canceled"
    # The service answers the second use of an id with DO_NOT_REUSE_ASSEMBLY_IDS.
    OWN_ID = "an Assembly id of its own"
    # The service answers the second use of a signature with SIGNATURE_REUSE_DETECTED.
    NONCE = "a nonce under its signature"
    # Uploads by tus: `HEAD` tells how many bytes have arrived.
    CHECKABLE = "its effect, which can be looked up at any time"
    NOTHING = "nothing does"


@define(eq=False)
class Prepared:
    """A request that is ready to be sent, and that is sent again byte for byte.

    Attributes:
        arguments: those of httpx's `build_request`, as generated code makes them.
        bearer: the token to send along, where one takes the place of the signature.
        built: the request itself, once the HTTP layer has built it.
    """

    # Not shown: the signed form and the token stand in it.
    arguments: Mapping[str, Any] = field(repr=False)
    bearer: Secret | None = None
    # `Any`, since rules do not know httpx. It is kept so that a repeat has the same boundary too,
    # and is the same request byte for byte.
    built: Any = field(default=None, repr=False)


class Sink(Protocol):
    """Where the body of an answer goes, piece by piece."""

    def begin(self, http_status: int, headers: Mapping[str, str], /) -> bool:
        """Whether the body of this answer belongs here."""
        ...

    def write(self, data: bytes, /) -> bool:
        """Takes a piece; whether more may follow."""
        ...


class NotThere(Enum):
    """The result of a search for something that was not carried out."""

    NOT_THERE = "not there"


# An enum and not None: a search may well find something that is None or false.
NOT_THERE = NotThere.NOT_THERE


def _can_be_sent_again() -> None:
    return None


@frozen
class Call(Generic[T]):
    """One operation: what it takes to send it, to read its answer, and to repeat it safely.

    Attributes:
        title: what is asked, such as `cancel Assembly 7828…`; errors say `could not {title}`.
        guard: what keeps it from being carried out twice.
        prepare: builds and signs the request; read-only requests are rebuilt for every attempt.
        read: makes the result of an answer, or raises an `ApiError`.
        assembly_id: the Assembly concerned, where it is known.
        id_is_new: whether that id was drawn for this call, so that no request has used it before.
        find: a call that looks up what was carried out, or gives `NOT_THERE`; only where something
            of one's own can be looked up.
        why_not_again: why the body cannot be sent a second time; None if it can.
        own_connection: whether it needs a connection that no other request has used: HTTP/1.1 pairs
            answers with requests by their order alone, and nothing in this answer shows a mix-up.
        size: bytes of its body, if they are many: it is given the time that they may take.
        check_peer: raises an `UntrustedUrl` for the address of a host that must not be asked.
        sink: takes the body of the answer. Such a call goes to a URL that may lead anywhere, so it
            carries no header, cookie or credential of the client's.
    """

    title: str
    guard: Guard
    prepare: Callable[[], Prepared] = field(repr=False)
    read: Callable[[Answer], T] = field(repr=False)
    assembly_id: str | None = None
    id_is_new: bool = False
    find: "Callable[[], Call[Any]] | None" = field(default=None, repr=False)
    why_not_again: Callable[[], str | None] = field(default=_can_be_sent_again, repr=False)
    own_connection: bool = False
    size: int = 0
    check_peer: Callable[[str], None] | None = field(default=None, repr=False)
    sink: Sink | None = field(default=None, repr=False)
