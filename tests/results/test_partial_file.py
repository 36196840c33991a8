"""The file of a result while it grows: what is asked for, what is added, and what is left."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from transloadit_client import ApiError, AssemblyFile, TransloaditError, UnreadableAnswer
from transloadit_client._calls.answers import Answer
from transloadit_client._results.exclusive_file import ExclusiveFile
from transloadit_client._results.expected import Expected, holds
from transloadit_client._results.partial_file import PartialFile, Redirect

from ..shop import facts_of

DATA = bytes(range(256)) * 4
Opened = Callable[..., PartialFile]


def expected(**facts: Any) -> Expected:
    """What is known of a file by its entry in a status."""
    return Expected.of(AssemblyFile.from_dict(facts))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens a file that grows, which an earlier process may have begun."""
    with ExitStack() as stack:

        def opened(left: bytes = b"", max_size: int | None = None, **facts: Any) -> PartialFile:
            path = tmp_path / "a.bin.01234567.part"
            if left:
                path.write_bytes(left)
                path.chmod(0o600)
            part = PartialFile(path, expected(**facts), max_size)
            stack.callback(part.leave)
            part.open()
            return part

        yield opened


def said(status: int, body: bytes = b"", /, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("fetch made/a.bin", status, body, httpx.Headers(named))


def added(part: PartialFile, body: bytes, status: int = 200, /, **headers: str) -> bool:
    """Whether the body of an answer was added to the file."""
    return part.begin(status, said(status, **headers).headers) and part.write(body)


# What is asked for


def test_a_new_file_is_asked_for_as_a_whole_and_as_it_is(opened: Opened) -> None:
    assert opened().headers() == {"Accept": "*/*", "Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("answered", "condition"),
    [
        ({"ETag": '"one"'}, '"one"'),
        ({"ETag": '"one"', "Last_Modified": "yesterday"}, '"one"'),
        ({"ETag": 'W/"one"', "Last_Modified": "yesterday"}, "yesterday"),
        ({"Last_Modified": "yesterday"}, "yesterday"),
        ({"ETag": 'W/"one"'}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("facts", [facts_of(DATA), {}], ids=["hash known", "nothing known"])
def test_the_rest_is_asked_for_if_it_can_be_told_from_that_of_another_version(
    opened: Opened, answered: dict[str, str], condition: str | None, facts: dict[str, Any]
) -> None:
    part = opened(**facts)
    added(part, DATA[:1000], **answered)

    asked = part.headers()

    assert asked.get("If-Range") == condition
    assert asked.get("Range") == ("bytes=1000-" if condition or facts else None)
    assert part.size == (1000 if condition or facts else 0)


@pytest.mark.parametrize(
    ("left", "facts", "kept"),
    [
        (DATA[:1000], facts_of(DATA), 1000),
        (DATA, facts_of(DATA), len(DATA)),
        (DATA + b"x", facts_of(DATA), 0),
        (b"x", facts_of(b""), 0),
        (DATA[:1000], {"size": len(DATA)}, 0),
        (DATA[:1000], {"md5hash": facts_of(DATA)["md5hash"]}, 0),
        (DATA[:1000], {}, 0),
    ],
    ids=["a beginning", "all", "more than all", "a byte of an empty file", "size alone",
         "hash alone", "nothing known"],
)  # fmt: skip
def test_what_was_left_is_kept_where_size_and_hash_can_tell_whose_it_is(
    opened: Opened, left: bytes, facts: dict[str, Any], kept: int
) -> None:
    part = opened(left, **facts)

    assert part.size == kept
    assert part.path.read_bytes() == left[:kept]


# What is added


@pytest.mark.parametrize("length", ["x", "-1", "+5", "1e3", "9" * 40, "1.0"])
def test_a_length_that_is_no_number_is_none(opened: Opened, length: str) -> None:
    part = opened(max_size=5)

    assert added(part, b"whole", Content_Length=length)
    assert part.judge(said(200)) is None


@pytest.mark.parametrize(
    ("length", "span"),
    [({"Content_Length": "2000"}, {}), ({}, {"Content_Range": "bytes 0-1023/2000"})],
    ids=["by its length", "by its range"],
)
@pytest.mark.parametrize("facts", [{}, {"size": 2000}], ids=["nothing known", "size known"])
def test_a_body_that_ends_before_the_announced_size_is_not_the_file(
    opened: Opened, length: dict[str, str], span: dict[str, str], facts: dict[str, Any]
) -> None:
    part = opened(**facts)
    added(part, DATA, 206 if span else 200, **length, **span)

    with pytest.raises(UnreadableAnswer) as caught:
        part.judge(said(206 if span else 200))

    assert str(caught.value) == "could not fetch made/a.bin: it ended after 1024 of 2000 bytes."
    assert caught.value.http_status == 200


@pytest.mark.parametrize("total", ["1024", "*"])
def test_ranges_that_follow_each_other_make_the_file(opened: Opened, total: str) -> None:
    part = opened()
    added(part, DATA[:1000], ETag='"one"')

    assert added(part, DATA[1000:], 206, Content_Range=f"bytes 1000-1023/{total}")

    assert part.judge(said(206)) is None
    assert not part.fault()
    assert part.path.read_bytes() == DATA
    assert not part.of_one_answer


@pytest.mark.parametrize(
    "span", [None, "", "bytes 999-1023/1024", "bytes 1024-1024/1000", "bytes */1024", "1000-1023"]
)
def test_another_range_than_was_asked_for_is_not_added(opened: Opened, span: str | None) -> None:
    part = opened()
    added(part, DATA[:1000], ETag='"one"')

    assert not added(part, b"x", 206, **({} if span is None else {"Content_Range": span}))

    with pytest.raises(
        UnreadableAnswer, match=r": the answer holds another range than was asked for\.$"
    ):
        part.judge(said(206))
    assert part.path.read_bytes() == DATA[:1000]


@pytest.mark.parametrize("status", [201, 204, 302, 403, 416, 500])
def test_the_body_of_another_answer_is_not_added(opened: Opened, status: int) -> None:
    part = opened()
    added(part, DATA[:1000], ETag='"one"')

    assert not added(part, b"a refusal", status)
    assert part.path.read_bytes() == DATA[:1000]


def test_more_bytes_than_the_status_has_are_not_waited_for(opened: Opened) -> None:
    part = opened(size=5)

    assert added(part, b"whole")
    assert not part.write(b"x")

    with pytest.raises(
        UnreadableAnswer, match=r": the answer holds more than the 5 bytes it should\.$"
    ):
        part.judge(said(200))
    assert part.path.read_bytes() == b"whole"


def test_more_bytes_than_allowed_are_refused_before_they_are_written(opened: Opened) -> None:
    part = opened(max_size=1000)
    why = r"^a\.bin has more bytes than max_size allows \(1000\)$"

    with pytest.raises(TransloaditError, match=why):
        part.begin(200, said(200, Content_Length="1001").headers)
    added(part, DATA[:1000])
    with pytest.raises(TransloaditError, match=why):
        part.write(b"x")

    assert part.path.read_bytes() == DATA[:1000]


@pytest.mark.parametrize(
    "action",
    [
        lambda part: part.restart(),
        lambda part: part.write(b"x"),
        lambda part: part.fault(),
        lambda part: part.publish(part.path),
    ],
    ids=["begin anew", "write", "read back", "publish"],
)
def test_what_the_disk_refuses_is_told_with_the_files_path(
    opened: Opened, action: Callable[[PartialFile], object]
) -> None:
    part = opened()
    part.leave()  # closed, the file refuses all

    with pytest.raises(TransloaditError) as caught:
        action(part)

    assert str(caught.value) == f"cannot save {part.path}: I/O operation on closed file"


def test_a_folder_that_cannot_be_made_is_told_with_the_files_path(tmp_path: Path) -> None:
    (tmp_path / "made").write_bytes(b"a file in its place")
    part = PartialFile(tmp_path / "made" / "a.bin.part", expected())

    with pytest.raises(TransloaditError) as caught:
        part.open()

    assert str(caught.value).startswith(f"cannot save {part.path}: ")
    assert isinstance(caught.value.__cause__, OSError)


# What an answer means


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_elsewhere(opened: Opened, status: int) -> None:
    assert opened().judge(said(status, Location="/b")) == Redirect("/b")


def test_a_range_that_the_server_does_not_have_is_asked_for_anew(opened: Opened) -> None:
    part = opened()
    added(part, DATA[:1000], ETag='"one"')

    assert part.judge(said(416)) == Redirect("")

    assert "Range" not in part.headers()


@pytest.mark.parametrize("status", [300, 304, 306, 309, 403])
def test_a_location_in_any_other_answer_is_not_followed(opened: Opened, status: int) -> None:
    with pytest.raises(ApiError, match=f"HTTP {status}"):
        opened().judge(said(status, Location="/b"))


def test_a_file_may_come_with_a_location(opened: Opened) -> None:
    part = opened()
    added(part, DATA, Location="/b")

    assert part.judge(said(200, Location="/b")) is None


@pytest.mark.parametrize("body", [b"no " * 1000, "🎉".encode() * 1000, b"\xff\xfe" * 1000])
def test_of_a_refusal_two_hundred_characters_are_shown(opened: Opened, body: bytes) -> None:
    shown = body.decode(errors="replace")[:200]

    with pytest.raises(ApiError) as caught:
        opened().judge(said(403, body, Server="theirs"))

    assert str(caught.value) == f"could not fetch made/a.bin: HTTP 403: {shown!r}"
    assert caught.value.http_status == 403
    assert caught.value.body == shown
    assert caught.value.headers["server"] == "theirs"


# What a status says of a file


@pytest.mark.parametrize(
    ("size", "known"), [(0, 0), (1, 1), (-1, None), (True, None), ("4", None), (1.5, None)]
)
def test_a_size_is_a_whole_number_from_0(size: object, known: int | None) -> None:
    assert expected(size=size).size == known


@pytest.mark.parametrize(
    "facts",
    [{"mime": "text/HTML"}, {"ext": "xhtml"}, {"name": "index.html"}],
    ids=["by its type", "by its suffix", "by its name"],
)
def test_a_page_may_be_the_file_if_the_status_says_so(facts: dict[str, Any]) -> None:
    page = {"content-type": "Text/HTML; charset=utf-8"}

    assert expected(**facts).objection(None, httpx.Headers(page)) == ""
    assert expected(name=7).objection(None, httpx.Headers(page)) == "a page (HTML) came instead"


@pytest.mark.parametrize("facts", [{"size": 1024}, {"md5hash": "0" * 32}])
def test_what_came_compressed_is_judged_by_size_and_hash_where_they_are_known(
    facts: dict[str, Any],
) -> None:
    """Some servers label a file that is a `.gz` itself in this way."""
    zipped = httpx.Headers({"content-encoding": "gzip"})

    assert expected(**facts).objection(None, zipped) == ""
    assert "came compressed" in expected().objection(None, zipped)
    assert expected().objection(None, httpx.Headers({"content-encoding": "Identity"})) == ""


@pytest.mark.parametrize("facts", [{}, {"size": 1024}, {"md5hash": facts_of(DATA)["md5hash"]}])
def test_a_file_is_a_result_only_by_size_and_hash(tmp_path: Path, facts: dict[str, Any]) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)

    assert not holds(path, expected(**facts))
    assert holds(path, expected(**facts_of(DATA)))
    assert not holds(path, expected(**facts_of(DATA[::-1])))
    assert not holds(tmp_path / "none", expected(**facts_of(DATA)))
    assert not holds(tmp_path, expected(**facts_of(DATA)))


# What is left


@pytest.mark.parametrize("make", [Path.write_bytes, None], ids=["replaced", "removed"])
def test_another_file_in_the_place_of_ours_is_not_removed(
    tmp_path: Path, make: Callable[[Path, bytes], object] | None
) -> None:
    file = ExclusiveFile.at(tmp_path / "a.part")
    file.path.unlink()
    if make is not None:
        make(file.path, b"theirs")

    file.leave(remove=True)

    assert file.closed
    assert [path.read_bytes() for path in tmp_path.iterdir()] == ([b"theirs"] if make else [])


def test_a_file_that_cannot_be_removed_is_closed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("nothing is removed here")

    file = ExclusiveFile.at(tmp_path / "a.part")
    monkeypatch.setattr(Path, "unlink", refuse)

    file.leave(remove=True)

    assert file.closed


@pytest.mark.skipif(os.name != "posix", reason="there is no umask here")
def test_a_file_system_without_permissions_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no permissions here")

    monkeypatch.setattr(os, "fchmod", refuse)
    before = os.umask(0)
    try:
        with ExclusiveFile.at(tmp_path / "a.part") as file:
            assert file.publish(tmp_path / "a", 0)
    finally:
        os.umask(before)


def test_a_hundred_numbers_are_tried_and_no_other_name(tmp_path: Path) -> None:
    path = tmp_path / "a.bin.part"
    path.mkdir()
    for number in range(2, 100):
        path.with_stem(f"a.bin-{number}").mkdir()

    with ExclusiveFile.at(path) as file:
        assert file.path.name == "a.bin-100.part"


@pytest.mark.skipif(os.name != "posix", reason="locks are other ones here")
def test_a_file_that_another_download_writes_to_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.part"

    with ExclusiveFile.at(path) as first, ExclusiveFile.at(path) as second:
        names = first.path.name, second.path.name
    with ExclusiveFile.at(path) as third:
        assert (*names, third.path.name) == ("a.part", "a-2.part", "a.part")
