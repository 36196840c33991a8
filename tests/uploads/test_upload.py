"""Files into an Assembly by tus, through both clients: what is refused, resumed, and arrives."""

import asyncio
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, cast

import httpx
import pytest
from attrs import evolve

from transloadit_client import (
    ApiError,
    AsyncTransloadit,
    FileChanged,
    InvalidInput,
    NoAnswer,
    Progress,
    RetryPolicy,
    Stream,
    Transloadit,
    UntrustedUrl,
    UploadIncomplete,
)
from transloadit_client._calls.addresses import Home
from transloadit_client._http.clients import AsyncHttpClient
from transloadit_client._uploads import job
from transloadit_client._uploads.job import Uploads
from transloadit_standin import Answer, Delay, Drop, Refuse, StandIn, rate_limit

Connect = Callable[..., Any]

STEPS = {"kept": {"robot": "/file/filter", "use": ":original"}}
QUICK = RetryPolicy(first=0.01, longest=0.05, floor=0.01, reserve=1000)
A, B = os.urandom(1_300_000), os.urandom(1_200_000)  # not small, so they go by PATCH


@pytest.fixture
def api() -> Iterator[StandIn]:
    """Without checksums it keeps what arrived of a chunk that broke, as the service may."""
    with StandIn(tus_checksum=False, single_use="work") as api:
        yield api


@pytest.fixture
def client(connect: Connect, api: StandIn) -> Any:
    return connect(api.key, api.secret, base_url=api.url, retry=QUICK)


@pytest.fixture
def a(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(A)
    return path


@pytest.fixture
def b(tmp_path: Path) -> Path:
    path = tmp_path / "b.bin"
    path.write_bytes(B)
    return path


def waiting(client: Any, number: int, **options: Any) -> Any:
    return client.create_assembly(steps=STEPS, num_expected_upload_files=number, **options)


def arrived(api: StandIn, assembly: Any) -> set[tuple[str, str, str]]:
    """Field, name and hash of each file that the Assembly has."""
    files = api.assemblies[assembly.assembly_id].uploads
    return {(it.stored.field_name, it.stored.name, it.stored.sha256) for it in files}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def operations(api: StandIn) -> list[str | None]:
    return [received.operation for received in api.requests]


def bytes_sent(api: StandIn) -> int:
    return sum(it.body_size for it in api.requests if it.operation in ("tusCreate", "tusPatch"))


def break_off(client: Any, api: StandIn, assembly: Any, files: Any, byte: int = 100_000) -> None:
    """An upload that ends as its connection does, after so many bytes of its first chunk."""
    api.faults.append(Drop(operation="tusPatch", byte=byte))
    api.faults.append(Answer(403, b"", operation="tusHead"))
    with pytest.raises(UploadIncomplete):
        client.upload(assembly, files, parallel=1)
    api.requests.clear()


# What is refused before anything is sent


@pytest.mark.parametrize("number", [1, 3])
def test_more_or_fewer_files_than_awaited_are_refused(
    client: Any, api: StandIn, a: Path, b: Path, number: int
) -> None:
    assembly = waiting(client, number)

    with pytest.raises(InvalidInput, match=f"created for {number} uploads, and these would make 2"):
        client.upload(assembly, [a, b])

    assert operations(api) == ["createAssemblyWithId", "getAssembly"]


def test_an_assembly_that_awaits_no_files_is_refused(client: Any, a: Path) -> None:
    assembly = client.create_assembly(steps=STEPS)

    with pytest.raises((InvalidInput, UploadIncomplete), match=r"created for 0 uploads|takes no"):
        client.upload(assembly, a)


@pytest.mark.parametrize(("option", "unit"), [("chunk_size", "bytes"), ("parallel", "files")])
def test_options_that_make_no_sense_are_refused(
    client: Any, api: StandIn, a: Path, option: str, unit: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        client.upload("0" * 32, a, **{option: 0})

    assert str(caught.value) == f"{option} is 0; it takes a whole number of {unit} from 1"

    assert not api.requests


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ("no/such/file.bin", "cannot read the file 'file.bin'"),
        (".", "cannot read the file|has no name"),
        ("nul\0", "cannot read the file"),
        ([io.StringIO("x")], "open for text"),
        ([("x", 7)], "of type int"),
        ([("x", [b"a"])], "of type list"),
    ],
)
def test_what_cannot_be_read_is_refused(client: Any, api: StandIn, files: Any, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        client.upload("0" * 32, files)

    assert not api.requests


def test_an_open_file_that_is_there_twice_is_refused(client: Any, api: StandIn, a: Path) -> None:
    with a.open("rb") as file, pytest.raises(InvalidInput, match="twice"):
        client.upload("0" * 32, [file, file])

    assert not api.requests


def test_a_stream_that_is_awaited_needs_asynchronous_code(api: StandIn) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b""

    client = Transloadit(api.key, api.secret, base_url=api.url)

    with client, pytest.raises(InvalidInput, match="AsyncTransloadit"):
        client.upload("0" * 32, [("x", pieces())])

    assert not api.requests


@pytest.mark.parametrize("stream", [iter([b"x"]), Stream([b"x"], 1)])
def test_a_form_does_not_take_streams(client: Any, api: StandIn, stream: Any) -> None:
    with pytest.raises(InvalidInput, match="is a stream"):
        client.create_assembly(steps=STEPS, files=[("x", stream)])

    assert not api.requests


def test_an_assembly_that_has_gone_on_takes_no_files(client: Any, api: StandIn) -> None:
    assembly = waiting(client, 1)
    body = json.dumps({**assembly.to_dict(), "ok": "ASSEMBLY_EXECUTING"}).encode()
    api.faults.append(Answer(200, body, "application/json", operation="getAssembly"))
    api.requests.clear()

    with pytest.raises(UploadIncomplete, match="takes no more files, being at ASSEMBLY_EXECUTING"):
        client.upload(assembly, [("x", b"x")])

    assert operations(api) == ["getAssembly"]


@pytest.mark.parametrize("outcome", ["canceled", "failed"])
def test_an_assembly_that_has_ended_takes_no_files(
    client: Any, api: StandIn, a: Path, outcome: str
) -> None:
    auth = {"max_size": 10}
    assembly = waiting(client, 1, **({"auth": auth} if outcome == "failed" else {}))
    if outcome == "canceled":
        client.cancel_assembly(assembly)
    else:
        with pytest.raises(UploadIncomplete, match="MAX_SIZE"):
            client.upload(assembly, a)
    api.requests.clear()

    state = "ASSEMBLY_CANCELED" if outcome == "canceled" else "MAX_SIZE_EXCEEDED"
    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, a)

    assert str(caught.value) == (
        f"1 of 1 files did not arrive (a.bin): Assembly {assembly.assembly_id} takes no more files,"
        f" being at {state}."
    )
    assert (caught.value.code, caught.value.attempts) == (state, ())

    assert operations(api) == ["getAssembly"]


NO_UPLOADS = (
    r"^Assembly x takes no uploads: create it with num_expected_upload_files, and without quiet;"
    r" nothing was sent$"
)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"ok": "ASSEMBLY_UPLOADING"}, NO_UPLOADS),
        ({"ok": "ASSEMBLY_UPLOADING", "tus_url": None}, NO_UPLOADS),
        ({"ok": "ASSEMBLY_UPLOADING", "tus_url": "https://evil.example/files/"}, "^tus_url "),
        (
            {"ok": "ASSEMBLY_UPLOADING", "tus_url": "https://api2.transloadit.com\\@evil.example/"},
            "^tus_url ",
        ),
    ],
)
def test_uploads_go_nowhere_but_to_the_api(
    client: Any, api: StandIn, a: Path, status: dict[str, Any], why: str
) -> None:
    body = f'{{"assembly_id": "x", {str(status)[1:-1]}}}'.replace("'", '"').replace("None", "null")
    api.faults.append(Answer(200, body.encode(), "application/json"))

    with pytest.raises((InvalidInput, UntrustedUrl), match=why):
        client.upload("x", a)

    assert operations(api) == ["getAssembly"]


def test_an_upload_is_resumed_nowhere_but_at_the_api(client: Any, api: StandIn) -> None:
    assembly = waiting(client, 1)
    begun = {"filename": "x", "fieldname": "files", "size": 1, "offset": 0, "finished": False}
    uploads = [{**begun, "upload_url": "https://evil.example/files/1"}]
    body = json.dumps({**assembly.to_dict(), "tus_uploads": uploads}).encode()
    api.faults.append(Answer(200, body, "application/json", operation="getAssembly"))

    with pytest.raises(UploadIncomplete, match=r"\(x\): an upload's URL ") as caught:
        client.upload(assembly, [("x", b"x")])

    assert isinstance(caught.value.__cause__, UntrustedUrl)
    assert bytes_sent(api) == 0


# What does not arrive


def test_what_did_not_arrive_is_named_and_can_be_uploaded_later(
    client: Any, api: StandIn, a: Path, b: Path
) -> None:
    assembly = waiting(client, 2)
    api.faults.append(Answer(403, b"ERR_NO: not now", "text/plain", operation="tusPatch"))

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, {"f": [a, b]}, parallel=1)

    error = caught.value
    assert (error.finished, error.missing) == (("b.bin",), ("a.bin",))
    assert str(error).startswith("1 of 2 files did not arrive (a.bin): could not send 'a.bin'")
    assert isinstance(error.__cause__, ApiError)
    assert error.attempts == error.__cause__.attempts != ()
    assert error.assembly_id == assembly.assembly_id
    status = client.upload(error.assembly_url, {"f": [a, b]})
    assert client.wait_for_assembly(status).ok == "ASSEMBLY_COMPLETED"
    assert arrived(api, assembly) == {("f", "a.bin", sha256(A)), ("f", "b.bin", sha256(B))}


def test_an_error_of_the_callers_own_stream_is_one_of_that_file(
    client: Any, api: StandIn, a: Path
) -> None:
    """It ends no other upload, and its cause is kept."""

    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise ZeroDivisionError

    assembly = waiting(client, 2)
    with pytest.raises(UploadIncomplete, match="cannot read the file 'x': ZeroDivisionError") as it:
        client.upload(assembly, [("x", pieces()), a])

    assert it.value.missing == ("x",)
    assert it.value.finished == ("a.bin",)
    assert isinstance(it.value.__cause__, InvalidInput)
    assert isinstance(it.value.__cause__.__cause__, ZeroDivisionError)
    assert arrived(api, assembly) == {("files", "a.bin", sha256(A))}


def test_an_error_in_on_progress_ends_all(client: Any, a: Path) -> None:
    def interrupt(progress: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        client.upload(waiting(client, 1), a, on_progress=interrupt)


def test_a_file_that_changes_before_its_turn_is_refused(client: Any, api: StandIn, a: Path) -> None:
    def pieces() -> Iterator[bytes]:
        a.write_bytes(B)
        yield b"x"

    assembly = waiting(client, 2)

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, [("x", pieces()), a], parallel=1)

    assert isinstance(caught.value.__cause__, FileChanged)
    assert caught.value.missing == ("a.bin",)
    assert str(caught.value).endswith(f": {caught.value.__cause__}")  # and no advice
    assert bytes_sent(api) == 1


def test_a_server_that_is_gone_leaves_an_upload_that_can_be_resumed(
    client: Any, api: StandIn, a: Path
) -> None:
    assembly = waiting(client, 1)
    api.faults.append(Refuse(seconds=1.0, operation="tusPatch"))

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, a)

    assert len(caught.value.attempts) > 1
    while True:
        try:
            status = client.upload(assembly, a)
            break
        except NoAnswer:
            continue
    assert client.wait_for_assembly(status).ok == "ASSEMBLY_COMPLETED"


@pytest.mark.parametrize("forgotten", [404, 410])
def test_an_upload_that_the_server_forgets_on_the_way_is_begun_anew(
    client: Any, api: StandIn, a: Path, forgotten: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="transloadit_client")
    assembly = waiting(client, 1)
    api.faults.append(Answer(forgotten, b"", operation="tusPatch"))

    client.upload(assembly, a)

    assert operations(api).count("tusCreate") == 2
    assert arrived(api, assembly) == {("files", "a.bin", sha256(A))}
    assert "going to begin it anew in 0.0 seconds" in caplog.text


def test_an_upload_that_is_forgotten_again_and_again_is_begun_anew_but_once(
    client: Any, api: StandIn, a: Path
) -> None:
    assembly = waiting(client, 1)
    api.faults.extend(Answer(404, b"", operation="tusPatch") for _ in range(9))

    with pytest.raises(UploadIncomplete, match="it is resumed"):
        client.upload(assembly, a)

    assert operations(api).count("tusCreate") == 2


def test_a_stream_is_begun_anew_as_long_as_it_was_not_read(client: Any, api: StandIn) -> None:
    assembly = waiting(client, 1)
    break_off(client, api, assembly, [("x", iter([A]))])
    api.faults.append(Answer(404, b"", operation="tusHead"))

    client.upload(assembly, [("x", iter([A]))])

    assert arrived(api, assembly) == {("files", "x", sha256(A))}


def test_a_stream_that_was_read_is_not_begun_anew(client: Any, api: StandIn) -> None:
    assembly = waiting(client, 1)
    api.faults.append(Answer(404, b"", operation="tusPatch"))

    with pytest.raises(UploadIncomplete, match="send it to a new Assembly"):
        client.upload(assembly, [("x", iter([A[:700_000], A[700_000:]]))])

    assert operations(api).count("tusCreate") == 1


def test_where_nothing_can_be_created_nothing_was_forgotten(
    client: Any, api: StandIn, a: Path
) -> None:
    api.faults.append(Answer(404, b"", operation="tusCreate"))

    with pytest.raises(UploadIncomplete, match="HTTP 404"):
        client.upload(waiting(client, 1), a)

    assert operations(api).count("tusCreate") == 1


@pytest.mark.parametrize(
    ("fault", "advised"),
    [
        (Answer(403, b"ERR_NO: never", "text/plain", operation="tusPatch"), False),
        (Refuse(operation="tusPatch"), True),
    ],
    ids=["refused", "not reached"],
)
def test_to_upload_again_is_advised_only_where_that_can_help(
    connect: Connect, api: StandIn, a: Path, fault: Any, advised: bool
) -> None:
    client = connect(api.key, api.secret, base_url=api.url, retry=None)
    assembly = waiting(client, 1)
    api.faults.append(fault)

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, a)

    assert ("upload the same files" in str(caught.value).lower()) is advised
    assert caught.value.code == "ASSEMBLY_UPLOADING"


def test_a_stream_that_broke_off_is_not_said_to_be_resumed(connect: Connect, api: StandIn) -> None:
    client = connect(api.key, api.secret, base_url=api.url, retry=None)
    assembly = waiting(client, 1)
    api.faults.append(Refuse(operation="tusPatch"))

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, [("a.bin", iter([A]))])

    assert str(caught.value) == (
        f"1 of 1 files did not arrive (a.bin): {caught.value.__cause__}"
        " A stream cannot be resumed: send it to a new Assembly."
    )


@pytest.mark.parametrize(
    ("number", "named"), [(3, "f0, f1, f2"), (4, "f0, f1, f2 …"), (5, "f0, f1, f2 …")]
)
def test_three_of_the_missing_files_are_named_and_what_to_do(
    connect: Connect, api: StandIn, number: int, named: str
) -> None:
    """A job of thousands of files has an error that fits into a line; `missing` has all of them."""
    client = connect(api.key, api.secret, base_url=api.url, retry=None)
    assembly = waiting(client, number)
    api.faults.append(Drop(operation="tusCreate", times=number))

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, [(f"f{n}", b"x") for n in range(number)])

    assert str(caught.value) == (
        f"{number} of {number} files did not arrive ({named}): {caught.value.__cause__}"
        " Upload the same files to the same Assembly again: it is resumed."
    )
    assert caught.value.missing == tuple(f"f{n}" for n in range(number))


@pytest.mark.parametrize(
    ("status", "ended", "state"),
    [
        (200, {"ok": "ASSEMBLY_EXECUTING"}, "ASSEMBLY_EXECUTING"),
        (200, {"ok": "ASSEMBLY_CANCELED"}, "ASSEMBLY_CANCELED"),
        (200, {"error": "MAX_SIZE_EXCEEDED"}, "MAX_SIZE_EXCEEDED"),
        (400, {"error": "MAX_SIZE_EXCEEDED"}, "MAX_SIZE_EXCEEDED"),
    ],
)
def test_an_assembly_that_ended_meanwhile_is_told_as_the_reason(
    client: Any, api: StandIn, status: int, ended: dict[str, str], state: str
) -> None:
    assembly = waiting(client, 1)
    body = json.dumps({**assembly.to_dict(), "ok": None, **ended}).encode()
    api.faults.append(Answer(403, b"ERR_NO: too late", "text/plain", operation="tusCreate"))
    api.faults.append(Delay(0, operation="getAssembly"))
    api.faults.append(Answer(status, body, "application/json", operation="getAssembly"))

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, [("x", b"x")])

    assert str(caught.value) == (
        "1 of 1 files did not arrive (x): the Assembly takes no more files, being at"
        f" {state}. {caught.value.__cause__}"
    )
    assert caught.value.code == state


def test_the_search_for_a_lost_creation_is_itself_tried_again(
    client: Any, api: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="transloadit_client")
    assembly = waiting(client, 1)
    api.faults.append(Drop("work", operation="tusCreate"))
    api.faults.append(Delay(0, operation="getAssembly"))
    api.faults.append(Answer(503, operation="getAssembly"))

    client.upload(assembly, [("x", b"x")])

    assert operations(api).count("tusCreate") == 1
    assert "could not read Assembly" in caplog.text


# What is resumed


def test_what_has_arrived_is_not_sent_again(client: Any, api: StandIn, a: Path, b: Path) -> None:
    assembly = waiting(client, 2)
    break_off(client, api, assembly, [b, a])
    has = api.assemblies[assembly.assembly_id].tus_uploads[0].offset

    client.upload(assembly, [b, a])

    assert 0 < has < len(B)
    assert bytes_sent(api) == len(B) - has
    assert "tusCreate" not in operations(api)
    assert arrived(api, assembly) == {("files", "a.bin", sha256(A)), ("files", "b.bin", sha256(B))}


def test_when_all_have_arrived_nothing_is_sent(client: Any, api: StandIn, a: Path) -> None:
    assembly = waiting(client, 1)
    client.upload(assembly, a)
    api.requests.clear()

    status = client.upload(assembly.assembly_ssl_url, a)

    assert operations(api) == ["getAssembly"]
    assert client.wait_for_assembly(status).ok == "ASSEMBLY_COMPLETED"


def test_only_the_missing_files_may_be_given(client: Any, api: StandIn, a: Path, b: Path) -> None:
    assembly = waiting(client, 2)
    api.faults.append(Answer(403, b"", operation="tusPatch"))
    with pytest.raises(UploadIncomplete):
        client.upload(assembly, [a, b], parallel=1)

    # It has all of them and begins its work, which may take a moment.
    status = client.upload(assembly, a)

    assert status.ok in ("ASSEMBLY_EXECUTING", "ASSEMBLY_COMPLETED")
    assert arrived(api, assembly) == {
        ("files", "a.bin", sha256(A)),
        ("files", "b.bin", sha256(B)),
    }
    assert client.wait_for_assembly(status).ok == "ASSEMBLY_COMPLETED"


def test_what_has_arrived_counts_from_the_beginning(client: Any, api: StandIn, a: Path) -> None:
    """Also what has arrived of a stream, whose size nobody knows."""
    assembly = waiting(client, 3)
    files: list[Any] = [a, ("x", iter([B])), ("y", A)]
    break_off(client, api, assembly, files[::-1])
    log: list[Progress] = []

    client.upload(assembly, [a, ("x", iter([B])), ("y", A)], on_progress=log.append)

    assert (log[0].bytes_sent, log[0].files_sent) == (len(A), 2)
    assert log[-1].files_sent == 3
    assert all(one != other for one, other in pairwise(log))  # what has not changed is not told


def test_a_file_that_cannot_be_read_any_more_bars_no_other(client: Any, api: StandIn) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the disk is broken")

    assembly = waiting(client, 2)
    break_off(client, api, assembly, [("x", A), ("y", B)])

    with pytest.raises(UploadIncomplete, match="the disk is broken") as caught:
        client.upload(assembly, [("x", Broken(A)), ("y", B)])

    assert isinstance(caught.value.__cause__, InvalidInput)
    assert (caught.value.missing, caught.value.finished) == (("x",), ("y",))


def test_a_file_whose_upload_began_may_not_be_left_out(
    client: Any, api: StandIn, a: Path, b: Path
) -> None:
    assembly = waiting(client, 2)
    break_off(client, api, assembly, [a, b])

    with pytest.raises(InvalidInput) as caught:
        client.upload(assembly, [b])

    assert str(caught.value) == (
        f"Assembly {assembly.assembly_id} awaits the rest of 'a.bin', which is not among the files;"
        " nothing was sent"
    )


@pytest.mark.parametrize("change", ["content", "size", "time"])
def test_a_file_that_has_changed_since_is_refused(
    client: Any, api: StandIn, a: Path, change: str
) -> None:
    assembly = waiting(client, 1)
    break_off(client, api, assembly, a)
    if change == "content":
        stat = a.stat()
        a.write_bytes(bytes(1) + A[1:])
        os.utime(a, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    elif change == "size":
        a.write_bytes(A + b"x")
    else:
        os.utime(a, (0, 0))

    with pytest.raises(FileChanged, match=r"'a\.bin' is not the file whose upload began"):
        client.upload(assembly, a)

    assert operations(api) == ["getAssembly"]


def test_bytes_are_known_by_all_of_them(client: Any, api: StandIn) -> None:
    assembly = waiting(client, 1)
    break_off(client, api, assembly, [("x", A)])
    middle = len(A) // 2
    other = A[:middle] + bytes([A[middle] ^ 1]) + A[middle + 1 :]

    with pytest.raises(FileChanged):
        client.upload(assembly, [("x", other)])
    client.upload(assembly, [("x", A)])

    assert arrived(api, assembly) == {("files", "x", sha256(A))}


def test_files_of_one_name_and_size_are_told_apart_by_their_fingerprints(
    client: Any, api: StandIn
) -> None:
    assembly = waiting(client, 2)
    one, two = bytes(len(A)), bytes(len(A) - 1) + b"x"
    break_off(client, api, assembly, [("x", one), ("x", two)])

    client.upload(assembly, [("x", two), ("x", one)])

    assert arrived(api, assembly) == {("files", "x", sha256(one)), ("files", "x", sha256(two))}


def test_equal_files_of_one_name_each_have_an_upload(client: Any, api: StandIn) -> None:
    assembly = waiting(client, 3)
    break_off(client, api, assembly, [("x", A)] * 3)

    client.upload(assembly, [("x", A)] * 3)

    assert len(api.assemblies[assembly.assembly_id].uploads) == 3
    assert bytes_sent(api) < len(A)


def test_a_stream_whose_bytes_have_arrived_in_part_is_not_resumed(
    client: Any, api: StandIn
) -> None:
    assembly = waiting(client, 1)
    break_off(client, api, assembly, [("x", iter([A]))])

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, [("x", iter([A]))])

    assert isinstance(caught.value.__cause__, FileChanged)
    assert "cannot be resumed" in str(caught.value)
    assert bytes_sent(api) == 0


def test_a_stream_that_has_arrived_is_not_read_again(client: Any, api: StandIn, a: Path) -> None:
    assembly = waiting(client, 2)
    api.faults.append(Answer(403, b"", operation="tusPatch"))
    with pytest.raises(UploadIncomplete):
        client.upload(assembly, [a, ("x", iter([B]))], parallel=1)
    stream = iter([B])

    client.upload(assembly, [a, ("x", stream)])

    assert next(stream) == B
    assert arrived(api, assembly) == {("files", "a.bin", sha256(A)), ("files", "x", sha256(B))}


def test_a_creation_whose_answer_was_lost_is_found_and_not_made_again(
    client: Any, api: StandIn, a: Path, b: Path
) -> None:
    assembly = waiting(client, 2)
    api.faults.append(Delay(0, operation="tusCreate"))
    api.faults.append(Drop("work", operation="tusCreate"))

    client.upload(assembly, [b, a], parallel=1)

    assert operations(api).count("tusCreate") == 2
    patches = [it for it in api.requests if it.operation == "tusPatch"]
    assert not any("upload-length" in it.headers for it in patches)  # which the server knows
    assert arrived(api, assembly) == {("files", "a.bin", sha256(A)), ("files", "b.bin", sha256(B))}


def test_a_creation_that_never_came_is_made_again(client: Any, api: StandIn, a: Path) -> None:
    assembly = waiting(client, 1)
    api.faults.append(Drop("headers", operation="tusCreate"))

    client.upload(assembly, a)

    assert operations(api).count("tusCreate") == 2
    assert arrived(api, assembly) == {("files", "a.bin", sha256(A))}


def stray(size: int) -> Answer:
    """An answer that says that so many bytes have arrived, though none has: to another request."""
    headers = {"Upload-Offset": str(size), "Tus-Resumable": "1.0.0"}
    return Answer(204, b"", headers=headers, operation="tusPatch")


def test_an_answer_that_went_astray_makes_no_upload_complete(
    client: Any, api: StandIn, a: Path, b: Path
) -> None:
    assembly = waiting(client, 2)
    api.faults.append(stray(len(A)))

    status = client.upload(assembly, [a, b], parallel=1)

    assert operations(api)[-1] == "getAssembly"  # what is given back is what came of it
    assert client.wait_for_assembly(status).ok == "ASSEMBLY_COMPLETED"
    assert arrived(api, assembly) == {("files", "a.bin", sha256(A)), ("files", "b.bin", sha256(B))}


def test_nor_that_of_a_stream_whose_bytes_are_gone(client: Any, api: StandIn) -> None:
    api.faults.append(stray(len(A)))

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(waiting(client, 1), [("x", iter([A]))])

    assert isinstance(caught.value.__cause__, FileChanged)
    assert caught.value.missing == ("x",)


def test_what_is_still_missing_and_cannot_be_sent_again_is_told_with_its_attempts(
    client: Any, api: StandIn, a: Path
) -> None:
    api.faults.append(stray(len(A)))
    api.faults.append(Answer(403, b"", operation="tusHead"))

    with pytest.raises(UploadIncomplete, match="HTTP 403") as caught:
        client.upload(waiting(client, 1), a)

    assert isinstance(caught.value.__cause__, ApiError)
    assert caught.value.attempts == caught.value.__cause__.attempts != ()


def test_an_assembly_that_went_on_need_not_name_its_uploads_any_more(
    client: Any, api: StandIn, a: Path
) -> None:
    assembly = waiting(client, 1)
    ended = {**assembly.to_dict(), "ok": "ASSEMBLY_COMPLETED", "tus_uploads": []}
    api.faults.append(Delay(0, operation="getAssembly"))
    api.faults.append(
        Answer(200, json.dumps(ended).encode(), "application/json", operation="getAssembly")
    )

    assert client.upload(assembly, a).ok == "ASSEMBLY_COMPLETED"


def test_an_assembly_that_went_on_without_a_file_is_not_called_complete(
    client: Any, api: StandIn, a: Path
) -> None:
    """As when a request comes twice, and one file makes two uploads."""
    assembly = waiting(client, 2)
    api.faults.append(stray(len(A)))
    metadata = {"assembly_url": assembly.assembly_ssl_url, "fieldname": "files", "filename": "c"}
    pairs = (f"{name} {b64encode(text.encode()).decode()}" for name, text in metadata.items())
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "1",
        "Upload-Metadata": ",".join(pairs),
        "Content-Type": "application/offset+octet-stream",
    }

    def comes_twice(progress: Progress) -> None:
        if progress.files_sent == 2:
            httpx.post(assembly.tus_url, headers=headers, content=b"c")

    with pytest.raises(UploadIncomplete) as caught:
        client.upload(assembly, [a, ("c", b"c")], parallel=1, on_progress=comes_twice)

    assert str(caught.value) == (
        f"1 of 2 files did not arrive (a.bin): Assembly {assembly.assembly_id} went on without"
        " them, perhaps because another file came twice. Create a new Assembly with all of the"
        " files."
    )
    assert caught.value.missing == ("a.bin",)
    assert caught.value.finished == ("c",)


def test_a_status_that_is_behind_is_no_reason_to_send_again(
    client: Any, api: StandIn, a: Path
) -> None:
    assembly = waiting(client, 1)
    before = client.get_assembly(assembly).to_dict()
    api.faults.append(Delay(0, operation="getAssembly"))
    api.faults.append(
        Answer(200, json.dumps(before).encode(), "application/json", operation="getAssembly")
    )

    status = client.upload(assembly, a)

    assert client.wait_for_assembly(status).ok == "ASSEMBLY_COMPLETED"
    assert bytes_sent(api) == len(A)


# What arrives


@pytest.mark.parametrize("checksum", [False, True])
@pytest.mark.parametrize("parallel", [1, 3])
def test_files_of_all_kinds_arrive(
    connect: Connect, a: Path, tmp_path: Path, parallel: int, *, checksum: bool
) -> None:
    packed = tmp_path / "packed.gz"
    packed.write_bytes(gzip.compress(A))
    with (
        StandIn(tus_checksum=checksum) as api,
        a.open("rb") as opened,
        gzip.open(packed) as unpacked,
        subprocess.Popen(["cat", a], stdout=subprocess.PIPE) as program,
    ):
        client = connect(api.key, api.secret, base_url=api.url)
        opened.seek(1000)
        files: dict[str, Any] = {
            "path": [a, str(a)],
            "bytes": [("b", B), ("e", b""), ("m", memoryview(B))],
            "open": [opened, ("z", unpacked), io.BytesIO(B)],
            "pipe": program.stdout,
            "stream": [("g", iter([A, B])), ("s", Stream([A], len(A))), Stream(iter([]))],
        }
        assembly = waiting(client, 12)

        status = client.upload(assembly, files, chunk_size=70_000, parallel=parallel)

        patches = [it for it in api.requests if it.operation == "tusPatch"]
        sums = [it.headers.get("upload-checksum") for it in patches]
        assert status.ok in ("ASSEMBLY_EXECUTING", "ASSEMBLY_COMPLETED")
        assert all(sums) if checksum else not any(sums)
        assert arrived(api, assembly) == {
            ("path", "a.bin", sha256(A)),
            ("bytes", "b", sha256(B)),
            ("bytes", "e", sha256(b"")),
            ("bytes", "m", sha256(B)),
            ("open", "a.bin", sha256(A[1000:])),
            ("open", "z", sha256(A)),
            ("open", "open", sha256(B)),
            ("pipe", "pipe", sha256(A)),
            ("stream", "g", sha256(A + B)),
            ("stream", "s", sha256(A)),
            ("stream", "stream", sha256(b"")),
        }


@pytest.fixture
def small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "STREAM_BUFFER", 4000)


@pytest.mark.usefixtures("small_buffer")
@pytest.mark.parametrize(
    ("streams", "options", "most"),
    [
        (1, {"parallel": 3, "chunk_size": 9000}, 4000),
        (2, {"parallel": 3, "chunk_size": 9000}, 2000),
        (3, {"parallel": 1, "chunk_size": 9000}, 4000),
        (4, {"parallel": 2, "chunk_size": 9000}, 2000),
        (1, {"parallel": 2, "chunk_size": 3000}, 3000),
    ],
)
def test_streams_that_are_sent_at_once_share_one_buffer(
    client: Any, api: StandIn, streams: int, options: dict[str, int], most: int
) -> None:
    """What was not acknowledged is kept in memory, since a stream cannot be read twice."""
    files: list[Any] = [(f"s{n}", iter([A[:9000]])) for n in range(streams)]

    client.upload(waiting(client, streams + 1), [*files, ("b", A[:9000])], **options)

    patches, creations = (
        [it.body_size for it in api.requests if it.operation == name]
        for name in ("tusPatch", "tusCreate")
    )
    assert max(patches) == most
    assert max(creations) == (9000 if options["chunk_size"] == 9000 else 0)  # that of the file


@pytest.mark.usefixtures("small_buffer")
def test_of_a_stream_no_more_is_read_than_the_buffer_holds(client: Any, api: StandIn) -> None:
    has_begun = []

    def pieces() -> Iterator[bytes]:
        for number in range(90):
            if number > 50:  # 40 fit into the buffer
                has_begun.append("tusCreate" in operations(api))
            yield bytes(100)

    client.upload(waiting(client, 1), [("x", pieces())])

    assert len(has_begun) == 39
    assert all(has_begun)


def test_an_upload_takes_no_more_requests_than_it_needs(client: Any, api: StandIn) -> None:
    """The server of uploads is asked once what it can do, and not by each upload."""
    first, second = waiting(client, 1), waiting(client, 1)
    client.upload(first, [("x", A)])
    api.requests.clear()

    client.upload(second, [("x", A)])

    assert operations(api) == ["getAssembly", "tusCreate", "tusPatch", "getAssembly"]


def test_a_small_file_is_read_but_once(client: Any) -> None:
    read = 0

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal read
            data = super().read(size)
            read += len(data)
            return data

    client.upload(waiting(client, 1), [("x", Watched(b"abc" * 1000))])

    assert read == 3000


def test_a_chunk_may_be_a_byte(client: Any, api: StandIn) -> None:
    assembly = waiting(client, 1)

    client.upload(assembly, [("x", b"abc")], chunk_size=1)

    assert arrived(api, assembly) == {("files", "x", sha256(b"abc"))}


def test_asynchronous_streams_arrive(api: StandIn) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(A), 1000):
            await asyncio.sleep(0)
            yield A[at : at + 1000]

    async def main() -> Any:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            assembly = await client.create_assembly(steps=STEPS, num_expected_upload_files=2)
            files: Any = [("x", pieces()), ("y", Stream(pieces(), len(A)))]
            await client.upload(assembly, files, chunk_size=70_000)
            return assembly

    assembly = asyncio.run(main())

    assert arrived(api, assembly) == {("files", "x", sha256(A)), ("files", "y", sha256(A))}


def test_named_pipes_arrive(client: Any, api: StandIn, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(A))
    writer.start()
    assembly = waiting(client, 1)

    client.upload(assembly, fifo)

    writer.join()
    assert arrived(api, assembly) == {("files", "fifo", sha256(A))}


def test_standard_input_arrives(api: StandIn, a: Path) -> None:
    code = f"""
import sys
from transloadit_client import Transloadit
with Transloadit() as client:
    assembly = client.create_assembly(steps={STEPS}, num_expected_upload_files=1)
    print(client.upload(assembly, sys.stdin.buffer).assembly_id)
"""
    with subprocess.Popen(["cat", a], stdout=subprocess.PIPE) as cat:
        ended = subprocess.run(
            [sys.executable, "-c", code],
            stdin=cat.stdout,
            env={**os.environ, **api.environ},
            capture_output=True,
            text=True,
            check=True,
        )

    (stored,) = api.assemblies[ended.stdout.strip()].uploads
    assert (stored.stored.name, stored.stored.sha256) == ("files", sha256(A))


def test_the_uploads_metadata_say_what_each_file_is(client: Any, api: StandIn, a: Path) -> None:
    assembly = waiting(client, 1)

    client.upload(assembly, {"ä": [("ü.bin", a)]})

    (upload,) = api.assemblies[assembly.assembly_id].tus_uploads
    assert upload.status()["fieldname"] == "ä"
    assert upload.status()["filename"] == "ü.bin"
    assert list(upload.user_meta) == ["fingerprint"]


@pytest.mark.parametrize(
    ("file", "more"),
    [
        (("x", b"x"), {}),
        (("x", b"x", "image/png"), {"filetype": "image/png"}),
        (("x", b"x", None, {"mine": "ä"}), {"mine": "ä"}),
        (("x", b"x", "image/png", {"mine": ""}), {"filetype": "image/png", "mine": ""}),
    ],
)
def test_type_and_metadata_of_a_file_go_with_its_upload(
    client: Any, api: StandIn, file: Any, more: dict[str, str]
) -> None:
    assembly = waiting(client, 1)

    client.upload(assembly, [file])

    (creation,) = (it for it in api.requests if it.operation == "tusCreate")
    pairs = (pair.split(" ") for pair in creation.headers["upload-metadata"].split(","))
    told = {name: b64decode(value).decode() for name, value in pairs}
    fingerprint, _, unique = told.pop("fingerprint").partition("-")
    assert told == {
        "assembly_url": assembly.assembly_ssl_url,
        "fieldname": "files",
        "filename": "x",
        **more,
    }
    assert min(len(fingerprint), len(unique)) >= 16


def test_under_faults_all_arrive_once(connect: Connect, tmp_path: Path) -> None:
    with StandIn() as api:
        patient = evolve(QUICK, attempts=30)  # the faults come one after the other
        client = connect(api.key, api.secret, base_url=api.url, retry=patient)
        files = []
        for number in range(10):
            files.append(tmp_path / f"{number}.bin")
            files[-1].write_bytes(os.urandom(number * 20_000))
        assembly = waiting(client, 10)
        for byte in range(0, 60_000, 10_000):
            api.faults.append(Drop(operation="tusPatch", byte=byte, how="reset"))
            api.faults.append(Drop("work", operation="tusPatch", byte=byte // 1000))
            api.faults.append(Answer(502, operation="tusPatch"))
            api.faults.append(Answer(423, b"", operation="tusHead"))
            api.faults.append(rate_limit(retry_in=0, operation="tusPatch"))

        status = client.upload(assembly, files, chunk_size=50_000)

        assert status.ok in ("ASSEMBLY_EXECUTING", "ASSEMBLY_COMPLETED")
        assert arrived(api, assembly) == {
            ("files", path.name, sha256(path.read_bytes())) for path in files
        }


def test_progress_is_told_at_the_end_at_least(client: Any, a: Path, b: Path) -> None:
    log: list[Progress] = []

    status = client.upload(waiting(client, 2), [a, b], on_progress=log.append)

    last = log[-1]
    assert (last.phase, last.files_sent, last.files_to_send) == ("uploading", 2, 2)
    assert last.bytes_sent == last.bytes_to_send == len(A) + len(B)
    assert last.assembly_id == status.assembly_id
    assert last.status is status
    assert [it.bytes_sent for it in log] == sorted(it.bytes_sent for it in log)
    assert (log[0].bytes_sent, log[0].files_sent) == (0, 0)


def test_progress_is_told_on_the_way_in_the_callers_thread(connect: Connect, api: StandIn) -> None:
    client = connect(api.key, api.secret, base_url=api.url)
    seen: list[tuple[int, int | None]] = []
    threads = set()
    go_on = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield bytes(10)
        go_on.wait(10)
        yield bytes(10)

    def look(progress: Progress) -> None:
        threads.add(threading.get_ident())
        seen.append((progress.bytes_sent, progress.bytes_to_send))
        if progress.bytes_sent == 5:
            go_on.set()

    client.upload(waiting(client, 1), [("x", pieces())], chunk_size=5, on_progress=look)

    assert (5, None) in seen
    assert seen[-1] == (20, 20)  # known now that the stream has ended
    assert len(threads) == 1


def test_progress_is_not_told_where_there_is_none(client: Any) -> None:
    log: list[Progress] = []

    def stalls() -> Iterator[bytes]:
        time.sleep(0.5)
        yield b"x"

    client.upload(waiting(client, 1), [("x", stalls())], on_progress=log.append)

    assert [it.bytes_sent for it in log].count(0) == 1


def test_what_has_not_changed_is_not_told_again() -> None:
    """A retry is shown until something moves."""
    told: list[Progress] = []
    home = Home("https://api2.transloadit.com")
    uploads = Uploads(
        "0" * 32, [], home, chunk_size=1, parallel=1, on_progress=told.append, hosts={}
    )

    uploads.report()
    uploads.report()

    assert len(told) == 1


def test_in_asynchronous_code_the_loops_thread_opens_no_file(api: StandIn, a: Path) -> None:
    """On a disk that is far away that takes its time as well."""
    openers: list[int] = []
    path = str(a)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]) == path:
            openers.append(threading.get_ident())

    async def main() -> int:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            await client.create_assembly(steps=STEPS, files=[a])
            assembly = await client.create_assembly(steps=STEPS, num_expected_upload_files=1)
            await client.upload(assembly, [a])
        return threading.get_ident()

    sys.addaudithook(hook)  # it stays, and hears of no other test's file
    loop = asyncio.run(main())

    assert openers
    assert loop not in openers


@pytest.mark.parametrize("kind", ["a file", "one that keeps its bytes"])
def test_in_asynchronous_code_the_loops_thread_reads_no_file(
    api: StandIn, a: Path, kind: str
) -> None:
    """Neither by tus nor in the form; whatever is derived from `BytesIO` may be a file too."""
    readers: set[int] = set()

    class Watched(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            if size:
                readers.add(threading.get_ident())
            return super().read(size) or b""

    class Kept(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if size:
                readers.add(threading.get_ident())
            return super().read(size)

    def opened() -> IO[bytes]:
        return Kept(8 * A) if kind.startswith("one") else cast("IO[bytes]", Watched(a))

    async def main() -> int:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            assembly = await client.create_assembly(steps=STEPS, num_expected_upload_files=1)
            with opened() as one, opened() as two:
                await client.upload(assembly, [("a", one)])
                await client.create_assembly(steps=STEPS, files=[("a", two)])
        return threading.get_ident()

    a.write_bytes(8 * A)
    loop = asyncio.run(main())

    assert readers
    assert loop not in readers
    assert [
        it.stored.sha256 for assembly in api.assemblies.values() for it in assembly.uploads
    ] == [sha256(8 * A)] * 2


def test_a_form_is_sent_again_with_the_same_bytes_in_asynchronous_code(
    api: StandIn, a: Path
) -> None:
    api.faults.append(Drop(byte=150_000))

    async def main() -> None:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url, retry=QUICK) as client:
            await client.create_assembly(steps=STEPS, files=[a], assembly_id=None)

    asyncio.run(main())

    first, second = api.requests
    assert second.body.startswith(first.body)
    assert second.body_size > first.body_size > 0


def test_a_form_whose_file_breaks_is_not_sent_again(
    client: Any, api: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("the disk is broken")

    caplog.set_level("INFO", logger="transloadit_client")

    with pytest.raises(InvalidInput, match=r"cannot read the file 'x': .*the disk is broken"):
        client.create_assembly(steps=STEPS, files=[("x", Broken(A))])

    assert "going to" not in caplog.text
    assert not api.assemblies


def test_a_form_of_bytes_alone_stays_as_it_is() -> None:
    """No thread is needed where there is nothing to wait for."""
    client = AsyncTransloadit("key", "secret").get_async_httpx_client()
    assert isinstance(client, AsyncHttpClient)

    request = client.build_request("POST", "/", files=[("f", ("a.txt", b"x", "text/plain"))])

    assert isinstance(request.stream, httpx.ByteStream)


def test_whoever_is_canceled_does_not_wait_for_a_slow_file(api: StandIn) -> None:
    go_on = threading.Event()

    def slow() -> Iterator[bytes]:
        go_on.wait(10)
        yield b""

    async def main() -> None:
        async with AsyncTransloadit(api.key, api.secret, base_url=api.url) as client:
            assembly = await client.create_assembly(steps=STEPS, num_expected_upload_files=1)
            began = time.monotonic()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.upload(assembly, [("x", slow())])
            assert time.monotonic() - began < 5.0
            go_on.set()

    asyncio.run(main())
