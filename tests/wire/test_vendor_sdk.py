"""Side by side with the vendor's own SDK, pytransloadit 2.0.0.

It signs what we sign, it gets along with the stand-in, and on the wire we differ from it only
where a row of `DIFFERENCES` says so, and why.
"""

import asyncio
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from transloadit.async_client import (  # type: ignore[import-untyped]  # it has no py.typed
    AsyncTransloadit as TheirAsyncClient,
)
from transloadit.client import (  # type: ignore[import-untyped]  # likewise
    Transloadit as TheirClient,
)

from transloadit_client import Credentials, Transloadit, sign
from transloadit_standin import StandIn

from .parsers import Node, python_multipart
from .tap import ASSEMBLY_ID, Received, Tap

KEY = "side_by_side_key"
SECRET = "side by side sécret"
STEPS = {"resized": {"robot": "/image/resize", "width": 7, "text": "naïve 🙂 </script>"}}
TEMPLATE = "0123456789abcdef0123456789abcdef"
CONTENT = b"\xff\xd8 a picture\r\n"


CREATES = ("create with files", "create without files", "create by Template")
ALL = (*CREATES, "cancel", "status")
BOTH = ("sync", "async")


@dataclass(frozen=True)
class Difference:
    """Where a request of ours says something else than the vendor's; None where it says nothing."""

    fact: str
    theirs: str | None
    ours: str | None
    because: str
    calls: Sequence[str] = CREATES
    clients: Sequence[str] = BOTH


DIFFERENCES = [
    Difference(
        "client",
        "python-sdk",
        "python-transloadit-client",
        because="each names itself",
        calls=ALL,
    ),
    Difference(
        "params.auth.nonce",
        None,
        "32 hex digits",
        because="the pages strongly recommend it: a request sent twice then runs once",
    ),
    Difference(
        "params.auth.expires",
        "5 minutes",
        "60 minutes",
        because="the lifetime is each client's choice; ours forgives a clock that is slow",
    ),
    Difference(
        "spelling of params",
        "with spaces",
        "without",
        because="any spelling is right, if the text that is signed is the text that is sent",
    ),
    Difference(
        "params.steps",
        "{}",
        None,
        because="a Template that denies an override of its Steps refuses the request",
        calls=["create by Template"],
    ),
    Difference(
        "field tus_num_expected_upload_files",
        "0",
        None,
        because="what was not given is not sent; theirs is ready for tus unless told otherwise",
        calls=["create by Template"],
    ),
    Difference(
        "field num_expected_upload_files",
        None,
        "0",
        because="the page's name for it; all SDKs use the other, so ours sends both",
        calls=["create without files"],
    ),
    Difference(
        "form",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        because="the page names no other form, and a gateway that keeps to it refuses theirs",
        calls=["create without files", "create by Template"],
    ),
    Difference(
        "types of text parts",
        "text/plain; charset=utf-8",
        None,
        because="formidable, written for the service, takes a text part with a type for a file",
        calls=["create with files"],
        clients=["async"],
    ),
    *(
        Difference(
            f"type of file {field}",
            None,
            "image/jpeg",
            because="formidable takes a part without a type for a field",
            calls=["create with files"],
            clients=["sync"],
        )
        for field in ("photo", "mañana")
    ),
]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a picture.jpg"
    path.write_bytes(CONTENT)
    return path


class Theirs:
    """The vendor's two clients, called alike."""

    def __init__(self, kind: str, url: str) -> None:
        self.kind = kind
        self._url = url

    def create(
        self,
        params: Mapping[str, Any],
        steps: Mapping[str, Any],
        files: Mapping[str, Path],
        **options: Any,
    ) -> Any:
        def filled(client: Any) -> Any:
            assembly = client.new_assembly(dict(params))
            for name, step in steps.items():
                assembly.add_step(name, step["robot"], dict(step))
            for field, path in files.items():
                assembly.add_file(opened.enter_context(path.open("rb")), field)
            return assembly.create(**options)

        with ExitStack() as opened:
            return self._call(filled)

    def cancel(self, **assembly: str) -> Any:
        return self._call(lambda client: client.cancel_assembly(**assembly))

    def get(self, **assembly: str) -> Any:
        return self._call(lambda client: client.get_assembly(**assembly))

    def _call(self, call: Callable[[Any], Any]) -> Any:
        if self.kind == "sync":
            return call(TheirClient(KEY, SECRET, self._url))

        async def send() -> Any:
            async with TheirAsyncClient(KEY, SECRET, self._url) as client:
                return await call(client)

        return asyncio.run(send())


@pytest.fixture(params=BOTH)
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


# The signature -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"steps": STEPS},
        {"fields": {"🙂": "é / \\ \" ' </script> \u2028", "half": "\ud800", "big": 2**70}},
        {"fields": {"long": "0123456789é" * 10_000, "deep": [[[{"a": [None, True, 1.5]}]]]}},
    ],
    ids=["nothing", "steps", "odd texts", "long"],
)
@pytest.mark.parametrize("secret", [SECRET, "foo_secret", "ключ 🙂", "x" * 500])
def test_the_same_text_and_secret_give_the_same_signature(
    kind: str, params: dict[str, Any], secret: str
) -> None:
    """Their own code signs the text that we made; ours is then what they say it must be."""
    client = TheirClient if kind == "sync" else TheirAsyncClient

    signed = sign(params, Credentials(KEY, secret), expires="2030/01/01 00:00:00+00:00", nonce="n")

    assert signed.signature == client(KEY, secret).request._sign_data(signed.params)


def test_what_their_code_signs_has_the_form_that_ours_has(kind: str) -> None:
    """`auth` holds the same key and the same spelling of the time."""
    client = TheirClient if kind == "sync" else TheirAsyncClient
    payload = client(KEY, SECRET).request._to_payload({"steps": STEPS})
    their_params = json.loads(payload["params"])

    signed = sign(
        {"steps": STEPS},
        Credentials(KEY, SECRET),
        expires=their_params["auth"]["expires"],
        nonce="n",
    )

    our_params = json.loads(signed.params)
    assert our_params["auth"].pop("nonce") == "n"
    assert our_params == their_params
    assert re.fullmatch(r"sha384:[0-9a-f]{96}", payload["signature"])
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\+00:00", their_params["auth"]["expires"])


# Their SDK and the stand-in ----------------------------------------------------------------------


@pytest.fixture
def standin(kind: str) -> Iterator[StandIn]:
    """Lenient towards the content types that the async SDK puts on its text parts."""
    lenient: Any = "text" if kind == "async" else "file"
    with StandIn(
        key=KEY, secret=SECRET, signature_required=True, step_seconds=0.05, typed_text=lenient
    ) as api:
        yield api


def test_their_create_with_a_file_runs_on_the_standin(
    kind: str, standin: StandIn, picture: Path
) -> None:
    answer = Theirs(kind, standin.url).create(
        {}, STEPS, {"photo": picture}, wait=True, resumable=False
    )

    assert (answer.status_code, answer.data["ok"]) == (200, "ASSEMBLY_COMPLETED")
    (upload,) = answer.data["uploads"]
    assert (upload["field"], upload["name"], upload["size"]) == (
        "photo",
        picture.name,
        len(CONTENT),
    )


def test_their_create_without_a_file_runs_on_the_standin(kind: str, standin: StandIn) -> None:
    answer = Theirs(kind, standin.url).create({}, STEPS, {}, wait=True)

    assert answer.data["ok"] == "ASSEMBLY_COMPLETED"


def test_their_create_by_template_is_refused_where_it_denies_steps(
    kind: str, standin: StandIn
) -> None:
    """Since it sends `steps: {}` too; ours is not refused."""
    standin.add_template(TEMPLATE, steps=STEPS, allow_steps_override=False)

    answer = Theirs(kind, standin.url).create({"template_id": TEMPLATE}, {}, {})

    assert answer.data["error"] == "TEMPLATE_DENIES_STEPS_OVERRIDE"
    with Transloadit(KEY, SECRET, base_url=standin.url) as client:
        assert not client.create_assembly(template_id=TEMPLATE).failed


def test_their_cancel_works_on_the_standin(kind: str, standin: StandIn) -> None:
    with Transloadit(KEY, SECRET, base_url=standin.url) as client:
        long = {f"step {number}": {"robot": "/image/resize"} for number in range(1000)}
        created = client.create_assembly(steps=long)
        theirs = Theirs(kind, standin.url)

        by_url = theirs.cancel(assembly_url=str(created.assembly_ssl_url))
        by_id = theirs.cancel(assembly_id=str(created.assembly_id))

        assert by_url.data["ok"] == by_id.data["ok"] == "ASSEMBLY_CANCELED"
        assert theirs.get(assembly_id=str(created.assembly_id)).data == by_id.data
        assert client.get_assembly(created).ok == "ASSEMBLY_CANCELED"


# Field by field ----------------------------------------------------------------------------------


def facts(received: Received) -> dict[str, str | None]:
    """All that a request says, by name; without what is drawn anew for each."""
    told: dict[str, str | None] = {
        "method": received.method,
        "path": received.target,
        "client": str(received.header("Transloadit-Client")).partition(":")[0],
        "token": received.header("Authorization"),
    }
    if not received.body:
        return {**told, "form": received.header("Content-Type")}
    told["form"] = received.content_type.partition(";")[0]
    parts = python_multipart(received.content_type, received.body)
    texts = [part for part in parts if part.file_name is None]
    files = [part for part in parts if part.file_name is not None]
    told["order"] = repr(parts == texts + files and [part.name for part in parts[:2]])
    told |= {f"field {part.name}": part.content.decode() for part in texts[2:]}
    for part in files:
        told[f"file {part.name}"] = repr((part.file_name, part.content))
        told[f"type of file {part.name}"] = part.content_type
    if files:
        heads = b"\n".join(head for head, _ in received.raw_parts()[: len(texts)])
        types = set(re.findall(rb"Content-Type: ([^\r\n]+)", heads))
        told["types of text parts"] = b", ".join(types).decode() or None
    return told | facts_of_params(parts[0].content, parts[1].content)


def facts_of_params(text: bytes, signature: bytes) -> dict[str, str | None]:
    params = json.loads(text)
    auth = params.pop("auth")
    expires = datetime.strptime(auth.pop("expires"), "%Y/%m/%d %H:%M:%S%z")
    nonce = auth.pop("nonce", None)
    minutes = round((expires - datetime.now(UTC)).total_seconds() / 60)
    fits = b"sha384:" + hmac.new(SECRET.encode(), text, "sha384").hexdigest().encode() == signature
    return {
        "signature": "fits" if fits else "does not fit",
        "spelling of params": "with spaces" if b'": ' in text else "without",
        "params.auth.expires": f"{minutes} minutes",
        "params.auth.nonce": nonce and re.sub("^[0-9a-f]{32}$", "32 hex digits", nonce),
        **{f"params.auth.{name}": json.dumps(value) for name, value in auth.items()},
        **{f"params.{name}": json.dumps(value, sort_keys=True) for name, value in params.items()},
    }


def send_both(call: str, theirs: Theirs, ours: Transloadit, picture: Path) -> None:
    """Theirs first."""
    if call == "create with files":
        files = {"photo": picture, "mañana": picture}
        theirs.create({"notify_url": "https://example.com/"}, STEPS, files, resumable=False)
        ours.create_assembly(
            assembly_id=None, notify_url="https://example.com/", steps=STEPS, files=files
        )
    elif call == "create without files":
        theirs.create({"fields": {"a": "é"}, "quiet": True}, STEPS, {})
        ours.create_assembly(
            assembly_id=None,
            fields={"a": "é"},
            quiet=True,
            steps=STEPS,
            num_expected_upload_files=0,
        )
    elif call == "create by Template":
        theirs.create({"template_id": TEMPLATE}, {}, {})
        ours.create_assembly(assembly_id=None, template_id=TEMPLATE)
    elif call == "cancel":
        theirs.cancel(assembly_id=ASSEMBLY_ID)
        ours.cancel_assembly(ASSEMBLY_ID)
    else:
        theirs.get(assembly_id=ASSEMBLY_ID)
        ours.get_assembly(ASSEMBLY_ID)


@pytest.mark.parametrize("call", ALL)
def test_our_requests_are_theirs_but_for_the_differences(
    tap: Tap, kind: str, picture: Path, call: str
) -> None:
    """Method, path, every form field, every key of `params`, every file: all there is."""
    with Transloadit(KEY, SECRET, base_url=tap.url) as ours:
        send_both(call, Theirs(kind, tap.url), ours, picture)

    theirs_says, ours_says = (facts(received) for received in tap.requests)
    differing = {
        fact: (theirs_says.get(fact), ours_says.get(fact))
        for fact in theirs_says.keys() | ours_says.keys()
        if theirs_says.get(fact) != ours_says.get(fact)
    }
    assert differing == {
        each.fact: (each.theirs, each.ours)
        for each in DIFFERENCES
        if call in each.calls and kind in each.clients
    }
    assert ours_says.get("signature", "fits") == "fits"


def test_what_we_say_of_formidable_is_so(tap: Tap, kind: str, node: Node, picture: Path) -> None:
    """It takes their async client's texts for files, and their sync client's file for a field."""
    Theirs(kind, tap.url).create({}, STEPS, {"photo": picture}, resumable=False)

    parts = node.formidable(tap.only().content_type, tap.only().body)
    files = [part.name for part in parts if part.file_name is not None]
    assert files == (["params", "signature", "photo"] if kind == "async" else [])
