"""Tracing of httpx sees one client span for each request, and its trace headers arrive.

Instrumentation changes the classes of httpx for a whole process, so each case has one to itself,
in which one client makes all calls after the other.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from .in_memory import SENT, Served, Service

CALLS = """
import json
import sys
from pathlib import Path
from anyio.from_thread import start_blocking_portal

def calls(kind, url, folder):
    from tests.conftest import Awaited
    from tests.http.in_memory import every_call
    from transloadit_client import AsyncTransloadit, Transloadit

    if kind == "sync":
        with Transloadit("k", "s", base_url=url) as client:
            every_call(client, folder)
    else:
        with start_blocking_portal() as portal:
            client = Awaited(AsyncTransloadit("k", "s", base_url=url), portal)
            every_call(client, folder)
            client.aclose()

def tell():
    told = {}
    for number, kind in enumerate(("sync", "async")):
        folder, url = Path(sys.argv[1], kind), sys.argv[2 + number]
        folder.mkdir()
        calls(kind, url, folder)
        told[kind] = [span for span in spans() if span["url"].startswith(url)]
    assert sum(map(len, told.values())) == len(spans())
    print(json.dumps(told))
"""

OPENTELEMETRY = """
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)

def instrument():
    HTTPXClientInstrumentor().instrument()

def spans():
    return [
        {
            "name": span.name,
            "kind": span.kind.name,
            "url": span.attributes["http.url"],
            "trace": f"{span.context.trace_id:032x}-{span.context.span_id:016x}",
        }
        for span in exporter.get_finished_spans()
    ]
"""

SENTRY = """
import sentry_sdk
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.transport import Transport

kept = []

class InMemory(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            if item.type == "transaction":
                kept.extend(item.payload.json["spans"])

def instrument():
    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1", transport=InMemory, traces_sample_rate=1.0,
        trace_propagation_targets=[".*"],
        # Which it also looks for by itself, but then imports Django, Flask and all others too.
        integrations=[HttpxIntegration()], auto_enabling_integrations=False,
    )

def spans():
    sentry_sdk.flush()
    return [
        {
            "name": span["description"],
            "kind": "CLIENT",
            "url": span["data"]["url"],
            "trace": f"{span['trace_id']}-{span['span_id']}",
        }
        for span in kept if span["op"] == "http.client"
    ]

do = calls
def calls(*args):
    with sentry_sdk.start_transaction(name="test"):
        do(*args)
"""

BEFORE = "instrument(); tell()"
AFTER = "from transloadit_client import AsyncTransloadit, Transloadit; instrument(); tell()"


Told = dict[str, tuple[Served, list[dict[str, Any]]]]  # the servers and the spans of both clients


@pytest.fixture(scope="module", params=[BEFORE, AFTER], ids=["before", "after"])
def order(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module", params=[OPENTELEMETRY, SENTRY], ids=["opentelemetry", "sentry"])
def tool(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(scope="module")
def told(tool: str, order: str, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("tracing")
    with Served(Service()) as one, Served(Service()) as other:
        done = subprocess.run(
            [sys.executable, "-c", "\n".join((CALLS, tool, order)), folder, one.url, other.url],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    spans = json.loads(done.stdout)
    return {"sync": (one, spans["sync"]), "async": (other, spans["async"])}


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_each_request_is_one_client_span_whose_trace_arrives(
    told: Told, tool: str, kind: str
) -> None:
    """Whether httpx is instrumented before our package is imported, or afterwards."""
    server, spans = told[kind]
    header = "traceparent" if tool is OPENTELEMETRY else "sentry-trace"

    assert server.service.lines == SENT
    assert {span["kind"] for span in spans} == {"CLIENT"}
    paths = [f"{span['name'].split()[0]} {span['url'].removeprefix(server.url)}" for span in spans]
    assert sorted(paths) == sorted(SENT)
    arrived = [_ids(request.headers[header]) for request in server.service.requests]
    assert sorted(arrived) == sorted(span["trace"] for span in spans)


def _ids(header: str) -> str:
    """The ids of the trace and of the span, of which both kinds of headers consist."""
    parts = header.split("-")
    trace, span = parts[1:3] if len(parts[0]) == 2 else parts[:2]
    return f"{trace}-{span}"
