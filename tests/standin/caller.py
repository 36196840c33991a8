"""A client of the stand-in in plain httpx, which checks every answer against the spec."""

from __future__ import annotations

import functools
import hmac
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import yaml

from transloadit_standin import StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = Path(__file__).parents[2] / "openapi" / "transloadit.yaml"
STEPS: dict[str, Any] = {"resized": {"robot": "/image/resize", "width": 75}}


class Caller:
    """Signs by hand, sends, and returns the answer once it fits the spec."""

    def __init__(self, api: StandIn) -> None:
        self.api = api
        # Nothing here speaks TLS, and reading the certificates would be most of a test's time.
        self.http = httpx.Client(trust_env=False, verify=False, timeout=10)

    def signed(
        self,
        params: dict[str, Any],
        *,
        algorithm: str = "sha384",
        secret: str | None = None,
        **auth: Any,
    ) -> dict[str, str]:
        """The form fields of signed params; `auth` replaces keys, and None removes them."""
        defaults = {"key": self.api.key, "expires": "2099/01/01 00:00:00+00:00"}
        merged = {**defaults, **params.get("auth", {}), **auth}
        return self.sign_text(
            json.dumps({**params, "auth": {k: v for k, v in merged.items() if v is not None}}),
            algorithm=algorithm,
            secret=secret,
        )

    def sign_text(
        self, text: str, *, algorithm: str = "sha384", secret: str | None = None
    ) -> dict[str, str]:
        """The form fields of a params text."""
        key = (secret or self.api.secret).encode()
        digest = hmac.new(key, text.encode(), algorithm).hexdigest()
        return {"params": text, "signature": f"{algorithm}:{digest}"}

    def create(
        self,
        params: dict[str, Any] | None = None,
        *,
        form: dict[str, str] | None = None,
        files: Any = None,
        assembly_id: str | None = None,
        headers: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Create an Assembly of signed params, or of a form as given."""
        form = self.signed({"steps": STEPS} if params is None else params) if form is None else form
        path = "/assemblies" if assembly_id is None else f"/assemblies/{assembly_id}"
        return self.send(
            "POST", path, data={**form, **(fields or {})}, files=files, headers=headers
        )

    def created(self, params: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """The status that a create is answered with."""
        response = self.create(params, **options)
        assert response.status_code == 200, response.text
        status: dict[str, Any] = response.json()
        return status

    def crashed(self, params: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """The status of an Assembly that has crashed."""
        self.api.crash_next()
        status = self.created(params, **options)
        self.api.settle()
        return self.status(status["assembly_id"])

    def finished(self, params: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        """The status of an Assembly that is done."""
        status = self.created(params, **options)
        self.api.settle()
        return self.status(status["assembly_id"])

    def status(self, assembly_id: str) -> dict[str, Any]:
        """An Assembly's status by now."""
        response = self.send("GET", f"/assemblies/{assembly_id}")
        assert response.status_code == 200, response.text
        status: dict[str, Any] = response.json()
        return status

    def replay(self, assembly_id: str, params: dict[str, Any] | None = None) -> httpx.Response:
        """Replay an Assembly."""
        form = self.signed({"reparse_template": 0, **(params or {})})
        return self.send("POST", f"/assemblies/{assembly_id}/replay", data=form)

    def notify(self, assembly_id: str, params: dict[str, Any] | None = None) -> httpx.Response:
        """Replay an Assembly's Notification."""
        path = f"/assembly_notifications/{assembly_id}/replay"
        return self.send("POST", path, data=self.signed(params or {}))

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Send a request to the base URL, or to an absolute one."""
        url = url if url.startswith("http") else self.api.url + url
        response = self.http.request(method, url, **options)
        operation = self.api.requests[-1].operation
        if operation not in UNDESCRIBED and self.api.requests[-1].fault != "Answer":
            check_answer(operation, response.status_code, response.json())
        return response


@contextmanager
def calling(**options: Any) -> Iterator[Caller]:
    """A caller of a stand-in with these options."""
    with StandIn(**options) as api:
        caller = Caller(api)
        with caller.http:
            yield caller


@functools.cache
def spec() -> dict[str, Any]:
    """The API's description."""
    document: dict[str, Any] = yaml.safe_load(SPEC.read_text(encoding="utf-8"))
    return document


UNDESCRIBED = {"downloadFile", "listAssemblies", "createToken", "preflight"}
"""Operations of the stand-in that the spec does not describe."""


def check_answer(operation_id: str | None, status: int, body: Any) -> None:
    """Fail unless an answer fits its schema in the spec, without a key that the spec lacks."""
    if status >= 400 and "assembly_ssl_url" in body:
        # An Assembly that failed as it was created: its status, which is an error too.
        validator(operation_id, status, closed=False).validate(body)
        operation_id, status = "getAssembly", 200
    validator(operation_id, status, closed=True).validate(body)


@functools.cache
def validator(
    operation_id: str | None, status: int, *, closed: bool
) -> jsonschema.Draft202012Validator:
    """What checks an operation's answers; a closed one takes no keys but those of the spec."""
    schema = {**answer_schema(operation_id, status), "components": spec()["components"]}
    return jsonschema.Draft202012Validator(json_schema(schema, closed=closed))


def answer_schema(operation_id: str | None, status: int) -> dict[str, Any]:
    """The schema of an operation's answer; what is no operation answers errors like all do."""
    operations = (
        operation
        for item in spec()["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and operation.get("operationId") == operation_id
    )
    responses: dict[str, Any] = next(operations, {"responses": {}})["responses"]
    response = responses.get(str(status), responses.get("default"))
    if response is None:
        return {"$ref": "#/components/schemas/AssemblyError"}
    if "$ref" in response:
        response = spec()["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema: dict[str, Any] = response["content"]["application/json"]["schema"]
    return schema


def json_schema(schema: Any, *, closed: bool) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema; closed, objects with named keys take no others."""
    if isinstance(schema, list):
        return [json_schema(item, closed=closed) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {
        key: json_schema(value, closed=closed) for key, value in schema.items() if key != "nullable"
    }
    if closed and "properties" in schema and schema.get("additionalProperties") is True:
        result["additionalProperties"] = False
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") is True else result
