"""Where a request about an Assembly may go: rows of URLs, each with its trick."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transloadit_api.api.assemblies import get_assembly
from transloadit_client import ApiError, AssemblyStatus, InvalidInput, Transloadit, UntrustedUrl
from transloadit_client._calls.addresses import (
    Home,
    assembly_url,
    check_addresses,
    download_url,
    is_public,
    trusted_url,
)

from ..foreign import many_cases
from ..scripted import ID, Wire

Connect = Callable[..., Any]
ELSEWHERE = {
    "another host": f"https://example.org/assemblies/{ID}",
    "the service's name inside another": f"https://api2.transloadit.com.example.org/assemblies/{ID}",
    "the service's name behind another": f"https://evilapi2.transloadit.com/assemblies/{ID}",
    "another host of the domain": f"https://www.transloadit.com/assemblies/{ID}",
    "a label inside the instance": f"https://api2-a.b.transloadit.com/assemblies/{ID}",
    "user info": f"https://api2.transloadit.com@example.org/assemblies/{ID}",
    "user info on the right host": f"https://me:pw@api2.transloadit.com/assemblies/{ID}",
    "a port": f"https://api2.transloadit.com:8443/assemblies/{ID}",
    "a trailing dot": f"https://api2.transloadit.com./assemblies/{ID}",
    "upper case": f"https://API2.transloadit.com/assemblies/{ID}",
    "a backslash": f"https://api2.transloadit.com\\@example.org/assemblies/{ID}",
    "a tab": f"https://api2.transload\tit.com/assemblies/{ID}",
    "a newline at the end": f"https://api2.transloadit.com/assemblies/{ID}\n",
    "another alphabet": f"https://api2.transload\u0131t.com/assemblies/{ID}",
    "punycode": f"https://xn--api2-transloadit-com.example.org/assemblies/{ID}",
    "a percent-encoded dot": f"https://api2.transloadit.com%2eexample.org/assemblies/{ID}",
    "an IPv6 address": f"https://[::ffff:10.0.0.1]/assemblies/{ID}",
    "a number for an address": f"https://2130706433/assemblies/{ID}",
    "loopback, while the API is elsewhere": f"http://127.0.0.1:80/assemblies/{ID}",
    "another scheme": f"ftp://api2.transloadit.com/assemblies/{ID}",
    "no scheme": f"//api2.transloadit.com/assemblies/{ID}",
    "a fragment": f"https://api2.transloadit.com/assemblies/{ID}#x",
    "an empty user": f"https://@example.org/assemblies/{ID}",
    "a user that looks like the host": f"https://api2.transloadit.com:443@example.org/assemblies/{ID}",
    "a password that looks like the host": f"https://x:api2.transloadit.com@example.org/assemblies/{ID}",
    "two at signs": f"https://a@b@api2.transloadit.com/assemblies/{ID}",
    "an encoded at sign": f"https://api2.transloadit.com%40example.org/assemblies/{ID}",
    "an encoded slash in the host": f"https://api2.transloadit.com%2f.example.org/assemblies/{ID}",
    "an encoded letter": f"https://%61pi2.transloadit.com/assemblies/{ID}",
    "a double-encoded dot": f"https://api2.transloadit.com%252eexample.org/assemblies/{ID}",
    "the default port": f"https://api2.transloadit.com:443/assemblies/{ID}",
    "port zero": f"https://api2.transloadit.com:0/assemblies/{ID}",
    "an empty port": f"https://api2.transloadit.com:/assemblies/{ID}",
    "a port too large": f"https://api2.transloadit.com:99999/assemblies/{ID}",
    "a port in other digits": f"https://api2.transloadit.com:\u0664\u0664\u0663/assemblies/{ID}",
    "a plain http port": f"http://api2.transloadit.com:80/assemblies/{ID}",
    "another port of the configured host": f"https://media.example.net:9443/assemblies/{ID}",
    "the configured host without its port": f"https://media.example.net/assemblies/{ID}",
    "the configured host in plain text": f"http://media.example.net:8443/assemblies/{ID}",
    "the configured host with a dot": f"https://media.example.net.:8443/assemblies/{ID}",
    "a host inside the configured one": f"https://x.media.example.net:8443/assemblies/{ID}",
    "an instance without a name": f"https://api2-.transloadit.com/assemblies/{ID}",
    "an underscore in the instance": f"https://api2-a_b.transloadit.com/assemblies/{ID}",
    "a wildcard": f"https://api2-*.transloadit.com/assemblies/{ID}",
    "two dots": f"https://api2..transloadit.com/assemblies/{ID}",
    "a full-width dot": f"https://api2\uff0etransloadit\uff0ecom/assemblies/{ID}",
    "an ideographic full stop": f"https://api2\u3002transloadit.com/assemblies/{ID}",
    "a full-width letter": f"https://\uff41pi2.transloadit.com/assemblies/{ID}",
    "a soft hyphen": f"https://api2\u00ad.transloadit.com/assemblies/{ID}",
    "a zero-width space": f"https://api2.transloadit.com\u200b/assemblies/{ID}",
    "a null byte": f"https://api2.transloadit.com\x00.example.org/assemblies/{ID}",
    "a space in front": f" https://api2.transloadit.com/assemblies/{ID}",
    "a space behind": f"https://api2.transloadit.com/assemblies/{ID} ",
    "a newline inside": f"https://api2.transloadit.com\n.example.org/assemblies/{ID}",
    "a carriage return": f"https://api2.transloadit.com/assemblies/{ID}\r",
    "a header behind the path": f"https://api2.transloadit.com/assemblies/{ID}\r\nX-Evil: 1",
    "an upper-case scheme": f"HTTPS://api2.transloadit.com/assemblies/{ID}",
    "a scheme of its own": f"javascript://api2.transloadit.com/assemblies/{ID}",
    "a file": f"file:///assemblies/{ID}",
    "one slash": f"https:/api2.transloadit.com/assemblies/{ID}",
    "three slashes": f"https:///api2.transloadit.com/assemblies/{ID}",
    "backslashes for slashes": f"https:\\\\api2.transloadit.com/assemblies/{ID}",
    "a backslash before the path": f"https://example.org\\api2.transloadit.com/assemblies/{ID}",
    "no host": f"https:///assemblies/{ID}",
    "a relative URL": f"/assemblies/{ID}",
    "an octal address": f"https://0177.0.0.1/assemblies/{ID}",
    "a hexadecimal address": f"https://0x7f.0.0.1/assemblies/{ID}",
    "a short address": f"https://127.1/assemblies/{ID}",
    "the address of nothing": f"http://0.0.0.0/assemblies/{ID}",
    "IPv6 loopback": f"http://[::1]/assemblies/{ID}",
    "IPv6 with a zone": f"https://[fe80::1%25eth0]/assemblies/{ID}",
    "the metadata service": f"http://169.254.169.254/assemblies/{ID}",
    "localhost": f"http://localhost/assemblies/{ID}",
    "two trailing dots": f"https://api2.transloadit.com../assemblies/{ID}",
    "upper case at the end": f"https://api2.transloadit.COM/assemblies/{ID}",
    "a sign that becomes a k": f"https://api2-jen\u212as.transloadit.com/assemblies/{ID}",
    "digits of another script": f"https://api\u0662.transloadit.com/assemblies/{ID}",
    "punycode of a look-alike": f"https://api2.xn--transoadit-9qc.com/assemblies/{ID}",
    "encoded user info": f"https://me%3apw%40@api2.transloadit.com/assemblies/{ID}",
    "an encoded host": f"https://%61%70%69%32.transloadit.com/assemblies/{ID}",
    "an encoded trailing dot": f"https://api2.transloadit.com%2e/assemblies/{ID}",
    "a tab in the scheme": f"ht\ttps://api2.transloadit.com/assemblies/{ID}",
    "a tab in front": f"\thttps://api2.transloadit.com/assemblies/{ID}",
    "a vertical tab": f"https://api2.transloadit.com\v.example.org/assemblies/{ID}",
    "a backslash in the user info": f"https://example.org\\@api2.transloadit.com/assemblies/{ID}",
    "a port with a sign": f"https://api2.transloadit.com:+443/assemblies/{ID}",
    "two ports": f"https://api2.transloadit.com:443:8443/assemblies/{ID}",
    "a name in brackets": f"https://[api2.transloadit.com]/assemblies/{ID}",
    "half a bracket": f"https://[::1/assemblies/{ID}",
    "loopback inside IPv6": f"http://[::ffff:127.0.0.1]/assemblies/{ID}",
    "loopback inside IPv6, in hexadecimal": f"http://[::ffff:7f00:1]/assemblies/{ID}",
}
NO_ASSEMBLY = {
    "a query": f"https://api2.transloadit.com/assemblies/{ID}?x=1",
    "another path": f"https://api2.transloadit.com/{ID}",
    "a path that climbs": f"https://api2.transloadit.com/assemblies/../{ID}",
    "a longer path": f"https://api2.transloadit.com/assemblies/{ID}/replay",
    "no id": "https://api2.transloadit.com/assemblies/",
    "an encoded path": f"https://api2.transloadit.com/%61ssemblies/{ID}",
    "an encoded slash in the id": "https://api2.transloadit.com/assemblies/..%2f..%2fx",
    "dots for an id": "https://api2.transloadit.com/assemblies/..",
    "two slashes in the path": f"https://api2.transloadit.com//assemblies/{ID}",
    "a slash at the end": f"https://api2.transloadit.com/assemblies/{ID}/",
    "parameters of the path": f"https://api2.transloadit.com/assemblies/{ID};x=1",
    "an id that is too long": f"https://api2.transloadit.com/assemblies/{ID * 5}",
}
REFUSED = {**ELSEWHERE, **NO_ASSEMBLY}
ALLOWED = {
    f"https://api2.transloadit.com/assemblies/{ID}": f"https://api2.transloadit.com/assemblies/{ID}",
    f"https://api2-jenks.transloadit.com/assemblies/{ID}": (
        f"https://api2-jenks.transloadit.com/assemblies/{ID}"
    ),
    f"http://api2-jenks.transloadit.com/assemblies/{ID}": (
        f"https://api2-jenks.transloadit.com/assemblies/{ID}"
    ),
    f"https://media.example.net:8443/assemblies/{ID}": (
        f"https://media.example.net:8443/assemblies/{ID}"
    ),
    ID: f"https://media.example.net:8443/assemblies/{ID}",
    # As recordings up to 2016 spell them, and some pages' examples.
    f"https://api2.jenks.transloadit.com/assemblies/{ID}": (
        f"https://media.example.net:8443/assemblies/{ID}"
    ),
    f"http://api2.jenks.transloadit.com/assemblies/{ID}": (
        f"https://media.example.net:8443/assemblies/{ID}"
    ),
}


@pytest.fixture
def wire() -> Wire:
    return Wire()


def over(wire: Wire, **options: Any) -> dict[str, Any]:
    base_url = "https://media.example.net:8443"
    return {"base_url": base_url, "httpx_args": {"transport": wire.transport}, **options}


@pytest.mark.parametrize("method", ["get_assembly", "cancel_assembly"])
@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
def test_a_url_that_leads_elsewhere_is_refused(
    connect: Connect, wire: Wire, method: str, url: str
) -> None:
    client = connect(**over(wire))

    with pytest.raises(UntrustedUrl, match=r"^(not an Assembly's URL|'.* is neither on https://)"):
        getattr(client, method)(url)
    with pytest.raises(UntrustedUrl):
        getattr(client, method)(AssemblyStatus.from_dict({"assembly_ssl_url": url}))

    assert wire.requests == []


@pytest.mark.parametrize(("given", "used"), ALLOWED.items())
def test_a_url_where_assemblies_live_is_used(
    connect: Connect, wire: Wire, given: str, used: str
) -> None:
    client = connect(**over(wire))

    client.cancel_assembly(given)

    assert str(wire.requests[0].url) == used


@pytest.mark.parametrize(
    "status",
    [
        {"assembly_id": ID},
        {"assembly_id": ID, "assembly_ssl_url": None},
        {"assembly_id": ID, "assembly_ssl_url": ""},
        {"assembly_id": ID, "assembly_ssl_url": 3},
        {"assembly_id": ID, "assembly_ssl_url": ["x"]},
        {"assembly_id": ID, "assembly_url": f"http://example.org/assemblies/{ID}"},
    ],
)
def test_a_status_without_a_url_is_asked_for_at_the_base_url(
    connect: Connect, wire: Wire, status: dict[str, Any]
) -> None:
    connect(**over(wire)).get_assembly(AssemblyStatus.from_dict(status))

    assert str(wire.requests[0].url) == f"https://media.example.net:8443/assemblies/{ID}"


def test_loopback_hosts_belong_together(connect: Connect, wire: Wire) -> None:
    """The stand-in's instance hosts are other ports and addresses of this machine."""
    client = connect(**over(wire, base_url="http://localhost:8000"))

    client.get_assembly(f"http://127.0.0.2:9000/assemblies/{ID}")

    assert str(wire.requests[0].url) == f"http://127.0.0.2:9000/assemblies/{ID}"


def test_loopback_hosts_need_no_port_and_may_be_ipv6(connect: Connect, wire: Wire) -> None:
    client = connect(**over(wire, base_url="http://[::1]"))

    for url in (f"http://[::1]/assemblies/{ID}", f"http://[::1]:9000/assemblies/{ID}"):
        client.get_assembly(url)
        assert str(wire.requests[-1].url) == url
    with pytest.raises(UntrustedUrl):
        client.get_assembly(f"http://[::2]/assemblies/{ID}")


def test_an_id_that_is_none_is_refused_in_words_that_help(connect: Connect) -> None:
    client = connect("k", "s")

    with pytest.raises(
        InvalidInput, match=r"^not an Assembly's id, URL or status: '\.\.'; nothing"
    ):
        client.get_assembly("..")
    with pytest.raises(
        InvalidInput, match=r"^assembly_id must be 32 lowercase hex digits, such as"
    ):
        client.create_assembly(template_id="t", assembly_id="A" * 32)


def test_a_status_that_has_a_url_alone_can_be_replayed(connect: Connect, wire: Wire) -> None:
    url = f"https://api2-jenks.transloadit.com/assemblies/{ID}"
    given = AssemblyStatus.from_dict({"ok": "ASSEMBLY_COMPLETED", "assembly_ssl_url": url})

    connect("k", "s", **over(wire)).replay_assembly(given)

    assert wire.requests[0].url.path == f"/assemblies/{ID}/replay"


def test_a_refusal_says_where_the_url_may_lead_and_what_to_do(connect: Connect, wire: Wire) -> None:
    url = f"https://example.org/assemblies/{ID}"

    with pytest.raises(UntrustedUrl) as caught:
        connect(**over(wire)).get_assembly(url)

    assert str(caught.value) == (
        f"'{url}' is neither on https://media.example.net:8443 nor on one of the service's hosts;"
        " nothing was sent. Give the Assembly's id to ask the configured host, or name that host in"
        " trusted_hosts."
    )


def test_replays_use_the_id_of_a_url_and_go_to_the_base_url(connect: Connect, wire: Wire) -> None:
    client = connect("k", "s", **over(wire))

    client.replay_assembly(f"https://api2-jenks.transloadit.com/assemblies/{ID}")
    client.replay_assembly_notification(ID)

    assert [str(request.url) for request in wire.requests] == [
        f"https://media.example.net:8443/assemblies/{ID}/replay",
        f"https://media.example.net:8443/assembly_notifications/{ID}/replay",
    ]


def test_a_path_of_the_base_url_is_kept(connect: Connect, wire: Wire) -> None:
    connect(**over(wire, base_url="https://gateway.example.net/transloadit/")).get_assembly(ID)

    assert str(wire.requests[0].url) == f"https://gateway.example.net/transloadit/assemblies/{ID}"


@pytest.mark.parametrize(
    "base_url",
    ["api2.transloadit.com", "ftp://x", "https://", "https://u:p@x", "https://x?a", "https://x#a",
     "https://x:y", "http://example.org", "http://10.0.0.1", "http://127.0.0.1.example.org", 5],
)  # fmt: skip
def test_a_base_url_that_is_none_or_not_safe_is_refused(connect: Connect, base_url: str) -> None:
    why = "^base_url (must be https://HOST|is plain http on .*, which would expose the cred)"
    with pytest.raises(InvalidInput, match=why):
        connect("k", "s", base_url=base_url)
    with pytest.raises(InvalidInput, match=why):
        connect(auth_token="t", base_url=base_url)


@pytest.mark.parametrize("base_url", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:80"])
def test_plain_http_is_fine_on_loopback(connect: Connect, base_url: str) -> None:
    assert base_url in repr(connect("k", "s", base_url=base_url).with_headers({}))


def test_plain_http_is_fine_without_credentials(connect: Connect, wire: Wire) -> None:
    connect(**over(wire, base_url="http://example.org")).get_assembly(ID)

    assert str(wire.requests[0].url) == f"http://example.org/assemblies/{ID}"


def test_redirects_are_not_followed(connect: Connect) -> None:
    """A redirect of a signed form would hand it to whatever host the answer names."""
    seen: list[httpx.URL] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(307, headers={"Location": "https://example.org/"})

    client = connect(
        "k", "s", follow_redirects=True, httpx_args={"transport": httpx.MockTransport(redirect)}
    )

    with pytest.raises(
        ApiError, match=r"redirects to https://example\.org/, which is not followed"
    ):
        client.create_assembly(template_id="t")

    assert len(seen) == 1


@pytest.mark.parametrize("follow", [True, False])
def test_generated_functions_follow_redirects_only_when_told_to(follow: bool) -> None:
    """Also over an httpx client that would: its owner did not have signed forms in mind."""

    def redirect(request: httpx.Request) -> httpx.Response:
        if request.url.host == "example.org":
            return httpx.Response(200, json={"ok": "ASSEMBLY_COMPLETED", "assembly_id": ID})
        return httpx.Response(302, headers={"Location": "https://example.org/"}, json={})

    own = httpx.Client(transport=httpx.MockTransport(redirect), follow_redirects=True)
    client = Transloadit(follow_redirects=follow).set_httpx_client(own)

    answer = get_assembly.sync_detailed(ID, client=client)

    assert answer.status_code == (200 if follow else 302)


def test_hosts_that_were_trusted_are_used_over_https(connect: Connect, wire: Wire) -> None:
    client = connect(**over(wire, trusted_hosts={"media.example.org"}))

    client.get_assembly(f"http://media.example.org/assemblies/{ID}")
    with pytest.raises(UntrustedUrl):
        client.get_assembly(f"https://media.example.org:8443/assemblies/{ID}")
    with pytest.raises(UntrustedUrl):
        connect(**over(wire)).get_assembly(f"https://media.example.org/assemblies/{ID}")

    assert [str(request.url) for request in wire.requests] == [
        f"https://media.example.org/assemblies/{ID}"
    ]


HOME = Home("https://media.example.net:8443", frozenset({"media.example.org"}))


@pytest.mark.parametrize(
    "given",
    [
        *ELSEWHERE.values(),
        f"https://api2.jenks.transloadit.com/assemblies/{ID}",
        None,
        3,
        ["https://api2.transloadit.com/"],
    ],
)
def test_a_url_in_an_answer_that_leads_elsewhere_is_refused(given: object) -> None:
    with pytest.raises(
        UntrustedUrl, match=r"^tus_url is (no URL that is safe to use: |neither on )"
    ):
        trusted_url(given, HOME, "tus_url")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api2-jenks.transloadit.com/resumable/files/", None),
        ("https://media.example.net:8443/a%2Fb?x=1&y=/%20", None),
        ("http://api2-jenks.transloadit.com/r", "https://api2-jenks.transloadit.com/r"),
        ("http://media.example.org/r", "https://media.example.org/r"),
    ],
)
def test_a_url_in_an_answer_is_used_with_its_path_and_over_https(
    given: str, used: str | None
) -> None:
    assert trusted_url(given, HOME, "tus_url") == (used or given)


@many_cases
@given(
    st.text() | st.from_regex(r"https?://[a-z0-9.@:%\\\[\]-]{1,30}/assemblies/[0-9a-z.%/]{1,40}")
)
def test_any_text_leads_to_a_trusted_host_or_nowhere(text: str) -> None:
    try:
        url = assembly_url(text, Home("https://media.example.net:8443"))
    except InvalidInput:
        return
    assert re.fullmatch(
        r"(https://(api2(-[a-z0-9-]+)?\.transloadit\.com|media\.example\.net:8443))?"
        r"/assemblies/[0-9A-Za-z_-]{1,128}",
        url,
    )


# Results, which may be on any public host

FAR = Home("https://api2.transloadit.com")
HERE = Home("http://127.0.0.1:8000")
SPELLINGS = {
    "https://files.example/a%20b.jpg?x=%2F&y=1": None,
    "https://files.example:8443/~a/(b)'!*": None,
    "https://my_bucket.s3.amazonaws.com/a": None,
    "https://files.example./a": None,
    "https://8.8.8.8/a": None,
    "https://[2606:4700::1111]:8443/a": None,
    "https://files.example/a b.jpg": "https://files.example/a%20b.jpg",
    " https://files.example/a ": "https://files.example/a",
    "HTTPS://Files.EXAMPLE/A": "https://files.example/A",
    "https://files.example": "https://files.example/",
    "https://files.example?a": "https://files.example/?a",
    "https://files.example/a?b#c": "https://files.example/a?b",
    "https://files.example:/a": "https://files.example/a",
    "https://files.example/\xfc?\xfc": "https://files.example/%C3%BC?%C3%BC",
    "https://M\xfcnchen.example/a": "https://xn--mnchen-3ya.example/a",
    "https://files\u3002example/a": "https://files.example/a",
    "https://134744072/a": "https://8.8.8.8/a",
    "https://0x08.8.2056/a": "https://8.8.8.8/a",
    "https://[2606:4700:0:0::1111]/a": "https://[2606:4700::1111]/a",
}
NO_URLS = {
    "another scheme": "ftp://files.example/a",
    "no scheme": "//files.example/a",
    "no host": "https:///a",
    "a user": "https://me@files.example/a",
    "a backslash": "https://files.example\\@127.0.0.1/a",
    "a tab": "https://files.exa\tmple/a",
    "a line end": "https://files.example/a\n",
    "a space in the host": "https://files example/a",
    "a port too large": "https://files.example:77777/a",
    "port zero": "https://files.example:0/a",
    "an empty label": "https://files..example/a",
    "a label too long": f"https://{'a' * 64}.example/a",
    "half a surrogate pair": "https://files\udc80.example/a",
    "half a surrogate pair in the path": "https://files.example/\udc80",
    "half an address": "https://[::1/a",
    "an address with a zone": "https://[2606:4700::1%251]/a",
    "an address of another kind": "https://[v1.a]/a",
    "a number too large": "https://4294967296/a",
    "an address of five parts": "https://1.2.3.4.5/a",
    "no octal digit": "https://08.8.8.8/a",
    "a letter that the codec would change": "https://stra\xdfe.example/a",
    "a character that turns the text": "https://files\u202e.example/a",
    "more than any server takes": f"https://files.example/{'a' * 20_000}",
}
THIS_MACHINE = [
    "localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.1", "127.0.1", "2130706433",
    "0x7f.0.0.1", "0177.0.0.1", "0x7f000001", "127.0.0.1.", "\u2460\u2461\u2466.0.0.1",
    "127\u30020\u30020\u30021", "\uff11\uff12\uff17.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[64:ff9b::7f00:1]",
]  # fmt: skip
ITS_NETWORK = [
    "0", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "2852039166", "[::]", "[fe80::1]",
    "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[::7f00:1]", "[2002:7f00:1::]",
    "[2001:0:a00:1::]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[64:ff9b:1::1]",
]  # fmt: skip


@pytest.mark.parametrize(("given", "used"), SPELLINGS.items())
def test_a_result_is_fetched_from_the_url_that_was_meant(given: str, used: str | None) -> None:
    assert download_url(given, FAR) == (used or given)


@pytest.mark.parametrize("given", NO_URLS.values(), ids=NO_URLS)
@pytest.mark.parametrize("home", [FAR, HERE])
def test_what_is_no_url_of_a_result_is_refused_and_not_quoted(given: str, home: Home) -> None:
    with pytest.raises(UntrustedUrl, match=r"^it has no URL that is safe to use$"):
        download_url(given, home)


@pytest.mark.parametrize("host", [*THIS_MACHINE, *ITS_NETWORK])
def test_no_result_is_fetched_from_this_network_however_its_host_is_spelled(host: str) -> None:
    with pytest.raises(UntrustedUrl, match="is on this machine or its network"):
        download_url(f"https://{host}/a", FAR)


@pytest.mark.parametrize("host", THIS_MACHINE)
def test_results_may_be_on_this_machine_where_the_api_is_on_it(host: str) -> None:
    assert download_url(f"http://{host}:8000/a", HERE).startswith("http://")


@pytest.mark.parametrize("host", ITS_NETWORK)
def test_an_api_on_this_machine_opens_no_door_to_its_network(host: str) -> None:
    with pytest.raises(UntrustedUrl, match="is on this machine or its network"):
        download_url(f"http://{host}/a", HERE)


def test_no_result_is_fetched_in_plain_text() -> None:
    with pytest.raises(UntrustedUrl, match="over https alone"):
        download_url("http://files.example/a", FAR)


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "fe80::1%1", "169.254.169.254"])
def test_a_name_that_resolves_to_this_network_is_refused(address: str) -> None:
    with pytest.raises(UntrustedUrl, match=r"^files\.example is on this machine or its network"):
        check_addresses("files.example", ["8.8.8.8", address], FAR)


@pytest.mark.parametrize(
    ("host", "home"),
    [
        ("api.internal", Home("https://api.internal")),
        ("[fd00::1]", Home("https://[fd00::1]:8443")),
        ("files.internal", Home("https://api.internal", frozenset({"files.internal"}))),
    ],
)
def test_hosts_that_the_caller_named_may_have_any_address(host: str, home: Home) -> None:
    check_addresses(host, ["10.0.0.1", "fd00::1"], home)
    assert download_url(f"https://{host}/a", home)


def test_a_name_without_addresses_is_left_to_the_one_who_connects() -> None:
    """A proxy may know it."""
    check_addresses("files.example", [], FAR)


@many_cases
@given(st.ip_addresses())
def test_an_address_is_judged_alike_in_every_wrapping(address: Any) -> None:
    text = f"[{address}]" if address.version == 6 else str(address)
    spellings = [f"https://{text}/a"]
    if address.version == 4:
        spellings += [f"https://{int(address)}/a", f"https://[::ffff:{address}]/a"]

    for spelling in spellings:
        try:
            used = download_url(spelling, FAR)
        except UntrustedUrl:
            assert not is_public(address)
        else:
            assert is_public(ip_address(httpx.URL(used).host))


@many_cases
@given(st.text() | st.from_regex(r"https?://[\w0-9.@:%\\\[\] -]{1,30}(/.{0,20})?"))
def test_any_text_is_a_url_that_httpx_reads_alike_or_none(text: str) -> None:
    try:
        used = download_url(text, FAR)
    except UntrustedUrl:
        return
    assert used.isascii()
    assert used == download_url(used, FAR)
    assert httpx.URL(used).raw_host.decode() == urlsplit(used).hostname


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:99999/files", "http://localhost:0/files", "http://[::1]:65536/files"]
)
def test_a_port_that_cannot_be_is_refused_on_this_machine_too(url: str) -> None:
    """A socket would raise an OverflowError for it."""
    with pytest.raises(UntrustedUrl):
        trusted_url(url, Home("http://127.0.0.1:8000"), "tus_url")


@pytest.mark.parametrize("port", [1, 65535])
def test_any_port_that_can_be_is_taken_on_this_machine(port: int) -> None:
    url = f"http://127.0.0.1:{port}/files"

    assert trusted_url(url, Home("http://127.0.0.1:8000"), "tus_url") == url


def test_a_service_host_with_a_label_that_no_resolver_takes_is_refused() -> None:
    home = Home("https://api2.transloadit.com")

    with pytest.raises(UntrustedUrl):
        trusted_url(f"https://api2-{'a' * 70}.transloadit.com/x", home, "tus_url")
