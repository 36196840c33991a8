"""Whether each row of the vectors holds here."""

import json
import os
from pathlib import Path
from typing import Any

from transloadit import digest, genuine, smart_cdn


def rows(kind: str) -> dict[str, Any]:
    document = json.loads((Path(os.environ["VECTORS"]) / f"{kind}.json").read_text("utf-8"))
    return {f"{kind}/{row['name']}": row for row in document["rows"]}


def vectors() -> dict[str, bool]:
    held = {}
    for name, r in rows("signing").items():
        signature = f"{r['algorithm']}:{digest(r['algorithm'], r['secret'], r['params'])}"
        held[name] = r["signature"] == signature
    for name, r in rows("encoding").items():
        text = json.dumps(json.loads(r["json"]))
        held[name] = text.isascii() and json.loads(text) == json.loads(r["text"])
    for name, r in rows("smart_cdn").items():
        parts = (r["workspace"], r["template"], r["input"], r["params"], r["auth_key"])
        held[name] = smart_cdn(*parts, r["secret"], r["exp"]) == r["url"]
    for name, r in rows("pingbacks").items():
        held[name] = genuine(r["transloadit"], r["signature"], r["secret"]) is r["accept"]
    return held
