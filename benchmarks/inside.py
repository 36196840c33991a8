"""What is measured without a server: reading statuses, and encoding with a signature."""

import gc
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter
from typing import Any

from . import payloads

Call = Callable[[], object]


def _text(results: int) -> bytes:
    return json.dumps(payloads.status(results)).encode()


def _read_files(status: Any) -> None:
    for files in status.results.additional_properties.values():
        for file in files:
            file.ssl_url  # noqa: B018  # reading it is the point


def _reader_of_all() -> Callable[[Any], None]:
    """Reads every attribute of a status and of each of its files."""
    from attrs import fields  # noqa: PLC0415

    from transloadit_api import models  # noqa: PLC0415

    of_status, of_file = (
        attrgetter(*(one.name for one in fields(model)))
        for model in (models.AssemblyStatus, models.AssemblyFile)
    )

    def read(status: Any) -> None:
        of_status(status)
        for files in (status.uploads, *status.results.additional_properties.values()):
            for file in files:
                of_file(file)

    return read


def json_alone(results: int) -> Call:
    text = _text(results)
    return lambda: json.loads(text)


def _generated(results: int) -> Call:
    from transloadit_api.models import AssemblyStatus  # noqa: PLC0415

    text = _text(results)
    return lambda: AssemblyStatus.from_dict(json.loads(text))


def generated(results: int) -> Call:
    read = _generated(results)
    return lambda: _read_files(read())


def generated_all(results: int) -> Call:
    read, look = _generated(results), _reader_of_all()
    return lambda: look(read())


def _ours(results: int) -> Call:
    from transloadit_client._calls.answers import Answer, read_status  # noqa: PLC0415

    answer = Answer("read an Assembly", 200, _text(results))
    return lambda: read_status(answer)


def ours(results: int) -> Call:
    read = _ours(results)

    def call() -> None:
        status: Any = read()
        status.ok, status.assembly_id  # noqa: B018  # reading is the point

    return call


def ours_read(results: int) -> Call:
    read = _ours(results)
    return lambda: _read_files(read())


def ours_all(results: int) -> Call:
    read, look = _ours(results), _reader_of_all()
    return lambda: look(read())


def without_collector(make: Callable[[int], Call]) -> Callable[[int], Call]:
    """The same with the garbage collector off, which walks whatever grows."""

    def made(results: int) -> Call:
        gc.disable()
        return make(results)

    return made


def signing_alone(_: int) -> Call:
    """json and HMAC, and nothing else."""
    params = {
        "steps": payloads.STEPS,
        "auth": {"key": payloads.KEY, "expires": "2030/01/01 00:00:00+00:00", "nonce": "0" * 32},
    }
    secret = payloads.SECRET.encode()

    def call() -> None:
        text = json.dumps(params, separators=(",", ":"))
        hmac.new(secret, text.encode(), "sha384").hexdigest()

    return call


def our_signing(_: int) -> Call:
    from transloadit_client import Credentials, sign  # noqa: PLC0415

    credentials = Credentials(payloads.KEY, payloads.SECRET, "sha384")
    params = {"steps": payloads.STEPS}
    expires = "2030/01/01 00:00:00+00:00"
    return lambda: sign(params, credentials, expires=expires, nonce="0" * 32)


def our_whole_signing(_: int) -> Call:
    from transloadit_client import Transloadit  # noqa: PLC0415

    client = Transloadit(payloads.KEY, payloads.SECRET)
    params = {"steps": payloads.STEPS}
    lifetime = timedelta(hours=1)
    return lambda: client.sign(params, expires_in=lifetime)


STATUS: dict[str, Callable[[int], Call]] = {
    "json.loads": json_alone,
    "generated models": generated,
    "transloadit_client, returned": ours,
    "transloadit_client, every result read": ours_read,
    "generated models, every attribute read": generated_all,
    "transloadit_client, every attribute read": ours_all,
    "json.loads, collector off": without_collector(json_alone),
    "transloadit_client, every result read, collector off": without_collector(ours_read),
}
SIGN: dict[str, Callable[[int], Call]] = {
    "json + HMAC": signing_alone,
    "sign()": our_signing,
    "Transloadit.sign(), with clock and nonce": our_whole_signing,
}
