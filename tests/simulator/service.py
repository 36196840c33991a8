"""A small model of the service: what it knows, and how it answers a request at a virtual time.

It is a model of the contract, not of the stand-in: no HTTP, no signatures to check, no Steps. What
makes calls hard to repeat is all there: nonces, ids, expiry, rate limits, statuses that are behind,
uploads with offsets and locks.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit

from attrs import Factory, define, field, frozen

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BASE = "https://api2.transloadit.com"
STATUS_LIMIT = "ASSEMBLY_STATUS_FETCHING_RATE_LIMIT_REACHED"


@frozen
class Request:
    """A request as the network carries it.

    Attributes:
        form: the text fields of a create or replay.
        files: the files of a form, by name.
        body: the bytes of an upload.
        is_whole: whether all of it arrives; if not, the connection breaks within its body.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(factory=dict)
    form: Mapping[str, str] = field(factory=dict)
    files: Mapping[str, bytes] = field(factory=dict)
    body: bytes = b""
    is_whole: bool = True


@frozen
class Reply:
    """An answer; `note` says what made it differ from the usual one."""

    http_status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(factory=dict)
    note: str = ""


@define(eq=False)
class Upload:
    """An upload by tus."""

    url: str
    metadata: dict[str, str]
    length: int | None
    content: bytearray = field(factory=bytearray)
    locked_until: float = 0.0

    @property
    def is_finished(self) -> bool:
        return self.length is not None and len(self.content) == self.length


@define(eq=False)
class Assembly:
    """An Assembly, and when what happened to it.

    Attributes:
        tag: the operation that it was created for.
        behind: seconds by which the base URL knows of it later than its own host.
        takes: seconds that it executes.
    """

    id: str
    tag: str
    host: str
    created: float
    behind: float
    takes: float
    expected: int = 0
    error: str | None = None
    uploads: list[Upload] = field(factory=list)
    files: dict[str, bytes] = field(factory=dict)
    executing: float | None = None
    canceled: float | None = None
    aborted: float | None = None

    @property
    def ended(self) -> float | None:
        """When it ends, as things stand."""
        ends = [end for end in (self.canceled, self.aborted) if end is not None]
        if self.executing is not None:
            ends.append(self.executing + self.takes)
        return min(ends, default=None)

    def outcome(self, now: float) -> dict[str, Any]:
        """The `ok` or `error` of its status at a time."""
        if self.canceled is not None and self.canceled <= now:
            return {"ok": "ASSEMBLY_CANCELED"}
        if self.aborted is not None and self.aborted <= now:
            return {"ok": "REQUEST_ABORTED"}
        if self.executing is None or now < self.executing:
            return {"ok": "ASSEMBLY_UPLOADING"}
        if now < self.executing + self.takes:
            return {"ok": "ASSEMBLY_EXECUTING"}
        return {"error": self.error} if self.error else {"ok": "ASSEMBLY_COMPLETED"}


@define(kw_only=True)
class Manners:
    """How the service does what the contract leaves open, and how hard it makes things.

    Attributes:
        notes_early: whether a nonce counts as used before the rate limit is looked at.
        forgets_refused: whether the nonce of a refused request may be used again.
        limited: the share of requests that meet a rate limit.
        behind: the seconds by which the base URL may know of an Assembly later.
        checksums, bodies: what its server of uploads can do.
        locks: seconds for which a broken connection keeps its upload locked, at most.
    """

    notes_early: bool = True
    forgets_refused: bool = False
    limited: float = 0.0
    behind: float = 0.0
    checksums: bool = False
    bodies: bool = False
    locks: float = 0.0


@define(eq=False)
class Service:
    """The service.

    Attributes:
        now: its clock, in seconds since `EPOCH`.
        draw: its dice.
        ran: the ids of the Assemblies that were executed, by what they were created for.
        notified: how often a Notification was replayed, by what for.
    """

    now: Callable[[], float]
    draw: Random
    manners: Manners
    assemblies: dict[str, Assembly] = field(factory=dict)
    uploads: dict[str, Upload] = field(factory=dict)
    ran: dict[str, list[str]] = field(factory=lambda: defaultdict(list))
    notified: dict[str, list[str]] = field(factory=lambda: defaultdict(list))
    _used: set[str] = field(factory=set)
    _numbers: int = 0
    _owners: dict[str, Assembly] = field(default=Factory(dict))

    def handle(self, request: Request) -> Reply:
        """Carries out a request, now."""
        url = urlsplit(request.url)
        if url.path.startswith("/resumable/"):
            return self._tus(request)
        path = url.path.strip("/").split("/")
        match request.method, path:
            case "GET", ["assemblies", name]:
                return self._status(name, on_host=bool(url.netloc))
            case "DELETE", ["assemblies", name]:
                return self._cancel(name)
            case "POST", ["assemblies", *name]:
                if len(name) == 2:
                    return self._signed(request, lambda params: self._replay(name[0], params))
                own = name[0] if name else None
                return self._signed(request, lambda params: self._create(own, params, request))
            case "POST", ["assembly_notifications", name, "replay"]:
                return self._signed(request, lambda params: self._notify(name, params))
        raise AssertionError(request)

    def begun(self, tag: str, *, expected: int = 0, takes: float = 0.0) -> Assembly:
        """A new Assembly: one that awaits uploads, or one that executes."""
        assembly = self._new(self._number(), tag, takes=takes)
        assembly.expected = expected
        if not expected:
            self._execute(assembly)
        return assembly

    def status_of(self, assembly: Assembly, now: float | None = None) -> dict[str, Any]:
        """The status of an Assembly, as it was at a time."""
        url = f"https://{assembly.host}"
        status: dict[str, Any] = {
            **assembly.outcome(self.now() if now is None else now),
            "assembly_id": assembly.id,
            "assembly_ssl_url": f"{url}/assemblies/{assembly.id}",
            "update_stream_url": f"{url}/ws20?assembly={assembly.id}",
        }
        if assembly.expected:
            status["tus_url"] = f"{url}/resumable/files/"
            status["expected_tus_uploads"] = assembly.expected
            status["tus_uploads"] = [_told(upload) for upload in assembly.uploads]
        return status

    def _number(self) -> str:
        self._numbers += 1
        return f"{self._numbers:032x}"

    def _new(self, name: str, tag: str, *, takes: float) -> Assembly:
        behind = self.draw.uniform(0.0, self.manners.behind)
        host = self.draw.choice(("api2-a.transloadit.com", "api2-b.transloadit.com"))
        assembly = Assembly(name, tag, host, self.now(), behind, takes)
        self.assemblies[name] = assembly
        return assembly

    def _execute(self, assembly: Assembly) -> None:
        assembly.executing = self.now()
        key = next(iter(assembly.files), "") if assembly.tag.startswith("map") else ""
        self.ran[key or assembly.tag].append(assembly.id)

    def _signed(self, request: Request, do: Callable[[dict[str, Any]], Reply]) -> Reply:
        """Does what was asked, if the request may come in: it is signed for now, and for once."""
        if not request.is_whole and not request.files:
            return Reply(400)  # the form broke off, and nobody reads this
        params: dict[str, Any] = json.loads(request.form["params"])
        auth = params.get("auth", {})  # a bearer token takes its place
        nonce, expires = auth.get("nonce"), auth.get("expires")
        if expires is not None:
            then = datetime.strptime(expires, "%Y/%m/%d %H:%M:%S%z")
            if then < EPOCH + timedelta(seconds=self.now()):
                return self._refused("AUTH_EXPIRED", note="expired")
        if nonce in self._used:
            return self._refused("SIGNATURE_REUSE_DETECTED")
        if nonce is not None and self.manners.notes_early:
            self._used.add(nonce)
        reply = self._limit("RATE_LIMIT_REACHED") or do(params)
        if nonce is not None and reply.http_status < 300:
            self._used.add(nonce)
        elif self.manners.forgets_refused:
            self._used.discard(nonce or "")
        return reply

    def _limit(self, code: str) -> Reply | None:
        if self.draw.random() >= self.manners.limited:
            return None
        wait = round(self.draw.uniform(0.0, 1.0), 2)
        return _json(429, {"error": code, "info": {"retryIn": wait}}, note="limited")

    def _refused(self, code: str, http_status: int = 400, note: str = "") -> Reply:
        date = format_datetime(EPOCH + timedelta(seconds=self.now()), usegmt=True)
        return _json(http_status, {"error": code}, {"Date": date}, note or code)

    def _create(self, own: str | None, params: dict[str, Any], request: Request) -> Reply:
        if own in self.assemblies:
            return self._refused("DO_NOT_REUSE_ASSEMBLY_IDS")
        tag = str(params["fields"]["op"])
        assembly = self._new(own or self._number(), tag, takes=self.draw.uniform(0.0, 4.0))
        assembly.expected = int(request.form.get("num_expected_upload_files") or 0)
        assembly.files = dict(request.files)
        if not request.is_whole:
            assembly.aborted = self.now() + self.draw.uniform(0.0, 3.0)
        elif not assembly.expected:
            self._execute(assembly)
        return _json(200, self.status_of(assembly))

    def _replay(self, name: str, params: dict[str, Any]) -> Reply:
        if name not in self.assemblies:
            return self._refused("ASSEMBLY_NOT_FOUND", 404)
        again = self._new(self._number(), str(params["fields"]["op"]), takes=1.0)
        self._execute(again)
        return _json(200, {**self.status_of(again), "ok": "ASSEMBLY_REPLAYING"})

    def _notify(self, name: str, params: dict[str, Any]) -> Reply:
        notification = self._number()
        self.notified[str(params["notify_url"]).rpartition("=")[2]].append(notification)
        said = {"ok": "ASSEMBLY_NOTIFICATION_REPLAYED", "notification_id": notification}
        return _json(200, {**said, "assembly_id": name})

    def _status(self, name: str, *, on_host: bool) -> Reply:
        limit = self._limit(STATUS_LIMIT)
        if limit is not None:
            return limit
        assembly = self.assemblies.get(name)
        seen = self.now() - (0.0 if on_host or assembly is None else assembly.behind)
        if assembly is None or seen < assembly.created:
            return self._refused("ASSEMBLY_NOT_FOUND", 404, "behind" if assembly else "")
        return _json(200, self.status_of(assembly, seen))

    def _cancel(self, name: str) -> Reply:
        assembly = self.assemblies.get(name)
        if assembly is None:
            return self._refused("ASSEMBLY_NOT_FOUND", 404)
        before = self.status_of(assembly)
        if assembly.ended is None or assembly.ended > self.now():
            assembly.canceled = self.now()
        # A cancel is accepted before it is done, so its answer may be the status before it.
        is_behind = self.draw.random() < self.manners.behind
        return _json(200, before if is_behind else self.status_of(assembly))

    def _tus(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            able = ["creation", "checksum"] if self.manners.checksums else ["creation"]
            able += ["creation-with-upload"] if self.manners.bodies else []
            headers = {"Tus-Extension": ",".join(able), "Tus-Checksum-Algorithm": "md5,sha1"}
            return Reply(204, headers=headers)
        if request.method == "POST":
            return self._begin(request)
        upload = self.uploads[request.url]
        if self.now() < upload.locked_until:
            return Reply(423, b"locked", note="locked")
        if request.method == "PATCH" and self._owners[request.url].executing is not None:
            return Reply(410, b"the Assembly takes no more", note="too late")
        if request.method == "PATCH":
            return self._append(upload, request)
        length = {} if upload.length is None else {"Upload-Length": str(upload.length)}
        return Reply(200, headers={"Upload-Offset": str(len(upload.content)), **length})

    def _begin(self, request: Request) -> Reply:
        pairs = (pair.partition(" ") for pair in request.headers["Upload-Metadata"].split(","))
        metadata = {key: b64decode(value).decode() for key, _, value in pairs}
        assembly = self.assemblies[metadata["assembly_url"].rpartition("/")[2]]
        if assembly.executing is not None:
            return Reply(400, b"the Assembly takes no more files", note="too late")
        length = request.headers.get("Upload-Length")
        url = f"https://{assembly.host}/resumable/files/{self._number()}"
        upload = Upload(url, metadata, None if length is None else int(length))
        self.uploads[url] = upload
        self._owners[url] = assembly
        assembly.uploads.append(upload)
        upload.content += request.body
        self._arrived(upload)
        offset = {"Upload-Offset": str(len(upload.content))} if request.body else {}
        return Reply(201, headers={"Location": url, **offset})

    def _append(self, upload: Upload, request: Request) -> Reply:
        if int(request.headers["Upload-Offset"]) != len(upload.content):
            return Reply(409, b"ERR_MISMATCHED_OFFSET", note="mismatch")
        checksum = request.headers.get("Upload-Checksum")
        digest = b64encode(hashlib.sha1(request.body).digest()).decode()
        if checksum is not None and checksum != f"sha1 {digest}":
            return Reply(460, note="checksum")
        if "Upload-Length" in request.headers:
            upload.length = int(request.headers["Upload-Length"])
        upload.content += request.body
        if not request.is_whole:
            upload.locked_until = self.now() + self.draw.uniform(0.0, self.manners.locks)
        self._arrived(upload)
        return Reply(204, headers={"Upload-Offset": str(len(upload.content))})

    def _arrived(self, upload: Upload) -> None:
        """Executes the Assembly once it has as many files as it awaits."""
        assembly = self._owners[upload.url]
        finished = [one for one in assembly.uploads if one.is_finished]
        if assembly.ended is None and len(finished) >= assembly.expected:
            assembly.files = {one.metadata["filename"]: bytes(one.content) for one in finished}
            self._execute(assembly)


def _json(
    http_status: int,
    said: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
    note: str = "",
) -> Reply:
    return Reply(http_status, json.dumps(said).encode(), headers or {}, note)


def _told(upload: Upload) -> dict[str, Any]:
    metadata = dict(upload.metadata)
    return {
        "fieldname": metadata.pop("fieldname"),
        "filename": metadata.pop("filename"),
        "user_meta": metadata,
        "size": upload.length,
        "offset": len(upload.content),
        "finished": upload.is_finished,
        "upload_url": upload.url,
    }
