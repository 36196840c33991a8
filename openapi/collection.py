"""A collection of requests that sign themselves, in Postman's format, which other tools read."""

from __future__ import annotations

import json
from typing import Any

SIGN = """\
// The text that is signed is the text that is sent: it is made here, once, in ASCII.
const params = JSON.parse(pm.variables.get("instructions"));
params.auth = {
  key: pm.variables.get("key"),
  expires: new Date(Date.now() + 3600000).toISOString(),
  nonce: pm.variables.replaceIn("{{$guid}}"),
};
const text = JSON.stringify(params).replace(/[\\u0080-\\uffff]/g, (unit) =>
  "\\\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));
pm.variables.set("params", text);
const { HmacSHA384 } = require("crypto-js");
pm.variables.set("signature", "sha384:" + HmacSHA384(text, pm.variables.get("secret")));
"""
KEEP_ID = """\
const answer = pm.response.json();
pm.test("an Assembly", () => pm.expect(answer.assembly_id).to.match(/^[0-9a-f]{32}$/));
pm.collectionVariables.set("assembly_id", answer.assembly_id);
"""
STEPS = {"resized": {"robot": "/image/resize", "use": ":original", "width": 300}}
INSTRUCTIONS: dict[str, dict[str, Any]] = {
    "createAssembly": {"steps": STEPS, "fields": {"caption": "Grüße"}},
    "createAssemblyWithId": {"steps": STEPS},
    "replayAssembly": {"reparse_template": 0},
    "replayAssemblyNotification": {"notify_url": "http://127.0.0.1:9000/pingback"},
}
ORDER = (
    "createAssembly", "getAssembly", "cancelAssembly", "createAssemblyWithId", "replayAssembly",
    "replayAssemblyNotification",
)  # fmt: skip
"""So that a run from top to bottom makes sense."""


def collection(document: dict[str, Any]) -> dict[str, Any]:
    """One request for each operation of the document, in an order that can be run.

    Its variables are those of the local stand-in; `TRANSLOADIT_ENDPOINT` is its `endpoint`.
    """
    operations = {
        operation["operationId"]: (verb.upper(), path, operation)
        for path, verbs in document["paths"].items()
        for verb, operation in verbs.items()
    }
    if operations.keys() != {*ORDER}:
        raise ValueError(f"the collection and the document differ: {operations.keys() ^ {*ORDER}}")
    variables = {
        "endpoint": document["servers"][0]["url"],
        "key": "",
        "secret": "",
        "assembly_id": "",
        "instructions": "{}",
    }
    return {
        "info": {
            "name": document["info"]["title"],
            "description": document["info"]["description"],
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "variable": [{"key": key, "value": value} for key, value in variables.items()],
        "item": [_item(name, *operations[name]) for name in ORDER],
    }


def _item(name: str, verb: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    parts = path.replace("{assembly_id}", "{{assembly_id}}").strip("/").split("/")
    if name == "createAssemblyWithId":
        parts[-1] = "{{new_id}}"
    request: dict[str, Any] = {
        "method": verb,
        "url": {"raw": "/".join(["{{endpoint}}", *parts]), "host": ["{{endpoint}}"], "path": parts},
        "description": operation["description"],
    }
    events = []
    if name in INSTRUCTIONS:
        request["body"] = _body(multipart=name.startswith("create"))
        events.append(_script("prerequest", _prepare(name)))
    if name.startswith("create"):
        events.append(_script("test", KEEP_ID))
    return {"name": operation["summary"], "request": request, "event": events}


def _prepare(name: str) -> str:
    text = json.dumps(INSTRUCTIONS[name], ensure_ascii=False, indent=2)
    lines = [f"// Change these as you like.\nconst instructions = {text};"]
    lines.append('pm.variables.set("instructions", JSON.stringify(instructions));')
    if name == "createAssemblyWithId":
        lines.append(
            'pm.variables.set("new_id", pm.variables.replaceIn("{{$guid}}").replace(/-/g, ""));'
        )
    return "\n".join([*lines, SIGN])


def _body(*, multipart: bool) -> dict[str, Any]:
    mode = "formdata" if multipart else "urlencoded"
    fields = [
        {"key": name, "value": f"{{{{{name}}}}}", "type": "text"}
        for name in ("params", "signature")
    ]
    return {"mode": mode, mode: fields}


def _script(listen: str, text: str) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": text.splitlines()}}
