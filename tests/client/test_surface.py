"""What people see of the package: names, help, copies, pickles and reprs."""

import ast
import asyncio
import copy
import dataclasses
import inspect
import io
import pickle
import pydoc
import re
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import httpx
import pydantic
import pytest

import transloadit_client
from transloadit_api.types import UNSET, Unset
from transloadit_client import (
    AssemblyStatus,
    AsyncTransloadit,
    Finished,
    InvalidInput,
    RetryPolicy,
    SavedFile,
    Transloadit,
)

from ..scripted import ID, Wire

PACKAGE = Path(transloadit_client.__file__).parent
PUBLIC = [getattr(transloadit_client, name) for name in transloadit_client.__all__]
CLASSES = [one for one in PUBLIC if inspect.isclass(one)]
CLIENTS = [Transloadit, AsyncTransloadit]
METHODS = [
    pytest.param(client, name, id=f"{client.__name__}.{name}")
    for client in CLIENTS
    for name in dir(client)
    if callable(getattr(client, name)) and not name.startswith("_")
]


def named_in_stub() -> dict[str, str]:
    """The names that editors and checkers read, and the modules that have them."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    return {
        str(alias.asname): f".{node.module or alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_the_stub_has_the_names_of_the_package_from_the_same_modules() -> None:
    assert named_in_stub() == {
        **transloadit_client._HOME,  # type: ignore[attr-defined]  # the stub does not tell of it
        "__version__": "._version",
        "pingback": ".pingback",
        "smart_cdn": ".smart_cdn",
    }
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    (listed,) = (one.value for one in stub.body if isinstance(one, ast.Assign))
    assert sorted(ast.literal_eval(listed)) == sorted(transloadit_client.__all__)


@pytest.mark.parametrize("public", CLASSES, ids=lambda one: one.__name__)
def test_a_public_class_says_where_people_import_it_from(public: type) -> None:
    """Pickles, tracebacks and reprs name the module; a move inside the package changes none."""
    assert public.__module__ == "transloadit_client"
    assert pickle.loads(pickle.dumps(public)) is public


@pytest.mark.parametrize(("client", "name"), METHODS)
def test_a_method_can_be_introspected_and_has_an_example(client: type, name: str) -> None:
    method = getattr(client, name)
    typing.get_type_hints(method)

    assert inspect.signature(method)
    assert "Example:\n" in method.__doc__


def plain_help(thing: object) -> str:
    """What `help(thing)` prints, without the backspaces that make bold letters."""
    return re.sub(".\b", "", pydoc.render_doc(thing))


@pytest.mark.parametrize("public", [one for one in PUBLIC if callable(one)])
def test_help_shows_no_address(public: Any) -> None:
    """Such as `<transloadit_api.types.Unset object at 0x7f…>` for an argument's default."""
    assert not re.search(r"\b0x[0-9a-f]{6,}", plain_help(public))


def test_help_on_a_client_tells_its_settings() -> None:
    for client in CLIENTS:
        text = plain_help(client)
        for setting in inspect.signature(client.__init__).parameters:
            assert setting == "self" or f" {setting}: " in text


@dataclasses.dataclass
class InDataclass:
    client: Transloadit


def in_dataclass(client: Any) -> Any:
    return dataclasses.asdict(InDataclass(client))["client"]


def in_pydantic(client: Any) -> Any:
    class Settings(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        several: list[Any] = [client]  # pydantic copies a mutable default

    return Settings().several[0]


COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, in_dataclass, in_pydantic]


@pytest.mark.parametrize("make", COPIES, ids=lambda one: one.__name__)
def test_a_copy_signs_and_sends_over_the_same_connections(make: Callable[[Any], Any]) -> None:
    """Secrets need not leave the process for a copy, as they would have to for a pickle."""
    wire = Wire()
    with Transloadit("k", "s", httpx_args={"transport": wire.transport}) as client:
        twin = make(client)
        twin.close()  # which closes nothing of the client's

        assert twin is not client
        assert type(twin) is Transloadit
        assert twin.create_assembly(template_id="t").busy
        assert client.create_assembly(template_id="t").busy
    assert b"signature" in wire.requests[0].content


def test_a_deep_copy_of_many_keeps_one_client_one() -> None:
    client = Transloadit("k", "s")

    one, other = copy.deepcopy([client, client])

    assert one is other
    assert one is not client


def test_attrs_can_turn_what_holds_a_client_into_a_dict() -> None:
    @attrs.define
    class Holder:
        client: Transloadit

    given = attrs.asdict(Holder(Transloadit("k", "hush")))

    assert "hush" not in repr(given)


def test_a_method_can_be_replaced_on_one_client() -> None:
    client = Transloadit("k", "s")
    with mock.patch.object(client, "create_assembly", autospec=True) as create:
        client.create_assembly(template_id="t")
        with pytest.raises(TypeError):
            client.create_assembly(no_such_argument=1)  # type: ignore[call-arg]  # the point

    create.assert_called_once_with(template_id="t")
    assert client.create_assembly.__func__ is Transloadit.create_assembly  # type: ignore[attr-defined]


class Tenant(Transloadit):
    """A user's own client, whose constructor takes something else."""

    def __init__(self, tenant: str) -> None:
        super().__init__("k", "s", timeout=7)
        self.tenant = tenant
        self.jobs: list[str] = []


class Slotted(AsyncTransloadit):
    __slots__ = ("tenant",)

    def __init__(self, tenant: str) -> None:
        super().__init__("k", "s", pickle_secrets=True)
        self.tenant = tenant


def test_a_subclass_with_a_constructor_of_its_own_keeps_all_ways_to_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRANSLOADIT_SECRET", "s")
    parent = Tenant("acme")
    for twin in (
        parent.with_options(base_url="https://other.net"),
        parent.with_headers({"X-A": "1"}),
        copy.copy(parent),
        copy.deepcopy(parent),
        pickle.loads(pickle.dumps(parent)),
    ):
        assert type(twin) is Tenant
        assert twin.tenant == "acme"
        assert twin._timeout == httpx.Timeout(7, pool=None)
        assert twin.sign({}).signature
    assert copy.deepcopy(parent).jobs is not parent.jobs
    assert copy.copy(parent).jobs is parent.jobs


def test_a_subclass_with_slots_does_so_too() -> None:
    for twin in (Slotted("acme").with_timeout(1), pickle.loads(pickle.dumps(Slotted("acme")))):
        assert twin.tenant == "acme"
        assert twin.sign({}).signature


def test_a_client_in_the_wrong_kind_of_with_says_which_is_right() -> None:
    async def wrong() -> None:
        async with Transloadit("k", "s"):
            pass

    with pytest.raises(InvalidInput, match="AsyncTransloadit is asynchronous: use `async with`"):
        AsyncTransloadit("k", "s").__enter__()
    with pytest.raises(InvalidInput, match="Transloadit is not asynchronous: use `with`"):
        asyncio.run(wrong())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"key": "k\n"}, "key has a line end"),
        ({"secret": "hush\r\n"}, "secret has a line end"),
        ({"secret": "hush\x00"}, "secret has a line end or another control"),
        ({"retry": 0}, "retry is 0; it takes a RetryPolicy, a number of attempts from 1"),
        ({"retry": -1}, "retry is -1"),
        ({"retry": True}, "retry is True"),
        ({"retry": 2.5}, "retry is 2.5"),
        ({"retry": "twice"}, "retry is 'twice'"),
        ({"timeout": 0}, "timeout is 0"),
        ({"timeout": httpx.Timeout(1, read=0)}, "timeout.read is 0"),
        ({"httpx_args": {"proxies": {}}}, "httpx_args has 'proxies', which httpx.Client does not"),
        ({"httpx_args": ["proxy"]}, "httpx_args is a list; it takes a mapping"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(
    connect: Callable[..., Any], given: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        connect(**{"key": "k", "secret": "hush", **given})

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("name", ["TRANSLOADIT_KEY", "TRANSLOADIT_SECRET"])
def test_a_line_end_in_the_environment_is_refused_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TRANSLOADIT_KEY", "k")
    monkeypatch.setenv("TRANSLOADIT_SECRET", "s")
    monkeypatch.setenv(name, "hush\n")

    with pytest.raises(InvalidInput, match=f"^{name} has a line end") as caught:
        Transloadit()

    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("retry", "attempts"), [(5, 5), (1, 1), (None, 1), (False, 1), (RetryPolicy(attempts=3), 3)]
)
def test_retry_is_a_policy_or_a_number_of_attempts(retry: Any, attempts: int) -> None:
    wire = Wire()

    def failing(request: httpx.Request) -> httpx.Response:
        wire.requests.append(request)
        return httpx.Response(503)

    args = {"transport": httpx.MockTransport(failing)}
    client = Transloadit("k", "s", retry=retry, httpx_args=args)
    with (
        mock.patch("transloadit_client._client.blocking.driver.sleep"),
        pytest.raises(transloadit_client.ApiError) as caught,
    ):
        client.with_options(retry=retry).get_assembly(ID)

    assert len(wire.requests) == len(caught.value.attempts) == attempts


@pytest.mark.parametrize(
    "given",
    [{"attempts": 2.0}, {"attempts": 0}, {"attempts": "2"}, {"deadline": -1}, {"first": "1"},
     {"longest": None}, {"floor": float("nan")}],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused_by_name(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(given))):
        RetryPolicy(**given)


STATUS: dict[str, Any] = {
    "ok": "ASSEMBLY_COMPLETED",
    "assembly_id": ID,
    "assembly_ssl_url": f"https://api2.transloadit.com/assemblies/{ID}",
    "message": "<b>done</b>",
    "uploads": [{"name": "a.jpg"}, None],
    "results": {
        "thumbs": [{"name": "b.jpg", "url": "http://x/b", "ssl_url": "https://x/b", "size": 3}],
        "<i>": [{"name": "c.jpg", "url": "http://x/c"}, {"name": "d.jpg"}],
        "none": None,
    },
}


def test_a_status_has_shortcuts_that_are_never_unset() -> None:
    status = AssemblyStatus.from_dict(STATUS)
    nothing = AssemblyStatus.from_dict({"uploads": "text", "results": 7, "assembly_id": None})

    assert (status.id, status.url) == (ID, STATUS["assembly_ssl_url"])
    assert [file.name for file in status.upload_files] == ["a.jpg"]
    assert [file.download_url for file in status.result_files] == ["https://x/b", "http://x/c", ""]
    assert (nothing.id, nothing.url, nothing.upload_files, nothing.result_files) == ("", "", [], [])


def test_a_repr_is_one_line_that_helps() -> None:
    status = AssemblyStatus.from_dict(STATUS)
    failed = AssemblyStatus(error="NO_FILE", assembly_id=ID)
    saved = SavedFile("thumbs", status.files["thumbs"][0], Path("b.jpg"))

    text = f"AssemblyStatus(id='{ID}', ok='ASSEMBLY_COMPLETED', uploads=1, results=3)"
    assert repr(status) == text
    assert repr(failed) == (
        f"AssemblyStatus(id='{ID}', ok=UNSET, error='NO_FILE', uploads=0, results=0)"
    )
    assert repr(UNSET) == "UNSET" == repr(Unset())
    assert repr(Finished(status, (saved,))) == f"Finished(status={text}, saved=<1 files>)"
    assert repr(status.files["thumbs"][0]) == "AssemblyFile(name='b.jpg', size=3, mime=UNSET)"


def test_a_status_is_a_small_table_in_a_notebook() -> None:
    def table(*rows: tuple[str, object]) -> str:
        cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows)
        return f"<table>{cells}</table>"

    assert AssemblyStatus.from_dict(STATUS)._repr_html_() == table(
        ("Assembly", ID),
        ("state", "ASSEMBLY_COMPLETED"),
        ("message", "&lt;b&gt;done&lt;/b&gt;"),
        ("uploads", 1),
        ("results of thumbs", 1),
        ("results of &lt;i&gt;", 2),
    )
    failed = AssemblyStatus(ok="ASSEMBLY_EXECUTING", error="NO_FILE", assembly_id=ID)
    assert failed._repr_html_() == table(("Assembly", ID), ("state", "NO_FILE"), ("uploads", 0))
    assert AssemblyStatus()._repr_html_() == table(("uploads", 0))


def test_the_headers_of_an_answer_stay_with_status_and_error(connect: Callable[..., Any]) -> None:
    """By any spelling of their names, through pickles and copies, and not in the JSON."""
    wire = Wire(**{"X-Request-Id": "r-1", "X-More": "more"})
    status = connect(httpx_args={"transport": wire.transport}).get_assembly(ID)
    refusal = {"error": "INVALID_SIGNATURE", "assembly_id": ID}
    refused = httpx.MockTransport(
        lambda _: httpx.Response(400, json=refusal, headers={"x-request-id": "r-2"})
    )
    with pytest.raises(transloadit_client.ApiError) as caught:
        connect("k", "s", httpx_args={"transport": refused}).create_assembly(
            template_id="t", assembly_id=ID
        )

    for one in (status, pickle.loads(pickle.dumps(status)), copy.deepcopy(status)):
        assert one.headers["x-MORE"] == "more"
        assert one.request_id == "r-1"
        assert "headers" not in one.to_dict()
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert error.request_id == error.headers["X-REQUEST-ID"] == "r-2"
        assert error.status
        assert error.status.request_id == "r-2"


def test_what_was_no_answer_has_no_headers() -> None:
    for one in (AssemblyStatus(), AssemblyStatus.from_dict({}), transloadit_client.ApiError()):
        assert dict(one.headers) == {}
        assert one.request_id is None


class Resize(pydantic.BaseModel):
    robot: str = "/image/resize"
    width: int
    crop_: dict[str, int] | None = pydantic.Field(default=None, alias="crop")
    watermark_url: pydantic.HttpUrl | None = None
    background: str | None = None


def test_models_of_pydantic_are_taken_inside_steps(connect: Callable[..., Any]) -> None:
    """As JSON, by their aliases; None is not sent, since a Robot would take it for a value."""
    wire = Wire()
    watermark = pydantic.HttpUrl("https://a.example/b")

    connect("k", "s", httpx_args={"transport": wire.transport}).create_assembly(
        steps={"small": Resize(width=3, crop={"x1": 1}, watermark_url=watermark)}
    )

    small = (
        b'{"robot":"/image/resize","width":3,"crop":{"x1":1},"watermark_url":"https://a.example/b"}'
    )
    assert b'"small":' + small in wire.requests[0].content


def test_a_status_is_a_field_of_pydantic() -> None:
    class Job(pydantic.BaseModel):
        status: AssemblyStatus
        file: transloadit_client.AssemblyFile | None = None

    status = AssemblyStatus.from_dict(STATUS)
    job = Job(status=status)

    assert job.status is status
    assert job.model_dump(mode="json")["status"] == STATUS
    assert Job.model_validate_json(job.model_dump_json()).status == status
    assert Job.model_validate({"status": STATUS, "file": {"name": "a"}}).status == status
    for mode in ("validation", "serialization"):
        assert Job.model_json_schema(mode=mode)["properties"]["status"]["type"] == "object"
    for wrong in ("ASSEMBLY_COMPLETED", {1: "no key of JSON"}):
        with pytest.raises(pydantic.ValidationError):
            Job.model_validate({"status": wrong})


def test_a_status_is_the_answer_of_a_fastapi_endpoint() -> None:
    from fastapi import FastAPI  # noqa: PLC0415  # it takes as long as all else here

    app = FastAPI()

    @app.get("/status")
    def status() -> AssemblyStatus:
        return AssemblyStatus.from_dict(STATUS)

    async def ask(path: str) -> Any:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return (await client.get(path)).json()

    assert asyncio.run(ask("/status")) == STATUS
    assert asyncio.run(ask("/openapi.json"))["paths"]["/status"]


def test_the_help_of_a_client_is_printed() -> None:
    """As in a terminal: `help(Transloadit)`."""
    printed = io.StringIO()
    pydoc.Helper(output=printed)(Transloadit.create_assembly)

    assert "notify_url: str | transloadit_api.types.Unset | None = UNSET" in printed.getvalue()
