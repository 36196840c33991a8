import json
import os
from pathlib import Path
from typing import Any

from api import (
    ApiClient,
    AssembliesApi,
    AssemblyError,
    AssemblyNotificationsApi,
    AssemblyStatus,
    Configuration,
)
from api.exceptions import BadRequestException
from transloadit import sign
from vectors import vectors

client = ApiClient(Configuration(host=os.environ["TRANSLOADIT_ENDPOINT"]))
assemblies, notifications = AssembliesApi(client), AssemblyNotificationsApi(client)
crashed = os.environ["CRASHED_ASSEMBLY"]
signed: list[tuple[str, str]] = []


def ready(params: dict[str, Any]) -> tuple[str, str]:
    signed.append(sign(params, os.environ["TRANSLOADIT_KEY"], os.environ["TRANSLOADIT_SECRET"]))
    return signed[-1]


params, signature = ready({
    "template_id": "resize-to-fit",
    "fields": {"caption": "Grüße, 日本 🎄"},
})  # fmt: skip
one, two = (Path(name).read_bytes() for name in ("one.txt", "two.txt"))
created = assemblies.create_assembly(params, signature, files=[("one.txt", one), ("two.txt", two)])
assert created.assembly_id is not None
status = assemblies.get_assembly(created.assembly_id)
cancelled = assemblies.cancel_assembly(created.assembly_id)
replayed = assemblies.replay_assembly(crashed, *ready({"reparse_template": 0}))
notified = notifications.replay_assembly_notification(crashed, *ready({}))
try:
    assemblies.replay_assembly(created.assembly_id, *ready({"reparse_template": 0}))
except BadRequestException as refused:
    error = refused.data and refused.data.error

print(json.dumps({
    "assembly_id": created.assembly_id, "created": created.ok, "status": status.ok,
    "uploads": [file.name for file in status.uploads or [] if file is not None],
    "cancelled": cancelled.ok, "replayed": replayed.assembly_id, "notified": notified.ok,
    "error": error, "signed": signed, "vectors": vectors(AssemblyStatus.from_json, AssemblyError.from_json),
}))  # fmt: skip
