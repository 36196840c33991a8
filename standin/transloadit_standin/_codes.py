"""Every code that the stand-in answers with: its HTTP status, its message, and how sure we are.

The table is `openapi/vectors/codes.json`, which other languages and the documentation read as well.
Its names are all codes that the service has; none is made up. The *weight* is that of the HTTP
status, and of the occasion on which the stand-in uses the code:

- ``known``: the API's pages or recorded answers say so;
- ``chosen``: the sources are silent, and this is what we took. Do not build on it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

Weight = Literal["known", "chosen"]


@dataclass(frozen=True, slots=True)
class Code:
    """What comes with a code in an answer."""

    http_status: int
    weight: Weight
    message: str


# What the mock server means by a code, where that is narrower than what the service can mean.
_MESSAGES = {
    "ASSEMBLY_CANNOT_BE_REPLAYED": "Only a crashed Assembly can be replayed.",
    "FILE_FILTER_DECLINED_FILE": "One of your files was declined",
    "SERVER_403": "This is not for you.",
    "SERVER_500": "The stand-in itself failed; its log says how.",
}


def openapi_file(name: str) -> bytes:
    """A file by its path in `openapi/`; the package holds it when installed, also in a zipapp."""
    package = files(__name__.partition(".")[0])
    installed = package.joinpath(*name.split("/"))
    if installed.is_file():
        return installed.read_bytes()
    return (Path(str(package)).parents[1] / "openapi" / name).read_bytes()


def _code(row: dict[str, Any]) -> Code:
    message = _MESSAGES.get(row["code"]) or row["cause"]
    return Code(row["http_status"], row["weight"], message)


CODES = {row["code"]: _code(row) for row in json.loads(openapi_file("vectors/codes.json"))["rows"]}
"""Every code of `openapi/vectors/codes.json`, with what comes with it in an answer."""

TUS_CODES: dict[str, tuple[int, Weight]] = {
    # "known" is what tusd does, the server for tus by the service's people.
    "ERR_UNSUPPORTED_VERSION": (412, "known"),
    "ERR_INVALID_UPLOAD_LENGTH": (400, "known"),
    "ERR_INVALID_OFFSET": (400, "known"),
    "ERR_INVALID_CONTENT_TYPE": (415, "chosen"),  # as the protocol says; tusd takes 400
    "ERR_MISMATCHED_OFFSET": (409, "known"),
    "ERR_UPLOAD_SIZE_EXCEEDED": (413, "known"),
    "ERR_MAX_SIZE_EXCEEDED": (413, "known"),
    "ERR_UPLOAD_NOT_FOUND": (404, "known"),
    "ERR_UPLOAD_REJECTED": (400, "known"),
    "ERR_UPLOAD_STOPPED": (400, "known"),
    # The names of the others are ours, the 460 is the protocol's.
    "ERR_INVALID_METADATA": (400, "chosen"),
    # The service's people have not enabled it, one of them wrote; tusd would ignore the header.
    "ERR_CONCATENATION_UNSUPPORTED": (400, "chosen"),
    "ERR_UNSUPPORTED_CHECKSUM": (400, "chosen"),
    "ERR_CHECKSUM_MISMATCH": (460, "chosen"),
}
"""What uploads by tus are refused with: the HTTP status, and how sure we are."""


class Refusal(Exception):
    """A request is answered with an error code instead of what it asked for."""

    def __init__(
        self,
        code: str,
        reason: str | None = None,
        http_status: int | None = None,
        info: dict[str, Any] | None = None,
        message: str | None = None,
    ) -> None:
        super().__init__(code, reason)
        self.message = message or CODES[code].message
        self.code = code
        self.reason = reason
        self.info = info
        self.http_status = http_status or CODES[code].http_status

    def body(self) -> dict[str, Any]:
        """The JSON object to answer with."""
        body: dict[str, Any] = {
            "error": self.code,
            "http_code": self.http_status,
            "message": self.message,
        }
        further = {"reason": self.reason, "info": self.info}
        return {**body, **{key: value for key, value in further.items() if value is not None}}


class TusError(Exception):
    """A request of tus is answered with an error in the manner of tusd: `ERR_CODE: a sentence`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.http_status, _ = TUS_CODES[code]
