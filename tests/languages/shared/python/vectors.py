"""Whether each row of the vectors holds here."""

import base64
import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from conformance import events, file_name, goes_to, metadata, resumes, state
from forms import read_form
from retries import decisions, phase, wait
from standin import meets_a_fault
from transloadit import digest, expires, genuine, smart_cdn

Parse = Callable[[str], Any]
"""Makes a class of the generated client of a JSON text, as it does with the body of an answer."""


def signing(r: Any) -> bool:
    return bool(r["signature"] == f"{r['algorithm']}:{digest(r['algorithm'], r['secret'], r['params'])}")


def encoding(r: Any) -> bool:
    text = json.dumps(json.loads(r["json"]))
    return text.isascii() and bool(json.loads(text) == json.loads(r["text"]))


def smart_cdn_url(r: Any) -> bool:
    parts = (r["workspace"], r["template"], r["input"], r["params"], r["auth_key"])
    return bool(smart_cdn(*parts, r["secret"], r["exp"]) == r["url"])


def pingback(r: Any) -> bool:
    form: Any = r
    if "body_base64" in r:
        form = read_form(base64.b64decode(r["body_base64"]), r["content_type"]) or {}
    fields = form.get("transloadit"), form.get("signature")
    return (fields[0] is not None and genuine(*fields, r["secret"])) is r["accept"]


def upload(r: Any) -> bool:
    if "metadata" in r:
        return bool(metadata(r["metadata"]) == r["header"])
    return bool(resumes(r["file"], r["tus_uploads"]) == r["resumes"])


def retried(r: Any) -> bool:
    steps = r["history"]
    outcomes = [step["outcome"] for step in steps]
    waits = all(
        wait(step["outcome"], r["guard"], number) == tuple(step["wait"])
        for number, step in enumerate(steps, 1)
        if "wait" in step
    )
    return waits and decisions(r["guard"], r["attempts"], outcomes) == [s["next"] for s in steps]


def code(r: Any) -> bool:
    """Whether the code means here what the table says."""
    if r["says"] in ("state", "failed"):
        ok, error = (r["code"], None) if r["says"] == "state" else (None, r["code"])
        return (state(ok, error) == "failed") is (r["says"] == "failed")
    body = json.dumps({"error": r["code"]})
    outcome = {"kind": "answer", "http_status": r["http_status"], "body": body}
    return bool(phase(outcome, "nonce") == r["says"])


def answer(r: Any, status: Parse, error: Parse) -> bool:
    """Whether the generated classes read it as the row says."""
    expected = r["reads_as"]
    try:
        raw = base64.b64decode(r["body_base64"]) if "body_base64" in r else r["body"].encode()
        read = error(raw.decode()) if expected["as"] == "refusal" else status(raw.decode())
    except Exception:  # whatever the generated code has for what it cannot read
        return bool(expected["as"] == "unreadable")
    if expected["as"] == "status":
        return bool(state(read.ok, read.error) == expected["state"])
    if expected["as"] == "refusal":
        texts = [v for v in (read.error, read.code) if isinstance(v, str) and v]
        return bool(next(iter(texts), None) == expected["code"])
    return not isinstance(getattr(read, "assembly_id", None), str)


def vectors(status: Parse, error: Parse) -> dict[str, bool]:
    checks: dict[str, Callable[[Any], bool]] = {
        "signing": signing,
        "encoding": encoding,
        "expires": lambda r: expires(datetime.fromisoformat(r["time"])) == r["slashes"],
        "pingbacks": pingback,
        "smart_cdn": smart_cdn_url,
        "answers": lambda r: answer(r, status, error),
        "states": lambda r: state(r["status"].get("ok"), r["status"].get("error")) == r["state"],
        "hosts": lambda r: goes_to(r["url"], r["base_url"], r.get("trusted_hosts", [])) == r["goes_to"],
        "tus": upload,
        "events": lambda r: events(r["stream"]) == r["events"],
        "retries": retried,
        "codes": code,
        "names": lambda r: file_name(json.loads(r["given"])) == r["file_name"],
    }
    held = {"faults/asked for": meets_a_fault()}
    for kind, check in checks.items():
        document = json.loads((Path(os.environ["VECTORS"]) / f"{kind}.json").read_text("utf-8"))
        for row in document["rows"]:
            held[f"{kind}/{row.get('name') or row['code']}"] = check(row)
    return held
