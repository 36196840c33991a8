"""The API as a function from a request to its answer, for tools that answer in httpx's place."""

import re
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Self

import httpx

from transloadit_api.api.assemblies import create_assembly, get_assembly
from transloadit_api.models import CreateAssemblyForm
from transloadit_client import Transloadit

ID = "7828446e5acd4aa996dce3455ec914e9"
HOST = "https://api2-one.transloadit.com"
RESULT = b"a smaller cat"


def line_of(request: Any) -> str:
    """The method and the path of a request."""
    return f"{request.method} {request.url.path}"


class Service:
    """Answers as the API does. An Assembly has ended when all of its uploads have arrived.

    Args:
        origin: where Assemblies live, and uploads with them.
        results: where results are.
    """

    def __init__(self, origin: str = HOST, results: str = "https://results.example") -> None:
        self.origin, self.results = origin, results
        self.requests: list[httpx.Request] = []
        self._expected = 0
        self._uploads: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/result":
            return httpx.Response(200, content=RESULT)
        if request.url.path.startswith("/resumable/"):
            return self._tus(request)
        if found := re.search(rb'"num_expected_upload_files"\r\n\r\n(\d+)', request.content):
            self._expected = int(found[1])
        return httpx.Response(200, json=self._status(request.url.path))

    @property
    def lines(self) -> list[str]:
        """The method and the path of each request."""
        return [line_of(request) for request in self.requests]

    def _status(self, path: str) -> dict[str, Any]:
        named = re.search(r"/assemblies/([0-9a-f]{32})", path)
        if "notifications" in path:
            return {"ok": "ASSEMBLY_NOTIFICATION_REPLAYED", "success": True}
        if path.endswith("/replay"):
            return {"ok": "ASSEMBLY_REPLAYING", "success": True, "assembly_id": "0" * 32}
        identity = named[1] if named else ID
        uploads = [one for one in self._uploads if one["assembly"] == identity]
        waits = sum(one["finished"] for one in uploads) < max(self._expected, len(uploads))
        return {
            "ok": "ASSEMBLY_UPLOADING" if waits else "ASSEMBLY_COMPLETED",
            "assembly_id": identity,
            "assembly_ssl_url": f"{self.origin}/assemblies/{identity}",
            "tus_url": f"{self.origin}/resumable/files/",
            "tus_uploads": uploads,
            "results": {"small": [{"name": "cat.jpg", "ssl_url": f"{self.results}/result"}]},
        }

    def _tus(self, request: httpx.Request) -> httpx.Response:
        headers = {"Tus-Resumable": "1.0.0"}
        if request.method == "OPTIONS":
            return httpx.Response(204, headers={**headers, "Tus-Extension": "creation"})
        if request.method == "POST":
            pairs = (pair.split() for pair in request.headers["Upload-Metadata"].split(","))
            meta = {name: b64decode(value).decode() for name, value in pairs}
            upload: dict[str, Any] = {
                "assembly": meta["assembly_url"].rsplit("/", 1)[1],
                "filename": meta["filename"],
                "fieldname": meta["fieldname"],
                "size": int(request.headers["Upload-Length"]),
                "offset": 0,
                "finished": False,
                "upload_url": f"{self.origin}/resumable/files/{len(self._uploads)}",
            }
            self._uploads.append(upload)
            return httpx.Response(201, headers={**headers, "Location": upload["upload_url"]})
        upload = self._uploads[int(request.url.path.rsplit("/", 1)[1])]
        if request.method == "PATCH":
            upload["offset"] += len(request.content)
            upload["finished"] = upload["offset"] == upload["size"]
        offset, size = str(upload["offset"]), str(upload["size"])
        return httpx.Response(
            200 if request.method == "HEAD" else 204,
            headers={**headers, "Upload-Offset": offset, "Upload-Length": size},
        )


def handler_of(service: Service, idle_seconds: float | None = None) -> type[BaseHTTPRequestHandler]:
    """What lets a server of the standard library answer as the service does."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or the body, sent after the headers, comes 40 ms later
        timeout = idle_seconds

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url, headers = f"{service.origin}{self.path}", dict(self.headers.items())
            answer = service(httpx.Request(self.command, url, headers=headers, content=body))
            self.send_response(answer.status_code)
            for name, value in {"content-length": "0", **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):  # the client may have hung up
                self.wfile.write(answer.content)

        def __getattr__(self, method: str) -> Callable[[], None]:
            if method.startswith("do_"):
                return self.answer
            raise AttributeError(method)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  # the name it has
            pass

    return Handler


class Served:
    """A service behind a real server on this machine.

    Args:
        service: what answers.
        idle_seconds: how long a connection may be idle before the server closes it.
    """

    def __init__(self, service: Service, idle_seconds: float | None = None) -> None:
        self.service = service

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 100  # of connections that nobody has accepted yet

        self._server = Server(("127.0.0.1", 0), handler_of(service, idle_seconds))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        service.origin = service.results = self.url

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def every_call(client: Any, folder: Path) -> None:
    """Each public method that sends, once, and two generated functions.

    Args:
        client: of either kind, from the fixture `connect`.
        folder: an empty one.
    """
    file = folder / "cat.jpg"
    file.write_bytes(b"a cat" * 50_000)
    client.create_assembly(template_id="t", assembly_id=ID)
    client.create_assembly(template_id="t", assembly_id=ID, files=[file])
    assert client.get_assembly(ID).assembly_id == ID
    assert client.cancel_assembly(ID).done
    client.replay_assembly(ID)
    client.replay_assembly_notification(ID)

    status = client.create_assembly(template_id="t", assembly_id=ID, num_expected_upload_files=1)
    assert status.busy
    client.upload(status, [file])
    done = client.wait_for_assembly(status, interval=0.34)
    (saved,) = client.download_results(done, folder / "saved")
    assert saved.path.read_bytes() == RESULT

    finished = client.run(template_id="t", assembly_id=ID, files=[file], save_to=folder / "run")
    assert finished.saved[0].path.read_bytes() == RESULT

    signed = client.sign({"template_id": "t"})
    form = CreateAssemblyForm(params=signed.params, signature=signed.signature)
    if isinstance(client, Transloadit):
        assert create_assembly.sync(client=client, body=form) is not None
        assert get_assembly.sync(ID, client=client) is not None
    else:
        inner, call = client._client, client._portal.call
        assert call(lambda: create_assembly.asyncio(client=inner, body=form)) is not None
        assert call(lambda: get_assembly.asyncio(ID, client=inner)) is not None


def copy_of(client: Any, **options: Any) -> Any:
    """A copy with other options, of either kind of client that the fixture `connect` makes."""
    if isinstance(client, Transloadit):
        return client.with_options(**options)
    return type(client)(client._client.with_options(**options), client._portal)


SENT = [
    f"POST /assemblies/{ID}",
    f"POST /assemblies/{ID}",
    f"GET /assemblies/{ID}",
    f"DELETE /assemblies/{ID}",
    f"POST /assemblies/{ID}/replay",
    f"POST /assembly_notifications/{ID}/replay",
    f"POST /assemblies/{ID}",
    f"GET /assemblies/{ID}",
    "OPTIONS /resumable/files/",
    "POST /resumable/files/",
    "PATCH /resumable/files/0",
    f"GET /assemblies/{ID}",
    f"GET /assemblies/{ID}",
    "GET /result",
    f"POST /assemblies/{ID}",
    "GET /result",
    "POST /assemblies",
    f"GET /assemblies/{ID}",
]
"""What all these calls send."""
