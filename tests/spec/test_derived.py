"""What a release derives: overlays, parts written out, schemas, workflows, a page."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from transloadit_client import Transloadit
from transloadit_standin import StandIn

from ..languages.stage import receiver

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "openapi"))
from overlay import OverlayError, overlaid  # noqa: E402 - the folder is no package
from resolve import resolved, schema_alone  # noqa: E402 - likewise

Program = Callable[[str], str]
DERIVED = ("resolved", "urlencoded", "unsigned-3.1")


def read(dist: Path, name: str) -> Any:
    return json.loads((dist / "openapi" / name).read_text(encoding="utf-8"))


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, dict | list):
            yield from nodes(member)


# Overlays


def overlay(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"overlay": "1.0.0", "info": {"title": "made up"}, "actions": [*actions]}


def test_an_action_that_changes_nothing_is_out_of_date_and_says_so() -> None:
    with pytest.raises(OverlayError, match=r"^made up: \$\.paths\.gone matches nothing$"):
        overlaid({"paths": {}}, overlay({"target": "$.paths.gone", "remove": True}))


def test_an_overlay_removes_merges_and_appends_and_leaves_the_document_alone() -> None:
    document = {"info": {"title": "old", "x": 1}, "tags": [{"name": "a"}, {"name": "b"}]}
    before = json.dumps(document)

    changed = overlaid(
        document,
        overlay(
            {"target": "$.info", "update": {"title": "new", "y": {"z": 2}}},
            {"target": "$.info.x", "remove": True},
            {"target": "$.tags[*]", "remove": True},
            {"target": "$.tags", "update": {"name": "c"}},
        ),
    )

    assert changed == {"info": {"title": "new", "y": {"z": 2}}, "tags": [{"name": "c"}]}
    assert json.dumps(document) == before


def test_what_two_places_share_is_changed_in_each_of_them_once() -> None:
    """As an alias in YAML makes it."""
    shared = {"a": 1}

    changed = overlaid({"x": shared, "y": shared}, overlay({"target": "$[*].a", "remove": True}))

    assert changed == {"x": {}, "y": {}}


@pytest.mark.parametrize("path", sorted((ROOT / "openapi" / "overlays").iterdir()), ids=str)
def test_an_overlay_is_one_by_the_specification(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert document.keys() == {"overlay", "info", "actions"}
    assert document["overlay"] == "1.0.0"
    assert document["info"].keys() == {"title", "version"}
    for action in document["actions"]:
        assert {"target"} < action.keys() <= {"target", "description", "update", "remove"}


@pytest.mark.parametrize("name", DERIVED)
def test_redocly_has_no_error_in_a_derived_document(
    dist: Path, name: str, program: Program
) -> None:
    """It warns of the schemas of `params`, which texts hold; the unsigned one uses them all."""
    done = subprocess.run(
        [program("redocly"), "lint", f"--config={ROOT}/openapi/redocly.yaml", "--format=json",
         f"transloadit-{name}.json"],
        capture_output=True, text=True, cwd=dist / "openapi", check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    problems = json.loads(done.stdout)["problems"]
    assert {problem["ruleId"] for problem in problems} <= {"no-unused-components"}
    assert len(problems) == (0 if name.startswith("unsigned") else 3)


# Parts written out


def test_in_the_resolved_document_bodies_answers_and_parameters_stand_where_they_are_used(
    dist: Path, spec: Any
) -> None:
    document = read(dist, "transloadit-resolved.json")

    assert not {"requestBodies", "responses", "parameters"} & document["components"].keys()
    kept = r"#/components/(schemas|examples|links)/\w+"
    references = [node["$ref"] for node in nodes(document) if isinstance(node.get("$ref"), str)]
    assert [one for one in references if not re.fullmatch(kept, one)] == []
    bodies = spec["components"]["requestBodies"]
    create = document["paths"]["/assemblies"]["post"]
    assert create["requestBody"] == bodies["CreateAssembly"]
    assert create["responses"]["429"] == spec["components"]["responses"]["TooMany"]
    assert resolved(spec)["paths"] == document["paths"]


def test_the_urlencoded_document_has_no_multipart_and_no_files(dist: Path, spec: Any) -> None:
    document = read(dist, "transloadit-urlencoded.json")
    sent = {
        kind
        for body in document["components"]["requestBodies"].values()
        for kind in body["content"]
    }

    assert sent == {"application/x-www-form-urlencoded"}
    form = document["components"]["schemas"]["CreateAssemblyForm"]["properties"]
    assert form.keys() == spec["components"]["schemas"]["CreateAssemblyForm"][
        "properties"
    ].keys() - {"files"}
    [shown] = document["components"]["requestBodies"]["CreateAssembly"]["content"].values()
    [signed] = spec["components"]["requestBodies"]["CreateAssembly"]["content"].values()
    assert shown["examples"]["template"] == signed["examples"]["template"]


def test_the_unsigned_document_asks_for_the_params_objects_and_for_no_credential(
    dist: Path,
) -> None:
    document = read(dist, "transloadit-unsigned-3.1.json")
    text = json.dumps({**document, "info": {}})

    for name, body in document["components"]["requestBodies"].items():
        [(kind, media)] = body["content"].items()
        assert kind == "application/json"
        assert media["schema"] == {"$ref": f"#/components/schemas/{name}Params"}
        for example in media["examples"].values():
            schema = schema_alone(document, f"{name}Params")
            Draft202012Validator(schema).validate(example["value"])
    assert document["security"] == []
    assert not {"signature", "x-transloadit-signature"} & {
        key for node in nodes(document) for key in node
    }
    assert "HMAC" not in text
    assert "webhooks" not in document


def test_the_document_for_gateways_closes_no_form_and_no_key(dist: Path, spec: Any) -> None:
    document = read(dist, "transloadit-gateway.json")
    schemas = document["components"]["schemas"]
    untyped = [
        value
        for schema in schemas.values()
        for value in schema.get("properties", {}).values()
        if not value.keys() & {"type", "$ref"}
    ]

    assert schemas["CreateAssemblyForm"]["additionalProperties"] is True
    assert len(untyped) > 20
    assert all(value["nullable"] for value in untyped)
    assert document["paths"] == spec["paths"]


# Schemas


@pytest.mark.parametrize(
    "name", ["CreateAssemblyParams", "ReplayAssemblyParams", "ReplayAssemblyNotificationParams"]
)
def test_a_schema_of_params_takes_every_example_of_the_document(
    dist: Path, spec: Any, name: str
) -> None:
    schema = read(dist, f"schemas/{name}.json")
    [media] = spec["components"]["requestBodies"][name.removesuffix("Params")]["content"].values()

    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for example in media["examples"].values():
        validator.validate(json.loads(example["value"]["params"]))
    assert not validator.is_valid({"auth": "me"})


def test_the_schema_of_a_status_takes_every_answer_that_was_seen(dist: Path) -> None:
    validator = Draft202012Validator(read(dist, "schemas/AssemblyStatus.json"))
    rows = read(dist, "vectors/answers.json")["rows"]
    seen = [r for r in rows if r["weight"] == "seen" and r["reads_as"]["as"] == "status"]

    assert len(seen) > 40
    assert [row["name"] for row in seen if not validator.is_valid(json.loads(row["body"]))] == []
    assert not validator.is_valid({"uploads": 7})


# Workflows


def test_redocly_finds_nothing_in_the_workflows(dist: Path, program: Program) -> None:
    path = dist / "openapi" / "transloadit.arazzo.yaml"

    done = subprocess.run(
        [program("redocly"), "lint", path], capture_output=True, text=True, cwd=dist, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Your API description is valid" in done.stdout + done.stderr


def test_every_workflow_runs_against_the_mock_server(dist: Path, program: Program) -> None:
    """With a bearer token, as nothing in a workflow can sign."""
    path = dist / "openapi" / "transloadit.arazzo.yaml"
    workflows = [w["workflowId"] for w in yaml.safe_load(path.read_text("utf-8"))["workflows"]]
    chosen = [f"--workflow={name}" for name in workflows if name != "wait"]  # the others use it
    with receiver() as url, StandIn(signature_required=True, step_seconds=0.3) as api:
        api.add_template("resize", steps={"small": {"robot": "/image/resize"}})
        with Transloadit(api.key, api.secret, base_url=api.url) as client:
            api.crash_next()
            crashed = client.create_assembly(template_id="resize", files=[b"x"], notify_url=url)
            api.settle()
        before = len(api.requests)
        inputs = {
            "auth_token": api.auth_token,
            "params": '{"template_id":"resize"}',
            "assembly_id": crashed.assembly_id,
        }
        done = subprocess.run(
            [program("redocly"), "respect", path, "--server", f"transloadit={api.url}",
             "--input", json.dumps(inputs), *chosen],
            capture_output=True, text=True, cwd=dist, check=False, timeout=120,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(chosen) == 4
    calls = [request for request in api.requests[before:] if request.operation != "getAssembly"]
    assert [call.operation for call in calls] == [
        "createAssembly", "createAssembly", "replayAssembly", "replayAssemblyNotification",
    ]  # fmt: skip
    assert [len(call.files) for call in calls] == [0, 1, 0, 0]
    reads = [request.code for request in api.requests[before:] if request not in calls]
    assert reads.count("ASSEMBLY_COMPLETED") >= 3


# The page


class Page(HTMLParser):
    """What a page loads, where it links to, and what can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"script", "link", "img", "iframe", "object", "embed", "video", "form"}:
            self.loads.append(tag)
        self.loads += [name for name in given if name in {"src", "srcset", "style", "onload"}]
        self.links.add(given.get("href") or "#")
        self.anchors.add(given.get("id") or "")


def test_the_page_tells_of_everything_and_loads_nothing(dist: Path, spec: Any) -> None:
    text = (dist / "openapi" / "index.html").read_text(encoding="utf-8")
    page = Page(text)

    assert page.loads == []
    assert not re.search(r"@import|url\(", text.partition("</style>")[0])
    assert "default-src 'none'" in text
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.anchors | {""}
    operations = {v["operationId"] for path in spec["paths"].values() for v in path.values()}
    assert operations | spec["components"]["schemas"].keys() <= page.anchors
