"""What the HTTP stack may log of our requests: nothing that gives power to whoever reads a log.

These are filters of the very loggers that would tell. No level and no handler is changed, and at
DEBUG the requests of others are logged as ever.
"""

import logging
import re
from contextvars import ContextVar

# An Assembly's id is enough to read and cancel it, an upload's URL is enough to write to it.
_CAPABILITY = re.compile(
    r"(/assembl(?:ies|y_notifications)/|[?&]assembly=|/resumable/files/)[^/?&#]+"
)
_CREATES = re.compile(r"/assemblies(\?|$)")
_URL = re.compile(r"https?://[^/?#]*")
_HEADERS = re.compile(r"\[\(b'.*|Illegal header .*", re.DOTALL)
# A ContextVar and no flag: requests of other programs run in other threads and tasks beside ours,
# and their logs must stay as they are.
_OURS = ContextVar("_OURS", default=False)


class OurRequest:
    """While it lasts, no header is logged at DEBUG, and of a URL nothing that gives power."""

    def __enter__(self) -> None:
        self._before = _OURS.set(True)

    def __exit__(self, *_: object) -> None:
        _OURS.reset(self._before)


class _Capabilities(logging.Filter):
    """httpx logs every URL at level INFO, and whoever has one may use it.

    With an Assembly's id it can be canceled, with the URL of an upload or a result that is changed
    or fetched.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        # At DEBUG the same record has no URL; above it httpx gives method, URL and status as
        # arguments.
        if _OURS.get() and record.levelno > logging.DEBUG and isinstance(record.args, tuple):
            record.args = tuple(_masked(argument) for argument in record.args)
        return True


class _Headers(logging.Filter):
    """At DEBUG httpcore logs the headers of answers, and a server may echo what it was sent.

    So it does with a header that h11 refuses to send.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if _OURS.get():
            # The message is formatted already: httpcore puts the headers into it as text.
            record.msg = _HEADERS.sub("…", str(record.msg))
        return True


class _Nothing(logging.Filter):
    """At DEBUG hpack logs all headers of HTTP/2, as text and as bytes, and nothing else."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _OURS.get() or record.levelno > logging.DEBUG


def _masked(argument: object) -> object:
    """The same argument; of a URL no id, and of one of ours the host alone if it may be a power."""
    # Path and host stay, as people read a log for them.
    text, found = _CAPABILITY.subn(r"\1…", str(argument))
    if found:
        return text
    url = _URL.match(text)
    if url is None or _CREATES.search(text):
        return argument
    return f"{url[0]}/…"


def keep_secrets() -> None:
    """Puts the filters in place, once: the same object is never added twice."""
    for name, filtering in _FILTERS.items():
        logging.getLogger(name).addFilter(filtering)


_FILTERS = {
    "httpx": _Capabilities(),
    "httpcore.http11": _Headers(),
    "httpcore.http2": _Headers(),
    "hpack.hpack": _Nothing(),
    "hpack.table": _Nothing(),
}
