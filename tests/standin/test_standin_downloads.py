"""Files from the stand-in: whole, in parts, and broken on purpose."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from transloadit_standin import Answer

from .caller import Caller

CONTENT = bytes(range(256)) * 40
LARGE = 9_000_000


def file_of(caller: Caller, content: bytes = CONTENT) -> dict[str, Any]:
    """The result of an Assembly, as its status lists it."""
    status = caller.finished(files={"f": ("a.bin", content)})
    file: dict[str, Any] = status["results"]["resized"][0]
    return file


def download(caller: Caller, url: str, **headers: str) -> httpx.Response:
    return caller.http.get(url, headers={key.replace("_", "-"): v for key, v in headers.items()})


@pytest.mark.parametrize("range_", ["bytes=10240-", "bytes=99999-100000"])
def test_a_range_behind_the_end_is_refused(caller: Caller, range_: str) -> None:
    response = download(caller, file_of(caller)["ssl_url"], range=range_)

    assert (response.status_code, response.content) == (416, b"")
    assert response.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert caller.api.requests[-1].status == 416


def test_an_empty_file_has_no_ranges(caller: Caller) -> None:
    url = file_of(caller, b"")["ssl_url"]

    assert download(caller, url).content == b""
    assert download(caller, url, range="bytes=0-").status_code == 416


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("bytes=0-", CONTENT),
        ("bytes=5-9", CONTENT[5:10]),
        ("bytes=10239-", CONTENT[-1:]),
        ("bytes=-7", CONTENT[-7:]),
        ("bytes=100-99999", CONTENT[100:]),
    ],
)
def test_a_part_is_sent_with_its_place(caller: Caller, range_: str, expected: bytes) -> None:
    response = download(caller, file_of(caller)["ssl_url"], range=range_)

    start = CONTENT.find(expected) if len(expected) > 256 else len(CONTENT) - len(expected)
    start = 5 if range_ == "bytes=5-9" else start
    assert (response.status_code, response.content) == (206, expected)
    assert response.headers["content-length"] == str(len(expected))
    end = start + len(expected) - 1
    assert response.headers["content-range"] == f"bytes {start}-{end}/{len(CONTENT)}"
    assert caller.api.requests[-1].status == 206


def test_a_part_is_sent_if_the_file_is_still_the_same(caller: Caller) -> None:
    file = file_of(caller)
    whole = download(caller, file["ssl_url"])
    etag = whole.headers["etag"]
    assert etag == f'"{file["md5hash"]}"'
    assert (whole.headers["accept-ranges"], whole.headers["content-length"]) == ("bytes", "10240")

    for if_range, expected in [(etag, 206), ('"other"', 200), (f"W/{etag}", 200)]:
        response = download(caller, file["ssl_url"], range="bytes=9-", if_range=if_range)
        assert (response.status_code, response.headers["etag"]) == (expected, etag)
        assert response.content == (CONTENT[9:] if expected == 206 else CONTENT)


def test_head_tells_of_the_file_and_sends_nothing(caller: Caller) -> None:
    response = caller.http.head(file_of(caller)["ssl_url"])

    assert (response.headers["content-length"], response.content) == ("10240", b"")
    assert caller.http.head(caller.api.instance_urls[0] + "/files/a/b").status_code == 404


@pytest.mark.parametrize("byte", [20, 400, 50_000, LARGE - 1])
@pytest.mark.parametrize("how", ["end", "reset"])
def test_a_download_breaks_at_the_very_byte(caller: Caller, byte: int, how: Any) -> None:
    content = CONTENT * 900
    assert len(content) > LARGE
    url = file_of(caller, content)["ssl_url"]
    head = sum(len(k) + len(v) + 4 for k, v in download(caller, url).headers.raw) + 19
    caller.api.drop_next(after="work", byte=byte, how=how, operation="downloadFile")

    received = b""
    with pytest.raises(httpx.TransportError), caller.http.stream("GET", url) as response:  # noqa: PT012 - the whole block ends so
        for chunk in response.iter_raw():
            received += chunk
    if how == "end":  # after a reset the client's system may drop what it has
        assert len(received) == max(0, byte - head)
    assert content.startswith(received)
    rest = download(caller, url, range=f"bytes={len(received)}-")
    assert received + rest.content == content


def test_a_download_breaks_in_its_half(caller: Caller) -> None:
    url = file_of(caller, CONTENT * 900)["ssl_url"]
    caller.api.drop_next(after="half", operation="downloadFile")

    received = b""
    with pytest.raises(httpx.TransportError), caller.http.stream("GET", url) as response:  # noqa: PT012 - the whole block ends so
        for chunk in response.iter_raw():
            received += chunk
    assert len(received) == len(CONTENT) * 450


def test_a_download_stalls(caller: Caller) -> None:
    url = file_of(caller, CONTENT * 900)["ssl_url"]
    caller.api.drop_next(after="work", byte=100_000, how="stall", operation="downloadFile")

    with pytest.raises(httpx.ReadTimeout):
        caller.http.get(url, timeout=0.2)
    assert download(caller, url).content == CONTENT * 900


@pytest.mark.parametrize("how", ["truncated", "longer", "shorter", "twice", "another"])
def test_a_small_download_is_spoilt_and_a_large_one_is_not(caller: Caller, how: Any) -> None:
    content = b"0123456789abcdef0123456789abcdef " * 10
    small, large = (file_of(caller, each)["ssl_url"] for each in (content, content * 30_000))
    caller.api.garble_next(how, operation="downloadFile", times=2)

    assert download(caller, large).content == content * 30_000
    try:
        spoilt = download(caller, small).content
    except httpx.RemoteProtocolError:
        spoilt = b""
    assert (spoilt == content) is (how == "twice")  # a second answer that nobody asked for


@pytest.mark.parametrize("how", ["longer", "shorter", "truncated"])
def test_an_answer_to_head_is_not_waited_for(caller: Caller, how: Any) -> None:
    url = file_of(caller)["ssl_url"]
    caller.api.garble_next(how, operation="downloadFile")

    assert caller.http.head(url).status_code == 200


def test_something_else_may_be_answered(caller: Caller) -> None:
    url = file_of(caller)["ssl_url"]
    caller.api.faults.append(Answer(502, operation="downloadFile"))

    assert download(caller, url).status_code == 502
    assert download(caller, url).status_code == 200


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_goes_on_where_it_broke_off(caller: Caller, tmp_path: Path) -> None:
    url = file_of(caller, CONTENT * 100)["ssl_url"]
    caller.api.drop_next(after="work", byte=300_000, operation="downloadFile")
    target = tmp_path / "a.bin"
    curl = ["curl", "--silent", "--noproxy", "*", "--output", str(target)]

    broken = subprocess.run([*curl, url], check=False)
    assert broken.returncode == 18  # curl's own: a partial file
    size = target.stat().st_size
    assert 290_000 < size < 300_000
    subprocess.run([*curl, "--continue-at", "-", url], check=True)
    assert target.read_bytes() == CONTENT * 100
    assert caller.api.requests[-1].headers["range"] == f"bytes={size}-"
