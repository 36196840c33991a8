"""The spec says what the reference pages say, and avoids what is known to break a generator."""

import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha1, sha384
from hmac import new as hmac
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

CORE = {"createAssembly", "cancelAssembly", "replayAssembly", "replayAssemblyNotification"}
ANSWERS = {
    "AssemblyStatus",
    "AssemblyError",
    "ReplayAssemblyResult",
    "ReplayAssemblyNotificationResult",
}
PAGES = sorted((Path(__file__).parents[1] / "data").glob("page_*.json"))


def page_status(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))["status"]


def operations(spec: Any) -> dict[str, Any]:
    verbs = {"get", "post", "delete"}
    found = [v for path in spec["paths"].values() for key, v in path.items() if key in verbs]
    return {operation["operationId"]: operation for operation in found}


def resolve(spec: Any, value: Any) -> Any:
    """The value itself, or what it refers to."""
    while isinstance(value, dict) and "$ref" in value:
        target: Any = spec
        for key in value["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        value = target
    return value


@pytest.fixture(scope="module")
def complaints(spec: Any) -> Callable[[Any, Any], list[str]]:
    """What is wrong with a value by a schema of the document."""
    registry: Registry[Any] = Registry().with_resource("urn:spec", DRAFT4.create_resource(spec))

    def check(value: Any, schema: Any) -> list[str]:
        if "$ref" in schema:
            schema = {"$ref": f"urn:spec{schema['$ref']}"}
        return [
            error.message for error in OAS30Validator(schema, registry=registry).iter_errors(value)
        ]

    return check


def bodies(spec: Any) -> Iterator[tuple[str, str, Any]]:
    """Every request body and answer with its operation's name and "request" or its HTTP status."""
    named = operations(spec)
    callbacks = named["createAssembly"]["callbacks"]["assemblyNotification"].values()
    for name, operation in [*named.items(), *(("pingback", path["post"]) for path in callbacks)]:
        parts = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for part, body in parts.items():
            for media in resolve(spec, body).get("content", {}).values():
                yield name, part, media


def examples(spec: Any, part: str | None = None) -> Iterator[tuple[str, Any, Any]]:
    """Every example of a body with its place and its schema."""
    for operation, where, media in bodies(spec):
        for name, example in media["examples"].items():
            if part in {None, where}:
                value = resolve(spec, example)["value"]
                yield f"{operation} {where} {name}", value, media["schema"]


def properties(spec: Any, names: set[str] | None = None) -> Iterator[tuple[str, Any]]:
    for schema, body in spec["components"]["schemas"].items():
        if names is None or schema in names:
            for key, value in body.get("properties", {}).items():
                yield f"{schema}.{key}", value


# What the pages say


def test_the_four_endpoints_of_the_pages_are_marked_as_the_core(spec: Any) -> None:
    core = {name for name, operation in operations(spec).items() if operation.get("x-core")}

    assert core == CORE
    assert operations(spec).keys() - core == {"getAssembly", "createAssemblyWithId"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_key_of_a_pages_example_status_is_a_property(
    spec: Any, page: Path, complaints: Callable[[Any, Any], list[str]]
) -> None:
    status, schemas = page_status(page), spec["components"]["schemas"]
    files = [*status["uploads"], *(file for made in status["results"].values() for file in made)]
    file_keys = {key for file in files for key in file}
    meta_keys = {key for file in files for key in file["meta"]}

    assert status.keys() <= schemas["AssemblyStatus"]["properties"].keys()
    assert file_keys <= schemas["AssemblyFile"]["properties"].keys()
    assert [
        k for k in meta_keys if f"`{k}`" not in schemas["AssemblyFileMeta"]["description"]
    ] == []
    assert complaints(status, {"$ref": "#/components/schemas/AssemblyStatus"}) == []


@pytest.mark.parametrize(
    ("schema", "keys"),
    [
        ("Auth", {"key", "expires", "nonce", "referer", "max_size"}),
        (
            "CreateAssemblyParams",
            {
                "auth",
                "allow_steps_override",
                "notify_url",
                "fields",
                "quiet",
                "steps",
                "template_id",
            },
        ),
        (
            "ReplayAssemblyParams",
            {"auth", "steps", "template_id", "notify_url", "fields", "reparse_template"},
        ),
        ("ReplayAssemblyNotificationParams", {"auth", "notify_url", "wait"}),
        ("CreateAssemblyForm", {"params", "signature", "num_expected_upload_files"}),
        ("ReplayAssemblyForm", {"params", "signature"}),
        ("ReplayAssemblyNotificationForm", {"params", "signature"}),
    ],
)
def test_every_request_field_of_the_pages_is_a_property(
    spec: Any, schema: str, keys: set[str]
) -> None:
    assert keys <= spec["components"]["schemas"][schema]["properties"].keys()


@pytest.mark.parametrize(
    ("operation", "required"),
    [
        ("createAssembly", False),
        ("createAssemblyWithId", False),
        ("replayAssembly", True),
        ("replayAssemblyNotification", True),
    ],
)
def test_a_signature_is_demanded_by_the_replays_alone_and_by_no_schema(
    spec: Any, operation: str, required: bool
) -> None:
    """A bearer token replaces it, which a schema that demands it could not say."""
    described = operations(spec)[operation]
    [media] = resolve(spec, described["requestBody"])["content"].values()

    assert described["x-transloadit-signature"] == {"required": required}
    assert resolve(spec, media["schema"])["required"] == ["params"]


@pytest.mark.parametrize("operation", ["getAssembly", "cancelAssembly"])
def test_status_and_cancel_take_no_body_and_no_credentials(spec: Any, operation: str) -> None:
    described = operations(spec)[operation]

    assert not {"requestBody", "x-transloadit-signature"} & described.keys()
    assert described["security"] == []


@pytest.mark.parametrize(
    ("operation", "scope"),
    [
        ("createAssembly", "assemblies:write"),
        ("createAssemblyWithId", "assemblies:write"),
        ("replayAssembly", "assemblies:write"),
        ("replayAssemblyNotification", "assembly_notifications:write"),
    ],
)
def test_what_is_signed_may_carry_a_token_instead_and_names_its_scope(
    spec: Any, operation: str, scope: str
) -> None:
    described = operations(spec)[operation]

    assert "security" not in described
    assert spec["security"] == [{}, {"bearerToken": []}]
    assert spec["components"]["securitySchemes"]["bearerToken"]["scheme"] == "bearer"
    assert described["x-transloadit-scope"] == scope


def test_a_created_assembly_is_linked_to_every_operation_that_takes_its_id(spec: Any) -> None:
    links = resolve(spec, operations(spec)["createAssembly"]["responses"]["200"])["links"].values()
    linked = {resolve(spec, link)["operationId"] for link in links}

    assert linked == operations(spec).keys() - {"createAssembly", "createAssemblyWithId"}
    for link in spec["components"]["links"].values():
        assert link["parameters"] == {"assembly_id": "$response.body#/assembly_id"}


def test_the_extensions_say_what_the_descriptions_say(spec: Any) -> None:
    """Programs read `x-transloadit-*`, people read the descriptions: neither may be out of date."""
    schemas = spec["components"]["schemas"]
    described = schemas["AssemblyStatus"]["properties"]["ok"]["description"]
    states = spec["x-transloadit-states"]
    reserved = schemas["CreateAssemblyForm"]["description"].partition("names of your own")[2]
    instance = re.compile(spec["x-transloadit-hosts"]["instance"])

    assert re.findall(r"`([A-Z_]+)`", described) == [*states["busy"], *states["done"]]
    assert set(re.findall(r"`(\w+)`", reserved)) == {*spec["x-transloadit-reserved"]}
    assert instance.match("api2-jenks.transloadit.com")
    assert instance.match(spec["x-transloadit-hosts"]["base"])
    assert not instance.match("api2.jenks.transloadit.com")
    assert (Path(__file__).parents[2] / "openapi" / spec["x-transloadit-codes"]).is_file()


def test_every_code_that_the_document_names_is_in_the_table(spec: Any) -> None:
    path = Path(__file__).parents[2] / "openapi" / spec["x-transloadit-codes"]
    table = {row["code"] for row in json.loads(path.read_text("utf-8"))["rows"]}
    text = json.dumps(spec["paths"]) + json.dumps(spec["components"])
    named = set(re.findall(r"\b[A-Z]+(?:_[A-Z0-9]+){1,}\b", text))

    assert named - table == set()
    assert len(named) > 30


# What a reader is given


def test_everything_is_described(spec: Any) -> None:
    schemas = spec["components"]["schemas"].items()
    named = [*schemas, *properties(spec), *operations(spec).items()]
    parameters = spec["components"]["parameters"].items()

    silent = [name for name, v in [*named, *parameters] if not resolve(spec, v).get("description")]
    assert silent == []


def test_every_body_has_named_examples(spec: Any) -> None:
    assert [
        f"{name} {part}" for name, part, media in bodies(spec) if not media.get("examples")
    ] == []


def test_every_example_fits_its_schema(
    spec: Any, complaints: Callable[[Any, Any], list[str]]
) -> None:
    shown = list(examples(spec))

    wrong = {place: complaints(value, schema) for place, value, schema in shown}
    assert len(shown) > 50
    assert {place: found for place, found in wrong.items() if found} == {}


def test_every_property_example_fits_its_property(
    spec: Any, complaints: Callable[[Any, Any], list[str]]
) -> None:
    shown = {name: value for name, value in properties(spec) if "example" in value}

    wrong = {name: complaints(value["example"], value) for name, value in shown.items()}
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_json_texts_in_the_examples_fit_the_schemas_they_are_linked_to(
    spec: Any, complaints: Callable[[Any, Any], list[str]]
) -> None:
    checked = 0
    for place, form, schema in examples(spec, "request"):
        for key, value in resolve(spec, schema)["properties"].items():
            if linked := value.get("x-content-schema"):
                checked += 1
                assert complaints(json.loads(form[key]), linked) == [], place

    assert checked == len(list(examples(spec, "request")))


def test_every_signed_example_is_really_signed(spec: Any) -> None:
    keys = spec["x-transloadit-signature"]["examples"]
    secret = keys["secret"].encode()
    signed = [(place, form) for place, form, _ in examples(spec, "request") if "signature" in form]

    assert len(signed) >= 8
    for place, form in signed:
        if "transloadit" in form:
            expected = hmac(secret, form["transloadit"].encode(), sha1).hexdigest()
        else:
            assert json.loads(form["params"])["auth"]["key"] == keys["key"], place
            expected = "sha384:" + hmac(secret, form["params"].encode("ascii"), sha384).hexdigest()
        assert form["signature"] == expected, place


def test_an_example_without_a_signature_has_a_bearer_token_or_is_a_create(spec: Any) -> None:
    forms = {place: form for place, form, _ in examples(spec, "request")}
    unsigned = {
        place: json.loads(form["params"])
        for place, form in forms.items()
        if "signature" not in form
    }

    for place, params in unsigned.items():
        operation, _, name = place.split(" ")
        assert name in ("bearer_token", "unsigned"), place
        assert name == "bearer_token" or operation.startswith("createAssembly"), place
        assert params.get("auth", {}).keys() == ({"key"} if name == "unsigned" else set()), place
    assert "createAssembly request unsigned" in unsigned


def test_the_examples_of_one_schema_make_a_possible_object(
    spec: Any, complaints: Callable[[Any, Any], list[str]]
) -> None:
    """Documentation tools show all of them as one object, and mock servers answer with it."""
    for name, schema in spec["components"]["schemas"].items():
        shown = {
            key: value["example"]
            for key, value in schema.get("properties", {}).items()
            if "example" in value
        }
        for one in filter(None, (schema.get("example"), shown)):
            assert complaints(one, {"$ref": f"#/components/schemas/{name}"}) == [], name
            assert not {"ok", "error"} <= one.keys(), name
            assert not {"ok", "errno"} <= one.keys(), name
            assert one.get("offset", 0) <= one.get("size", 0), name
            assert one.get("assembly_id", "") in one.get("assembly_ssl_url", "/"), name
            assert one.get("parent_assembly_status") != one.get("assembly_ssl_url", ""), name
    for name in ANSWERS:
        assert spec["components"]["schemas"][name]["example"], name


def test_no_example_has_null_at_a_key_without_a_type(spec: Any) -> None:
    """kin-openapi, on which Go's gateways stand, refuses it there: only a type can be nullable."""

    def nulls(value: Any, schema: Any, place: str) -> Iterator[str]:
        schema = resolve(spec, schema)
        if value is None and not schema.get("nullable"):
            yield place
        for key, member in value.items() if isinstance(value, dict) else ():
            known = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if isinstance(known, dict):
                yield from nulls(member, known, f"{place}.{key}")
        for member in value if isinstance(value, list) else ():
            yield from nulls(member, schema.get("items", {}), f"{place}[]")

    found = [n for place, value, schema in examples(spec) for n in nulls(value, schema, place)]
    assert found == []


# What generators and clients can live with


def test_nothing_in_an_answer_is_required_closed_or_chosen_from_a_list(
    spec: Any, reach: Callable[[set[str]], set[str]]
) -> None:
    """Parsing that fails on what the service really sends is worse than no parsing."""
    strict = {"required", "enum", "oneOf", "anyOf", "pattern", "minimum", "maximum", "minLength"}
    schemas = spec["components"]["schemas"]
    answers = reach(ANSWERS)

    for name in answers:
        assert not strict & schemas[name].keys(), name
        assert schemas[name]["additionalProperties"], name
        assert name in ANSWERS or schemas[name]["nullable"], name
    for name, value in properties(spec, answers):
        assert not strict & value.keys(), name
        assert value.get("format") in {None, "int64"}, name
        assert "type" not in value or value["nullable"], name


def test_the_spec_has_none_of_the_traps_of_the_generators(spec: Any) -> None:
    text = json.dumps(spec)
    schemas = spec["components"]["schemas"]

    assert not re.search(r'"(oneOf|anyOf|allOf|enum)": \[', text)
    assert not [name for name, value in properties(spec) if "default" in value]  # sent always
    assert not re.search(r'"[45]XX": ', text)  # an invalid identifier in orval
    assert "ErrorResponse" not in schemas  # taken in Swift
    assert "additionalProperties" not in schemas["CreateAssemblyForm"]  # breaks three generators
    assert len(spec["info"]["description"].splitlines()) <= 10  # the header of all generated code
    variables = [v for server in spec["servers"] for v in server.get("variables", {}).values()]
    assert not [variable for variable in variables if "description" in variable]
    assert not [name for name, operation in operations(spec).items() if "servers" in operation]
    assert [len(media["content"]) for media in spec["components"]["requestBodies"].values()] == [
        1
    ] * 3


def test_no_two_properties_are_one_in_another_languages_spelling(spec: Any) -> None:
    """Go and Java write `execTime` and `exec_time` as one name, and do not compile."""
    for name, schema in spec["components"]["schemas"].items():
        spelled = [key.replace("_", "").lower() for key in schema.get("properties", {})]
        assert len(spelled) == len(set(spelled)), name
