"""One upload by tus, against a server that is simulated: whatever breaks, the bytes arrive."""

import hashlib
import io
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from transloadit_client import (
    ApiError,
    FileChanged,
    InvalidInput,
    NoAnswer,
    RetryPolicy,
    Stream,
    UnreadableAnswer,
    UntrustedUrl,
)
from transloadit_client._calls.addresses import Home
from transloadit_client._calls.answers import Answer
from transloadit_client._calls.call import Call
from transloadit_client._calls.contents import SMALL
from transloadit_client._calls.sources import FileSource, Source, StreamSource
from transloadit_client._flow import Flow, InThread, Once, Outcome, Pause, Send
from transloadit_client._retry.attempts import attempts
from transloadit_client._retry.policy import ONCE, World
from transloadit_client._uploads import tus

from .. import flows

URL = "https://api2-a.transloadit.com/resumable/files/"
SERVER = tus.Server(URL, Home("https://api2.transloadit.com"))
POLICY = RetryPolicy(reserve=1e9)
CONTENT = bytes(range(256)) * 5


@define
class Lost:
    """A request that gets no answer, after the server has taken so many of its bytes."""

    taken: int | None = None  # None: it was never sent


@define
class Says:
    """An answer that something in front of the server gives, or one that it garbles."""

    http_status: int = 204
    headers: dict[str, str] = field(factory=dict)
    body: bytes = b""
    taken: int = 0


@define
class Server:
    """A server of tus with at most one upload, to which things happen as scripted."""

    happens: list[Any] = field(factory=list)
    """What befalls each request in turn; None for nothing."""
    sums: bool = False
    bodies: bool = False
    location: str = "1"
    content: bytearray = field(factory=bytearray)
    length: int | None = None
    created: int = 0
    requests: list[dict[str, Any]] = field(factory=list)
    calls: list[Call[Any]] = field(factory=list)
    clock: list[float] = field(factory=lambda: [0.0])

    def send(self, step: Send) -> Outcome:
        arguments: dict[str, Any] = dict(step.request.arguments)
        self.requests.append(arguments)
        self.calls.append(step.call)
        happening = self.happens.pop(0) if self.happens else None
        body = b"".join(arguments.get("content") or ())
        if isinstance(happening, Lost):
            if happening.taken is not None:
                self._answer(arguments, body[: happening.taken], whole=body)
            never = happening.taken is None
            return Outcome(error=NoAnswer("lost"), never_sent=never)
        if isinstance(happening, Says):
            if not 400 <= happening.http_status < 500:  # a refusal is one of the whole request
                self._answer(arguments, body[: happening.taken], whole=body)
            said = (happening.http_status, happening.body, happening.headers)
        else:
            said = self._answer(arguments, body, whole=body)
        try:
            return Outcome(step.call.read(Answer(step.call.title, *said)))
        except ApiError as error:
            return Outcome(error=error)

    def _answer(
        self, asked: dict[str, Any], body: bytes, whole: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        headers = asked["headers"]
        assert headers["Tus-Resumable"] == "1.0.0"
        methods = {
            "OPTIONS": self._options,
            "POST": self._post,
            "HEAD": self._head,
            "PATCH": self._patch,
        }
        return methods[asked["method"]](headers, body, whole)

    def _options(self, *_: Any) -> tuple[int, bytes, dict[str, str]]:
        return 204, b"", {"Tus-Extension": "creation"}

    def _post(
        self, headers: dict[str, str], body: bytes, whole: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        assert self.bodies or not whole
        length = headers.get("Upload-Length")
        assert (length is None) == (headers.get("Upload-Defer-Length") == "1")
        self.length = None if length is None else int(length)
        self.created += 1
        if not whole:
            return 201, b"", {"Location": self.location}
        assert len(whole) == int(headers["Content-Length"]) == self.length
        assert headers["Content-Type"] == "application/offset+octet-stream"
        self.content[:] = body
        return 201, b"", {"Location": self.location, "Upload-Offset": str(len(body))}

    def _head(self, *_: Any) -> tuple[int, bytes, dict[str, str]]:
        length = {} if self.length is None else {"Upload-Length": str(self.length)}
        return 200, b"", {"Upload-Offset": str(len(self.content)), **length}

    def _patch(
        self, headers: dict[str, str], body: bytes, whole: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        assert len(whole) == int(headers["Content-Length"])
        if int(headers["Upload-Offset"]) != len(self.content):
            return 409, b"ERR_MISMATCHED_OFFSET", {}
        if "Upload-Length" in headers:
            if self.length is not None:
                return 400, b"the length is known", {}  # as @tus/server has it
            self.length = int(headers["Upload-Length"])
        if self.sums:
            digest = b64encode(hashlib.sha1(body).digest()).decode()
            if headers["Upload-Checksum"] != f"sha1 {digest}":
                return 460, b"", {}
        self.content += body
        return 204, b"", {"Upload-Offset": str(len(self.content))}


class Slow(Server):
    """One that takes its bytes in twice the time that a policy gives."""

    def send(self, step: Send) -> Outcome:
        if step.request.arguments["method"] == "PATCH":
            self.clock[0] += 2 * POLICY.deadline
        return super().send(step)


def carried_out(flow: Flow[Any], server: Server) -> Any:
    """Carries out a flow against a simulated server, by the rules for retries, without waiting."""
    world = World(POLICY, lambda: server.clock[0], lambda most: most)

    def do(step: Any) -> Any:
        match step:
            case Send():
                return server.send(step)
            case Call():
                return flows.carried_out(attempts(step, world), do)
            case Once():
                once = World(ONCE, world.now, world.jitter)
                return flows.carried_out(attempts(step.call, once), do)
            case InThread():
                return step.do()
            case Pause():
                server.clock[0] += step.seconds
                return None
        raise AssertionError(step)

    return flows.carried_out(flow, do)


def again(content: bytes = CONTENT) -> FileSource:
    return FileSource("f", "a.bin", io.BytesIO(content))


def once(content: bytes = CONTENT, piece: int = 100, size: int | None = None) -> StreamSource:
    pieces = (content[at : at + piece] for at in range(0, len(content), piece))
    return StreamSource("f", "a.bin", Stream(pieces, size))


def upload(source: Source, server: Server, *, chunk_size: int = 500, **options: Any) -> list[int]:
    """The offsets that were told on the way."""
    sent: list[int] = []
    url = carried_out(
        tus.uploaded(
            source,
            tus.Server(URL, SERVER.home, server.sums, server.bodies),
            {"filename": "a.bin"},
            chunk_size=chunk_size,
            sent=sent.append,
            **options,
        ),
        server,
    )
    assert url == f"{URL}1"
    for asked in server.requests:
        assert asked["url"] == (URL if asked["method"] == "POST" else url)
    return sent


def methods(server: Server) -> list[str]:
    return [asked["method"] for asked in server.requests]


# What ends an upload


@pytest.mark.parametrize("status", [400, 403, 404, 410, 412, 413])
def test_a_refusal_ends_the_upload_and_says_why(status: int) -> None:
    server = Server([None, Says(status, body=b"ERR_SO: it is so")])

    with pytest.raises(ApiError, match=r"'a\.bin' from byte 0: HTTP \d+, ERR_SO") as caught:
        upload(again(), server)

    assert caught.value.http_status == status
    assert methods(server) == ["POST", "PATCH"]


def test_chunks_are_halved_for_a_proxy_that_takes_no_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="transloadit_client")
    content = os.urandom(600_000)
    server = Server([None, Says(413, body=b"<html>"), Says(413), None, None, None, None])

    upload(again(content), server, chunk_size=500_000)

    sizes = [int(asked["headers"]["Content-Length"]) for asked in server.requests[1:]]
    assert sizes[:3] == [500_000, 250_000, 125_000]
    assert server.content == content
    assert "(HTTP 413) after attempt 1 of 5; going to send 250000 bytes at once" in caplog.text


def test_what_takes_no_chunk_at_all_is_told_with_the_argument_that_may_help() -> None:
    server = Server([None, *[Says(413, body=b"<html>")] * 9])

    with pytest.raises(ApiError, match="65536 bytes: give a smaller chunk_size") as caught:
        upload(again(os.urandom(300_000)), server, chunk_size=200_000)

    assert caught.value.http_status == 413


def test_a_refusal_of_the_api_itself_is_not_taken_for_that_of_a_proxy() -> None:
    """MAX_SIZE_EXCEEDED ends the Assembly: no chunk would be small enough."""
    refusal = Says(413, body=b'{"error": "MAX_SIZE_EXCEEDED"}')
    server = Server([None, refusal])

    with pytest.raises(ApiError) as caught:
        upload(again(os.urandom(300_000)), server, chunk_size=200_000)

    assert "chunk_size" not in str(caught.value)
    assert methods(server) == ["POST", "PATCH"]


def test_a_file_that_may_not_go_with_the_creation_follows_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="transloadit_client")
    server = Server([Says(413, body=b"<html>")], bodies=True)

    upload(again(), server, chunk_size=5000)

    assert methods(server) == ["POST", "POST", "PATCH"]
    assert server.content == CONTENT
    assert "going to send its bytes later" in caplog.text


def test_the_creation_that_follows_is_looked_for_as_well() -> None:
    server = Server([Says(413, body=b"<html>"), Lost(0)], bodies=True)

    upload(again(), server, chunk_size=5000, find=lambda: tus._state("a.bin", f"{URL}1"))

    assert methods(server) == ["POST", "POST", "HEAD", "PATCH"]
    assert server.created == 1


def test_a_creation_without_a_body_that_is_too_large_is_refused() -> None:
    with pytest.raises(ApiError, match="HTTP 413"):
        upload(again(), Server([Says(413)]))


def test_a_refusal_that_says_nothing_is_one_all_the_same() -> None:
    with pytest.raises(ApiError, match="HTTP 403, no error code"):
        upload(again(), Server([Says(403)]))


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_creation_that_is_refused_is_not_made_again(status: int) -> None:
    server = Server([Says(status)])

    with pytest.raises(ApiError, match=f"HTTP {status}"):
        upload(again(), server)

    assert methods(server) == ["POST"]


def test_a_refusal_in_json_keeps_its_code() -> None:
    with pytest.raises(ApiError) as caught:
        upload(again(), Server([Says(400, body=b'{"error": "NO_SUCH_THING"}')]))

    assert caught.value.code == "NO_SUCH_THING"


@pytest.mark.parametrize(
    "location",
    ["https://evil.example/1", "http://api2-a.transloadit.com:8080/1", "//evil.example/1", "\\\\x"],
)
def test_an_upload_elsewhere_is_not_followed(location: str) -> None:
    server = Server(location=location)

    with pytest.raises(UntrustedUrl, match=r"^an upload's URL "):
        upload(again(), server)

    assert methods(server) == ["POST"]


BEGIN, ASK = (
    "begin the upload of 'a.bin': HTTP 201",
    "ask how much of 'a.bin' has arrived: HTTP 200",
)


@pytest.mark.parametrize(
    ("says", "resumed", "why"),
    [
        (Says(201), False, f"{BEGIN}, the answer does not say where the upload is: ''."),
        (
            Says(201, {"Location": "http://["}),
            False,
            f"{BEGIN}, the answer names no URL where the upload can be: ''.",
        ),
        (Says(200), True, f"{ASK}, the answer does not say how much has arrived: ''."),
    ],
)
def test_an_answer_that_lacks_something_is_told_with_what_was_asked(
    says: Says, resumed: bool, why: str
) -> None:
    server = Server([says] * POLICY.attempts)

    with pytest.raises(UnreadableAnswer) as caught:
        upload(again(), server, url=f"{URL}1" if resumed else None)

    assert str(caught.value).startswith(f"could not {why}")


def test_bytes_that_the_server_confirmed_may_not_vanish() -> None:
    gone = Says(200, {"Upload-Offset": "3"})
    server = Server([None, None, Lost(0), *[gone] * POLICY.attempts])

    with pytest.raises(UnreadableAnswer) as caught:
        upload(again(), server)

    assert str(caught.value).startswith(
        f"could not {ASK}, the answer says that of 500 bytes 3 are left: ''."
    )


def test_a_server_that_acknowledges_more_than_was_sent_is_not_believed() -> None:
    server = Server([None, *[Says(204, {"Upload-Offset": "501"}), None] * POLICY.attempts])

    with pytest.raises(UnreadableAnswer) as caught:
        upload(again(), server)

    assert str(caught.value).startswith(
        "could not send 'a.bin' from byte 0: HTTP 204, the answer says that 501 bytes are there"
    )
    assert not server.content


def test_a_file_that_shrank_is_refused() -> None:
    class Kept(io.BytesIO):
        """No plain `BytesIO`, of which a copy is taken at once."""

    content = Kept(CONTENT)
    source = FileSource("f", "a.bin", content)
    content.truncate(700)

    with pytest.raises(FileChanged, match="has fewer bytes"):
        upload(source, Server())


@pytest.mark.parametrize(("length", "offset"), [(1279, 0), (1281, 100), (None, 1281)])
def test_an_upload_of_another_length_is_not_resumed(length: int | None, offset: int) -> None:
    server = Server(content=bytearray(offset), length=length)

    with pytest.raises(FileChanged, match="its size differs"):
        upload(again(), server, url=f"{URL}1")

    assert methods(server) == ["HEAD"]


def test_a_stream_is_not_resumed_once_bytes_have_arrived() -> None:
    server = Server(content=bytearray(1))

    with pytest.raises(FileChanged, match="cannot be resumed"):
        upload(once(), server, url=f"{URL}1")


@pytest.mark.parametrize("size", [1279, 1281, 0])
def test_a_stream_of_another_size_than_was_said_is_refused(size: int) -> None:
    with pytest.raises(FileChanged, match=f"was to have {size} bytes"):
        upload(once(size=size), Server())


def test_a_stream_of_anything_but_bytes_is_refused() -> None:
    source = StreamSource("f", "a.bin", Stream(iter(["text"])))  # type: ignore[arg-type]  # the point

    with pytest.raises(InvalidInput, match="a piece of type str"):
        upload(source, Server())


def test_what_never_comes_through_ends_after_so_many_attempts() -> None:
    server = Server([None, *[Lost(0), None] * 10])

    with pytest.raises(NoAnswer) as caught:
        upload(again(), server)

    assert methods(server) == ["POST", *["PATCH", "HEAD"] * POLICY.attempts]
    assert caught.value.attempts[-1].decision == "no attempts are left"


def test_what_has_arrived_is_asked_on_a_connection_of_its_own() -> None:
    """No other answer could be taken for this one, on which the next request rests."""
    server = Server([None, Lost(0)])

    upload(again(), server, chunk_size=5000)

    assert methods(server) == ["POST", "PATCH", "HEAD", "PATCH"]
    assert [call.own_connection for call in server.calls] == [False, False, True, False]


@pytest.mark.parametrize(
    ("size", "bodies", "sizes"),
    [
        (700, False, [0, 500, 0, 500, 200]),
        (300, True, [300, 0]),
        (700, True, [0, 500, 0, 500, 200]),
    ],
)
def test_a_request_has_the_time_that_its_bytes_may_take(
    size: int, bodies: bool, sizes: list[int]
) -> None:
    server = Server([None, Lost(0)], bodies=bodies)

    upload(again(CONTENT[:size]), server)

    assert [call.size for call in server.calls] == sizes[: len(server.calls)]


# What breaks on the way


@pytest.mark.parametrize("taken", [0, 1, 499, 500])
def test_a_chunk_that_went_astray_goes_on_from_where_the_server_is(taken: int) -> None:
    server = Server([None, Lost(taken)])

    sent = upload(again(), server)

    assert server.content == CONTENT
    assert methods(server)[:3] == ["POST", "PATCH", "HEAD"]
    assert server.requests[3]["headers"]["Upload-Offset"] == str(taken)
    assert sent[-1] == len(CONTENT)


def test_a_chunk_that_was_never_sent_is_sent_again_at_once() -> None:
    server = Server([None, Lost()])

    upload(again(), server)

    assert methods(server) == ["POST", "PATCH", "PATCH", "PATCH", "PATCH"]


@pytest.mark.parametrize(
    "garbled", [{}, {"Upload-Offset": "x"}, {"Upload-Offset": "9" * 30}, {"Upload-Offset": "0"}]
)
def test_an_answer_that_does_not_say_is_looked_after(garbled: dict[str, str]) -> None:
    server = Server([None, Says(204, garbled, taken=500)])

    upload(again(), server)

    assert server.content == CONTENT
    assert methods(server)[:4] == ["POST", "PATCH", "HEAD", "PATCH"]


def test_a_server_may_take_a_part_of_a_chunk() -> None:
    server = Server([None, Says(204, {"Upload-Offset": "300"}, taken=300)])

    upload(again(), server)

    assert server.content == CONTENT
    assert methods(server) == ["POST", "PATCH", "PATCH", "PATCH"]


@pytest.mark.parametrize("status", [409, 460, 500, 502, 504])
def test_it_looks_where_the_server_is_and_sends_again(status: int) -> None:
    server = Server([None, Says(status)])

    upload(again(), server)

    assert server.content == CONTENT
    assert methods(server)[:4] == ["POST", "PATCH", "HEAD", "PATCH"]


def test_an_upload_that_is_locked_is_waited_for() -> None:
    """The server has not noticed yet that the connection broke."""
    server = Server([None, Lost(100), Says(423), Says(423)])

    upload(again(), server)

    assert server.content == CONTENT
    assert server.clock[0] >= 2 * POLICY.floor


def test_a_creation_whose_answer_was_lost_is_looked_for() -> None:
    server = Server([Lost(0)])

    upload(again(), server, find=lambda: tus._state("a.bin", f"{URL}1"))

    assert server.created == 1
    assert methods(server)[:3] == ["POST", "HEAD", "PATCH"]


def test_an_upload_that_another_file_was_given_is_not_taken() -> None:
    """Two files in one upload would both be lost: an answer that came twice is looked after."""
    at = tus.Server(URL, SERVER.home)

    def send(server: Server, find: tus.Find | None = None) -> None:
        flow = tus.uploaded(again(), at, {}, chunk_size=9999, sent=lambda _: None, find=find)
        carried_out(flow, server)

    send(Server())
    with pytest.raises(UnreadableAnswer) as caught:
        send(Server())
    assert str(caught.value).startswith(
        f"could not {BEGIN}, the answer names an upload that another file has: ''."
    )
    server = Server()
    send(server, lambda: tus._state("a.bin", f"{URL}2"))

    assert methods(server) == ["POST", "HEAD", "PATCH"]
    assert server.requests[-1]["url"] == f"{URL}2"


def test_a_creation_without_a_place_to_look_is_made_again() -> None:
    server = Server([Lost(0), Says(201)])

    upload(again(), server)

    assert server.created == 3
    assert server.content == CONTENT


@pytest.mark.parametrize("taken", [0, 1, 299, 300])
def test_what_went_astray_with_the_creation_goes_on_from_where_the_server_is(taken: int) -> None:
    server = Server([Lost(taken)], bodies=True)

    upload(again(CONTENT[:300]), server, find=lambda: tus._state("a.bin", f"{URL}1"))

    assert server.content == CONTENT[:300]
    assert server.created == 1
    assert methods(server) == ["POST", "HEAD", "PATCH"][: 2 + (taken < 300)]


def test_what_a_server_did_not_take_with_the_creation_is_sent_after_it() -> None:
    some = Says(201, {"Location": "1", "Upload-Offset": "100"}, taken=100)
    server = Server([some], bodies=True)

    upload(again(CONTENT[:300]), server)

    assert server.content == CONTENT[:300]
    assert server.requests[1]["headers"]["Upload-Offset"] == "100"


@pytest.mark.parametrize("garbled", [{}, {"Upload-Offset": "x"}, {"Upload-Offset": "301"}])
def test_a_creation_that_does_not_say_what_arrived_is_looked_after(garbled: dict[str, str]) -> None:
    server = Server([Says(201, {"Location": "1", **garbled}, taken=200)], bodies=True)

    upload(again(CONTENT[:300]), server, find=lambda: tus._state("a.bin", f"{URL}1"))

    assert server.content == CONTENT[:300]
    assert methods(server) == ["POST", "HEAD", "PATCH"]


def test_what_a_creation_says_of_bytes_that_were_never_sent_is_told() -> None:
    garbled = Says(201, {"Location": "1", "Upload-Offset": "301"})

    with pytest.raises(UnreadableAnswer) as caught:
        upload(again(CONTENT[:300]), Server([garbled] * POLICY.attempts, bodies=True))

    assert str(caught.value).startswith(
        f"could not {BEGIN}, the answer says that 301 bytes are there: ''."
    )


def test_a_long_chunk_leaves_time_to_look_and_go_on() -> None:
    """The deadline is for what comes after a fault, not for how long sending takes."""
    server = Slow([None, Lost(100), Lost(), Lost()])

    upload(again(), server)

    assert server.content == CONTENT


# What arrives


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501, 1000, 1280])
@pytest.mark.parametrize("source", [again, once])
def test_files_of_all_sizes_arrive(source: Callable[[bytes], Source], size: int) -> None:
    server = Server()
    content = CONTENT[:size]

    upload(source(content), server)

    assert server.content == content
    assert server.length == size
    assert len(server.requests) == 1 + -(-size // 500)


@pytest.mark.parametrize("size", [0, 1, 499, 500, 501])
@pytest.mark.parametrize("source", [again, lambda content: once(content, size=len(content))])
def test_what_fits_into_one_request_goes_with_the_creation(
    source: Callable[[bytes], Source], size: int
) -> None:
    """Where the server takes it: a request less, and so a round trip."""
    server = Server(bodies=True)

    sent = upload(source(CONTENT[:size]), server)

    assert server.content == CONTENT[:size]
    assert methods(server) == (["POST"] if size <= 500 else ["POST", "PATCH", "PATCH"])
    assert sent[-1] == size


def test_what_is_not_small_is_sent_after_the_creation() -> None:
    """What is sent of it twice, if that breaks, is little."""
    small, large = Server(bodies=True), Server(bodies=True)

    upload(again(bytes(SMALL)), small, chunk_size=2 * SMALL)
    upload(again(bytes(SMALL + 1)), large, chunk_size=2 * SMALL)

    assert methods(small) == ["POST"]
    assert methods(large) == ["POST", "PATCH"]


def test_the_length_of_a_stream_is_told_with_its_last_chunk() -> None:
    server = Server()

    upload(once(), server)

    told = [asked["headers"].get("Upload-Length") for asked in server.requests]
    assert told == [None, None, None, "1280"]
    assert server.requests[0]["headers"]["Upload-Defer-Length"] == "1"


def test_a_length_that_was_told_is_not_told_again() -> None:
    """Though the chunk that told it has to be sent again."""
    server = Server([None, None, None, Lost(0)])

    upload(once(), server)

    assert server.content == CONTENT
    told = [asked["headers"].get("Upload-Length") for asked in server.requests]
    assert told.count("1280") == 1


def test_a_length_that_was_told_before_the_stream_was_resumed_is_not_told_again() -> None:
    server = Server(length=1280)

    upload(once(), server, url=f"{URL}1")

    assert server.content == CONTENT
    assert not any("Upload-Length" in asked["headers"] for asked in server.requests)


def test_a_stream_whose_size_is_known_says_so_at_once() -> None:
    server = Server()

    upload(once(size=1280), server)

    assert server.requests[0]["headers"]["Upload-Length"] == "1280"
    assert server.content == CONTENT


def test_metadata_are_in_base64() -> None:
    server = Server()

    carried_out(
        tus.uploaded(
            again(),
            tus.Server(URL, SERVER.home),
            {"filename": "ä, b", "empty": ""},
            chunk_size=9999,
            sent=lambda _: None,
        ),
        server,
    )

    header = server.requests[0]["headers"]["Upload-Metadata"]
    pairs = dict(pair.split(" ") for pair in header.split(","))
    assert {key: b64decode(value).decode() for key, value in pairs.items()} == {
        "filename": "ä, b",
        "empty": "",
    }


def test_what_goes_with_the_creation_is_told_as_it_is_sent_and_as_it_arrives() -> None:
    some = Says(201, {"Location": "1", "Upload-Offset": "100"}, taken=100)

    assert upload(again(CONTENT[:300]), Server([some], bodies=True)) == [300, 100, 300, 300]


def test_what_has_been_sent_is_told_piece_by_piece() -> None:
    sent = upload(again(bytes(3 * SMALL)), Server(), chunk_size=2 * SMALL)

    assert sent[0] == 0
    assert sent == sorted(sent)
    assert len(set(sent)) > 4  # more often than requests end


class Watched(io.BytesIO):
    """A file that remembers which bytes were read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.seen: set[int] = set()

    def read(self, size: int | None = -1, /) -> bytes:
        at = self.tell()
        data = super().read(size)
        self.seen |= set(range(at, at + len(data)))
        return data


def fingerprint(content: bytes) -> tuple[Any, set[int]]:
    """Of a file that is not in memory; and which of its bytes were read for it."""
    file = Watched(content)
    source = FileSource("f", "a.bin", file)
    file.seen.clear()
    return carried_out(tus.fingerprint(source), Server()), file.seen


SAMPLE = 64 * 1024


@pytest.mark.parametrize(
    ("size", "changed"),
    [(10, 5), (2 * SAMPLE, SAMPLE), (500_000, 0), (500_000, SAMPLE - 1), (500_000, 499_999),
     (500_000, 500_000 - SAMPLE), (2 * SAMPLE + 2, SAMPLE - 1)],
)  # fmt: skip
def test_a_fingerprint_covers_beginning_and_end(size: int, changed: int) -> None:
    content = bytes(size)
    other = content[:changed] + b"x" + content[changed + 1 :]

    assert fingerprint(content)[0] == fingerprint(content)[0]
    assert fingerprint(content)[0] != fingerprint(other)[0]


def test_files_that_begin_and_end_alike_differ_in_their_size() -> None:
    assert fingerprint(bytes(500_000))[0] != fingerprint(bytes(500_001))[0]


def test_of_a_large_file_little_is_read_for_its_fingerprint() -> None:
    _, seen = fingerprint(bytes(150_000))

    assert seen == {*range(SAMPLE), *range(150_000 - SAMPLE, 150_000)}


def test_the_fingerprint_of_bytes_covers_all_of_them() -> None:
    content = bytes(500_000)
    other = bytes(250_000) + b"x" + bytes(249_999)

    prints = [carried_out(tus.fingerprint(again(it)), Server()) for it in (content, content, other)]

    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    "flow",
    [lambda: tus.load(again(), 0, 500), lambda: tus.fingerprint(again())],
    ids=["to be sent", "to be known"],
)
def test_what_is_in_memory_needs_no_thread(flow: Callable[[], Flow[Any]]) -> None:
    with pytest.raises(StopIteration):
        next(flow())


def test_bytes_are_sent_without_a_thread() -> None:
    server = Server()

    upload(again(), server)

    assert all(asked["content"].in_memory for asked in server.requests[1:])


def test_what_is_read_from_a_file_is_read_in_a_thread() -> None:
    source = FileSource("f", "a.bin", Watched(CONTENT))

    assert isinstance(next(tus.fingerprint(source)), InThread)
    assert isinstance(next(tus.load(source, 0, 500)), InThread)


def test_a_stream_has_no_fingerprint() -> None:
    assert carried_out(tus.fingerprint(once()), Server()) is None


def test_an_upload_goes_on_where_it_stopped() -> None:
    server = Server(content=bytearray(CONTENT[:700]), length=1280)

    sent = upload(again(), server, url=f"{URL}1")

    assert server.content == CONTENT
    assert methods(server) == ["HEAD", "PATCH", "PATCH"]
    assert sent[0] == 700


def test_an_upload_that_has_arrived_is_not_sent_again() -> None:
    server = Server(content=bytearray(CONTENT), length=1280)

    upload(again(), server, url=f"{URL}1")

    assert methods(server) == ["HEAD"]


def test_a_chunk_carries_its_checksum_where_that_is_compared() -> None:
    server = Server(sums=True)

    upload(again(), server)

    assert server.content == CONTENT


@pytest.mark.parametrize("source", [again, once])
def test_a_chunk_with_a_checksum_is_no_larger_than_can_be_lost(
    source: Callable[[bytes], Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tus, "_CHECKED_CHUNK", 300)
    server = Server(sums=True)

    upload(source(CONTENT), server)

    assert server.content == CONTENT
    sizes = [asked["headers"]["Content-Length"] for asked in server.requests[1:]]
    assert sizes == ["300", "300", "300", "300", "80"]


def test_a_chunk_without_a_checksum_is_as_large_as_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tus, "_CHECKED_CHUNK", 300)
    server = Server()

    upload(again(), server)

    headers = [asked["headers"] for asked in server.requests[1:]]
    assert [it["Content-Length"] for it in headers] == ["500", "500", "280"]
    assert not any("Upload-Checksum" in it for it in headers)


@pytest.mark.parametrize(
    ("extensions", "algorithms", "compared", "bodies"),
    [
        ("creation,checksum", "md5, sha1", True, False),
        ("creation,checksum", "md5", False, False),
        ("creation", "sha1", False, False),
        ("creation, checksum", "sha1", True, False),
        ("creation,creation-with-upload", "sha1", False, True),
        ("creation,creation-with-upload,checksum", "md5", False, True),
        ("creation,creation-with-upload,checksum", "sha1", True, False),
    ],
)
def test_what_the_server_can_do_is_asked(
    extensions: str, algorithms: str, *, compared: bool, bodies: bool
) -> None:
    """Bytes that can be compared are sent in requests of which all servers compare them."""
    headers = {"Tus-Extension": extensions, "Tus-Checksum-Algorithm": algorithms}

    able = carried_out(tus.asked(SERVER, {}), Server([Says(204, headers)]))

    assert able.checksums is compared
    assert able.bodies is bodies


def test_a_host_is_asked_but_once() -> None:
    known: dict[str, tuple[bool, bool]] = {}
    able = Says(204, {"Tus-Extension": "creation-with-upload"})
    server, other = Server([able]), evolve(SERVER, url="https://api2-b.transloadit.com/files/")

    answers = [carried_out(tus.asked(it, known), server) for it in (SERVER, SERVER, other)]

    assert [it.bodies for it in answers] == [True, True, False]
    assert [it.url for it in answers] == [URL, URL, other.url]
    assert methods(server) == ["OPTIONS", "OPTIONS"]


def test_a_question_that_a_firewall_swallows_takes_seconds() -> None:
    step = next(tus.asked(SERVER, {}))

    assert isinstance(step, Once)
    assert step.longest <= 10


@pytest.mark.parametrize("fault", [[Says(405)], [Lost(0)] * POLICY.attempts])
def test_a_server_that_does_not_say_can_do_what_all_can(fault: list[Any]) -> None:
    assert carried_out(tus.asked(SERVER, {}), Server(list(fault))) == SERVER


happenings = st.lists(
    st.one_of(
        st.none(),
        st.none(),
        st.builds(Lost, st.one_of(st.none(), st.integers(0, 40))),
        st.builds(Says, st.sampled_from([423, 429, 409, 460, 500, 503])),
        st.builds(Says, st.just(204), taken=st.integers(0, 40)),
    ),
    max_size=40,
)


@given(
    size=st.integers(0, 100),
    chunk_size=st.integers(1, 40),
    piece=st.integers(1, 50),
    happens=happenings,
    kind=st.sampled_from(["again", "once", "said"]),
    bodies=st.booleans(),
)
def test_whatever_happens_the_bytes_arrive_or_an_error_says_why(
    size: int, chunk_size: int, piece: int, happens: list[Any], kind: str, *, bodies: bool
) -> None:
    content = CONTENT[:size]
    sources: dict[str, Callable[[], Source]] = {
        "again": lambda: again(content),
        "once": lambda: once(content, piece),
        "said": lambda: once(content, piece, size),
    }
    server = Server(happens, bodies=bodies)

    error: Any = None
    try:
        upload(sources[kind](), server, chunk_size=chunk_size)
    except (ApiError, NoAnswer) as caught:
        error = caught

    if error is None:
        assert server.content == content
        assert server.length == size
    else:
        refused = getattr(error, "http_status", None) in (409, 460)
        assert refused or len(error.attempts) >= POLICY.attempts
        assert content.startswith(server.content)
