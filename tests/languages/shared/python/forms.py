"""Reads the form of a Pingback: what two servers could read differently is refused, not guessed."""

import re
from urllib.parse import unquote_to_bytes

KIND = re.compile(r"([\w/-]+) *(?:; *(\w+)=(?:\"([^\"\\]{1,70})\"|([^\s\";]{1,70})))? *")
FIELD = re.compile(
    rb"form-data; *name=(?:\"([^\"\\]*)\"|([\w.-]+))(; *filename=\"[^\"\\]*\")? *", re.IGNORECASE
)
MOST = 100


def read_form(body: bytes, content_type: str | None) -> dict[str, str] | None:
    """The fields of a form, decoded; None: it is none, or can be read in two ways."""
    kind = KIND.fullmatch((content_type or "").strip())
    if kind is None:
        return None
    names = kind[1].lower(), (kind[2] or "").lower()
    option = kind[3] or kind[4] or ""
    try:
        if names[0] == "application/x-www-form-urlencoded" and names[1] in ("", "charset"):
            return urlencoded(body, option)
        return multipart(body, option) if names == ("multipart/form-data", "boundary") else None
    except ValueError:
        return None


def text(content: bytes, charset: str) -> str:
    if charset.lower() not in ("", "utf-8", "utf8") and not content.isascii():
        raise ValueError("another charset")
    return content.decode()


def keep(form: dict[str, str], name: bytes, value: str) -> None:
    known = name.decode()
    if known in ("transloadit", "signature") and known in form:
        raise ValueError("a field is there twice")
    form[known] = value


def urlencoded(body: bytes, charset: str) -> dict[str, str]:
    pairs = body.replace(b"+", b" ").split(b"&")
    if len(pairs) > MOST:
        raise ValueError("too many fields")
    form: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        keep(form, unquote_to_bytes(name), text(unquote_to_bytes(value), charset))
    return form


def multipart(body: bytes, boundary: str) -> dict[str, str]:
    delimiter = b"\r\n--" + boundary.encode()
    before, *parts = (b"\r\n" + body).split(delimiter)
    ends = [number for number, part in enumerate(parts) if part.startswith(b"--")]
    if before or not ends or ends[0] > MOST:
        raise ValueError("no whole form")
    form: dict[str, str] = {}
    for part in parts[: ends[0]]:
        head, found, content = part.partition(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        headers = {name.lower(): value.strip() for name, _, value in lines}
        field = FIELD.fullmatch(headers.get(b"content-disposition", b""))
        encoding = headers.get(b"content-transfer-encoding", b"binary").lower()
        charset = headers.get(b"content-type", b"").lower().partition(b"charset=")[2].strip(b'"')
        if not (found and head.startswith(b"\r\n") and field) or len(lines) > min(len(headers), 8):
            raise ValueError("headers that not all read alike")
        # A part ends at CR LF and the boundary; some also end it where one of the two is missing.
        halves = (b"\n" + content).replace(b"\r", b"\n")
        if encoding not in (b"7bit", b"8bit", b"binary") or delimiter[1:] in halves:
            raise ValueError("a content that not all read alike")
        name = field[1] if field[2] is None else field[2]
        if field[3] is None:
            keep(form, name, text(content, charset.decode()))
        elif name in (b"transloadit", b"signature"):
            raise ValueError("a file in the place of a text")
    return form
