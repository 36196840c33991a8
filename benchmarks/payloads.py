"""What all contestants send and receive: one payload, in the shapes that the service uses."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha384
from hmac import new
from secrets import token_hex
from typing import Any

KEY, SECRET = "benchmark_key", "benchmark_secret"
ASSEMBLY_ID = "0123456789abcdef0123456789abcdef"
STEPS = {
    ":original": {"robot": "/upload/handle"},
    "resized": {
        "robot": "/image/resize",
        "use": ":original",
        "width": 1280,
        "height": 720,
        "resize_strategy": "fit",
        "imagemagick_stack": "v3.0.1",
    },
    "stored": {
        "robot": "/s3/store",
        "use": ["resized", ":original"],
        "credentials": "our_bucket",
        "path": "${assembly.id}/${file.name}",
    },
}
FIELDS = {"title": "Straßenfest", "album": "2030"}
FILE = bytes(range(256)) * 40  # 10 KB

HEADERS = {"Transloadit-Client": "benchmark:1"}


def signed() -> dict[str, str]:
    """The form of a create request, signed anew: what every client of the API has to do."""
    expires = datetime.now(UTC) + timedelta(hours=1)
    auth = {"key": KEY, "expires": f"{expires:%Y/%m/%d %H:%M:%S+00:00}", "nonce": token_hex(16)}
    params = json.dumps({"steps": STEPS, "auth": auth}, separators=(",", ":"))
    digest = new(SECRET.encode(), params.encode(), sha384).hexdigest()
    return {"params": params, "signature": f"sha384:{digest}"}


def parts() -> list[tuple[str, tuple[None, str]]]:
    """The same as multipart, as the API's page has it and as we send it."""
    return [(name, (None, text)) for name, text in signed().items()]


def path() -> str:
    """Where to create an Assembly under an id of its own."""
    return f"/assemblies/{token_hex(16)}"


def created(data: dict[str, Any]) -> None:
    """How far every contestant reads an answer."""
    if data["ok"] != "ASSEMBLY_EXECUTING" or len(data["assembly_id"]) != 32:
        raise AssertionError(data)


def status(results: int = 0, identity: str = ASSEMBLY_ID) -> dict[str, Any]:
    """An Assembly's status with that many result files, about 1.2 KB each."""
    host = "api2-benchmark.transloadit.com"
    return {
        "ok": "ASSEMBLY_COMPLETED" if results else "ASSEMBLY_EXECUTING",
        "http_code": 200,
        "message": "The Assembly is being executed.",
        "assembly_id": identity,
        "parent_id": None,
        "account_id": "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        "account_name": "benchmark",
        "template_id": None,
        "instance": host,
        "region": "nowhere-1",
        "assembly_url": f"http://{host}/assemblies/{identity}",
        "assembly_ssl_url": f"https://{host}/assemblies/{identity}",
        "websocket_url": f"https://{host}/ws20000",
        "tus_url": f"https://{host}/resumable/files/",
        "bytes_received": 10_240,
        "bytes_expected": 10_240,
        "upload_duration": 0.25,
        "start_date": "2030/01/01 08:47:19 GMT",
        "execution_start": "2030/01/01 08:47:20 GMT",
        "execution_duration": 1.5,
        "queue_duration": 0.25,
        "jobs_queue_duration": 0,
        "bytes_usage": 20_480,
        "fields": FIELDS,
        "params": json.dumps({"auth": {"key": "bench…"}, "steps": STEPS}),
        "running_jobs": [],
        "executing_jobs": [],
        "started_jobs": ["resized:::original"],
        "warnings": [],
        "uploads": [_file(0, ":original")],
        "results": {"resized": [_file(number, "resized") for number in range(results)]},
    }


def _file(number: int, step: str) -> dict[str, Any]:
    name = f"picture-{number:05}.jpg"
    return {
        "id": f"{number:032x}",
        "name": name,
        "basename": name[:-4],
        "ext": "jpg",
        "size": 10_240 + number,
        "mime": "image/jpeg",
        "type": "image",
        "field": "files",
        "md5hash": f"{number * 7919:032x}",
        "original_id": f"{number:032x}",
        "original_basename": name[:-4],
        "original_name": name,
        "original_path": "/",
        "original_md5hash": f"{number * 104729:032x}",
        "from_batch_import": False,
        "is_tus_file": False,
        "tus_upload_url": None,
        "is_temp_url": True,
        "url": f"http://files.example.com/{step}/{ASSEMBLY_ID}/{number:032x}/{name}",
        "ssl_url": f"https://files.example.com/{step}/{ASSEMBLY_ID}/{number:032x}/{name}",
        "cost": 10_240,
        "execution_time": 0.125,
        "queue": "live",
        "queue_time": 0.5,
        "meta": {
            "width": 1280,
            "height": 720,
            "date_recorded": "2030/01/01 08:00:00 GMT",
            "date_file_modified": "2030/01/01 08:30:00 GMT",
            "aspect_ratio": 1.778,
            "colorspace": "sRGB",
            "average_color": "#808080",
            "has_clipping_path": False,
            "frame_count": 1,
            "device_vendor": "Example",
            "device_name": "Example Camera 5000",
            "orientation": None,
        },
    }
