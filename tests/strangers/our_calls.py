"""What our client sends through a gateway: every operation of the document, once or more."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx

from transloadit_client import ApiError, Transloadit

STEPS = {"resized": {"robot": "/image/resize", "use": ":original", "width": 30}}


def every_operation(client: Transloadit, create: Callable[[dict[str, Any]], Any]) -> None:
    """Calls each operation of the document once and more; `create` sends one without files."""
    files = {"a": ("a.txt", b"\x00\xff"), "b": ("b.txt", "Grüße".encode())}
    created = client.create_assembly(steps=STEPS, files=files, form_fields={"caption": "Grüße"})
    client.create_assembly(steps=STEPS, files=[b"1"], assembly_id=None)
    create({})
    create({"num_expected_upload_files": 2, "tus_num_expected_upload_files": 2})
    client.get_assembly(created)
    client.cancel_assembly(created)
    with suppress(ApiError):
        client.replay_assembly(created, notify_url="https://example.org", fields={"a": 1})
    with suppress(ApiError):
        client.replay_assembly_notification(created, wait=False)


def by_hand(client: Transloadit, http: httpx.Client, url: str) -> Callable[[dict[str, Any]], Any]:
    """Creates without files, in multipart as the document has it."""

    def create(fields: dict[str, Any]) -> None:
        form = client.sign({"steps": STEPS})
        all_fields = {"params": form.params, "signature": form.signature, **fields}
        parts = {name: (None, str(value).encode()) for name, value in all_fields.items()}
        assert http.post(f"{url}/assemblies", files=parts).status_code == 200

    return create
