"""The known answers in openapi/vectors hold in Python's hmac and in Node's crypto."""

import hmac
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from jsonschema import Draft202012Validator

VECTORS = Path(__file__).parents[2] / "openapi" / "vectors"
KINDS = [
    "signing", "encoding", "expires", "pingbacks", "smart_cdn", "answers", "states", "codes",
    "hosts", "tus", "events", "names", "retries",
]  # fmt: skip


def rows(kind: str) -> list[Any]:
    document = json.loads((VECTORS / f"{kind}.json").read_text(encoding="utf-8"))
    return [pytest.param(row, id=row["name"]) for row in document["rows"]]


def digest(algorithm: str, secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), algorithm).hexdigest()


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_fits_the_schema_and_names_each_row_once(kind: str) -> None:
    schema = json.loads((VECTORS / "schema.json").read_text(encoding="utf-8"))
    document = json.loads((VECTORS / f"{kind}.json").read_text(encoding="utf-8"))

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)
    names = [row.get("name", row.get("code")) for row in document["rows"]]
    assert document["kind"] == kind
    assert len(set(names)) == len(names)


def test_no_file_is_without_a_test() -> None:
    assert {path.stem for path in VECTORS.glob("*.json")} == {*KINDS, "schema"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_ascii_and_holds_no_lone_surrogate(kind: str) -> None:
    """Strict readers, Rust's for one, refuse half a pair: such values stand in texts of JSON."""
    text = (VECTORS / f"{kind}.json").read_text(encoding="ascii")

    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("row", rows("signing"))
def test_a_signature_is_the_hmac_of_the_params_text(row: dict[str, str]) -> None:
    expected = digest(row["algorithm"], row["secret"], row["params"])

    assert row["signature"] == f"{row['algorithm']}:{expected}"


@pytest.mark.parametrize("row", rows("encoding"))
def test_an_encoded_text_is_ascii_and_means_the_same(row: dict[str, str]) -> None:
    value = json.loads(row["json"])

    assert row["text"].isascii()
    assert json.loads(row["text"]) == value
    assert row["text"] == json.dumps(value, ensure_ascii=True, separators=(",", ":"))


@pytest.mark.parametrize("row", rows("pingbacks"))
def test_a_pingback_is_genuine_when_its_digest_is_the_one_its_prefix_names(
    row: dict[str, Any],
) -> None:
    signature = row["signature"] or ""
    prefix, found, rest = signature.partition(":")
    algorithm, claimed = (prefix, rest) if found else ("sha1", signature)
    accepted = algorithm in {"sha1", "sha256", "sha384", "sha512"}

    genuine = accepted and claimed == digest(algorithm, row["secret"], row["transloadit"])
    assert row["accept"] is genuine


@pytest.mark.parametrize("row", rows("smart_cdn"))
def test_a_smart_cdn_url_signs_its_own_path_and_query(row: dict[str, Any]) -> None:
    """How a part is encoded is for Node to say; here, that all are the row's and are signed."""
    unsigned, sig = row["url"].split("&sig=sha256%3A")
    url = urlsplit(unsigned)
    workspace = url.netloc.removesuffix(".tlcdn.com")
    own = [pair for pair in row["params"] if pair[0] not in {"sig", "auth_key", "exp"}]
    added = [["auth_key", row["auth_key"]], ["exp", str(row["exp"])]]

    assert sig == digest("sha256", row["secret"], f"{workspace}{url.path}?{url.query}")
    query = [list(pair) for pair in parse_qsl(url.query, keep_blank_values=True)]
    assert query == sorted(own + added, key=lambda pair: pair[0].encode("utf-16-be"))


def test_node_derives_every_vector_again(program: Callable[[str], str], root: Path) -> None:
    script = root / "tests" / "node" / "vectors.mjs"

    node = subprocess.run(
        [program("node"), script, VECTORS], capture_output=True, text=True, check=False
    )
    assert (node.returncode, node.stdout.strip(), node.stderr) == (0, "all vectors agree", "")
