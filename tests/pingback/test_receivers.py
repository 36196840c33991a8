"""The receivers in examples/, run in the frameworks that they are for."""

import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import httpx
import pytest
import uvicorn
from anyio.from_thread import BlockingPortal
from django.conf import settings as django_settings
from django.core.wsgi import get_wsgi_application
from django.test import Client as DjangoClient
from flask import Flask
from flask import request as flask_request
from starlette.requests import Request

from transloadit_client import InvalidInput, Transloadit, pingback
from transloadit_standin import StandIn

RECEIVERS = Path(__file__).parents[2] / "examples" / "receivers"
SECRET = "made up for tests"
TEXT = '{"ok":"ASSEMBLY_COMPLETED","assembly_id":"3f1c8a90","fields":{"a":"Grüße & mehr; 100%+"}}'
SIGNATURE = hmac.new(SECRET.encode(), TEXT.encode(), "sha1").hexdigest()
BOUNDARY = "b"

Post = Callable[[bytes, str], tuple[int, str]]
"""Posts a body of a content type to the receiver; gives the answer's code and text."""


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the parent's name
        """Say nothing: the receiver's own print is the story."""


def example(name: str) -> ModuleType:
    spec = spec_from_file_location(name, RECEIVERS / f"{name}.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def django_app() -> Any:
    """A Django project of one view; Django can be set up once in a process."""
    django_settings.configure(
        ALLOWED_HOSTS=["testserver", "127.0.0.1"],
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],  # as in every new project
        ROOT_URLCONF=example("with_django"),
    )
    django.setup()
    return get_wsgi_application()


@pytest.fixture(autouse=True)
def _the_receivers_secret(
    monkeypatch: pytest.MonkeyPatch, _no_settings_of_this_machine: None
) -> None:
    monkeypatch.setenv("TRANSLOADIT_SECRET", SECRET)


@pytest.fixture(params=["fastapi", "flask", "django"])
def framework(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def post(framework: str, request: pytest.FixtureRequest) -> Post:
    """The framework's own way to test a request without a socket."""
    if framework == "flask":
        flask = example("with_flask").app.test_client()

        def with_flask(body: bytes, content_type: str) -> tuple[int, str]:
            answer = flask.post("/pingback", data=body, content_type=content_type)
            return answer.status_code, answer.text

        return with_flask
    if framework == "django":
        request.getfixturevalue("django_app")
        client: Any = DjangoClient(enforce_csrf_checks=True)

        def with_django(body: bytes, content_type: str) -> tuple[int, str]:
            answer = client.post("/pingback", data=body, content_type=content_type)
            return answer.status_code, answer.content.decode()

        return with_django
    transport = httpx.ASGITransport(example("with_fastapi").app)
    portal: Any = request.getfixturevalue("portal")

    async def with_fastapi(body: bytes, content_type: str) -> tuple[int, str]:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            headers = {"content-type": content_type}
            answer = await client.post("/pingback", content=body, headers=headers)
        return answer.status_code, answer.text

    return lambda body, content_type: portal.call(with_fastapi, body, content_type)


@contextmanager
def served_by_wsgi(app: Any) -> Iterator[str]:
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/pingback"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def served_by_uvicorn(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/pingback"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def notify_url(framework: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The receiver on a port of its own, served as its framework would be."""
    if framework == "fastapi":
        served = served_by_uvicorn(example("with_fastapi").app)
    elif framework == "flask":
        served = served_by_wsgi(example("with_flask").app)
    else:
        served = served_by_wsgi(request.getfixturevalue("django_app"))
    with served as url:
        yield url


def urlencoded(fields: dict[str, str]) -> tuple[bytes, str]:
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def multipart(fields: dict[str, str]) -> tuple[bytes, str]:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{BOUNDARY}--\r\n"])
    return body.encode(), f"multipart/form-data; boundary={BOUNDARY}"


FORMS = pytest.mark.parametrize("form", [urlencoded, multipart])


@FORMS
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"transloadit": TEXT}, id="unsigned"),
        pytest.param({"transloadit": TEXT, "signature": ""}, id="an empty signature"),
        pytest.param({"transloadit": TEXT, "signature": "sha1:é"}, id="not ASCII"),
        pytest.param({"transloadit": TEXT.replace("9", "8"), "signature": SIGNATURE}, id="forged"),
        pytest.param({}, id="empty"),
    ],
)
def test_a_forged_or_unsigned_pingback_is_turned_away(
    post: Post, form: Any, fields: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = post(*form(fields))

    assert code == 403
    assert "Pingback" in text
    assert not capsys.readouterr().out


def test_a_request_whose_form_was_read_first_has_no_body_left() -> None:
    body, content_type = urlencoded({"transloadit": TEXT, "signature": SIGNATURE})
    with Flask("it").test_request_context(method="POST", data=body, content_type=content_type):
        assert flask_request.form["signature"] == SIGNATURE

        with pytest.raises(pingback.PingbackError, match="lacks"):
            pingback.verify_request(flask_request, SECRET)
        assert pingback.verify_fields(
            flask_request.form["transloadit"], flask_request.form["signature"], SECRET
        ).ok


def test_a_request_whose_body_is_awaited_is_told_apart() -> None:
    with pytest.raises(InvalidInput) as caught:
        pingback.verify_request(Request({"type": "http", "headers": []}), SECRET)

    assert str(caught.value) == (
        "the request's body is awaited: use `await verify_async_request(…)`"
    )


def test_algorithms_can_be_narrowed_for_a_request_as_well(portal: BlockingPortal) -> None:
    body, content_type = urlencoded({"transloadit": TEXT, "signature": SIGNATURE})
    only = {"algorithms": ["sha384"]}
    refused = pytest.raises(pingback.PingbackError, match="not of an accepted algorithm")

    with Flask("it").test_request_context(method="POST", data=body, content_type=content_type):
        with refused:
            pingback.verify_request(flask_request, SECRET, **only)
        assert pingback.verify_request(flask_request, SECRET).ok

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def awaited() -> None:
        scope = {"type": "http", "headers": [(b"content-type", content_type.encode())]}
        request = Request(scope, receive)
        with refused:
            await pingback.verify_async_request(request, SECRET, **only)
        assert (await pingback.verify_async_request(request, SECRET)).ok

    portal.call(awaited)


def test_what_is_no_request_is_the_callers_mistake() -> None:
    class Odd:
        headers: dict[str, str] = {}  # noqa: RUF012  # as short as a test can be

    with pytest.raises(InvalidInput, match="body must be the bytes that came, not NoneType"):
        pingback.verify_request(Odd(), SECRET)


def test_what_is_no_form_is_turned_away(post: Post) -> None:
    assert post(TEXT.encode(), "application/json")[0] == 403


@FORMS
def test_a_genuine_pingback_is_believed(
    post: Post, form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = post(*form({"transloadit": TEXT, "signature": SIGNATURE}))

    assert answer == (200, "thank you")
    assert capsys.readouterr().out == "Assembly 3f1c8a90: ASSEMBLY_COMPLETED\n"


@pytest.mark.parametrize("encoding", ["urlencoded", "multipart"])
def test_what_the_stand_in_sends_over_a_socket_is_believed(
    notify_url: str, encoding: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        StandIn(secret=SECRET, notification_encoding=encoding) as api,
        Transloadit(api.key, SECRET, base_url=api.url) as client,
    ):
        assembly = client.create_assembly(
            steps={"resized": {"robot": "/image/resize"}}, notify_url=notify_url
        )
        deadline = time.monotonic() + 10
        while not assembly.notify_response_code and time.monotonic() < deadline:
            time.sleep(0.05)
            assembly = client.get_assembly(assembly)

    assert (assembly.notify_response_code, assembly.notify_response_data) == (200, "thank you")
    assert capsys.readouterr().out == f"Assembly {assembly.assembly_id}: {assembly.ok}\n"
