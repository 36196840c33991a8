"""What comes with a release: the derived twin, the collection of signed requests, checksums."""

import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_spec_validator import validate

from transloadit_standin import StandIn

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "openapi"))
from collection import ORDER, collection  # noqa: E402 - the folder is no package
from twin import twin  # noqa: E402 - likewise

Program = Callable[[str], str]


def words(value: Any) -> set[str]:
    """All keys, at any depth."""
    if isinstance(value, dict):
        return {*value, *(word for member in value.values() for word in words(member))}
    return {w for member in value for w in words(member)} if isinstance(value, list) else set()


def test_the_twin_leaves_the_document_as_it_was(spec: Any) -> None:
    before = json.dumps(spec)

    twin(spec)
    assert json.dumps(spec) == before


def test_the_twin_has_no_word_of_the_older_version(spec: Any) -> None:
    used = words(twin(spec))

    assert not used & {"nullable", "callbacks", "x-content-schema", "x-content-media-type"}
    assert {"webhooks", "contentSchema", "contentMediaType"} <= used


def test_the_twin_says_of_each_property_what_the_document_says(spec: Any) -> None:
    schemas = twin(spec)["components"]["schemas"]

    for name, schema in spec["components"]["schemas"].items():
        for key, value in schema.get("properties", {}).items():
            newer = schemas[name]["properties"][key]
            kinds = newer.get("type", [])
            kinds = {kinds} if isinstance(kinds, str) else {*kinds}
            assert kinds - {"null"} == {value["type"]} if "type" in value else not kinds
            assert ("null" in kinds) == bool(value.get("nullable") and "type" in value)
            assert newer.get("description") == value.get("description")


def test_a_property_may_be_called_as_a_word_is(spec: Any) -> None:
    """`nullable` is dropped where it is a word, and kept where it is a name."""
    schema = {"type": "object", "properties": {"nullable": {"type": "string", "nullable": True}}}
    changed = {**spec, "components": {**spec["components"], "schemas": {"A": schema}}}

    made = twin(changed)["components"]["schemas"]["A"]
    assert made["properties"] == {"nullable": {"type": ["string", "null"]}}


def test_the_validator_and_two_linters_accept_the_twin(dist: Path, program: Program) -> None:
    path = dist / "openapi" / "transloadit-3.1.yaml"
    configs: list[list[str | Path]] = [
        [program("redocly"), "lint", f"--config={ROOT}/openapi/redocly.yaml", path],
        [program("spectral"), "lint", "--fail-severity=hint",
         f"--ruleset={ROOT}/openapi/.spectral.yaml", path],
    ]  # fmt: skip

    validate(yaml.safe_load(path.read_text("utf-8")))
    for command in configs:
        done = subprocess.run(command, capture_output=True, text=True, cwd=dist, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_twin_generates_the_same_python_byte_for_byte(dist: Path, tmp_path: Path) -> None:
    package = tmp_path / "transloadit_api"
    programs = Path(sys.executable).parent
    subprocess.run(
        [programs / "openapi-python-client", "generate", "--fail-on-warning", "--meta=none",
         f"--path={dist}/openapi/transloadit-3.1.yaml", f"--output-path={package}",
         f"--config={ROOT}/generator-config.yaml"],
        check=True, capture_output=True, env={"PATH": f"{programs}:/usr/bin:/bin"},
    )  # fmt: skip

    def texts(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): path.read_text("utf-8")
            for path in folder.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }

    assert texts(package) == texts(ROOT / "generated" / "transloadit_api")


@pytest.mark.parametrize("version", ["3.0.3", "3.1"])
def test_yaml_and_json_say_the_same(dist: Path, version: str) -> None:
    texts = [(dist / f"openapi/transloadit-{version}.{kind}") for kind in ("yaml", "json")]

    written, read = (yaml.safe_load(path.read_text("utf-8")) for path in texts)
    assert written == read
    assert written["openapi"].startswith(version)


def test_a_release_has_the_names_that_others_link_to(dist: Path) -> None:
    names = {str(path.relative_to(dist / "openapi")) for path in (dist / "openapi").rglob("*.*")}

    assert {name for name in names if not name.startswith("vectors/")} == {
        "index.html", "transloadit-3.0.3.json", "transloadit-3.0.3.yaml", "transloadit-3.1.json",
        "transloadit-3.1.yaml", "transloadit-gateway.json", "transloadit-resolved.json",
        "transloadit-unsigned-3.1.json", "transloadit-urlencoded.json", "transloadit.arazzo.yaml",
        "transloadit.postman_collection.json", "schemas/AssemblyStatus.json",
        "schemas/CreateAssemblyParams.json", "schemas/ReplayAssemblyNotificationParams.json",
        "schemas/ReplayAssemblyParams.json",
    }  # fmt: skip
    vectors = {path.name for path in (ROOT / "openapi" / "vectors").iterdir()}
    assert {name for name in names if name.startswith("vectors/")} == {
        f"vectors/{name}" for name in vectors
    }


def test_the_checksums_name_every_file_and_notice_a_change(dist: Path) -> None:
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    named = {line.split("  ")[1] for line in (dist / "SHA256SUMS").read_text().splitlines()}

    there = {str(path.relative_to(dist)) for path in dist.rglob("*") if path.is_file()}
    assert named == there - {"SHA256SUMS"}
    assert subprocess.run(check, cwd=dist, check=False).returncode == 0
    vectors = dist / "openapi" / "vectors" / "signing.json"
    text = vectors.read_text()
    vectors.write_text(text + " ")
    assert subprocess.run(check, cwd=dist, capture_output=True, check=False).returncode == 1
    vectors.write_text(text)


def test_a_new_operation_has_to_join_the_collection(spec: Any) -> None:
    path = {"get": {"operationId": "listAssemblies", "summary": "", "description": ""}}

    with pytest.raises(ValueError, match="listAssemblies"):
        collection({**spec, "paths": {**spec["paths"], "/more": path}})


def test_the_collection_runs_against_the_stand_in_and_signs_what_it_sends(
    dist: Path, program: Program
) -> None:
    requests = dist / "openapi" / "transloadit.postman_collection.json"
    with StandIn(signature_required=True, step_seconds=30, replayable="crashed") as api:
        variables = {"endpoint": api.url, "key": api.key, "secret": api.secret}
        given = [f"--env-var={name}={value}" for name, value in variables.items()]
        done = subprocess.run(
            [program("newman"), "run", requests, *given, "--color=off"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert [request.operation for request in api.requests] == [*ORDER]
    signed = [request for request in api.requests if "params" in request.fields]
    assert len(signed) == 4
    for request in signed:
        text = request.fields["params"]
        digest = hmac.new(api.secret.encode(), text.encode("ascii"), "sha384").hexdigest()
        assert request.fields["signature"] == f"sha384:{digest}"
    codes = [request.code for request in api.requests]
    assert codes[:3] == ["ASSEMBLY_EXECUTING", "ASSEMBLY_EXECUTING", "ASSEMBLY_CANCELED"]
    assert codes[3] == "ASSEMBLY_EXECUTING"
    # Neither crashed nor finished: told so behind the check of the signature.
    assert codes[4:] == ["ASSEMBLY_CANNOT_BE_REPLAYED", "ASSEMBLY_NOTIFICATION_NOT_PERSISTED"]
