"""Everything around the form: methods, paths, headers, and bodies that must not be there."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from transloadit_api.api.assemblies import (
    cancel_assembly,
    create_assembly_with_id,
    get_assembly,
    replay_assembly,
)
from transloadit_api.api.assembly_notifications import replay_assembly_notification
from transloadit_api.models import (
    CreateAssemblyForm,
    ReplayAssemblyForm,
    ReplayAssemblyNotificationForm,
)
from transloadit_client import AsyncTransloadit, Transloadit, __version__

from .parsers import python_multipart
from .senders import KEY, SECRET
from .tap import ASSEMBLY_ID, Received, Tap
from .test_forms import is_signed

Call: TypeAlias = Callable[..., Received]
Operation: TypeAlias = tuple[str, dict[str, Any], str]
"""A method, its arguments, and the request line it makes."""

UNSIGNED: list[Operation] = [
    ("get_assembly", {"assembly": ASSEMBLY_ID}, f"GET /assemblies/{ASSEMBLY_ID}"),
    ("cancel_assembly", {"assembly": ASSEMBLY_ID}, f"DELETE /assemblies/{ASSEMBLY_ID}"),
]
SIGNED: list[Operation] = [
    ("create_assembly", {"template_id": "t", "assembly_id": None}, "POST /assemblies"),
    ("create_assembly", {"files": [b"x"], "assembly_id": None}, "POST /assemblies"),
    ("create_assembly", {"assembly_id": ASSEMBLY_ID}, f"POST /assemblies/{ASSEMBLY_ID}"),
    ("replay_assembly", {"assembly": ASSEMBLY_ID}, f"POST /assemblies/{ASSEMBLY_ID}/replay"),
    (
        "replay_assembly_notification",
        {"assembly": ASSEMBLY_ID},
        f"POST /assembly_notifications/{ASSEMBLY_ID}/replay",
    ),
]


def operations(*rows: Operation) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("method", "arguments", "line"),
        [pytest.param(*row, id=" ".join([row[0], *row[1]])) for row in rows],
    )


@pytest.fixture(params=[Transloadit, AsyncTransloadit])
def call(request: pytest.FixtureRequest, tap: Tap) -> Call:
    """Calls a method of either client, with these options, and gives what arrived."""

    def send(method: str, arguments: dict[str, Any], **options: Any) -> Received:
        options = {"base_url": tap.url, **(options or {"key": KEY, "secret": SECRET})}
        if request.param is Transloadit:
            with Transloadit(**options) as client:
                getattr(client, method)(**arguments)
        else:
            own = AsyncTransloadit(**options)
            asyncio.run(awaited(own, getattr(own, method)(**arguments)))
        return tap.requests[-1]

    return send


def form(received: Received) -> dict[str, list[str]]:
    """The fields of a form: multipart for a create, urlencoded for a replay."""
    kind = "application/x-www-form-urlencoded"
    if not received.target.endswith("/replay"):
        kind = "multipart/form-data"
    assert received.content_type.partition(";")[0] == kind
    fields: dict[str, list[str]] = {}
    for part in python_multipart(received.content_type, received.body):
        fields.setdefault(part.name, []).append(part.content.decode())
    return fields


@operations(*UNSIGNED)
def test_nothing_at_all_is_in_the_body_of_cancel_and_status(
    call: Call, method: str, arguments: dict[str, Any], line: str
) -> None:
    received = call(method, arguments)

    assert f"{received.method} {received.target}" == line
    assert received.body == b""
    assert received.header("Content-Type") is None
    assert received.header("Transfer-Encoding") is None
    assert received.header("Content-Length") in (None, "0")


@operations(*UNSIGNED)
def test_cancel_and_status_carry_no_token(
    call: Call, method: str, arguments: dict[str, Any], line: str
) -> None:
    """Not even where the client has one: whoever knows the id may ask."""
    received = call(method, arguments, auth_token="a-token")

    assert received.header("Authorization") is None
    assert "a-token" not in repr(received.headers)


@operations(*SIGNED, *UNSIGNED)
def test_key_and_secret_are_never_in_a_header_or_url(
    call: Call, method: str, arguments: dict[str, Any], line: str
) -> None:
    received = call(method, arguments)

    assert f"{received.method} {received.target}" == line
    assert received.header("Authorization") is None
    assert KEY not in repr(received.headers)
    assert SECRET not in repr(received.headers)
    assert SECRET.encode() not in received.body


@operations(*SIGNED)
def test_a_token_replaces_key_and_signature(
    call: Call, method: str, arguments: dict[str, Any], line: str
) -> None:
    received = call(method, arguments, auth_token="a-token")

    assert f"{received.method} {received.target}" == line
    assert received.header("Authorization") == "Bearer a-token"
    assert b"a-token" not in received.body
    assert b"signature" not in received.body
    assert b"auth" not in received.body


@operations(*SIGNED, *UNSIGNED)
def test_the_client_names_itself(
    call: Call, method: str, arguments: dict[str, Any], line: str
) -> None:
    received = call(method, arguments, key=KEY, secret=SECRET, headers={"X-Own": "kept"})

    assert received.header("Transloadit-Client") == f"python-transloadit-client:{__version__}"
    assert received.header("X-Own") == "kept"


@operations(*(row for row in SIGNED if "files" not in row[1]))
def test_forms_without_files_are_signed(
    call: Call, method: str, arguments: dict[str, Any], line: str
) -> None:
    fields = form(call(method, arguments))

    assert list(fields) == ["params", "signature"]
    (params,), (signature,) = fields.values()
    assert params.isascii()
    assert is_signed(params.encode(), signature.encode())


@operations(*(row for row in SIGNED if "files" not in row[1]))
def test_no_nonce_is_used_twice(
    call: Call, method: str, arguments: dict[str, Any], line: str
) -> None:
    nonces = {
        json.loads(form(call(method, arguments))["params"][0])["auth"]["nonce"] for _ in range(3)
    }

    assert len(nonces) == 3


@pytest.mark.parametrize(
    ("method", "arguments", "sent"),
    [
        ("create_assembly", {}, {}),
        (
            "create_assembly",
            {"template_id": "t", "steps": {}, "fields": {}},
            {"template_id": "t", "steps": {}, "fields": {}},
        ),
        ("create_assembly", {"notify_url": None}, {"notify_url": None}),
        ("create_assembly", {"quiet": False}, {"quiet": False}),
        ("create_assembly", {"template_id": "t"}, {"template_id": "t"}),
        ("create_assembly", {"extra_params": {"usage_tags": "a"}}, {"usage_tags": "a"}),
        ("replay_assembly", {}, {"reparse_template": 0}),
        ("replay_assembly", {"reparse_template": True}, {"reparse_template": 1}),
        ("replay_assembly", {"notify_url": None}, {"reparse_template": 0, "notify_url": None}),
        (
            "replay_assembly",
            {"extra_params": {"allow_steps_override": False}},
            {"reparse_template": 0, "allow_steps_override": False},
        ),
        ("replay_assembly_notification", {}, {}),
        ("replay_assembly_notification", {"extra_params": {"a": None}}, {"a": None}),
        ("replay_assembly_notification", {"wait": False}, {"wait": False}),
        ("replay_assembly_notification", {"notify_url": "u"}, {"notify_url": "u"}),
    ],
)
def test_what_was_not_given_is_not_sent(
    call: Call, method: str, arguments: dict[str, Any], sent: dict[str, Any]
) -> None:
    """`steps: {}` beside a Template is a known error of the vendor's SDKs."""
    if method != "create_assembly":
        arguments = {**arguments, "assembly": ASSEMBLY_ID}

    params = json.loads(form(call(method, arguments))["params"][0])

    assert {name: value for name, value in params.items() if name != "auth"} == sent
    assert params["auth"].keys() == {"key", "expires", "nonce"}


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha384", "sha512"])
def test_the_signature_names_its_algorithm(call: Call, algorithm: str) -> None:
    received = call("create_assembly", {}, key=KEY, secret=SECRET, signature_algorithm=algorithm)

    assert form(received)["signature"][0].startswith(f"{algorithm}:")


@pytest.mark.parametrize("kind", [Transloadit, AsyncTransloadit])
@pytest.mark.parametrize(
    ("function", "form_class", "line"),
    [
        pytest.param(cancel_assembly, None, f"DELETE /assemblies/{ASSEMBLY_ID}", id="cancel"),
        pytest.param(get_assembly, None, f"GET /assemblies/{ASSEMBLY_ID}", id="status"),
        pytest.param(
            create_assembly_with_id,
            CreateAssemblyForm,
            f"POST /assemblies/{ASSEMBLY_ID}",
            id="create with an id",
        ),
        pytest.param(
            replay_assembly,
            ReplayAssemblyForm,
            f"POST /assemblies/{ASSEMBLY_ID}/replay",
            id="replay",
        ),
        pytest.param(
            replay_assembly_notification,
            ReplayAssemblyNotificationForm,
            f"POST /assembly_notifications/{ASSEMBLY_ID}/replay",
            id="replay of a Notification",
        ),
    ],
)
def test_generated_functions_send_the_same(
    tap: Tap, function: Any, form_class: Any, line: str, kind: type[Any]
) -> None:
    """Called directly with our client, which names itself and writes the form."""
    client = kind(KEY, SECRET, base_url=tap.url)
    signed = client.sign({})
    arguments = {"client": client}
    if form_class:
        arguments["body"] = form_class(params=signed.params, signature=signed.signature)

    if kind is Transloadit:
        with client:
            function.sync_detailed(ASSEMBLY_ID, **arguments)
    else:
        asyncio.run(awaited(client, function.asyncio_detailed(ASSEMBLY_ID, **arguments)))

    received = tap.only()
    assert f"{received.method} {received.target}" == line
    assert received.header("Transloadit-Client") == f"python-transloadit-client:{__version__}"
    assert received.header("Authorization") is None
    if form_class:
        assert form(received) == {"params": [signed.params], "signature": [signed.signature]}
    else:
        assert received.body == b""


async def awaited(client: AsyncTransloadit, answer: Any) -> None:
    async with client:
        await answer
