"""The generated package alone, without transloadit_client, which corrects what it does on the wire."""

import json
import os
from pathlib import Path
from typing import Any

from api import Client
from api.api.assemblies import cancel_assembly, create_assembly, get_assembly, replay_assembly
from api.api.assembly_notifications import replay_assembly_notification
from api.models import (
    AssemblyError,
    AssemblyFile,
    AssemblyStatus,
    CreateAssemblyForm,
    ReplayAssemblyForm,
    ReplayAssemblyNotificationForm,
    ReplayAssemblyNotificationResult,
    ReplayAssemblyResult,
)
from api.types import File
from transloadit import sign
from vectors import vectors

client = Client(base_url=os.environ["TRANSLOADIT_ENDPOINT"])
crashed = os.environ["CRASHED_ASSEMBLY"]
signed: list[tuple[str, str]] = []


def ready(params: dict[str, Any]) -> tuple[str, str]:
    signed.append(sign(params, os.environ["TRANSLOADIT_KEY"], os.environ["TRANSLOADIT_SECRET"]))
    return signed[-1]


params, signature = ready({
    "template_id": "resize-to-fit",
    "fields": {"caption": "Grüße, 日本 🎄"},
})  # fmt: skip
files = [File(Path(name).open("rb"), name, "text/plain") for name in ("one.txt", "two.txt")]
created = create_assembly.sync(
    client=client, body=CreateAssemblyForm(params, signature, files=files)
)
assert isinstance(created, AssemblyStatus) and isinstance(created.assembly_id, str), created
status = get_assembly.sync(created.assembly_id, client=client)
assert isinstance(status, AssemblyStatus) and isinstance(status.uploads, list)
uploads = [file.name for file in status.uploads if isinstance(file, AssemblyFile)]
cancelled = cancel_assembly.sync(created.assembly_id, client=client)
assert isinstance(cancelled, AssemblyStatus)
form = ReplayAssemblyForm(*ready({"reparse_template": 0}))
replayed = replay_assembly.sync(crashed, client=client, body=form)
assert isinstance(replayed, ReplayAssemblyResult)
again = ReplayAssemblyNotificationForm(*ready({}))
notified = replay_assembly_notification.sync(crashed, client=client, body=again)
assert isinstance(notified, ReplayAssemblyNotificationResult)
form = ReplayAssemblyForm(*ready({"reparse_template": 0}))
refused = replay_assembly.sync(created.assembly_id, client=client, body=form)
assert isinstance(refused, AssemblyError)

print(json.dumps({
    "assembly_id": created.assembly_id, "created": created.ok, "status": status.ok,
    "uploads": uploads, "cancelled": cancelled.ok, "replayed": replayed.assembly_id,
    "notified": notified.ok, "error": refused.error, "signed": signed,
    "vectors": vectors(
        lambda text: AssemblyStatus.from_dict(json.loads(text)),
        lambda text: AssemblyError.from_dict(json.loads(text)),
    ),
}))  # fmt: skip
