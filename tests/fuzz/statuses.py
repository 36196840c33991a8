"""Fuzzes `AssemblyStatus`: any JSON object is a status, says how it stands, and comes back whole.

As the status in an answer too, which a table reads and not the generated class.

python tests/fuzz/statuses.py -max_total_time=600

The fuzzer's bytes choose keys and values. As text they would hardly ever be JSON: the decoder is
written in C, so no line of ours would show that one came closer.
"""

import json
import sys
from pathlib import Path
from typing import Any

import atheris
import yaml

with atheris.instrument_imports(include=["transloadit_client", "transloadit_api"]):
    from transloadit_client import AssemblyStatus
    from transloadit_client._status import as_received

SPEC = Path(__file__).parents[2] / "openapi" / "transloadit.yaml"
SCHEMAS = yaml.safe_load(SPEC.read_text("utf-8"))["components"]["schemas"]
KEYS: list[str] = sorted({key for one in SCHEMAS.values() for key in one.get("properties", {})})
DEEPEST = 5


def any_json(data: Any, depth: int = 0) -> Any:
    kind = data.ConsumeIntInRange(0, 8 if depth < DEEPEST else 5)
    if kind < 3:
        return (None, True, False)[kind]
    if kind == 3:
        return data.ConsumeInt(8)
    if kind == 4:
        return data.ConsumeFloat()
    if kind == 5:
        return data.ConsumeUnicodeNoSurrogates(data.ConsumeIntInRange(0, 24))
    if kind == 6:
        return [any_json(data, depth + 1) for _ in range(data.ConsumeIntInRange(0, 4))]
    return any_object(data, depth)


def any_object(data: Any, depth: int) -> dict[str, Any]:
    """Mostly documented keys; now and then one that nobody knows."""
    pairs = range(data.ConsumeIntInRange(0, 5))
    return {any_key(data): any_json(data, depth + 1) for _ in pairs}


def any_key(data: Any) -> str:
    number: int = data.ConsumeIntInRange(0, len(KEYS))
    if number < len(KEYS):
        return KEYS[number]
    text: str = data.ConsumeUnicodeNoSurrogates(8)
    return text


def once(raw: bytes) -> None:
    answer = any_object(atheris.FuzzedDataProvider(raw), 0)
    before = json.dumps(answer, sort_keys=True)  # as texts: NaN is not equal to itself
    status = AssemblyStatus.from_dict(answer)

    if status.busy is status.done:
        raise AssertionError("an Assembly is busy or done, and never both")
    _ = status.failed, status.files
    if repr(as_received(answer)) != repr(status):
        raise AssertionError("an answer is not read as the generated class reads it")
    for one in (status, as_received(answer)):
        if json.dumps(one.to_dict(), sort_keys=True) != before:
            raise AssertionError("a status does not give back what was received")


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
