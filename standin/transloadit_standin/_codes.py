"""Every code that the stand-in answers with: its HTTP status, its message, and how sure we are.

The names are all codes that the service has; none is made up. The *weight* is that of the HTTP
status, and of the occasion on which the stand-in uses the code:

- ``known``: the API's pages or recorded answers say so;
- ``chosen``: the sources are silent, and this is what we took. Do not build on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Weight = Literal["known", "chosen"]


@dataclass(frozen=True, slots=True)
class Code:
    """What comes with a code in an answer."""

    http_status: int
    weight: Weight
    message: str


CODES: dict[str, Code] = {
    # An Assembly's state, in `ok`.
    "ASSEMBLY_UPLOADING": Code(
        200, "known", "The Assembly is still in the process of being uploaded."
    ),
    "ASSEMBLY_EXECUTING": Code(200, "known", "The Assembly is currently being executed."),
    "ASSEMBLY_REPLAYING": Code(200, "known", "The Assembly is currently being replayed."),
    "ASSEMBLY_COMPLETED": Code(200, "known", "The Assembly was successfully completed."),
    "ASSEMBLY_CANCELED": Code(200, "known", "The Assembly was canceled."),
    "REQUEST_ABORTED": Code(200, "known", "The upload was given up by its sender."),
    "ASSEMBLY_NOTIFICATION_REPLAYED": Code(200, "known", "The Notification was sent again."),
    "ASSEMBLY_NOTIFICATION_REPLAYING": Code(200, "known", "The Notification is being sent again."),
    # The form and its params.
    "INVALID_FORM_DATA": Code(400, "chosen", "The request's form cannot be read."),
    "NO_PARAMS_FIELD": Code(400, "known", "No params field was given."),
    "INVALID_PARAMS_FIELD": Code(400, "known", "The params field is not what it has to be."),
    "NO_OBJECT_PARAMS_FIELD": Code(400, "chosen", "The params field holds no JSON object."),
    "ASSEMBLY_INVALID_NUM_EXPECTED_UPLOAD_FILES_PARAM": Code(
        400, "chosen", "The number of expected upload files is no whole number."
    ),
    # Who asks.
    "NO_AUTH_PARAMETER": Code(400, "chosen", "The params hold no auth."),
    "NO_OBJECT_AUTH_PARAMETER": Code(400, "chosen", "The auth in params is no object."),
    "NO_AUTH_KEY_PARAMETER": Code(400, "chosen", "The auth in params holds no key."),
    "INVALID_AUTH_KEY_PARAMETER": Code(400, "chosen", "The key in auth is no text."),
    "GET_ACCOUNT_UNKNOWN_AUTH_KEY": Code(400, "known", "There is no such Auth Key."),
    "BEARER_TOKEN_INVALID": Code(401, "chosen", "The bearer token is not valid."),
    "BEARER_TOKEN_EXPIRED": Code(401, "chosen", "The bearer token has expired."),
    "TOKEN_INVALID_CREDENTIALS": Code(401, "chosen", "The Auth Key and the secret do not fit."),
    "INSUFFICIENT_AUTH_SCOPE": Code(403, "known", "The Auth Key lacks the scope for this."),
    "NO_AUTH_EXPIRES_PARAMETER": Code(400, "known", "A signed request needs auth.expires."),
    "INVALID_AUTH_EXPIRES_PARAMETER": Code(400, "chosen", "auth.expires is no date and time."),
    "AUTH_EXPIRED": Code(400, "chosen", "The request has expired."),
    "NO_SIGNATURE_FIELD": Code(400, "known", "No signature field was given."),
    "INVALID_SIGNATURE": Code(400, "chosen", "The signature does not match the params."),
    "SIGNATURE_REUSE_DETECTED": Code(400, "chosen", "The nonce was used before."),
    "INVALID_AUTH_REFERER_PARAMETER": Code(400, "chosen", "auth.referer is no regular expression."),
    "REFERER_MISMATCH": Code(400, "chosen", "The referer does not match auth.referer."),
    # What is to be done.
    "DO_NOT_REUSE_ASSEMBLY_IDS": Code(400, "chosen", "There is an Assembly with this id."),
    "TEMPLATE_NOT_FOUND": Code(400, "chosen", "There is no such Template."),
    "TEMPLATE_DENIES_STEPS_OVERRIDE": Code(
        400, "known", "The Template does not allow its Steps to be overridden."
    ),
    "ASSEMBLY_NO_STEPS": Code(400, "chosen", "Neither steps nor a template_id was given."),
    "ASSEMBLY_INVALID_STEPS": Code(400, "chosen", "The steps are no object of objects."),
    "ASSEMBLY_STEP_NO_ROBOT": Code(400, "chosen", "A Step names no Robot."),
    "ASSEMBLY_STEP_UNKNOWN_ROBOT": Code(400, "chosen", "A Step names a Robot that does not exist."),
    "ASSEMBLY_STEP_INVALID_USE": Code(400, "chosen", "A Step's use cannot be read."),
    "ASSEMBLY_STEP_UNKNOWN_USE": Code(400, "chosen", "A Step uses a Step that does not exist."),
    "ASSEMBLY_INFINITE": Code(400, "chosen", "The Steps would never end."),
    "ASSEMBLY_INVALID_NOTIFY_URL": Code(400, "chosen", "The notify_url is no text."),
    "INVALID_AUTH_MAX_SIZE_PARAMETER": Code(400, "chosen", "auth.max_size is no number of bytes."),
    "INVALID_AUTH_MAX_NUMBER_OF_FILES_PARAMETER": Code(
        400, "chosen", "auth.max_number_of_files is no whole number."
    ),
    "MAX_SIZE_EXCEEDED": Code(400, "known", "An upload is larger than max_size allows."),
    "MAX_NUMBER_OF_FILES_EXCEEDED": Code(
        400, "chosen", "There are more uploads than max_number_of_files allows."
    ),
    # What became of it.
    "INTERNAL_COMMAND_ERROR": Code(200, "chosen", "A Step's command failed."),
    "INVALID_INPUT_ERROR": Code(200, "known", "A file is not what its Step can work with."),
    "IMAGE_RESIZE_VALIDATION": Code(200, "chosen", "A parameter of /image/resize is wrong."),
    "FILE_FILTER_DECLINED_FILE": Code(200, "chosen", "One of your files was declined"),
    "FILE_FILTER_VALIDATION": Code(200, "chosen", "A parameter of /file/filter is wrong."),
    "FILE_FILTER_INVALID_OPERATOR": Code(200, "chosen", "An operator of /file/filter is unknown."),
    "FILE_HASH_VALIDATION": Code(200, "chosen", "A parameter of /file/hash is wrong."),
    "ASSEMBLY_NOT_FOUND": Code(404, "known", "There is no such Assembly."),
    "ASSEMBLY_CANNOT_BE_REPLAYED": Code(400, "chosen", "Only a crashed Assembly can be replayed."),
    "ASSEMBLY_NO_NOTIFY_URL": Code(400, "chosen", "There is no notify_url to send to."),
    "ASSEMBLY_NOTIFICATION_NOT_PERSISTED": Code(
        400, "chosen", "The Assembly has not finished, so there is no Notification."
    ),
    "ASSEMBLY_NOTIFICATION_NOT_REPLAYED": Code(
        400, "chosen", "The Notification could not be delivered."
    ),
    # The service as such.
    "RATE_LIMIT_REACHED": Code(429, "known", "Too many requests; try again later."),  # or 413
    "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED": Code(
        429, "chosen", "Too many status requests; try again later."
    ),
    "SERVER_403": Code(403, "chosen", "This is not for you."),
    "SERVER_404": Code(404, "known", "There is nothing here."),
    "SERVER_500": Code(500, "chosen", "The stand-in itself failed; its log says how."),
}


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
