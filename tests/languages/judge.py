"""Whether a driver did what it says: its report against the stand-in's ledger, byte for byte."""

from __future__ import annotations

import hmac
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from transloadit_standin import Assembly, Received

VARIABLES = {"caption": "Grüße, 日本 🎄"}
"""What each driver sends as `fields`."""
SIGNED = ("createAssembly", "replayAssembly", "replayAssemblyNotification", "replayAssembly")
CALLS = ("createAssembly", "getAssembly", "cancelAssembly", *SIGNED[1:])
"""The operations that a driver calls, in this order; the last is refused."""
VECTORS = ("signing", "encoding", "expires", "smart_cdn", "pingbacks", "answers")
"""What every driver checks."""
FURTHER = ("states", "hosts", "tus", "events", "retries", "codes", "names")
"""What a driver may check as well; all of it, or nothing."""
LEVELS = {
    "signs": ("signing", "encoding", "expires", "pingbacks"),
    "survives": ("answers", "states", "hosts", "tus", "events"),
    "exactly once": ("retries",),
}
"""How far a language conforms, each level with those before it: openapi/conformance.md."""
FAULT = "faults/asked for"
"""What every driver says of a fault that it asked the stand-in for."""
WRONG = "a wrong row, which the check has to find"


class Wrong(AssertionError):
    """A claim that does not hold."""


def expect(what: str, seen: object, right: object) -> None:
    """Both have to be equal."""
    if seen != right:
        raise Wrong(f"{what}: {seen!r}, not {right!r}")


class Case:
    """One run of a driver: what it printed, and what the stand-in saw."""

    def __init__(
        self,
        report: dict[str, Any],
        ledger: Sequence[Received],
        assemblies: Mapping[str, Assembly],
        *,
        crashed: str,
        secret: str,
        files: Mapping[str, str],
        vectors: Mapping[str, bool | None],
    ) -> None:
        self.report = report
        self.ledger = ledger
        self.assemblies = assemblies
        self.crashed = crashed
        self.secret = secret
        self.files = files
        self.vectors = vectors

    def findings(self) -> dict[str, str]:
        """What is wrong, by claim; empty is good."""
        found: dict[str, str] = {}
        for claim, check in self._claims().items():
            try:
                check()
            except (LookupError, TypeError, ValueError, AttributeError, Wrong) as error:
                found[claim] = f"{type(error).__name__}: {error}"
        return found

    def _claims(self) -> dict[str, Callable[[], None]]:
        return {
            "create": self.creates,
            "status": self.reads,
            "cancel": self.cancels,
            "replay": self.replays,
            "notification": self.notifies,
            "refusal": self.is_refused,
            "signatures": self.signs,
            "vectors": self.knows_the_vectors,
            "fault": self.meets_a_fault,
        }

    def calls(self) -> Sequence[Received]:
        """What the driver sent; exactly what it had to send."""
        calls = [request for request in self.ledger if not request.fault]
        expect("the calls", [request.operation for request in calls], [*CALLS])
        return calls

    def creates(self) -> None:
        """Two files, whole, behind the signature; non-ASCII Variables; the Assembly's id."""
        request = self.calls()[0]
        expect("HTTP status", request.status, 200)
        expect("files", {f.name: f.sha256 for f in request.files}, dict(self.files))
        assembly = self.assemblies[self.report["assembly_id"]]
        expect("Variables", assembly.variables, VARIABLES)
        expect("ok", self.report["created"], "ASSEMBLY_EXECUTING")

    def reads(self) -> None:
        """A status, read by the generated types down to its files."""
        request = self.calls()[1]
        expect("path", request.path, f"/assemblies/{self.report['assembly_id']}")
        expect("ok", self.report["status"], "ASSEMBLY_EXECUTING")
        expect("uploads", sorted(self.report["uploads"]), sorted(self.files))

    def cancels(self) -> None:
        """Without a body, and it took effect."""
        request = self.calls()[2]
        expect("body", (request.body_size, request.names), (0, []))
        expect("ok", self.report["cancelled"], "ASSEMBLY_CANCELED")
        state = self.assemblies[self.report["assembly_id"]].state
        expect("state", state, "ASSEMBLY_CANCELED")

    def replays(self) -> None:
        """The crashed one, as a new Assembly whose id was read."""
        request = self.calls()[3]
        expect("path", request.path, f"/assemblies/{self.crashed}/replay")
        expect("code", request.code, "ASSEMBLY_REPLAYING")
        parent = self.assemblies[self.report["replayed"]].parent
        expect("parent", parent and parent.id, self.crashed)

    def notifies(self) -> None:
        """The crashed one's Notification was received once more."""
        request = self.calls()[4]
        expect("path", request.path, f"/assembly_notifications/{self.crashed}/replay")
        expect("ok", self.report["notified"], "ASSEMBLY_NOTIFICATION_REPLAYED")
        sent = self.assemblies[self.crashed].notifications
        expect("delivered", [notification.delivered for notification in sent], [True, True])

    def is_refused(self) -> None:
        """A replay of what did not crash is an error, whose code the driver could read."""
        request = self.calls()[5]
        expect("path", request.path, f"/assemblies/{self.report['assembly_id']}/replay")
        expect("HTTP status", request.status, 400)
        expect("error", self.report["error"], "ASSEMBLY_CANNOT_BE_REPLAYED")

    def signs(self) -> None:
        """What was signed is what arrived, and the HMAC is that of those bytes."""
        requests = [request for request in self.ledger if request.operation in SIGNED]
        arrived = [[r.fields["params"], r.fields["signature"]] for r in requests]
        expect("signed texts", self.report["signed"], arrived)
        expect("number", len(arrived), len(SIGNED))
        for params, signature in arrived:
            digest = hmac.new(self.secret.encode(), params.encode(), "sha384").hexdigest()
            expect("signature", signature, f"sha384:{digest}")
            expect("ASCII", params.isascii(), right=True)
        expect("nonces", len({json.loads(p)["auth"]["nonce"] for p, _ in arrived}), len(SIGNED))

    def knows_the_vectors(self) -> None:
        """Every row was checked, and the wrong one of each file was found."""
        seen = {row: good for row, good in self.report["vectors"].items() if row != FAULT}
        required = {row: value for row, value in self.vectors.items() if value is not None}
        others = self.vectors.keys() - required.keys()
        wrong = [row for row in required if seen.get(row) is not required[row]]
        begun = {row.partition("/")[0] for row in seen}
        wrong = [row for row in wrong if row.partition("/")[0] in {*VECTORS, *begun}]
        expect("rows that are not as they should be", wrong, [])
        expect("more rows", sorted(seen.keys() - required.keys() - others), [])
        expect("rows beyond need", [row for row in others if seen.get(row) is False], [])

    def meets_a_fault(self) -> None:
        """It asked the admin API for a fault, and the next request met that."""
        expect("met", self.report["vectors"][FAULT], right=True)
        struck = [(one.operation, one.status) for one in self.ledger if one.fault]
        expect("struck", struck, [("getAssembly", 503)])


def spoiled(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row like this one, but wrong: a check that finds all rows good finds itself out."""
    changed: dict[str, Any] = {
        "signing": lambda: {"params": row["params"] + " "},
        "encoding": lambda: {"text": '{"wrong":true}'},
        "smart_cdn": lambda: {"exp": row["exp"] + 1},
        "pingbacks": lambda: {"accept": not row["accept"]},
        "expires": lambda: {"slashes": "2024/01/01 00:00:00+00:00", "iso": ""},
        "answers": lambda: {"reads_as": {"as": "status", "state": "neither"}},
        "states": lambda: {"state": "neither"},
        "hosts": lambda: {"goes_to": "https://example.org/"},
        "tus": lambda: {"header": "filename "},
        "events": lambda: {"events": []},
        "codes": lambda: {"code": WRONG, "says": "used"},
        "names": lambda: {"file_name": "another"},
        "retries": lambda: {
            "history": [{**row["history"][0], "next": "stop"}, *row["history"][1:]]
        },
    }
    return {**row, "name": WRONG, **changed[kind]()}


def level(held: Mapping[str, bool], refused: Collection[str] = ()) -> str:
    """The highest level all of whose rows hold; `refused` are those a generator cannot read."""
    kinds = {row.partition("/")[0] for row in held}
    broken = {
        row.partition("/")[0] for row, good in held.items() if not good and row not in refused
    }
    reached = ""
    for name, needed in LEVELS.items():
        if not {*needed} <= kinds - broken:
            break
        reached = name
    return reached


def left_out(vectors: Mapping[str, bool | None], told: Mapping[str, bool]) -> tuple[str, ...]:
    """The rows that need not hold and were not checked, of the kinds that were."""
    kinds = {row.partition("/")[0] for row in told}
    free = (row for row, good in vectors.items() if good is None and row not in told)
    return tuple(row for row in free if row.partition("/")[0] in kinds)


def prepare_vectors(
    source: Path, target: Path, refused: Collection[str] = ()
) -> dict[str, bool | None]:
    """Copy the vectors, a wrong row added to each; gives what a good check says of each row.

    None stands for a row whose values the language need not be able to hold, and False for the
    `refused` ones, which the generated code is known not to read.
    """
    target.mkdir(parents=True, exist_ok=True)
    answers: dict[str, bool | None] = {}
    for kind in (*VECTORS, *FURTHER):
        document = json.loads((source / f"{kind}.json").read_text(encoding="utf-8"))
        rows = document["rows"]
        for row in rows:
            name = f"{kind}/{row.get('name', row.get('code'))}"
            answers[name] = None if "needs" in row else name not in refused
        rows.append(spoiled(kind, rows[0]))
        answers[f"{kind}/{WRONG}"] = False
        (target / f"{kind}.json").write_text(json.dumps(document), encoding="utf-8")
    return answers


def wire_habits(creates: Sequence[Received]) -> set[str]:
    """What a generator does to a form that the spec asks it not to; a gap has to name each."""
    habits: set[str] = set()
    for request in creates:
        parts = list(part_headers(request))
        if any("filename=" not in head and "content-type:" in head for head in parts):
            habits.add("types its text fields")
        if any("filename=" in head and "content-type:" not in head for head in parts):
            habits.add("sends files without a type")
        if {*request.names[:2]} != {"params", "signature"}:
            habits.add("sends files before params")
        if {file.field_name for file in request.files} - {"files"}:
            habits.add("numbers the names of files")
    kinds = [request.headers["content-type"] for request in creates]
    if len(set(kinds)) < len([kind for kind in kinds if "boundary" in kind]):
        habits.add("repeats its boundary")
    return habits


def part_headers(request: Received) -> Iterator[str]:
    """The header lines of each part of a multipart body, in lower case."""
    found = re.search(r'boundary="?([^";]+)', request.headers["content-type"])
    if found is None:
        return
    delimiter = b"--" + found[1].encode()
    for part in request.body.split(delimiter)[1:-1]:
        yield part.partition(b"\r\n\r\n")[0].decode("latin-1").lower()
