"""Results on their way to the disk, from servers that break, lie and lead astray."""

import asyncio
import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from transloadit_client import (
    AssemblyStatus,
    AsyncTransloadit,
    DownloadIncomplete,
    InvalidInput,
    Progress,
    RetryPolicy,
    SavedFile,
    StillBusy,
    Transloadit,
    TransloaditError,
)
from transloadit_client._calls.addresses import Home
from transloadit_client._results.download import Download
from transloadit_client._results.exclusive_file import ExclusiveFile
from transloadit_client._results.expected import Expected
from transloadit_client._results.partial_file import PartialFile
from transloadit_standin import StandIn

from ..shop import (
    ID,
    Order,
    Script,
    Shop,
    as_json,
    chunked,
    facts_of,
    opened_shop,
    says,
    serves,
)

DATA = bytes(range(256)) * 2000  # half a MiB
FACTS = facts_of(DATA)
HERE = Home("http://127.0.0.1")
QUICK = RetryPolicy(attempts=4, first=0.01, longest=0.05, floor=0.01)


def done(*files: dict[str, Any]) -> AssemblyStatus:
    """The status of an Assembly that has these results."""
    return AssemblyStatus.from_dict(
        {"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, "results": {"made": list(files)}}
    )


@pytest.fixture
def shop() -> Iterator[Shop]:
    with opened_shop() as shop:
        yield shop


class Saver:
    """Saves results with a client of either kind."""

    def __init__(self, connect: Callable[..., Any], shop: Shop, folder: Path) -> None:
        self.shop, self.folder = shop, folder
        self.client = connect("a-key", "a-secret", base_url=shop.url, retry=QUICK,
                              headers={"X-Mine": "mine"}, cookies={"mine": "1"})  # fmt: skip

    def save(self, *files: dict[str, Any], **options: Any) -> tuple[SavedFile, ...]:
        status = AssemblyStatus.from_dict(self.shop.status(*files))
        saved: tuple[SavedFile, ...] = self.client.download_results(status, self.folder, **options)
        return saved

    def lose(self, *files: dict[str, Any], **options: Any) -> list[str]:
        """Why the files could not be saved."""
        with pytest.raises(DownloadIncomplete) as caught:
            self.save(*files, **options)
        assert caught.value.assembly_id == ID
        return [missing.why for missing in caught.value.missing]

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def saver(connect: Callable[..., Any], shop: Shop, tmp_path: Path) -> Saver:
    return Saver(connect, shop, tmp_path / "results")


# What cannot be saved


@pytest.mark.parametrize(("number", "more"), [(3, ""), (4, "; and 1 more"), (5, "; and 2 more")])
def test_an_error_names_the_first_three_results_that_are_missing(
    saver: Saver, number: int, more: str
) -> None:
    with pytest.raises(DownloadIncomplete) as caught:
        saver.save(*({"name": f"{n}.jpg"} for n in range(number)))

    error = caught.value
    named = "; ".join(f"made/{n}.jpg has no URL in the status" for n in range(3))
    assert str(error) == (
        f"{number} of {number} results of Assembly {ID} could not be saved: {named}{more}."
    )
    assert [missing.file.name for missing in error.missing] == [f"{n}.jpg" for n in range(number)]
    assert error.status
    assert (error.status.ok, error.code) == ("ASSEMBLY_COMPLETED", "ASSEMBLY_COMPLETED")


def test_a_result_without_a_url_is_reported_and_the_others_are_saved(saver: Saver) -> None:
    good = saver.shop.file("good.jpg", serves(DATA), **FACTS)

    with pytest.raises(
        DownloadIncomplete, match=r"1 of 2 results .*made/lost\.jpg has no URL"
    ) as caught:
        saver.save({"name": "lost.jpg"}, good)

    [missing], [saved] = caught.value.missing, caught.value.saved
    assert (missing.step, missing.file.name) == ("made", "lost.jpg")
    assert saved.path.read_bytes() == DATA


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "//127.0.0.1/x",
        "https://",
        "https://user:secret@files.example/x",
        "https://files.example:0/x",
        "https://files.example:99999/x",
        "https://[::1/x",
        "https://files .example/a",
        "https://files.example/\x00",
        "https://exa\u202emple..com\u3002/",
        "https://xn--0/x",
        "a" * 3000,
    ],
)
def test_a_url_that_is_none_is_not_fetched(saver: Saver, url: str) -> None:
    [why] = saver.lose({"name": "x", "ssl_url": url})

    assert why == "could not fetch made/x: it has no URL that is safe to use"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://files.example/x", "over https alone"),
        ("https://127.0.0.1/x", "on this machine or its network"),
        ("https://localhost/x", "on this machine or its network"),
    ],
)
def test_nothing_but_https_elsewhere_is_fetched(
    connect: Callable[..., Any], tmp_path: Path, url: str, reason: str
) -> None:
    files = {"made": [{"name": "x", "url": url}]}
    status = AssemblyStatus.from_dict(
        {"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID, "results": files}
    )

    with pytest.raises(DownloadIncomplete, match=reason):
        connect("k", "s").download_results(status, tmp_path)


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_refusal_is_not_tried_again(saver: Saver, code: int) -> None:
    body = b"<Error><Code>AccessDenied</Code></Error>"

    [why] = saver.lose(saver.shop.file("a.jpg", says(code, body), **FACTS))

    assert f"made/a.jpg from 127.0.0.1: HTTP {code}" in why
    assert "AccessDenied" in why
    assert len(saver.shop.orders) == 1
    assert saver.names == []


def test_the_sentence_about_a_missing_result_ends_but_once(saver: Saver) -> None:
    with pytest.raises(DownloadIncomplete) as caught:
        saver.save(*(saver.shop.file(name, chunked(DATA[:-1]), **FACTS) for name in "ab"))

    first, second = (missing.why for missing in caught.value.missing)
    assert str(caught.value) == (
        f"2 of 2 results of Assembly {ID} could not be saved: {first.removesuffix('.')}; {second}"
    )


def test_of_a_refusal_more_is_shown_than_comes_at_once(saver: Saver) -> None:
    def script(order: Order) -> None:
        order.begin(403, Content_Length="20")
        order.wfile.write(b"<Error><Co")
        time.sleep(0.05)
        order.wfile.write(b"de>Expired")

    [why] = saver.lose(saver.shop.file("a.jpg", script, **FACTS))

    assert why.endswith(": HTTP 403: '<Error><Code>Expired'")


WRONG: dict[str, tuple[Script, str]] = {
    "a page": (
        says(200, b"<html>", Content_Type="text/html; charset=utf-8"),
        ": a page (HTML) of 6 bytes came, where the status has 512000."),
    "other bytes": (
        serves(DATA[::-1]), ": the md5 of its 512000 bytes is not the one that the status has."),
    "fewer bytes": (
        serves(DATA[:-1]), ": an answer of 511999 bytes came, where the status has 512000."),
    "more bytes": (
        serves(DATA + b"x"), ": an answer of 512001 bytes came, where the status has 512000."),
    "fewer bytes than announced": (serves(DATA, breaks_after=0), "got no answer"),
    "fewer chunks": (chunked(DATA[:-1]), ": it ended after 511999 of 512000 bytes."),
    "more chunks": (
        chunked(DATA + b"x"), ": the answer holds more than the 512000 bytes it should."),
    "chunks without end": (
        chunked(DATA * 100), ": the answer holds more than the 512000 bytes it should."),
    "no content": (says(204), "HTTP 204"),
    "a range that nobody asked for": (
        says(206, b"xy", Content_Range="bytes 7-8/512000"),
        ": the answer holds another range than was asked for."),
    "a range of nothing": (
        says(206, b"xy"), ": the answer holds another range than was asked for."),
    "a redirect to nowhere": (says(302), "HTTP 302"),
    "trouble": (says(503), "HTTP 503"),
}  # fmt: skip


@pytest.mark.parametrize(("script", "reason"), WRONG.values(), ids=WRONG)
def test_what_is_not_the_file_is_never_saved(saver: Saver, script: Script, reason: str) -> None:
    good = saver.shop.file("good.jpg", serves(DATA), **FACTS)

    [why] = saver.lose(saver.shop.file("a.jpg", script, **FACTS), good)

    assert reason in why
    assert [name for name in saver.names if not name.endswith(".part")] == ["good.jpg"]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (says(200, b"<html>", Content_Type="text/html"), ": a page (HTML) came instead."),
        (
            says(200, b"zipped", Content_Encoding="gzip"),
            ": it came compressed, though that was not asked for.",
        ),
        (chunked(DATA, ends=False), "got no answer"),
        (serves(DATA, breaks_after=10, etag=None), "got no answer"),
    ],
)
def test_of_a_file_nothing_is_known_of_what_looks_wrong_is_not_saved(
    saver: Saver, script: Script, reason: str
) -> None:
    [why] = saver.lose(saver.shop.file("a.jpg", script))

    assert reason in why
    assert saver.names == []


def test_of_a_file_that_is_empty_by_the_status_nothing_else_is_saved(saver: Saver) -> None:
    [why] = saver.lose(saver.shop.file("a.txt", serves(b"not empty"), size=0))

    assert "of 9 bytes came, where the status has 0" in why


def test_a_page_that_was_asked_for_is_saved(saver: Saver) -> None:
    page = says(200, b"<html>", Content_Type="text/html")

    [saved] = saver.save(saver.shop.file("index.html", page))

    assert saved.path.read_bytes() == b"<html>"


def test_sha256_counts_where_it_is_given_and_what_is_no_hash_does_not(saver: Saver) -> None:
    right = hashlib.sha256(DATA).hexdigest()
    facts: list[dict[str, object]] = [
        {"sha256": right.upper()},
        {"md5hash": "none", "size": "many"},
        {"md5hash": None, "size": -1},
    ]  # fmt: skip
    files = [
        saver.shop.file(f"{number}.jpg", serves(DATA), **known)
        for number, known in enumerate(facts)
    ]

    with pytest.raises(DownloadIncomplete, match="sha256") as caught:
        saver.save(*files, saver.shop.file("wrong.jpg", serves(DATA), sha256="0" * 64))

    assert len(caught.value.saved) == 3


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "4"])
def test_files_are_fetched_one_at_a_time_at_least(saver: Saver, wrong: Any) -> None:
    with pytest.raises(
        InvalidInput, match=r"^parallel is .*; it takes a whole number of files from 1$"
    ):
        saver.save(parallel=wrong)


def test_a_busy_assembly_has_no_results_yet(saver: Saver) -> None:
    saver.shop.scripts[f"/assemblies/{ID}"] = [as_json(saver.shop.status(ok="ASSEMBLY_EXECUTING"))]

    with pytest.raises(StillBusy) as caught:
        saver.client.download_results(ID, saver.folder)

    error = caught.value
    assert str(error) == f"Assembly {ID} is still busy; wait for it first."
    assert error.status
    assert (error.assembly_id, error.status.ok, error.code) == (ID, *["ASSEMBLY_EXECUTING"] * 2)


def test_what_the_disk_refuses_is_the_trouble_of_one_file(saver: Saver) -> None:
    status = saver.shop.status(saver.shop.file("a.jpg", serves(DATA), **FACTS))
    status["results"]["other"] = [saver.shop.file("b.jpg", serves(DATA), **FACTS)]
    saver.folder.mkdir()
    (saver.folder / "made").write_text("a file in the place of a folder")

    with pytest.raises(DownloadIncomplete, match="cannot save") as caught:
        saver.client.download_results(AssemblyStatus.from_dict(status), saver.folder)

    assert [file.step for file in caught.value.missing] == ["made"]
    assert [file.step for file in caught.value.saved] == ["other"]


def test_a_folder_that_cannot_be_is_the_trouble_of_each_file(saver: Saver) -> None:
    saver.folder = saver.folder / ("x" * 300)

    [why] = saver.lose(saver.shop.file("a.jpg", serves(DATA), **FACTS))

    assert why.startswith(f"cannot save {saver.folder / 'made' / 'a.jpg'}.")


def test_a_folder_that_may_not_be_looked_into_is_the_trouble_of_each_file(
    saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "no access here")

    monkeypatch.setattr(Path, "exists", refuse)

    [why] = saver.lose(saver.shop.file("a.jpg", serves(DATA), **FACTS))

    assert why == f"cannot save {saver.folder / 'made' / 'a.jpg'}: no access here"


def test_a_folder_that_is_no_path_is_the_trouble_of_each_file(saver: Saver) -> None:
    saver.folder = Path(f"{saver.folder}/\x00")

    [why] = saver.lose(saver.shop.file("a.jpg", serves(DATA), **FACTS))

    assert "null" in why


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (7, "save_to is of type int; it takes the path of a folder"),
        (None, "save_to is of type NoneType; it takes the path of a folder"),
        (__file__, f"save_to is {__file__!r}, which is no folder"),
    ],
)
def test_what_is_no_folder_is_refused_at_once(wrong: Any, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Download(done(), wrong, HERE)

    assert str(caught.value) == why


@pytest.mark.parametrize("wrong", [-1, 1.5, "4"])
def test_a_limit_that_is_no_number_of_bytes_is_refused(wrong: Any) -> None:
    with pytest.raises(
        InvalidInput, match=r"^max_size is .*; it takes a whole number of bytes from 0$"
    ):
        Download(done(), "here", HERE, max_size=wrong)


@pytest.mark.parametrize(
    ("script", "known", "requests"),
    [
        (serves(DATA), {"size": len(DATA)}, 0),
        (serves(DATA), {}, 1),
        (chunked(DATA), {}, 1),
        (serves(DATA), {"size": 999}, 1),
        (says(206, b"x", Content_Range="bytes 0-0/512000"), {}, 1),
    ],
    ids=["by the status", "by the headers", "by its bytes", "by headers, whatever the status says",
         "by a range"],
)  # fmt: skip
def test_a_result_over_the_limit_is_not_fetched_or_not_further(
    shop: Shop, tmp_path: Path, script: Script, known: dict[str, Any], requests: int
) -> None:
    large, small = shop.file("large", script, **known), shop.file("small", serves(b"x"))
    download = Download(done(large, small), tmp_path, Home(shop.url), max_size=1000)

    with Transloadit("k", "s", base_url=shop.url) as client:
        outcomes = client._all_done(download.works(), 2)
    with pytest.raises(
        DownloadIncomplete, match=r"more bytes than max_size allows \(1000\)"
    ) as caught:
        download.outcome(outcomes)

    assert len(shop.orders) == requests + 1
    assert [(file.step, file.why) for file in caught.value.missing] == [
        ("made", "large has more bytes than max_size allows (1000)")
    ]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["small"]


def test_a_result_at_the_limit_is_saved(shop: Shop, tmp_path: Path) -> None:
    download = Download(
        done(shop.file("a", chunked(DATA))), tmp_path, Home(shop.url), max_size=len(DATA)
    )

    with Transloadit("k", "s", base_url=shop.url) as client:
        [saved] = download.outcome(client._all_done(download.works(), 1))

    assert saved.path.read_bytes() == DATA


def test_an_error_of_whoever_is_told_ends_it(saver: Saver) -> None:
    def tell(progress: Progress) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        saver.save(saver.shop.file("a.jpg", serves(DATA), **FACTS), on_progress=tell)


# Where it leads


def test_a_file_is_fetched_with_nothing_of_ours(saver: Saver) -> None:
    with opened_shop() as elsewhere:
        there = elsewhere.file("b.jpg", serves(DATA))
        moved = says(302, Location=there["ssl_url"], Set_Cookie="theirs=1; Path=/")
        saver.save(saver.shop.file("a.jpg", moved, **FACTS))

        for headers in (*saver.shop.orders, *elsewhere.orders):
            assert {name.lower(): value for name, value in headers.items()} == {
                "host": headers["Host"],
                "user-agent": headers["User-Agent"],
                "accept": "*/*",
                "accept-encoding": "identity",
            }
    assert (saver.folder / "made" / "a.jpg").read_bytes() == DATA


@pytest.mark.parametrize("status", [200, 302, 403])
def test_an_answer_without_end_is_left(saver: Saver, status: int) -> None:
    """Of a refusal only the beginning is read; of a file, not more than the status announces."""

    def script(order: Order) -> None:
        order.begin(status, Location="https://10.0.0.1/", Transfer_Encoding="chunked")
        with suppress(OSError):
            while True:
                order.wfile.write(b"10000\r\n%s\r\n" % (b"x" * 0x10000))

    began = time.monotonic()
    [why] = saver.lose(saver.shop.file("a.jpg", script, **FACTS))

    assert len(why) < 600
    assert time.monotonic() - began < 10


def test_an_address_of_many_kilobytes_is_not_fetched(saver: Saver) -> None:
    place = f"/{'x' * 50_000}"

    [why] = saver.lose(saver.shop.file("a.jpg", says(302, Location=place), **FACTS))

    assert why == "could not fetch made/a.jpg: it has no URL that is safe to use"


def test_an_endless_redirect_is_left_after_some_steps(saver: Saver) -> None:
    file = saver.shop.file("a.jpg", **FACTS)
    saver.shop.scripts[file["id"]] = [says(301, Location="?again")]
    saver.shop.scripts[f"{file['id']}?again"] = [says(307, Location=file["ssl_url"])]

    [why] = saver.lose(file)

    assert why == "could not fetch made/a.jpg: too many redirects"
    assert len(saver.shop.orders) == 6


@pytest.mark.parametrize(
    "place",
    [
        "ftp://127.0.0.1/", "http:[/", "http://a b/", "http://u:p@127.0.0.1/", "//[",
        "https://[::1", "https://.h/",
        "https://one..two/", f"https://{'a' * 64}.example/", "https://h:123456/", "https://xn--b/",
        "https://10.0.0.1/", "https://169.254.169.254/latest", "http://2852039166/", "https://[fe80::1]/",
    ],
)  # fmt: skip
def test_a_redirect_to_no_good_place_is_not_followed(saver: Saver, place: str) -> None:
    good = saver.shop.file("good.jpg", serves(DATA), **FACTS)

    [why] = saver.lose(saver.shop.file("a.jpg", says(302, Location=place), **FACTS), good)

    assert why.startswith("could not fetch made/a.jpg")
    assert [name for name in saver.names if not name.endswith(".part")] == ["good.jpg"]


def test_a_redirect_to_what_is_no_url_says_so(saver: Saver) -> None:
    [why] = saver.lose(saver.shop.file("a.jpg", says(302, Location="//["), **FACTS))

    assert why == "could not fetch made/a.jpg: it is redirected to something that is not a URL"


@pytest.mark.parametrize(
    "unusable", [None, 3, "", "ftp://h/x", "https://..h/x", "https://10.0.0.1/"]
)
def test_the_first_url_that_can_be_used_is_used(saver: Saver, unusable: object) -> None:
    file = saver.shop.file("a.jpg", serves(DATA), **FACTS)

    [saved] = saver.save({**file, "ssl_url": unusable, "url": file["ssl_url"]})

    assert saved.path.read_bytes() == DATA


def test_a_url_with_a_space_is_the_url_that_it_means(saver: Saver) -> None:
    file = saver.shop.file("a.jpg", **FACTS)
    saver.shop.scripts["/my%20cat.jpg?a%20b"] = [serves(DATA)]

    [saved] = saver.save({**file, "ssl_url": f"{saver.shop.url}/my cat.jpg?a b".upper().replace(
        "/MY CAT.JPG?A B", "/my cat.jpg?a b")})  # fmt: skip

    assert saved.path.read_bytes() == DATA


def test_what_counts_is_the_address_that_is_connected_to(
    connect: Callable[..., Any], shop: Shop, tmp_path: Path
) -> None:
    """A name may lead to this network, whatever it resolved to before; nothing is sent there.

    The base URL is of the service, so that this machine is no place for results; the name in the
    results' URL is one that leads to this machine all the same.
    """
    port = shop.url.rpartition(":")[2]
    status = done({"name": "a", "ssl_url": f"https://localtest:{port}/a"})
    client = connect("k", "s", retry=None)
    before = len(shop.orders)

    with (
        resolving("localtest", "127.0.0.1"),
        pytest.raises(
            DownloadIncomplete, match=r"this machine or its network \(address 127"
        ) as caught,
    ):
        client.download_results(status, tmp_path)

    assert len(caught.value.missing) == 1
    assert len(shop.orders) == before


@contextmanager
def resolving(name: str, address: str) -> Iterator[None]:
    """A resolver that knows one name more: what an administrator or an attacker can do."""
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        asked = host.decode() if isinstance(host, bytes) else host
        return original(address if asked == name else host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def test_where_it_was_redirected_to_may_expire_on_the_way(saver: Saver) -> None:
    file = saver.shop.file("a.jpg", **FACTS)
    first, second = (saver.shop.file(name) for name in ("first", "second"))
    saver.shop.scripts[file["id"]] = [
        says(302, Location=first["ssl_url"]), says(302, Location=second["ssl_url"])]  # fmt: skip
    saver.shop.scripts[first["id"]] = [serves(DATA, breaks_after=1000), says(403)]
    saver.shop.scripts[second["id"]] = [serves(DATA)]

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA
    assert saver.shop.asked("Range")[-1] == "bytes=1000-"


# Going on


def test_what_broke_goes_on_where_it_was_for_as_long_as_it_gets_on(saver: Saver) -> None:
    """Twelve breaks are more than the policy has attempts."""
    breaks = [serves(DATA, breaks_after=40_000)] * 12

    [saved] = saver.save(saver.shop.file("a.jpg", *breaks, serves(DATA), **FACTS))

    assert saved.path.read_bytes() == DATA
    assert saver.shop.asked("Range")[:3] == [None, "bytes=40000-", "bytes=80000-"]
    assert saver.shop.asked("If-Range")[:3] == [None, '"one"', '"one"']


def test_what_is_told_of_a_break_says_where_it_goes_on(
    saver: Saver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="transloadit_client")
    lasting = [serves(DATA, breaks_after=1000), *[serves(DATA, breaks_after=0)] * 3]

    saver.save(saver.shop.file("a.jpg", *lasting, serves(DATA), **FACTS))

    said = [it.getMessage() for it in caplog.records if it.name.startswith("transloadit_client")]
    assert said[-1].startswith("could not fetch made/a.jpg: ")
    assert "going to fetch it from byte 1000 " in said[-1]


def test_a_refusal_of_the_rest_ends_it(saver: Saver) -> None:
    """It would be refused once more at the same place."""
    saver.lose(saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), says(404), **FACTS))

    assert saver.shop.asked("Range") == [None, "bytes=1000-"]


def test_what_does_not_get_on_is_left(saver: Saver) -> None:
    breaks = serves(DATA, breaks_after=1000)
    stuck = serves(DATA, breaks_after=0)

    saver.lose(saver.shop.file("a.jpg", breaks, stuck, **FACTS))

    assert len(saver.shop.orders) == 4 + 4


def test_a_file_that_changed_on_the_way_is_fetched_anew(saver: Saver) -> None:
    """Nothing is known of the file but what the server says."""
    new = DATA[::-1]
    scripts = serves(DATA, breaks_after=1000), serves(new, etag='"two"')

    [saved] = saver.save(saver.shop.file("a.jpg", *scripts))

    assert saved.path.read_bytes() == new


def test_a_date_does_where_the_etag_is_weak(saver: Saver) -> None:
    def breaks(order: Order) -> None:
        order.begin(200, Content_Length=str(len(DATA)), ETag='W/"one"', Last_Modified="yesterday")
        order.wfile.write(DATA[:1000])
        order.hang_up()

    saver.save(saver.shop.file("a.jpg", breaks, serves(DATA, etag=None)))

    assert saver.shop.asked("If-Range") == [None, "yesterday"]


def test_a_server_without_ranges_sends_it_anew(saver: Saver) -> None:
    file = saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), says(200, DATA), **FACTS)

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA


def test_wrong_bytes_of_one_answer_are_not_fetched_again(saver: Saver) -> None:
    """The server would give them again; where two answers were joined it is another matter."""
    saver.lose(saver.shop.file("a.jpg", serves(DATA[::-1]), **FACTS))

    assert len(saver.shop.orders) == 1
    assert saver.names == []


def test_wrong_bytes_of_several_answers_are_fetched_once_more_and_not_for_ever(
    saver: Saver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="transloadit_client")
    wrong = DATA[::-1]
    halves = [serves(wrong, breaks_after=1000), serves(wrong)] * 3

    [why] = saver.lose(saver.shop.file("a.jpg", *halves, **FACTS))

    assert "the md5 of its 512000 bytes" in why
    assert saver.shop.asked("Range") == [None, "bytes=1000-"] * 2
    assert "going to fetch it anew" in caplog.text


def test_a_page_in_between_does_not_cost_what_was_there(saver: Saver) -> None:
    page = says(200, b"<html>", Content_Type="text/html")
    file = saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), page, serves(DATA), **FACTS)

    saver.save(file)

    assert saver.shop.asked("Range") == [None, "bytes=1000-", "bytes=1000-"]


@pytest.mark.parametrize(
    "odd",
    [
        says(416, Content_Range="bytes */5"),
        says(206, b"x", Content_Range="bytes 0-0/512000"),
        says(206, b"x", Content_Range="bytes 1000-1000/7"),
        says(206, DATA[::-1][1000:], Content_Range="bytes 1000-511999/*"),
    ],
    ids=["no such range", "another range", "another size", "other bytes"],
)
def test_an_odd_answer_to_a_range_is_not_the_end(saver: Saver, odd: Script) -> None:
    file = saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), odd, serves(DATA), **FACTS)

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA


def test_a_rate_limit_is_waited_for(saver: Saver) -> None:
    began = time.monotonic()

    saver.save(saver.shop.file("a.jpg", says(429, Retry_After="1"), serves(DATA), **FACTS))

    assert time.monotonic() - began >= 1.0


def test_nothing_is_tried_again_by_those_who_do_not_want_it(shop: Shop, tmp_path: Path) -> None:
    status = AssemblyStatus.from_dict(shop.status(shop.file("a.jpg", says(503), **FACTS)))

    with (
        Transloadit("k", "s", base_url=shop.url, retry=None) as client,
        pytest.raises(DownloadIncomplete),
    ):
        client.download_results(status, tmp_path)

    assert len(shop.orders) == 1


# After a crash


@pytest.mark.parametrize(
    ("left", "asked"),
    [
        (DATA[:1000], ["bytes=1000-"]),
        (DATA, []),
        (DATA[::-1], [None]),
        (DATA + b"x", [None]),
        (b"", [None]),
        (b"x" + DATA[1:1000], ["bytes=1000-", None]),
    ],
    ids=["a beginning", "all", "as much of another", "more", "nothing", "a beginning of another"],
)
def test_what_an_earlier_process_left_is_used_if_it_is_right(
    saver: Saver, left: bytes, asked: list[str | None]
) -> None:
    file = saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), says(404), **FACTS)
    saver.lose(file)
    [part] = saver.folder.rglob("*.part")
    part.write_bytes(left)
    saver.shop.orders.clear()
    saver.shop.scripts[file["id"]] = [serves(DATA)]

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA
    assert saver.names == ["a.jpg"]
    assert saver.shop.asked("Range") == asked


def test_what_another_assembly_left_is_not_taken_for_a_beginning(saver: Saver) -> None:
    """Their results have one name, and go into one folder."""
    saver.lose(saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), says(404), **FACTS))
    left = saver.names
    other = saver.shop.file("a.jpg", serves(DATA[::-1]), **facts_of(DATA[::-1]))
    status = saver.shop.status(other, assembly_id="f" * 32)

    [saved] = saver.client.download_results(AssemblyStatus.from_dict(status), saver.folder)

    assert saved.path.read_bytes() == DATA[::-1]
    assert saver.shop.asked("Range")[-1] is None
    assert saver.names == ["a.jpg", *left]


def test_what_nobody_can_vouch_for_is_not_left(saver: Saver) -> None:
    scripts = serves(DATA, breaks_after=1000), says(404)

    saver.lose(saver.shop.file("a.jpg", *scripts, size=len(DATA)))

    assert saver.names == []


CRASHING = """
import sys
from transloadit_client import AssemblyStatus, Transloadit
import json
base_url, folder, status = sys.argv[1:]
with Transloadit("k", "s", base_url=base_url) as client:
    client.download_results(AssemblyStatus.from_dict(json.loads(status)), folder)
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL here")
def test_a_killed_process_leaves_what_the_next_one_goes_on_with(saver: Saver) -> None:
    def stalls(order: Order) -> None:
        order.begin(200, Content_Length=str(len(DATA)), ETag='"one"')
        order.wfile.write(DATA[:300_000])
        time.sleep(60)

    file = saver.shop.file("a.jpg", stalls, serves(DATA), **FACTS)
    status = json.dumps(saver.shop.status(file))
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHING, saver.shop.url, str(saver.folder), status]
    )
    while not any(path.stat().st_size == 300_000 for path in saver.folder.rglob("*.part")):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [name.endswith(".part") for name in saver.names] == [True]

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA
    assert saver.shop.asked("Range") == [None, "bytes=300000-"]
    assert saver.names == ["a.jpg"]


# Several writers

WRITERS = """
import json, os, signal, sys, time
from pathlib import Path
from transloadit_client import AssemblyStatus, Transloadit

base_url, folder, status = sys.argv[1:]

def save(number):
    with Transloadit("k", "s", base_url=base_url, retry=None) as client:
        [saved] = client.download_results(AssemblyStatus.from_dict(json.loads(status)), folder)
        print(number, saved.path, flush=True)

def writer(number):
    if process := os.fork():
        return process
    code = 1
    try:
        save(number)
        code = 0
    finally:
        os._exit(code)

writers = []
for number in range(4):
    writers.append(writer(number))
    time.sleep(0.1)
while not any(path.is_file() for path in Path(folder).rglob("*")):
    time.sleep(0.01)
os.kill(writers[0], signal.SIGKILL)
codes = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in writers]
sys.exit(codes[1:] != [0, 0, 0])
"""


def slowly(data: bytes, seconds: float, etag: str | None = '"one"', pieces: int = 20) -> Script:
    """Serves a file in pieces; with ranges if it has an ETag."""

    def script(order: Order) -> None:
        start = int((order.headers.get("Range") or "bytes=0-")[6:-1]) if etag else 0
        headers = {"ETag": etag} if etag else {}
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        rest = data[start:]
        order.begin(206 if start else 200, Content_Length=str(len(rest)), **headers)
        for offset in range(0, len(rest), len(data) // pieces):
            order.wfile.write(rest[offset : offset + len(data) // pieces])
            time.sleep(seconds / pieces)

    return script


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL here")
@pytest.mark.parametrize("etag", ['"one"', None], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("known", [FACTS, {"size": len(DATA)}, {}], ids=["hash", "size", "nothing"])
def test_several_processes_save_into_one_folder_and_one_is_killed(
    shop: Shop, tmp_path: Path, etag: str | None, known: dict[str, Any]
) -> None:
    """What one of them calls saved has the right bytes, at that moment and for ever."""
    status = shop.status(shop.file("a.bin", slowly(DATA, 0.8, etag), **known))

    done = subprocess.run(
        [sys.executable, "-c", WRITERS, shop.url, str(tmp_path), json.dumps(status)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    saved = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    saved.pop("0", None)  # it may have been done when it was killed
    assert set(saved) == {"1", "2", "3"}
    assert all(Path(path).read_bytes() == DATA for path in saved.values())
    published = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".bin"]
    assert all(path.read_bytes() == DATA for path in published)
    if known is FACTS:
        assert {Path(path).name for path in saved.values()} == {"a.bin"}


def test_threads_that_save_the_same_result_at_once_end_with_one_file(saver: Saver) -> None:
    file = saver.shop.file("a.jpg", slowly(DATA, 0.3), slowly(DATA, 0.1), **FACTS)

    with ThreadPoolExecutor(4) as threads:
        saved = list(threads.map(lambda _: saver.save(file), range(4)))

    assert {one.path.name for [one] in saved} == {"a.jpg"}
    assert (saver.folder / "made" / "a.jpg").read_bytes() == DATA
    assert saver.names == ["a.jpg"]


def test_results_of_two_assemblies_with_one_name_do_not_replace_each_other(saver: Saver) -> None:
    others = [bytes([number]) * 500_000 for number in range(4)]

    def save(data: bytes) -> tuple[bytes, Path]:
        file = saver.shop.file("a.jpg", slowly(data, 0.1), **facts_of(data))
        status = saver.shop.status(file, assembly_id=os.urandom(16).hex())
        [saved] = saver.client.download_results(AssemblyStatus.from_dict(status), saver.folder)
        return data, saved.path

    with ThreadPoolExecutor(4) as threads:
        saved = list(threads.map(save, others))

    assert all(path.read_bytes() == data for data, path in saved)
    assert saver.names == ["a-2.jpg", "a-3.jpg", "a-4.jpg", "a.jpg"]


def overwrite(part: Path) -> None:
    with part.open("r+b") as file:
        file.write(b"other")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda part: part.unlink(), "another program changed"),
        (lambda part: (part.unlink(), part.write_bytes(DATA * 5)), "another program changed"),
        (lambda part: os.link(part, part.with_name("mine")), "another program changed"),
        (lambda part: part.rename(part.with_name("mine")), "another program changed"),
        (lambda part: os.truncate(part, 9_000_000), "it has 9000000 bytes, where the status has"),
        (lambda part: os.truncate(part, 5), "the md5 of its 2560000 bytes"),
        (overwrite, "the md5 of its 2560000 bytes"),
    ],
    ids=["removed", "replaced", "linked", "moved", "grown", "cut", "overwritten"],
)
def test_a_file_that_another_program_changes_on_the_way_is_not_called_saved(
    saver: Saver, change: Callable[[Path], object], reason: str
) -> None:
    def script(order: Order) -> None:
        order.begin(200, Content_Length=str(5 * len(DATA)))
        order.wfile.write(DATA * 4)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            time.sleep(0.01)
            if any(path.stat().st_size > 10**6 for path in saver.folder.rglob("*.part")):
                break
        time.sleep(0.1)
        change(next(saver.folder.rglob("*.part")))
        order.wfile.write(DATA)

    [why] = saver.lose(saver.shop.file("a.jpg", script, **facts_of(DATA * 5)))

    assert reason in why
    assert "a.jpg" not in saver.names


def test_a_file_that_is_replaced_in_the_last_moment_is_not_called_saved(
    saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def replace_and_link(part: Path, path: Path) -> None:
        part.unlink()
        part.write_bytes(b"other")
        link(part, path)

    monkeypatch.setattr(os, "link", replace_and_link)

    [why] = saver.lose(saver.shop.file("a.jpg", serves(DATA), **FACTS))

    assert "another program put a file in its place" in why
    assert "a.jpg" not in saver.names


def test_a_name_that_was_reserved_is_free_again_where_the_rename_fails(
    saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "replace", refuse)

    [why] = saver.lose(saver.shop.file("a.jpg", serves(DATA), **FACTS))

    assert "cannot save" in why
    assert "a.jpg" not in saver.names


def test_a_download_that_was_given_up_while_its_file_was_opened_leaves_nothing(
    tmp_path: Path,
) -> None:
    part = PartialFile(tmp_path / "a.part", Expected(None, {}, is_html=False))

    part.leave()
    part.open()

    assert list(tmp_path.iterdir()) == []


# What is there already


@pytest.mark.skipif(os.name != "posix", reason="links, FIFOs and permissions are other ones here")
@pytest.mark.parametrize(
    "plant",
    [
        lambda part, precious: os.link(precious, part),
        lambda part, precious: part.symlink_to(precious),
        lambda part, precious: part.symlink_to(precious.with_name("elsewhere")),
        lambda part, precious: os.mkfifo(part),
        lambda part, precious: part.mkdir(),
        lambda part, precious: (part.write_bytes(DATA[:1000]), part.chmod(0o666)),
        lambda part, precious: (part.write_bytes(DATA[:1000]), part.chmod(0o620)),
    ],
    ids=["a link", "a symbolic link", "one to nowhere", "a FIFO", "a folder", "all may write",
         "a group may write"],
)  # fmt: skip
def test_what_somebody_put_in_the_place_of_our_part_is_left_alone(
    saver: Saver, tmp_path: Path, plant: Callable[[Path, Path], object]
) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(DATA[:1000])
    file = saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), says(404), **FACTS)
    saver.lose(file)
    [part] = saver.folder.rglob("*.part")
    part.unlink()
    plant(part, precious)
    saver.shop.scripts[file["id"]] = [serves(DATA)]

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA
    assert precious.read_bytes() == DATA[:1000]
    assert not (tmp_path / "elsewhere").exists()
    assert os.path.lexists(part)
    assert not saved.path.stat().st_mode & 0o022
    assert saver.shop.asked("Range")[-1] is None


@pytest.mark.skipif(os.name != "posix", reason="there is no umask here")
@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077, 0o000])
def test_a_result_is_as_private_as_the_umask_says_and_none_writes_to_its_part(
    saver: Saver, mask: int
) -> None:
    seen: list[int] = []

    def script(order: Order) -> None:
        order.begin(200, Content_Length=str(len(DATA)))
        order.wfile.write(DATA[:1000])
        seen.extend(path.stat().st_mode for path in saver.folder.rglob("*.part"))
        order.wfile.write(DATA[1000:])

    before = os.umask(mask)
    try:
        [saved] = saver.save(saver.shop.file("a.jpg", script, **FACTS))
    finally:
        os.umask(before)

    assert saved.path.stat().st_mode & 0o777 == 0o666 & ~mask
    assert not seen[0] & 0o022


@pytest.mark.skipif(os.name != "posix", reason="locks are other ones here")
def test_without_locks_nothing_is_taken_over_and_all_is_saved(
    saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    file = saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), says(404), **FACTS)
    saver.lose(file)
    monkeypatch.setattr("fcntl.flock", refuse)
    saver.shop.scripts[file["id"]] = [serves(DATA)]

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA
    assert saver.shop.asked("Range")[-1] is None


@pytest.mark.skipif(os.name != "posix", reason="locks are other ones here")
def test_a_part_that_is_published_just_before_it_is_taken_over_is_left_alone(
    saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock is free then, but it is the result of another download by now."""
    import fcntl  # noqa: PLC0415  # there is none on Windows

    lock = fcntl.flock

    def publish_and_lock(descriptor: int, how: int) -> None:
        for left in saver.folder.rglob("a.jpg.*.part"):
            if left.read_bytes() == b"a result":
                left.rename(left.with_name("theirs"))
        lock(descriptor, how)

    file = saver.shop.file("a.jpg", serves(DATA, breaks_after=1000), says(404), **FACTS)
    saver.lose(file)
    [part] = saver.folder.rglob("*.part")
    part.write_bytes(b"a result")
    monkeypatch.setattr("fcntl.flock", publish_and_lock)
    saver.shop.scripts[file["id"]] = [serves(DATA)]

    [saved] = saver.save(file)

    assert saved.path.read_bytes() == DATA
    assert (saved.path.parent / "theirs").read_bytes() == b"a result"


def test_a_hundred_foreign_parts_are_too_many(tmp_path: Path) -> None:
    path = tmp_path / "a.bin.part"
    path.mkdir()
    for number in range(2, 101):
        path.with_stem(f"a.bin-{number}").mkdir()

    with pytest.raises(TransloaditError, match=r"100 unfinished files such as .*; remove"):
        ExclusiveFile.at(path)


@pytest.mark.skipif(os.name != "posix", reason="there are no FIFOs here")
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["a FIFO", "a folder"])
def test_what_is_no_file_in_the_place_of_a_result_is_left_alone(
    saver: Saver, make: Callable[[Path], None]
) -> None:
    (saver.folder / "made").mkdir(parents=True)
    make(saver.folder / "made" / "a.jpg")

    [saved] = saver.save(saver.shop.file("a.jpg", serves(DATA), **FACTS))

    assert saved.path.name == "a-2.jpg"


def test_a_result_that_is_there_is_not_fetched_again(saver: Saver) -> None:
    file = saver.shop.file("a.jpg", serves(DATA), **FACTS)
    told: list[Progress] = []

    first, second = saver.save(file), saver.save(file, on_progress=told.append)

    assert first == second
    assert len(saver.shop.orders) == 1
    assert (told[-1].bytes_saved, told[-1].files_saved) == (len(DATA), 1)


@pytest.mark.parametrize("other", [b"mine", DATA[::-1]], ids=["shorter", "as long"])
def test_another_file_of_that_name_is_left_alone(saver: Saver, other: bytes) -> None:
    mine = saver.folder / "made" / "a.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(other)
    file = saver.shop.file("a.jpg", serves(DATA), **FACTS)

    [saved], [again] = saver.save(file), saver.save(file)

    assert mine.read_bytes() == other
    assert saved.path.name == again.path.name == "a-2.jpg"
    assert saver.names == ["a-2.jpg", "a.jpg"]


def test_a_file_of_that_name_is_not_taken_for_a_result_of_which_nothing_is_known(
    saver: Saver,
) -> None:
    mine = saver.folder / "made" / "a.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(DATA)

    [saved] = saver.save(saver.shop.file("a.jpg", serves(DATA)))

    assert saved.path.name == "a-2.jpg"
    assert len(saver.shop.orders) == 1


def test_without_hard_links_a_result_has_its_name_all_the_same(
    saver: Saver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)

    [saved] = saver.save(saver.shop.file("a.jpg", serves(DATA)))

    assert saved.path.read_bytes() == DATA
    assert saver.names == ["a.jpg"]


@pytest.mark.parametrize("links", [True, False], ids=["with links", "without"])
def test_a_file_that_turns_up_meanwhile_is_left_alone(
    saver: Saver, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def script(order: Order) -> None:
        (saver.folder / "made" / "a.jpg").write_bytes(b"mine")
        serves(DATA)(order)

    if not links:

        def refuse(*paths: object) -> None:
            raise PermissionError("no links here")

        monkeypatch.setattr(os, "link", refuse)

    [saved] = saver.save(saver.shop.file("a.jpg", script, **FACTS))

    assert saved.path.name == "a-2.jpg"
    assert saved.path.read_bytes() == DATA
    assert (saver.folder / "made" / "a.jpg").read_bytes() == b"mine"
    assert saver.names == ["a-2.jpg", "a.jpg"]


# Names and Steps


def test_each_result_has_a_place_of_its_own_inside_the_folder(saver: Saver) -> None:
    names = ["../../../escaped.jpg", "/etc/passwd", "a.jpg", "A.jpg", "CON", "a.jpg", None, ""]
    files = [{**saver.shop.file("x", serves(DATA), **FACTS), "name": name} for name in names]

    saved = saver.save(*files)

    assert [file.path.name for file in saved] == [
        "_.._.._.._escaped.jpg", "_etc_passwd", "a.jpg",
        "A-2.jpg", "_CON", "a-3.jpg", "file", "file-2",
    ]  # fmt: skip
    assert all(file.path.parent == saver.folder / "made" for file in saved)
    assert all(file.path.read_bytes() == DATA for file in saved)


@pytest.mark.parametrize(
    ("basename", "ext", "name"),
    [
        ("cat", "png", "cat.png"),
        ("cat", None, "cat"),
        ("cat", "", "cat"),
        (7, "png", "png"),
        ("", "png", "png"),
        (None, 7, "file"),
    ],
)
def test_a_file_without_a_name_may_have_one_in_parts(
    basename: object, ext: object, name: str
) -> None:
    download = Download(done({"basename": basename, "ext": ext}), "here", HERE)

    assert [result.path for result in download._results] == [Path("here", "made", name)]


@pytest.mark.parametrize("steps", [3, [["one"]]])
def test_steps_that_are_none_are_refused(steps: Any) -> None:
    with pytest.raises(InvalidInput, match="it takes the names of Steps"):
        Download(done(), "here", HERE, steps=steps)


ROBOTS = {"faces": {"robot": "/image/facedetect"}, "small": {"robot": "/image/resize"}}


@pytest.mark.parametrize(
    "instructions",
    [
        {"params": json.dumps({"steps": ROBOTS})},
        {
            "params": json.dumps({"template_id": "t"}),
            "merged_params": json.dumps({"steps": ROBOTS}),
        },
        {"params": "{", "merged_params": json.dumps({"steps": ROBOTS})},
    ],
)
@pytest.mark.parametrize("steps", ["smal", ["small", "face"]])
def test_a_step_that_the_assembly_does_not_have_is_refused(
    saver: Saver, instructions: dict[str, Any], steps: Any
) -> None:
    """Else nothing would be saved, and nothing said."""
    status = AssemblyStatus.from_dict(saver.shop.status(**instructions))

    with pytest.raises(InvalidInput, match=r"has no Step .*; its Steps are ':original', 'faces', "):
        saver.client.download_results(status, saver.folder, steps=steps)


def test_all_steps_that_the_assembly_does_not_have_are_named() -> None:
    status = evolve(done(), params=json.dumps({"steps": ROBOTS}))

    with pytest.raises(InvalidInput) as caught:
        Download(status, "here", HERE, steps=["smal", "faces", "face"])

    assert str(caught.value) == (
        f"Assembly {ID} has no Step 'face', 'smal';"
        " its Steps are ':original', 'faces', 'made', 'small'"
    )


@pytest.mark.parametrize(
    "instructions",
    [
        {"params": json.dumps({"steps": ROBOTS})},
        {"params": json.dumps({"template_id": "t", "steps": {"large": {}}})},
        {"params": "no JSON"},
        {"params": "[" * 100_000},
        {"params": json.dumps({"steps": []})},
        {"params": json.dumps([1])},
        {},
    ],
)
def test_a_step_that_made_nothing_or_may_be_in_the_template_is_no_mistake(
    saver: Saver, instructions: dict[str, Any]
) -> None:
    status = AssemblyStatus.from_dict(saver.shop.status(**instructions))

    assert saver.client.download_results(status, saver.folder, steps=["faces"]) == ()


@pytest.mark.parametrize("steps", [["one"], "one", {"one", "none such"}])
def test_only_the_steps_that_are_wanted_are_saved(saver: Saver, steps: Any) -> None:
    results = {step: [saver.shop.file("a.jpg", serves(DATA), **FACTS)] for step in ("one", "two")}
    status = AssemblyStatus.from_dict(saver.shop.status(results=results))

    [saved] = saver.client.download_results(status, saver.folder, steps=steps)

    assert saved.path == saver.folder / "one" / "a.jpg"


def test_no_results_are_no_trouble(saver: Saver) -> None:
    assert saver.save() == ()
    assert not saver.folder.exists()


def test_an_empty_result_is_a_file(saver: Saver) -> None:
    files = [saver.shop.file("a.txt", serves(b""), **facts_of(b"")),
             saver.shop.file("b.txt", serves(b""), size=0)]  # fmt: skip

    assert [file.path.read_bytes() for file in saver.save(*files)] == [b"", b""]


def test_an_assembly_by_its_id_is_read_first(saver: Saver) -> None:
    file = saver.shop.file("a.jpg", serves(DATA), **FACTS)
    saver.shop.scripts[f"/assemblies/{ID}"] = [as_json(saver.shop.status(file))]

    [saved] = saver.client.download_results(ID, str(saver.folder))

    assert (saved.step, saved.file.name) == ("made", "a.jpg")


# On the way


def test_what_is_told_grows_and_ends_with_all(saver: Saver) -> None:
    def slow(order: Order) -> None:
        order.begin(200, Content_Length=str(len(DATA)))
        order.wfile.write(DATA[:1000])
        time.sleep(0.5)
        order.wfile.write(DATA[1000:])

    told: list[Progress] = []
    files = [saver.shop.file(name, slow, **FACTS) for name in ("a.jpg", "b.jpg")]

    saver.save(*files, on_progress=told.append)

    assert [progress.bytes_saved for progress in told] == sorted(
        progress.bytes_saved for progress in told
    )
    assert (told[0].phase, told[0].bytes_saved, told[0].files_saved) == ("downloading", 0, 0)
    assert (told[-1].phase, told[-1].files_saved, told[-1].files_to_save) == ("done", 2, 2)
    assert told[-1].bytes_saved == told[-1].bytes_to_save == 2 * len(DATA)
    assert [file.name for _, file in told[-1].results] == ["a.jpg", "b.jpg"]
    assert told[-1].assembly_id == ID
    assert told[-1].status
    assert told[-1].status.ok == "ASSEMBLY_COMPLETED"


def test_what_has_not_changed_is_not_told_again(tmp_path: Path) -> None:
    told: list[Progress] = []
    download = Download(done({"name": "a"}), tmp_path, HERE, on_progress=told.append)

    download.report()
    download.report()

    assert len(told) == 1


def test_how_much_is_to_come_is_unknown_where_one_size_is(saver: Saver) -> None:
    told: list[Progress] = []

    saver.save(saver.shop.file("a.jpg", serves(DATA)), on_progress=told.append)

    assert told[-1].bytes_to_save is None
    assert told[-1].bytes_saved == len(DATA)


def test_so_many_files_at_once_as_are_asked_for(saver: Saver) -> None:
    present, most = 0, 0

    def script(order: Order) -> None:
        nonlocal present, most
        present += 1
        most = max(most, present)
        time.sleep(0.05)
        present -= 1
        serves(DATA)(order)

    saver.save(*[saver.shop.file("a.jpg", script, **FACTS) for _ in range(20)], parallel=3)

    assert most == 3


def test_the_loop_goes_on_while_files_are_written(shop: Shop, tmp_path: Path) -> None:
    large = DATA * 100

    async def main() -> float:
        status = AssemblyStatus.from_dict(
            shop.status(*[shop.file("a.bin", serves(large), **facts_of(large)) for _ in range(3)])
        )
        async with AsyncTransloadit("k", "s", base_url=shop.url) as client:
            download = asyncio.ensure_future(client.download_results(status, tmp_path))
            worst, before = 0.0, time.monotonic()
            while not download.done():
                await asyncio.sleep(0.005)
                now = time.monotonic()
                worst, before = max(worst, now - before - 0.005), now
            await download
        return worst

    assert asyncio.run(main()) < 0.25


def test_a_canceled_download_leaves_a_beginning(shop: Shop, tmp_path: Path) -> None:
    def stalls(order: Order) -> None:
        order.begin(200, Content_Length=str(len(DATA)))
        order.wfile.write(DATA[:1000])
        time.sleep(5)

    async def main() -> None:
        status = AssemblyStatus.from_dict(shop.status(shop.file("a.bin", stalls, **FACTS)))
        async with AsyncTransloadit("k", "s", base_url=shop.url) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await client.download_results(status, tmp_path)
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
    assert not list(tmp_path.rglob("*.bin"))


def test_the_results_of_the_stand_in_are_saved(connect: Callable[..., Any], tmp_path: Path) -> None:
    with StandIn() as api:
        client = connect(api.key, api.secret, base_url=api.url)
        assembly = client.create_assembly(
            steps={"small": {"robot": "/image/resize", "use": ":original"}},
            files=[("a.bin", DATA), ("a.bin", b"other")],
        )

        saved = client.download_results(client.wait_for_assembly(assembly), tmp_path, steps="small")

    assert [file.path.read_bytes() for file in saved] == [DATA, b"other"]
    assert [file.path.name for file in saved] == ["a.bin", "a-2.bin"]


def test_logs_tell_nobody_where_events_and_results_are(
    connect: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has such a URL has the file, or the Assembly."""
    caplog.set_level("INFO", logger="httpx")
    with StandIn(step_seconds=0.3) as api:
        client = connect(api.key, api.secret, base_url=api.url)
        assembly = client.create_assembly(
            steps={"small": {"robot": "/image/resize", "use": ":original"}}, files=[("a.bin", DATA)]
        )
        status = client.wait_for_assembly(assembly.assembly_id)
        client.download_results(status, tmp_path)
        operations = {seen.operation for seen in api.requests}

    logged = [record.getMessage() for record in caplog.records if record.name == "httpx"]
    assert {"events", "downloadFile"} <= operations
    assert len(logged) >= 4
    assert not any(status.assembly_id in line or "a.bin" in line for line in logged)
    assert all("… " in line for line in logged)
