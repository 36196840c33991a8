"""Fuzzes `AssemblyStatus`: any JSON object is a status, says how it stands, and comes back whole.

python tests/fuzz/statuses.py -max_total_time=600
"""

import json
import sys

import atheris

with atheris.instrument_imports(
    include=["transloadit_client", "transloadit_api", "python_multipart"]
):
    from transloadit_client import AssemblyStatus


def once(data: bytes) -> None:
    try:
        answer = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return
    if not isinstance(answer, dict):
        return
    before = json.dumps(answer, sort_keys=True)  # as texts: NaN is not equal to itself
    status = AssemblyStatus.from_dict(answer)

    if status.busy is status.done:
        raise AssertionError("an Assembly is busy or done, and never both")
    _ = status.failed, status.files, repr(status)
    if json.dumps(status.to_dict(), sort_keys=True) != before:
        raise AssertionError("a status does not give back what was received")


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
