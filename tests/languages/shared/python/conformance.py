"""What a client in any language decides: hosts, states, retries and so on, without any network."""

import base64
import json
import re
import unicodedata
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

FINAL = ("ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED")
ASSEMBLY_URL = re.compile(
    r"(https?)://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?/assemblies/([0-9A-Za-z_-]{1,128})"
)
DEVICE = re.compile(r"CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]", re.IGNORECASE)
SERVICE = re.compile(r"api2(-[a-z0-9-]+)?\.transloadit\.com")


def state(ok: object, error: object) -> str:
    if error:
        return "failed"
    return "done" if isinstance(ok, str) and ok in FINAL else "busy"


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def goes_to(url: str, base_url: str, trusted: list[str]) -> str | None:
    """Where a request about an Assembly goes whose URL this is; None: nowhere."""
    match = ASSEMBLY_URL.fullmatch(url)
    if match is None:
        return None
    scheme, host, port, assembly = match[1], match[2], match[3] or "", match[4]
    base = urlsplit(base_url)
    if not port and (SERVICE.fullmatch(host) or host in trusted):
        scheme = "https"
    elif f"{scheme}://{host}{port}" != f"{base.scheme}://{base.netloc}" and not (
        is_loopback(host) and is_loopback(base.hostname or "")
    ):
        return None
    return f"{scheme}://{host}{port}/assemblies/{assembly}"


def metadata(pairs: dict[str, str]) -> str:
    """The header Upload-Metadata."""
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())


def resumes(file: dict[str, Any], uploads: list[Any]) -> str | None:
    """The upload to go on with."""
    wanted = (file["field"], file["name"], file["size"])
    for upload in uploads:
        if isinstance(upload, dict):
            if (upload.get("fieldname"), upload.get("filename"), upload.get("size")) == wanted:
                return str(upload["upload_url"])
    return None


def events(stream: str) -> list[dict[str, str]]:
    """The events of a stream, as the WHATWG standard reads it."""
    found: list[dict[str, str]] = []
    name, data = "", []
    for line in re.split(r"\r\n|\n|\r", stream)[:-1]:
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                found.append({"event": name or "message", "data": "\n".join(data)})
            name, data = "", []
        elif key == "event":
            name = value
        elif key == "data":
            data.append(value)
    return found


def is_unsafe(character: str) -> bool:
    """Control characters, marks of direction and the like, and what Windows forbids."""
    category = unicodedata.category(character)
    hidden = category.startswith("C") or category in ("Zl", "Zp")
    return character in '<>:"/\\|?*' or (hidden and character not in "\u200c\u200d")


def file_name(given: object) -> str:
    """The name to write a file under; `file` for what has none."""
    text = unicodedata.normalize("NFC", given if isinstance(given, str) else "")
    name = "".join("_" if is_unsafe(character) else character for character in text)
    name = name.lstrip(" ").rstrip(". ")
    if not name:
        return "file"
    if name.startswith(".") or DEVICE.fullmatch(name.partition(".")[0].rstrip(" ")):
        name = f"_{name}"
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 32:
        stem, dot, suffix = name, "", ""
    while len(f"{stem}{dot}{suffix}".encode()) > 200:
        stem = stem[:-1]
    return f"{stem}{dot}{suffix}".rstrip(". ")
