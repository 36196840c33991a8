"""Which exit code each error has."""

import pytest

import transloadit_client
from transloadit_client import TransloaditError, pingback
from transloadit_client.cli.exit_codes import Exit
from transloadit_client.cli.outcomes import code_of

CODES = {
    "ApiError": Exit.REFUSED,
    "AssemblyFailed": Exit.FAILED,
    "DownloadIncomplete": Exit.INCOMPLETE,
    "FileChanged": Exit.USAGE,
    "InvalidInput": Exit.USAGE,
    "MissingCredentials": Exit.USAGE,
    "NoAnswer": Exit.NO_ANSWER,
    "OutcomeUnknown": Exit.OUTCOME_UNKNOWN,
    "StillBusy": Exit.STILL_BUSY,
    "TransloaditError": Exit.DEFECT,  # the root, which nothing raises
    "UnreadableAnswer": Exit.REFUSED,
    "UntrustedUrl": Exit.USAGE,
    "UploadIncomplete": Exit.INCOMPLETE,
}


def test_every_error_has_been_thought_of() -> None:
    public = {name: getattr(transloadit_client, name) for name in transloadit_client.__all__}
    errors = {
        name
        for name, value in public.items()
        if isinstance(value, type) and issubclass(value, TransloaditError)
    }

    assert errors == set(CODES)


@pytest.mark.parametrize("name", CODES)
def test_each_error_has_its_exit_code(name: str) -> None:
    assert code_of(getattr(transloadit_client, name)("it went wrong")) is CODES[name]


def test_a_pingback_that_is_not_believed_is_a_no() -> None:
    assert code_of(pingback.PingbackError("no")) is Exit.FAILED
